package awsapi

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzSigned sends well-signed requests with any body to any operation: the
// answer is well-formed, and never an internal error.
func FuzzSigned(f *testing.F) {
	var ran string
	services := everything(&ran)
	l := newLab(f, services, nil)
	for i, s := range services {
		for j := range s.Operations {
			if j%9 == 0 {
				f.Add(uint8(i), uint8(j), validCall(s.Model, &s.Operations[j]).body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, service, operation uint8, body string) {
		s := services[int(service)%len(services)]
		op := &s.Operations[int(operation)%len(s.Operations)]
		m := validCall(s.Model, op)
		m.body = body
		w := httptest.NewRecorder()
		l.ServeHTTP(w, signer{}.sign(t, m))
		if w.Code >= 500 || !wellFormed(w.Body.String()) {
			t.Errorf("%s with %q: got %d %s", op.Action(), body, w.Code, w.Body)
		}
	})
}

// FuzzRequest sends requests with any line and headers: nobody is let in.
func FuzzRequest(f *testing.F) {
	var ran string
	l := newLab(f, everything(&ran), nil)
	good := signer{}.sign(f, inspectorCall("{}"))
	f.Add("POST", "/findings/list", "", good.Header.Get("Authorization"), "20261122T120000Z", "", "application/json", "{}")
	f.Add("POST", "/", "", "", "", "AWSOrganizationsV20161128.ListRoots", "application/x-amz-json-1.1", "{}")
	f.Add("GET", "/", "Action=ListUsers&Version=2010-05-08&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", "", "", "", "", "")
	f.Add("DELETE", "/tags/%2F", "tagKeys=%zz", "AWS4-HMAC-SHA256 =", "x", "..", ";", "\x00")
	f.Fuzz(func(t *testing.T, method, path, query, auth, date, target, contentType, body string) {
		r := httptest.NewRequest("POST", "http://muster.example/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		r.Header = http.Header{"X-Amz-Date": {date}}
		for name, value := range map[string]string{"Authorization": auth, "X-Amz-Target": target, "Content-Type": contentType} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		l.Handles(r)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if w.Code < 400 && path != "/findings/list" || w.Code >= 500 && w.Code != 501 || !wellFormed(w.Body.String()) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func wellFormed(text string) bool {
	if !strings.HasPrefix(text, "<") {
		return json.Valid([]byte(text))
	}
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := dec.Token(); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
