package load

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
)

// receiver takes events as a webhook.
type receiver struct {
	server *httptest.Server

	mu sync.Mutex // guards all below
	// last is the status that was told last of each finding; opened are those
	// of which it was told that they are ACTIVE.
	last   map[string]string
	opened map[string]bool
	seen   map[string]bool
}

func newReceiver() *receiver {
	r := &receiver{last: map[string]string{}, opened: map[string]bool{}, seen: map[string]bool{}}
	r.server = httptest.NewServer(r)
	return r
}

func (r *receiver) url() string { return r.server.URL }

func (r *receiver) close() { r.server.Close() }

// ServeHTTP takes an event.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var e struct {
		ID     string `json:"id"`
		Detail struct {
			FindingARN string `json:"findingArn"`
			Status     string `json:"status"`
		} `json:"detail"`
	}
	if err := json.NewDecoder(req.Body).Decode(&e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[e.ID] { // once more: older than what came since
		return
	}
	r.seen[e.ID] = true
	r.last[e.Detail.FindingARN] = e.Detail.Status
	if e.Detail.Status == "ACTIVE" {
		r.opened[e.Detail.FindingARN] = true
	}
}

// told reports whether a finding was told to be opened, and what it was told to
// be last.
func (r *receiver) told(arn string) (opened bool, last string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened[arn], r.last[arn]
}
