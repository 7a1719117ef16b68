package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// drawRequest is a request as any client might make it: paths with escapes,
// query strings, headers with odd spaces and several values, bodies.
func drawRequest(t *rapid.T) (*http.Request, []byte) {
	segment := rapid.StringMatching(`[a-zA-Z0-9:/ +~%=é_-]{1,12}`)
	var path strings.Builder
	for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "path") {
		path.WriteString("/" + url.PathEscape(s))
	}
	if path.Len() == 0 {
		path.WriteByte('/')
	}
	query := url.Values{}
	for _, k := range rapid.SliceOfN(rapid.StringMatching(`[a-zA-Z.0-9 +é]{1,8}`), 0, 4).Draw(t, "query") {
		query[k] = rapid.SliceOfN(rapid.StringN(0, 8, 20), 1, 3).Draw(t, "values")
	}
	body := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "body")
	raw := "http://muster.example:8080" + path.String()
	if len(query) > 0 {
		raw += "?" + query.Encode()
	}
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "DELETE"}).Draw(t, "method"), raw, bytes.NewReader(body))
	if err != nil {
		t.Skip(err)
	}
	for _, h := range rapid.SliceOfN(rapid.SampledFrom([]string{"Content-Type", "X-Amz-Target", "X-Custom", "Accept"}), 0, 3).Draw(t, "headers") {
		r.Header.Add(h, rapid.StringMatching(`[a-zA-Z0-9;=]([ a-zA-Z0-9;=,]{0,12}[a-zA-Z0-9;=])?`).Draw(t, "header"))
	}
	return r, body
}

// served is the request as a server reads it.
func served(t *rapid.T, r *http.Request, body []byte) *http.Request {
	var wire bytes.Buffer
	r.Body = http.NoBody
	if len(body) > 0 {
		out := r.Clone(context.Background())
		out.Body = readCloser{bytes.NewReader(body)}
		r = out
	}
	if err := r.Write(&wire); err != nil {
		t.Skip(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Skip(err)
	}
	return got
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// TestSDKSignaturesVerify signs random requests with the AWS SDK's signer, in
// the header and presigned, verifies them, and refuses them once a byte of the
// body, the path or a signed header has changed or the secret is another.
func TestSDKSignaturesVerify(t *testing.T) {
	verifier := NewVerifier(8)
	rapid.Check(t, func(t *rapid.T) {
		r, body := drawRequest(t)
		creds := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: rapid.StringN(1, 40, -1).Draw(t, "secret"), SessionToken: rapid.SampledFrom([]string{"", "tok/en+=="}).Draw(t, "token")}
		now := time.Unix(rapid.Int64Range(1_500_000_000, 2_500_000_000).Draw(t, "now"), 0).UTC()
		signer := v4.NewSigner()
		if rapid.Bool().Draw(t, "presigned") {
			q := r.URL.Query()
			q.Set("X-Amz-Expires", "600")
			r.URL.RawQuery = q.Encode()
			signed, _, err := signer.PresignHTTP(context.Background(), creds, r, hash(body), "iam", "us-east-1", now)
			if err != nil {
				t.Skip(err)
			}
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
			for name := range r.Header { // hoisted into the query string
				if strings.HasPrefix(name, "X-Amz-") {
					r.Header.Del(name)
				}
			}
		} else if err := signer.SignHTTP(context.Background(), creds, r, hash(body), "iam", "us-east-1", now); err != nil {
			t.Skip(err)
		}
		check(t, verifier, served(t, r, body), body, creds, now)
	})
}

func check(t *rapid.T, v *Verifier, r *http.Request, body []byte, creds aws.Credentials, now time.Time) {
	s, err := Parse(r)
	if err != nil {
		t.Fatalf("%s: %v", r.URL, err)
	}
	if s.SessionToken != creds.SessionToken || s.AccessKeyID != creds.AccessKeyID || s.Service != "iam" || s.Region != "us-east-1" {
		t.Fatalf("got %+v", s)
	}
	if err := s.CheckTime(now.Add(Skew)); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckSigned(r); err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(s, r, body, creds.SecretAccessKey); err != nil {
		canonical, _ := canonicalRequest(s, r, hash(body))
		t.Fatalf("%v of\n%s", err, canonical)
	}
	if v.Verify(s, r, append(body, 'x'), creds.SecretAccessKey) == nil {
		t.Fatal("another body was accepted")
	}
	if v.Verify(s, r, body, creds.SecretAccessKey+"x") == nil {
		t.Fatal("another secret was accepted")
	}
	changed := r.Clone(context.Background())
	changed.URL.RawPath, changed.URL.Path = "", "/x"+r.URL.Path
	if v.Verify(s, changed, body, creds.SecretAccessKey) == nil {
		t.Fatal("another path was accepted")
	}
	changed = r.Clone(context.Background())
	changed.Host = "elsewhere.example"
	if v.Verify(s, changed, body, creds.SecretAccessKey) == nil {
		t.Fatal("another host was accepted")
	}
}

// TestDocumentedExample is the worked example of AWS's documentation of
// Signature Version 4.
func TestDocumentedExample(t *testing.T) {
	r, err := http.NewRequest("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	s, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewVerifier(1).Verify(s, r, nil, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"); err != nil {
		t.Error(err)
	}
}
