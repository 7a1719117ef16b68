package hosted

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	cellar "muster/internal/store/registry"
)

// Address is where Transport's registry is; nothing else answers there.
const Address = "http://own.invalid"

// Transport reads the images of an owner as a registry of the open interface
// would answer, without a network: what reads other registries reads these.
func (s *Service) Transport(at cellar.Owner) http.RoundTripper { return transport{s, at} }

type transport struct {
	service *Service
	owner   cellar.Owner
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	if path == "" {
		return answer(r, http.StatusOK, "application/json", 2, strings.NewReader("{}")), nil
	}
	repository, reference, manifest := strings.Cut(path, "/manifests/")
	if manifest {
		e, err := t.service.Manifest(r.Context(), Repository{t.owner, repository}, reference, false)
		if err != nil {
			return failed(r, err)
		}
		resp := answer(r, http.StatusOK, e.MediaType, int64(len(e.Manifest)), strings.NewReader(e.Manifest))
		resp.Header.Set("Docker-Content-Digest", e.Digest)
		return resp, nil
	}
	repository, digest, blob := strings.Cut(path, "/blobs/")
	if !blob {
		return answer(r, http.StatusNotFound, "", 0, http.NoBody), nil
	}
	b, err := t.service.Blob(r.Context(), Repository{t.owner, repository}, digest)
	if err != nil {
		return failed(r, err)
	}
	return answer(r, http.StatusOK, "application/octet-stream", b.Size, b.Open(r.Context())), nil
}

func failed(r *http.Request, err error) (*http.Response, error) {
	if Missing(err) {
		return answer(r, http.StatusNotFound, "", 0, http.NoBody), nil
	}
	return nil, err
}

func answer(r *http.Request, status int, contentType string, size int64, body io.Reader) *http.Response {
	if r.Method == http.MethodHead {
		body = bytes.NewReader(nil)
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: size,
		Header: http.Header{"Content-Type": {contentType}, "Content-Length": {strconv.FormatInt(size, 10)}}, Body: io.NopCloser(body),
	}
}
