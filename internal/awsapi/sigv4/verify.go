package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Skew is how far the clocks of client and server may differ.
const Skew = 5 * time.Minute

// CheckScope refuses a Region that is none.
func (s *Signature) CheckScope(region *regexp.Regexp) error {
	if !region.MatchString(s.Region) {
		return &Error{Mismatch, "Credential should be scoped to a valid region, not '" + clip(s.Region) + "'."}
	}
	return nil
}

// CheckTime refuses requests signed too long ago or in the future.
func (s *Signature) CheckTime(now time.Time) error {
	now = now.UTC()
	life := Skew
	if s.Presigned {
		life = s.Expires
	}
	stamp := func(t time.Time) string { return t.Format(stampLayout) }
	if earliest := now.Add(-life); s.Time.Before(earliest.Truncate(time.Second)) {
		return &Error{Mismatch, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s)", s.Stamp, stamp(earliest), stamp(now), spell(life))}
	}
	if latest := now.Add(Skew); s.Time.After(latest) {
		return &Error{Mismatch, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s)", s.Stamp, stamp(latest), stamp(now), spell(Skew))}
	}
	return nil
}

// spell writes a life as AWS does: "5 min.".
func spell(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

// CheckSigned refuses requests whose essential headers are not signed: the host,
// and every x-amz- header, since those steer what the request does.
func (s *Signature) CheckSigned(r *http.Request) error {
	if !s.signs("host") {
		return &Error{Mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."}
	}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && !s.signs(name) && name != "x-amz-user-agent" {
			return &Error{Mismatch, "'" + clip(name) + "' must be a 'SignedHeader' in the AWS Authorization."}
		}
	}
	return nil
}

func (s *Signature) signs(header string) bool {
	_, ok := slices.BinarySearch(s.SignedHeaders, header)
	return ok
}

// Verify compares the signature with the one that the secret makes. The body's
// hash is taken from the body, whatever the client says: no operation here lets
// its payload go unsigned.
func (v *Verifier) Verify(s *Signature, r *http.Request, body []byte, secret string) error {
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	for _, claimed := range r.Header.Values("X-Amz-Content-Sha256") {
		if !strings.EqualFold(claimed, payload) {
			return wrong()
		}
	}
	canonical, err := canonicalRequest(s, r, payload)
	if err != nil {
		return err
	}
	given, err := hex.DecodeString(s.Hex)
	if err != nil || !hmac.Equal(given, v.sign(s, canonical, secret)) {
		return wrong()
	}
	return nil
}

func (v *Verifier) sign(s *Signature, canonical []byte, secret string) []byte {
	sum := sha256.Sum256(canonical)
	b := make([]byte, 0, 160)
	b = append(b, algorithm+"\n"...)
	b = append(append(b, s.Stamp...), '\n')
	b = append(b, s.Date+"/"+s.Region+"/"+s.Service+"/"+terminator+"\n"...)
	b = hex.AppendEncode(b, sum[:])
	return mac(v.key(s, secret), b)
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
