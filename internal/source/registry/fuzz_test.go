package registry

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// answering gives the same answer to everything but the first question.
type answering struct {
	kind string
	body []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: http.StatusOK, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {a.kind}}, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}
	if r.URL.Path == "/v2/" {
		resp.Body = io.NopCloser(bytes.NewReader(nil))
	}
	return resp, nil
}

// FuzzAnswers: whatever a registry answers, what comes out is within the bounds.
func FuzzAnswers(f *testing.F) {
	const manifest, index = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
	f.Add(manifest, []byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":-1,"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"layers":[]}`))
	f.Add(index, []byte(`{"manifests":[{"digest":"x","platform":{"os":"linux"}}]}`))
	f.Add("application/json", []byte(`{"repositories":["a"],"tags":["b"]}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		c, err := New("https://registry.example", "", "", answering{kind, body})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := c.Manifest(t.Context(), "a/b", "latest"); err == nil && (len(m.Children) > maxChildren || len(m.Author) > 256) {
			t.Errorf("%+v", m)
		}
		if list, _, err := c.Repositories(t.Context(), 5); err == nil && len(list) > 5 {
			t.Errorf("%d repositories", len(list))
		}
		if list, _, err := c.Tags(t.Context(), "a/b", 5); err == nil && len(list) > 5 {
			t.Errorf("%d tags", len(list))
		}
	})
}
