package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/cluster"
)

var digests = map[string]string{"a": "sha256:" + strings.Repeat("a", 64), "b": "sha256:" + strings.Repeat("b", 64)}

// recorded is a pod as API servers send it, shortened.
func recorded(uid, version, owner, image, state string) string {
	return fmt.Sprintf(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-7d4b9-%[1]s","namespace":"shop","uid":"%[1]s","resourceVersion":"%[2]s",
		"labels":{"app":"web","pod-template-hash":"7d4b9"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"%[3]s","name":"web-7d4b9","controller":true,"blockOwnerDeletion":true}]},
		"status":{"phase":"Running","containerStatuses":[{"name":"web","image":"hub/web:1","imageID":"docker.io/hub/web@%[4]s","state":{"%[5]s":{}}},{"name":"side","imageID":"","state":{"waiting":{"reason":"x"}}}]}}`,
		uid, version, owner, digests[image], state)
}

// server plays back a recorded history: lists in two pages, then watches.
type server struct {
	mu      sync.Mutex
	asked   []string
	watches []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	if r.Header.Get("Authorization") != "Bearer secret" {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	switch {
	case q.Get("watch") != "":
		s.asked = append(s.asked, "watch "+q.Get("resourceVersion"))
		if len(s.watches) == 0 {
			s.mu.Unlock()
			<-r.Context().Done() // nothing more happens
			s.mu.Lock()
			return
		}
		_, _ = io.WriteString(w, s.watches[0])
		s.watches = s.watches[1:]
	case q.Get("continue") == "":
		s.asked = append(s.asked, "list")
		_, _ = io.WriteString(w, `{"kind":"PodList","metadata":{"resourceVersion":"10","continue":"next"},"items":[`+recorded("1", "5", "ReplicaSet", "a", "running")+`]}`)
	default:
		_, _ = io.WriteString(w, `{"kind":"PodList","metadata":{"resourceVersion":"10"},"items":[`+recorded("2", "6", "ReplicaSet", "a", "running")+`,`+recorded("3", "7", "StatefulSet", "b", "terminated")+`]}`)
	}
}

func event(kind, object string) string { return `{"type":"` + kind + `","object":` + object + "}\n" }

// TestWatch: what pods run follows lists and watches, over a watch that ends,
// one that breaks off in the middle, and one whose place is gone.
func TestWatch(t *testing.T) {
	s := &server{watches: []string{
		event("MODIFIED", recorded("2", "11", "ReplicaSet", "b", "running")) + event("BOOKMARK", `{"kind":"Pod","metadata":{"resourceVersion":"15"}}`),
		event("ADDED", recorded("4", "16", "ReplicaSet", "b", "running")) + event("DELETED", recorded("3", "17", "StatefulSet", "b", "terminated")) + `{"type":"MODI`,
		event("ERROR", `{"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"too old resource version"}`),
	}}
	api := httptest.NewServer(s)
	defer api.Close()
	ctx, stop := context.WithCancel(t.Context())
	reports, problems := make(chan string, 100), make(chan error, 100)
	fail := true
	w := &cluster.Watcher{
		Server: api.URL, HTTP: api.Client(), Token: func() (string, error) { return "secret", nil }, Every: 50 * time.Millisecond, Gather: time.Millisecond,
		Problem: func(err error) { problems <- err },
		Report: func(_ context.Context, list []cluster.Use) error {
			if fail {
				fail = false
				return errors.New("the server is away")
			}
			text := ""
			for _, u := range list {
				text += fmt.Sprintf("%c %s %s/%s %d/%d, ", u.Digest[7], u.Namespace, u.WorkloadType, u.WorkloadName, u.Running, u.Stopped)
			}
			reports <- text
			return nil
		},
	}
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	const first = "a shop Deployment/web 2/0, b shop StatefulSet/web-7d4b9 0/1, "
	deadline := time.After(20 * time.Second)
	for relisted := false; !relisted; {
		select {
		case got := <-reports:
			s.mu.Lock()
			// The last watch hangs, after the third list.
			relisted = len(s.asked) == 7 && got == first
			s.mu.Unlock()
		case <-deadline:
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("asked %v", s.asked)
		}
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Join(s.asked, ", "); !strings.HasPrefix(got, "list, watch 10, watch 15, list, watch 10, list, watch 10") {
		t.Errorf("asked %s", got)
	}
	if len(problems) != 2 {
		t.Errorf("%d problems, want the report that failed and the watch that broke off", len(problems))
	}
}
