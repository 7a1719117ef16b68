package desk

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/policy"
	"muster/internal/store"
)

// NoSuch turns a missing row into IAM's NoSuchEntity with a message.
func NoSuch(err error, format string, args ...any) error {
	if errors.Is(err, store.ErrNotFound) {
		return &api.NoSuchEntityException{Message: fmt.Sprintf(format, args...)}
	}
	return err
}

// Exists refuses a name that is taken.
func Exists(format string, args ...any) error {
	return &api.EntityAlreadyExistsException{Message: fmt.Sprintf(format, args...)}
}

// Quota refuses what would go beyond a quota.
func Quota(name string, n int) error {
	return &api.LimitExceededException{Message: fmt.Sprintf("Cannot exceed quota for %s: %d", name, n)}
}

// Conflict refuses to delete what is still in use.
func Conflict(message string) error { return &api.DeleteConflictException{Message: message} }

// Invalid refuses an input for what it says.
func Invalid(format string, args ...any) error {
	return &api.InvalidInputException{Message: fmt.Sprintf(format, args...)}
}

// InvalidRequest is what IAM says about requests that no model declares an
// error for.
func InvalidRequest(message string) error {
	return &awsmodel.Fault{Code: "ValidationError", Message: message, Status: 400}
}

// Protected refuses changes to a service-linked role.
func Protected(role string) error {
	return &api.UnmodifiableEntityException{Message: fmt.Sprintf(
		"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", role)}
}

// ParsePolicy checks a document before it is stored.
func ParsePolicy(text string, kind policy.Kind) (*policy.Document, error) {
	doc, err := policy.Parse(text, kind)
	if m, ok := errors.AsType[*policy.Malformed](err); ok {
		return nil, &api.MalformedPolicyDocumentException{Message: m.Message}
	}
	return doc, err
}

// PolicySize is a document's size as quotas count it: without white space.
func PolicySize(text string) int {
	n := 0
	for i := range len(text) {
		if !strings.ContainsRune(" \t\r\n", rune(text[i])) {
			n++
		}
	}
	return n
}

// Encoded is how documents travel in replies: percent-encoded (RFC 3986).
func Encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// Seconds is a time as IAM shows times.
func Seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// Optional is a pointer to a value, or nil for the zero value.
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Value is what a pointer points to, or the default.
func Value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
