package agentapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"muster/internal/agentwire"
	"muster/internal/fleet"
)

// enroll answers POST /agent/v1/enroll. Failures are counted by remote
// address, because an activation code is the one secret that could be tried.
func (d *Door) enroll(w http.ResponseWriter, r *http.Request) (any, error) {
	remote := remoteOf(r.RemoteAddr)
	if !d.failures.allowed(remote, d.opts.Now()) {
		return nil, refusal(agentwire.CodeUnavailable, "Too many enrolments failed from this address; try again later.")
	}
	answer, err := d.tryEnroll(w, r)
	if _, refused := errors.AsType[*fleet.Refusal](err); refused {
		d.failures.failed(remote, d.opts.Now())
	}
	return answer, err
}

func (d *Door) tryEnroll(w http.ResponseWriter, r *http.Request) (any, error) {
	sig, err := signature(r)
	if err != nil {
		return nil, err
	}
	body, err := read(w, r, agentwire.MaxEnrollBody)
	if err != nil {
		return nil, err
	}
	plain, err := agentwire.OpenBody(body, r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, badRequest(err)
	}
	// The bound on the wire is not one on what gzip makes of it.
	in, err := decodeEnroll(io.LimitReader(plain, agentwire.MaxEnrollBody+1))
	if err != nil {
		return nil, badRequest(err)
	}
	return d.desk.Enrol(r.Context(), signed(r, sig, body), in, d.opts.Now())
}

func decodeEnroll(body io.Reader) (*agentwire.EnrollRequest, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if len(text) > agentwire.MaxEnrollBody {
		return nil, fmt.Errorf("%w: an enrolment has at most %d bytes", agentwire.ErrTooLarge, agentwire.MaxEnrollBody)
	}
	in := &agentwire.EnrollRequest{}
	if err := json.Unmarshal(text, in); err != nil {
		return nil, fmt.Errorf("enrolment: %w", err)
	}
	return in, nil
}

// report answers POST /agent/v1/report.
func (d *Door) report(w http.ResponseWriter, r *http.Request) (any, error) {
	sig, err := signature(r)
	if err != nil {
		return nil, err
	}
	host, err := d.desk.Find(r.Context(), sig)
	if err != nil {
		return nil, err
	}
	leave, err := d.reports.Enter(r.Context(), string(host.Account))
	if err != nil {
		return nil, err
	}
	defer leave()
	body, err := read(w, r, agentwire.MaxCompressed)
	if err != nil {
		return nil, err
	}
	if err := d.desk.Authenticate(host, signed(r, sig, body), d.opts.Now()); err != nil {
		return nil, err
	}
	plain, err := agentwire.OpenBody(body, r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, badRequest(err)
	}
	report, err := agentwire.DecodeReport(fullReader{plain}, d.opts.Limits)
	if err != nil {
		return nil, badRequest(err)
	}
	if err := report.SignedBy(sig); err != nil {
		return nil, refusal(agentwire.CodeBadSignature, err.Error())
	}
	return d.desk.AcceptReport(r.Context(), host, report, d.opts.Now())
}

// key answers POST /agent/v1/key.
func (d *Door) key(w http.ResponseWriter, r *http.Request) (any, error) {
	sig, err := signature(r)
	if err != nil {
		return nil, err
	}
	host, err := d.desk.Find(r.Context(), sig)
	if err != nil {
		return nil, err
	}
	body, err := read(w, r, agentwire.MaxEnrollBody)
	if err != nil {
		return nil, err
	}
	if err := d.desk.Authenticate(host, signed(r, sig, body), d.opts.Now()); err != nil {
		return nil, err
	}
	in := &agentwire.KeyRequest{}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" {
		return nil, refusal(agentwire.CodeBadRequest, "A request this small is not compressed.")
	}
	if err := json.Unmarshal(body, in); err != nil {
		return nil, refusal(agentwire.CodeBadRequest, "key: "+err.Error())
	}
	return d.desk.ReplaceKey(r.Context(), host, sig, in, d.opts.Now())
}

func signed(r *http.Request, sig agentwire.Signature, body []byte) fleet.Signed {
	return fleet.Signed{Signature: sig, Method: r.Method, Path: r.URL.Path, Body: body}
}

// badRequest is for what agentwire's decoders refuse.
func badRequest(err error) error {
	if errors.Is(err, agentwire.ErrTooLarge) {
		return refusal(agentwire.CodeTooLarge, err.Error())
	}
	return refusal(agentwire.CodeBadRequest, err.Error())
}

func tooLarge(limit int64) error {
	return refusal(agentwire.CodeTooLarge, fmt.Sprintf("The body has more than %d bytes.", limit))
}

// fullReader fills the buffers it is given. json.Decoder looks at white space
// again from its beginning after every read, so many small reads of a large
// body of spaces, as gzip makes them, would take minutes.
type fullReader struct{ r io.Reader }

func (f fullReader) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = f.r.Read(p[n:])
		n += m
	}
	return n, err
}
