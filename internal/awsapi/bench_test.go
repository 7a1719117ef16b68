package awsapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"muster/internal/awsmodel"
)

// benchmarkCall sends one signed request again and again through the door, as
// a server would see it: verified, decoded, validated, authorized, answered.
func benchmarkCall(b *testing.B, m message, audit bool) {
	l := newLab(b, testDesks(), func(c *Config) {
		if !audit {
			c.Audit = nil
		} else {
			c.Audit = func(Record) {}
		}
	})
	signed := signer{}.sign(b, m)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := signed.Clone(b.Context())
			r.Body = readAll(m.body)
			w := httptest.NewRecorder()
			l.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				b.Fatal(w.Body)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func BenchmarkListFindings(b *testing.B) {
	benchmarkCall(b, inspectorCall(`{"filterCriteria":{"severity":[{"comparison":"EQUALS","value":"HIGH"}]},"maxResults":100}`), true)
}

func BenchmarkGetCallerIdentity(b *testing.B) {
	benchmarkCall(b, message{"POST", "http://muster.example/", "application/x-www-form-urlencoded", "", "Action=GetCallerIdentity&Version=2011-06-15", "sts"}, true)
}

func BenchmarkGetCallerIdentityUnaudited(b *testing.B) {
	benchmarkCall(b, message{"POST", "http://muster.example/", "application/x-www-form-urlencoded", "", "Action=GetCallerIdentity&Version=2011-06-15", "sts"}, false)
}

// BenchmarkEncodePage encodes a page of a hundred findings.
func BenchmarkEncodePage(b *testing.B) {
	l := newLab(b, testDesks(), nil)
	s := l.services["inspector2"]
	out, err := listFindings(b.Context(), &awsmodel.Call{}, pageInput())
	if err != nil {
		b.Fatal(err)
	}
	for len(out.Findings) < 100 {
		out.Findings = append(out.Findings, out.Findings[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.codec.AppendJSON(nil, s.ops["ListFindings"].Output, out); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkServer includes HTTP over loopback with kept connections.
func BenchmarkServer(b *testing.B) {
	l := newLab(b, testDesks(), func(c *Config) { c.Audit = func(Record) {} })
	server := httptest.NewServer(l)
	defer server.Close()
	m := inspectorCall(`{}`)
	m.url = server.URL + "/findings/list"
	signed := signer{}.sign(b, m)
	b.RunParallel(func(pb *testing.PB) {
		client := &http.Client{Transport: new(http.Transport)}
		for pb.Next() {
			r, err := http.NewRequestWithContext(b.Context(), "POST", m.url, strings.NewReader(m.body))
			if err != nil {
				b.Fatal(err)
			}
			r.Header = signed.Header
			res, err := client.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				b.Fatal(err)
			}
			if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
				b.Fatal(res.Status, err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
