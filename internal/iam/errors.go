package iam

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

// noSuch turns a missing row into IAM's NoSuchEntity with a message.
func noSuch(err error, format string, args ...any) error {
	if errors.Is(err, store.ErrNotFound) {
		return &api.NoSuchEntityException{Message: fmt.Sprintf(format, args...)}
	}
	return err
}

func exists(format string, args ...any) error {
	return &api.EntityAlreadyExistsException{Message: fmt.Sprintf(format, args...)}
}

func quota(name string, n int) error {
	return &api.LimitExceededException{Message: fmt.Sprintf("Cannot exceed quota for %s: %d", name, n)}
}

func conflict(message string) error { return &api.DeleteConflictException{Message: message} }

func invalid(format string, args ...any) error {
	return &api.InvalidInputException{Message: fmt.Sprintf(format, args...)}
}

// invalidRequest is what IAM says about requests that no model declares an
// error for.
func invalidRequest(message string) error {
	return &awsmodel.Fault{Code: "ValidationError", Message: message, Status: 400}
}

// protected refuses changes to a service-linked role.
func protected(role string) error {
	return &api.UnmodifiableEntityException{Message: fmt.Sprintf(
		"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", role)}
}

// parsePolicy checks a document before it is stored.
func parsePolicy(text string, kind policy.Kind) (*policy.Document, error) {
	doc, err := policy.Parse(text, kind)
	if m, ok := errors.AsType[*policy.Malformed](err); ok {
		return nil, &api.MalformedPolicyDocumentException{Message: m.Message}
	}
	return doc, err
}

// policySize is a document's size as quotas count it: without white space.
func policySize(text string) int {
	n := 0
	for i := range len(text) {
		if !strings.ContainsRune(" \t\r\n", rune(text[i])) {
			n++
		}
	}
	return n
}

// encoded is how documents travel in replies: percent-encoded (RFC 3986).
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// seconds is a time as IAM shows times.
func seconds(t time.Time) time.Time { return t.Truncate(time.Second) }

// optional is a pointer to a value, or nil for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value is what a pointer points to, or the default.
func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// tooLarge refuses an inline policy beyond its holder's quota.
func tooLarge(h holder) error {
	return &api.LimitExceededException{Message: fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s %s", h.maxInline, h.kind, h.name)}
}
