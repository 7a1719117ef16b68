package agent

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

func pemOf(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mustCertificate(server).Raw}))
}

func mustCertificate(server *httptest.Server) *x509.Certificate { return server.Certificate() }

// fakeWatcher lets a test say when something changed.
type fakeWatcher struct{ changes chan struct{} }

func (w fakeWatcher) Watch([]string)           {}
func (w fakeWatcher) Changes() <-chan struct{} { return w.changes }
func (w fakeWatcher) Close() error             { return nil }

// clockwork is an agent under a fake clock: its looks and its changes come
// from the test.
type clockwork struct {
	*testServer
	agent   *Agent
	change  func()
	version int   // of the one package that is installed; guarded by mu
	lookErr error // guarded by mu
	looks   int   // guarded by mu
}

// install changes what looks find.
func (c *clockwork) install(version int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version, c.lookErr = version, err
}

func (c *clockwork) lookCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looks
}

// inBubble runs f with an enrolled, running agent under a fake clock.
func inBubble(t *testing.T, f func(t *testing.T, c *clockwork)) {
	synctest.Test(t, func(t *testing.T) {
		m, s := newMachine(t), newTestServer()
		m.enroll(t, s)
		c := &clockwork{testServer: s, agent: m.agent(t, s)}
		w := fakeWatcher{make(chan struct{}, 1)}
		c.change = func() {
			select {
			case w.changes <- struct{}{}:
			default:
			}
		}
		c.agent.watch = func() (watcher, error) { return w, nil }
		c.agent.look = func(context.Context) (inventory.Inventory, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.looks++
			return inventory.Inventory{Items: []inventory.Item{{Component: inventory.Component{
				Name: "p", Version: fmt.Sprint(c.version), Source: "p", SourceVersion: fmt.Sprint(c.version),
			}}}}, c.lookErr
		}
		f(t, c)
	})
}

// reported waits for the next report and returns the version it speaks of,
// "" for a heartbeat, and how long it took.
func (c *clockwork) reported(t *testing.T) (version string, took time.Duration) {
	t.Helper()
	began := time.Now()
	rep := <-c.reports
	if rep.Inventory != nil {
		version = rep.Inventory.Items[0].Version
	}
	return version, time.Since(began)
}

func TestTheFirstReportComesAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		stop := start(t, c.agent)
		if v, took := c.reported(t); v != "0" || took > time.Second {
			t.Errorf("version %q after %s", v, took)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAChangeIsReportedWithinTwoSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		defer start(t, c.agent)()
		c.reported(t)
		for i := 1; i <= 3; i++ {
			time.Sleep(time.Minute) // of the fake clock
			synctest.Wait()
			c.install(i, nil)
			c.change()
			if v, took := c.reported(t); v != fmt.Sprint(i) || took > 2*time.Second {
				t.Errorf("change %d: version %q after %s", i, v, took)
			}
		}
	})
}

// TestALongInstallation: an event every 200 ms for a minute gives a report
// every few seconds, not one at the end and not three hundred.
func TestALongInstallation(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		defer start(t, c.agent)()
		c.reported(t)
		looks := c.lookCount()
		for i := range 300 {
			time.Sleep(200 * time.Millisecond)
			synctest.Wait()
			c.install(i+1, nil)
			c.change()
		}
		if n := c.lookCount() - looks; n < 10 || n > 15 {
			t.Errorf("%d looks in a minute of changes", n)
		}
		if len(c.reports) < 10 {
			t.Errorf("%d reports in a minute of changes", len(c.reports))
		}
	})
}

// TestWhatInstallersFillInLater is seen by the look that follows a change.
func TestWhatInstallersFillInLater(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		defer start(t, c.agent)()
		c.reported(t)
		time.Sleep(time.Minute)
		synctest.Wait()
		c.change() // the folder appears, empty
		time.Sleep(2 * time.Second)
		synctest.Wait()
		c.install(7, nil) // unwatched
		if v, took := c.reported(t); v != "7" || took > settle {
			t.Errorf("version %q after %s", v, took)
		}
	})
}

func TestWithoutChangesThereAreHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		c.next = 600
		defer start(t, c.agent)()
		c.reported(t)
		for range 5 {
			if v, took := c.reported(t); v != "" || took < 9*time.Minute || took > 10*time.Minute {
				t.Errorf("version %q after %s", v, took)
			}
		}
	})
}

// TestUnwatchedChanges are found by the regular full look.
func TestUnwatchedChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		c.next = 86400
		defer start(t, c.agent)()
		c.reported(t)
		c.install(1, nil)
		if v, took := c.reported(t); v != "1" || took > 31*time.Minute {
			t.Errorf("version %q after %s", v, took)
		}
	})
}

// TestAnOutage: pauses grow, and what is reported afterwards is the state of
// then.
func TestAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		c.refuseWith(1_000_000, 0, agentwire.ErrorResponse{})
		defer start(t, c.agent)()
		time.Sleep(time.Hour)
		synctest.Wait()
		c.mu.Lock()
		requests := c.requests
		c.mu.Unlock()
		if requests < 25 || requests > 80 {
			t.Errorf("%d requests in an hour without a server", requests)
		}
		c.install(3, nil)
		c.change()
		time.Sleep(time.Second)
		c.refuseWith(0, 0, agentwire.ErrorResponse{})
		if v, took := c.reported(t); v != "3" || took > mostPause {
			t.Errorf("version %q after %s", v, took)
		}
		if len(c.reports) != 0 {
			t.Errorf("%d more reports", len(c.reports))
		}
	})
}

// TestRefusalsThatMayPass are tried again; a revoked host stops.
func TestRefusalsThatMayPass(t *testing.T) {
	for _, code := range []agentwire.ErrorCode{agentwire.CodeInternal, agentwire.CodeUnavailable, agentwire.CodeBadSignature, agentwire.CodeBadRequest, ""} {
		inBubble(t, func(t *testing.T, c *clockwork) {
			c.refuseWith(3, 500, agentwire.ErrorResponse{Code: code})
			defer start(t, c.agent)()
			if v, _ := c.reported(t); v != "0" {
				t.Errorf("%s: version %q", code, v)
			}
		})
	}
}

func TestARevokedHostStops(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		c.refuseWith(1, 403, agentwire.ErrorResponse{Code: agentwire.CodeRevoked, Message: "revoked"})
		err := c.agent.Run(t.Context())
		if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Code != agentwire.CodeRevoked {
			t.Errorf("got %v", err)
		}
	})
}

// TestAServerThatForgot asks for the content again.
func TestAServerThatForgot(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		defer start(t, c.agent)()
		c.reported(t)
		c.mu.Lock()
		clear(c.known)
		c.mu.Unlock()
		if v, _ := c.reported(t); v != "0" {
			t.Errorf("version %q", v)
		}
	})
}

// TestFailedLooks keep the last state and are repeated.
func TestFailedLooks(t *testing.T) {
	inBubble(t, func(t *testing.T, c *clockwork) {
		c.next = 600
		defer start(t, c.agent)()
		c.reported(t)
		synctest.Wait()
		c.install(1, errors.New("database locked"))
		c.change()
		if v, _ := c.reported(t); v != "" {
			t.Errorf("version %q of a failed look was reported", v)
		}
		c.install(1, nil)
		if v, took := c.reported(t); v != "1" || took > mostPause {
			t.Errorf("version %q after %s", v, took)
		}
	})
}
