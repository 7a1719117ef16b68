package agentwire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Scheme is the authentication scheme of the Authorization header:
//
//	Authorization: Muster-Agent host=i-…,ts=1767225600,seq=42,sig=base64url
const Scheme = "Muster-Agent"

// NewHost stands for the host id in the signature of an EnrollRequest.
const NewHost HostID = "new"

// MaxSkew is how far the agent's clock and the server's may differ.
const MaxSkew = 5 * time.Minute

// Refusals of Verify; wrapped with particulars.
var (
	// ErrMalformed: the header is absent or not of the scheme.
	ErrMalformed = errors.New("malformed Muster-Agent authorization")
	// ErrSkew: the signature is too old or from the future.
	ErrSkew = errors.New("clock skew")
	// ErrSignature: the key did not sign this request.
	ErrSignature = errors.New("signature does not match")
)

// Signature is the parsed Authorization header of an agent's request.
type Signature struct {
	Host HostID
	// Time is when the agent signed, in whole seconds.
	Time time.Time
	// Sequence rises with every request of a host. The server remembers the
	// highest one accepted and refuses all up to it: a copied request is
	// worthless.
	Sequence int64

	sig []byte
}

// Sign sets the Authorization header of r, whose body (as sent, compressed or
// not) is body. The signature covers method, path, host, time, sequence and
// body. The signed path is apiPath (PathEnroll, PathReport) rather than r's,
// because a server may sit behind a prefix that a proxy strips.
func Sign(r *http.Request, apiPath string, body []byte, host HostID, seq int64, key ed25519.PrivateKey, now time.Time) {
	s := Signature{Host: host, Time: now.Truncate(time.Second), Sequence: seq}
	s.sig = ed25519.Sign(key, s.message(r.Method, apiPath, body))
	r.Header.Set("Authorization", s.String())
}

// String is the header's value.
func (s Signature) String() string {
	return fmt.Sprintf("%s host=%s,ts=%d,seq=%d,sig=%s", Scheme, s.Host, s.Time.Unix(), s.Sequence,
		base64.RawURLEncoding.EncodeToString(s.sig))
}

// ParseSignature reads an Authorization header. It proves nothing; the caller
// looks up the key of Host and calls Verify.
func ParseSignature(header string) (Signature, error) {
	params, ok := strings.CutPrefix(header, Scheme+" ")
	if !ok {
		return Signature{}, fmt.Errorf("%w: want scheme %s", ErrMalformed, Scheme)
	}
	fields := strings.Split(params, ",")
	if len(fields) != 4 {
		return Signature{}, fmt.Errorf("%w: want host, ts, seq and sig", ErrMalformed)
	}
	var values [4]string
	for i, name := range []string{"host", "ts", "seq", "sig"} {
		value, ok := strings.CutPrefix(fields[i], name+"=")
		if !ok {
			return Signature{}, fmt.Errorf("%w: want host, ts, seq and sig in this order", ErrMalformed)
		}
		values[i] = value
	}
	return parseFields(values)
}

func parseFields(values [4]string) (Signature, error) {
	host := HostID(values[0])
	if host != NewHost {
		if _, err := ParseHostID(values[0]); err != nil {
			return Signature{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	ts, err := parseDecimal(values[1])
	if err != nil {
		return Signature{}, fmt.Errorf("%w: ts: %w", ErrMalformed, err)
	}
	seq, err := parseDecimal(values[2])
	if err != nil {
		return Signature{}, fmt.Errorf("%w: seq: %w", ErrMalformed, err)
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(values[3])
	if err != nil || len(sig) != ed25519.SignatureSize {
		return Signature{}, fmt.Errorf("%w: sig: want %d bytes in base64url", ErrMalformed, ed25519.SignatureSize)
	}
	return Signature{Host: host, Time: time.Unix(ts, 0).UTC(), Sequence: seq, sig: sig}, nil
}

// parseDecimal accepts exactly what strconv.FormatInt writes for numbers from
// 0, so that every signature has one spelling only.
func parseDecimal(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%q is no decimal number", clip(s))
	}
	return n, nil
}

// Verify proves that the holder of key's private half signed this request
// within MaxSkew of now. path is the request's path below the server's
// address, body as received. It does not judge Sequence.
func (s Signature) Verify(method, path string, body []byte, key ed25519.PublicKey, now time.Time) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: no usable public key", ErrSignature)
	}
	if !ed25519.Verify(key, s.message(method, path, body), s.sig) {
		return ErrSignature
	}
	// The skew is judged last: only the true host learns of its clock.
	if d := now.Sub(s.Time); d > MaxSkew || d < -MaxSkew {
		return fmt.Errorf("%w: signed at %s, it is %s", ErrSkew, s.Time.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// message is what is signed. No field can contain a newline, so the message
// is unambiguous.
func (s Signature) message(method, path string, body []byte) []byte {
	sum := sha256.Sum256(body)
	return []byte(strings.Join([]string{
		"MUSTER-AGENT-ED25519", method, path, string(s.Host),
		strconv.FormatInt(s.Time.Unix(), 10), strconv.FormatInt(s.Sequence, 10), hex.EncodeToString(sum[:]),
	}, "\n"))
}
