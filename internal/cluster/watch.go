package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// pageOfPods is how many pods one answer lists, maxAnswer its bytes.
	pageOfPods = "500"
	maxAnswer  = 256 << 20
	// maxPods bounds a cluster; Kubernetes itself is made for 150,000 pods.
	maxPods = 500_000
	// watchFor is how long one watch lasts, in seconds.
	watchFor = "300"
)

// Watcher watches one cluster.
type Watcher struct {
	// Server is the API server's address.
	Server string
	// Token returns the bearer token, which clusters replace often.
	Token func() (string, error)
	// HTTP does the requests; its Timeout must be 0.
	HTTP *http.Client
	// Report takes what runs: all of it, whenever it changed and at least
	// every Every.
	Report func(ctx context.Context, list []Use) error
	Every  time.Duration
	// Gather is how long changes are gathered before they are reported.
	Gather time.Duration
	// Problem is told of what went wrong and is tried again.
	Problem func(error)
}

// errGone says that the server has forgotten the place where a watch was to go
// on.
var errGone = errors.New("the place in the history of pods is gone")

// Run watches until the context ends.
func (w *Watcher) Run(ctx context.Context) error {
	changes, failed := make(chan []Use, 1), make(chan error, 1)
	go func() { failed <- w.follow(ctx, changes) }()
	var last, next []Use
	var due <-chan time.Time
	again := time.NewTicker(w.Every)
	defer again.Stop()
	for {
		select {
		case err := <-failed:
			return err
		case next = <-changes:
			if due == nil && (last == nil || !slices.Equal(last, next)) {
				due = time.After(w.Gather)
			}
			continue
		case <-again.C:
			if last == nil {
				continue
			}
		case <-due:
			due = nil
		}
		if err := w.Report(ctx, next); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w.Problem(err)
			due = time.After(w.Every / 10)
			continue
		}
		last = next
	}
}

// follow keeps the pods up to date and tells what they run.
func (w *Watcher) follow(ctx context.Context, changes chan []Use) error {
	for pause := time.Second; ; {
		pods, version, err := w.list(ctx)
		for err == nil {
			tell(changes, uses(pods))
			pause = time.Second
			version, err = w.watch(ctx, pods, version, changes)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errGone) {
			continue
		}
		w.Problem(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Minute)
	}
}

// tell replaces what was not fetched yet.
func tell(changes chan []Use, list []Use) {
	select {
	case <-changes:
	default:
	}
	changes <- list
}

func (w *Watcher) get(ctx context.Context, query url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(w.Server, "/")+"/api/v1/pods?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	token, err := w.Token()
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := w.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
	err = fmt.Errorf("the API server answers %s: %s", resp.Status, text)
	if resp.StatusCode == http.StatusGone {
		err = errGone
	}
	return nil, errors.Join(err, resp.Body.Close())
}

// list lists all pods, and from which version on to watch them.
func (w *Watcher) list(ctx context.Context) (map[string]*pod, string, error) {
	pods := map[string]*pod{}
	for next := ""; ; {
		query := url.Values{"limit": {pageOfPods}}
		if next != "" {
			query.Set("continue", next)
		}
		resp, err := w.get(ctx, query)
		if err != nil {
			return nil, "", err
		}
		var page struct {
			Metadata struct {
				ResourceVersion string `json:"resourceVersion"`
				Continue        string `json:"continue"`
			} `json:"metadata"`
			Items []*pod `json:"items"`
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&page)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return nil, "", fmt.Errorf("list of pods: %w", err)
		}
		for _, p := range page.Items {
			pods[p.Metadata.UID] = p
		}
		if len(pods) > maxPods {
			return nil, "", fmt.Errorf("more than %d pods", maxPods)
		}
		if next = page.Metadata.Continue; next == "" {
			return pods, page.Metadata.ResourceVersion, nil
		}
	}
}

// watch follows the pods from a version on until the server ends the watch. It
// returns the version to go on from.
func (w *Watcher) watch(ctx context.Context, pods map[string]*pod, version string, changes chan []Use) (string, error) {
	resp, err := w.get(ctx, url.Values{
		"watch": {"1"}, "resourceVersion": {version}, "allowWatchBookmarks": {"true"}, "timeoutSeconds": {watchFor},
	})
	if err != nil {
		return version, err
	}
	defer func() { _ = resp.Body.Close() }() // it is read, or given up
	for events := json.NewDecoder(resp.Body); ; {
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		switch err := events.Decode(&event); {
		case errors.Is(err, io.EOF):
			return version, nil
		case err != nil:
			return version, fmt.Errorf("watch of pods: %w", err)
		}
		if event.Type == "ERROR" {
			return version, refusal(event.Object)
		}
		var p pod
		if err := json.Unmarshal(event.Object, &p); err != nil {
			return version, fmt.Errorf("watch of pods: %w", err)
		}
		version = p.Metadata.ResourceVersion
		switch event.Type {
		case "ADDED", "MODIFIED":
			pods[p.Metadata.UID] = &p
		case "DELETED":
			delete(pods, p.Metadata.UID)
		default:
			continue // a bookmark
		}
		tell(changes, uses(pods))
	}
}

// refusal reads the status that a watch ends with.
func refusal(object json.RawMessage) error {
	var status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(object, &status); err != nil {
		return fmt.Errorf("watch of pods: %w", err)
	}
	if status.Code == http.StatusGone {
		return errGone
	}
	return fmt.Errorf("watch of pods: %d %s", status.Code, status.Message)
}
