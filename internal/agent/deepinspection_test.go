package agent

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/internal/agentwire"
)

// newDeepMachine has a package of Python in a default folder, and two others.
func newDeepMachine(t *testing.T) machine {
	t.Helper()
	m := newMachine(t)
	for name, folder := range map[string]string{"one": "usr/lib/python3/dist-packages", "two": "opt/app", "three": "srv/app"} {
		m.write(t, fmt.Sprintf("%s/%s-1.0.dist-info/METADATA", folder, name), "Metadata-Version: 2.1\nName: "+name+"\nVersion: 1.0\n")
	}
	return m
}

// found are the packages of the last report that the server took.
func (s *testServer) found() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.contents[s.last].Items {
		names = append(names, it.Name)
	}
	slices.Sort(names)
	return names
}

func (s *testServer) want(d *agentwire.DeepInspection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deep = d
}

// TestDeepInspection: the agent looks where the account wants it to, in the
// same contact, and remembers it.
func TestDeepInspection(t *testing.T) {
	s, m := newTestServer(), newDeepMachine(t)
	m.enroll(t, s)
	for _, step := range []struct {
		name   string
		wanted *agentwire.DeepInspection
		found  []string
	}{
		{"a server that says nothing", nil, []string{"bash", "one"}},
		{"the default folders", &agentwire.DeepInspection{Active: true}, []string{"bash", "one"}},
		{"a folder", &agentwire.DeepInspection{Active: true, Paths: []string{"/opt/app/"}}, []string{"bash", "one", "two"}},
		{"another folder", &agentwire.DeepInspection{Active: true, Paths: []string{"/srv"}}, []string{"bash", "one", "three"}},
		{"a server that was downgraded", nil, []string{"bash", "one", "three"}},
		{"off", &agentwire.DeepInspection{Paths: []string{"/srv"}}, []string{"bash"}},
		{"on again", &agentwire.DeepInspection{Active: true, Paths: []string{"/srv", "/opt"}}, []string{"bash", "one", "three", "two"}},
		{"folders that are none", &agentwire.DeepInspection{Active: true, Paths: []string{"/../etc", "/nowhere", "/"}}, []string{"bash", "one"}},
	} {
		s.want(step.wanted)
		a, err := New(Config{StateDir: m.state, Root: m.root, Version: "v1", Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if got := s.found(); !slices.Equal(got, step.found) {
			t.Errorf("%s: found %q, want %q", step.name, got, step.found)
		}
	}
}

// TestDeepInspectionWhileRunning: a heartbeat's answer is enough; nothing of
// the machine has changed.
func TestDeepInspectionWhileRunning(t *testing.T) {
	s, m := newTestServer(), newDeepMachine(t)
	s.next = 5
	m.enroll(t, s)
	stop := start(t, m.agent(t, s))
	await := func(want ...string) {
		t.Helper()
		for deadline := time.After(30 * time.Second); ; {
			select {
			case <-s.reports:
				if slices.Equal(s.found(), want) {
					return
				}
			case <-deadline:
				t.Fatalf("found %q, want %q", s.found(), want)
			}
		}
	}
	await("bash", "one")
	s.want(&agentwire.DeepInspection{Active: true, Paths: []string{"/opt/app"}})
	await("bash", "one", "two")
	s.want(&agentwire.DeepInspection{})
	await("bash")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
