package awsapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"muster/internal/awsapi/sigv4"
)

// regionName is the form of Region names; which exist is for desks to say.
var regionName = regexp.MustCompile(`\A[a-z]{2,12}(-[a-z0-9]{1,16}){1,4}\z`)

// keyName is the form of access key ids; nothing else is looked up.
var keyName = regexp.MustCompile(`\A\w{4,128}\z`)

// readSignature parses the signature, decides how to answer from what can be
// seen so far, and makes the checks that need no secret.
func (e *exchange) readSignature() error {
	sig, err := sigv4.Parse(e.r)
	if err != nil {
		e.door.guess(e, "")
		return err
	}
	e.sig = sig
	e.call.Region = e.region()
	e.door.guess(e, sig.Service)
	if err := sig.CheckScope(regionName); err != nil {
		return err
	}
	if e.door.services[sig.Service] == nil {
		return &sigv4.Error{Kind: sigv4.Mismatch, Message: "Credential should be scoped to correct service: no service of this endpoint signs as '" + e.shownService() + "'. "}
	}
	if err := sig.CheckSigned(e.r); err != nil {
		return err
	}
	return sig.CheckTime(e.now)
}

func (e *exchange) shownService() string {
	if e.service != nil && e.service.model.SigningName == e.sig.Service {
		return e.sig.Service
	}
	return fmt.Sprintf("%.64s", e.sig.Service)
}

// credential looks the key up.
func (e *exchange) credential() (Credential, error) {
	if e.sig == nil {
		return Credential{}, nil
	}
	if !keyName.MatchString(e.sig.AccessKeyID) {
		return Credential{}, errUnknownToken
	}
	c, err := e.door.config.Keys.Lookup(e.r.Context(), e.sig.AccessKeyID, e.sig.SessionToken)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return Credential{}, errUnknownToken
	case err != nil:
		return Credential{}, fmt.Errorf("looking up an access key: %w", err)
	case c.Inactive || c.Secret == "":
		return Credential{}, errUnknownToken
	}
	return c, nil
}

// verify checks the signature, then the life of the session: only who holds the
// secret learns that it has expired.
func (e *exchange) verify(c Credential) error {
	if e.sig == nil {
		return nil
	}
	if err := e.door.verifier.Verify(e.sig, e.r, e.body, c.Secret); err != nil {
		return err
	}
	if !c.ExpiresAt.IsZero() && !e.now.Before(c.ExpiresAt) {
		return errExpiredToken
	}
	e.call.Principal = c.Principal
	return nil
}

// readBody reads the body up to the configured bound.
func (e *exchange) readBody(w http.ResponseWriter) error {
	if e.r.ContentLength > e.door.config.MaxBody {
		return e.tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, e.r.Body, e.door.config.MaxBody))
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return e.tooLarge()
	}
	if err != nil {
		return &refusal{status: http.StatusBadRequest, code: e.named("IncompleteBody"), message: "The request body ended before its declared length."}
	}
	e.body = body
	return nil
}
