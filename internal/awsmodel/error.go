package awsmodel

// Error is what every exception of a service model implements, so that the
// protocol layer can put it on the wire without knowing the service.
type Error interface {
	error
	// ErrorCode is the code on the wire, such as "ValidationException".
	ErrorCode() string
	// HTTPStatus is the response status, such as 400.
	HTTPStatus() int
}

// Fault is an error that no model declares but every service can send:
// authentication, authorization, throttling, protocol errors.
type Fault struct {
	Code    string
	Message string
	Status  int
	// RetryAfter is when the client should come again, in seconds, sent as a
	// header; 0 says nothing.
	RetryAfter int
}

func (f *Fault) Error() string     { return f.Code + ": " + f.Message }
func (f *Fault) ErrorCode() string { return f.Code }
func (f *Fault) HTTPStatus() int   { return f.Status }
