package up

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// sdkBody is a request's body as the SDK makes it: it is closed when the
// answer has begun, and whoever looks at it then gets an error.
type sdkBody struct {
	io.Reader
	answered <-chan struct{}
}

func (b sdkBody) WriteTo(io.Writer) (int64, error) { <-b.answered; return 0, io.EOF }
func (sdkBody) Close() error                       { return nil }

func TestLongAnswersAreNotCut(t *testing.T) {
	answer := bytes.Repeat([]byte("x"), 8<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "question" {
			t.Errorf("received %q, %v", body, err)
		}
		_, _ = w.Write(answer) // what arrives is what counts
	}))
	defer server.Close()
	answered := make(chan struct{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, sdkBody{bytes.NewReader([]byte("question")), answered})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len("question"))
	resp, err := HTTPClient().Do(req)
	close(answered)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || len(got) != len(answer) {
		t.Errorf("%d bytes of the answer, %v", len(got), err)
	}
}
