package sigv4

// Kind says why a signature is refused; every protocol has a code for each.
type Kind int

// The kinds of refusals.
const (
	// Missing: the request is not signed.
	Missing Kind = iota
	// Incomplete: the signature is malformed or lacks a part.
	Incomplete
	// Mismatch: wrong signature, scope or clock.
	Mismatch
)

// Error is a refusal with AWS's text.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return e.Message }

func incomplete(message string) *Error { return &Error{Incomplete, message} }

// wrong is AWS's text for a signature that does not verify.
func wrong() *Error {
	return &Error{Mismatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
}
