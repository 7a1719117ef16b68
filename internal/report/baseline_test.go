package report

import "testing"

// FuzzBaseline: whatever the file is, it is an earlier report, or an error.
func FuzzBaseline(f *testing.F) {
	f.Add([]byte(`{"schema":"` + schema + `","findings":[{"id":"CVE-2024-1","related":["GHSA-1"],"packages":[{"name":"a","path":"b"}]}]}`))
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := parseBaseline(data); err == nil && len(b.known) < len(b.findings) && len(b.known) > 0 && len(b.findings) == 0 {
			t.Error("known without findings")
		}
	})
}
