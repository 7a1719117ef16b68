package up

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// HTTPClient returns the HTTP client for AWS SDK clients whose server is as
// near as ours. The SDK closes a request's body once the answer begins; Go's
// client may just then be looking for the body's end, takes the closed body for
// a failed request and closes the connection, so that a long answer is cut.
// Here requests are sent from memory, and closing them does nothing.
func HTTPClient() aws.HTTPClient {
	return &inMemory{&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}}
}

type inMemory struct{ client *http.Client }

// Do implements aws.HTTPClient.
func (m *inMemory) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req = req.WithContext(req.Context()) // a copy: callers keep theirs
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return m.client.Do(req)
}
