package sigv4

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestPathsAreNormalised(t *testing.T) {
	for sent, want := range map[string]string{
		"": "/", "/": "/", "//": "/", "/./": "/", "/a/..": "/", "/a/../": "/", "/a/../../b": "/b", "//a//": "/a/", "/./a": "/a",
		"/a b": "/a%20b", "/a%20b": "/a%2520b", "/tags/arn%3Aaws%2Fx": "/tags/arn%253Aaws%252Fx", "/tags/arn:aws/x": "/tags/arn%3Aaws/x", "/-_.~": "/-_.~",
	} {
		if got := string(appendPath(nil, sent)); got != want {
			t.Errorf("%q becomes %q, want %q", sent, got, want)
		}
	}
}

func TestQueriesAreSorted(t *testing.T) {
	for sent, want := range map[string]string{
		"": "", "b=2&a=1": "a=1&b=2", "a=2&a=1": "a=1&a=2", "a": "a=", "a=": "a=", "a=%7E&B=x": "B=x&a=~", "a=b+c": "a=b%20c", "a=%e9": "a=%E9", "&&a=1&": "a=1",
	} {
		if got := string(appendQuery(nil, sent, false)); got != want {
			t.Errorf("%q becomes %q, want %q", sent, got, want)
		}
	}
}

func TestHeadersAreTrimmed(t *testing.T) {
	for sent, want := range map[string]string{" a  b   c ": "a b c", "\ta": "a", "": "", `"a   b"`: `"a b"`} {
		if got := string(appendTrimmed(nil, sent)); got != want {
			t.Errorf("%q becomes %q, want %q", sent, got, want)
		}
	}
}

// TestClock holds the texts of requests from the past and the future.
func TestClock(t *testing.T) {
	signed := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name      string
		presigned time.Duration
		now       time.Duration
		want      string
	}{
		{name: "at once"},
		{name: "five minutes late", now: 5 * time.Minute},
		{name: "a second more", now: 5*time.Minute + time.Second, want: "Signature expired: 20261122T120000Z is now earlier than 20261122T120001Z (20261122T120501Z - 5 min.)"},
		{name: "five minutes early", now: -5 * time.Minute},
		{name: "a second less", now: -5*time.Minute - time.Second, want: "Signature not yet current: 20261122T120000Z is still later than 20261122T115959Z (20261122T115459Z + 5 min.)"},
		{name: "presigned for an hour", presigned: time.Hour, now: time.Hour},
		{name: "an hour and a second", presigned: time.Hour, now: time.Hour + time.Second, want: "Signature expired: 20261122T120000Z is now earlier than 20261122T120001Z (20261122T130001Z - 60 min.)"},
		{name: "presigned for seconds", presigned: 30 * time.Second, now: time.Minute, want: "Signature expired: 20261122T120000Z is now earlier than 20261122T120030Z (20261122T120100Z - 30 sec.)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Signature{Time: signed, Stamp: signed.Format(stampLayout), Presigned: tt.presigned > 0, Expires: tt.presigned}
			err := s.CheckTime(signed.Add(tt.now))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestKeysAreForgotten fills the cache beyond its bound.
func TestKeysAreForgotten(t *testing.T) {
	v := NewVerifier(10)
	for day := range 100 {
		s := &Signature{Date: time.Unix(int64(day)*86400, 0).UTC().Format("20060102"), Region: "r", Service: "s"}
		first := v.key(s, "secret")
		if string(first) != string(v.key(s, "secret")) || string(first) == string(v.key(s, "other")) {
			t.Fatal("keys are mixed up")
		}
		if len(v.keys) > 10 {
			t.Fatalf("%d keys are kept", len(v.keys))
		}
	}
}

// FuzzParse gives any header and query string to the parser.
func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=K/20261122/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00", "20261122T120000Z", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F20261122%2Fr%2Fs%2Faws4_request&X-Amz-Date=20261122T120000Z&X-Amz-Expires=5&X-Amz-SignedHeaders=host&X-Amz-Signature=00")
	f.Add("AWS4-HMAC-SHA256 =,=,", "Sun, 22 Nov 2026 12:00:00 GMT", "X-Amz-Signature")
	f.Fuzz(func(t *testing.T, auth, date, query string) {
		r, err := http.NewRequest("GET", "http://muster.example/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery = query
		if auth != "" {
			r.Header["Authorization"] = []string{auth}
		}
		r.Header["X-Amz-Date"] = []string{date}
		s, err := Parse(r)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Message == "" || len(e.Message) > 4096 {
				t.Fatalf("got %v", err)
			}
			return
		}
		if NewVerifier(1).Verify(s, r, nil, "secret") == nil {
			t.Errorf("verified without a secret: %q %q", auth, query)
		}
	})
}
