package crash

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// wire is the network between the servers and their database: it carries bytes,
// late if asked to, swallows them, or breaks.
type wire struct {
	to string

	mu sync.Mutex // guards all below
	// late is how long bytes take; swallows says that they get lost.
	late     time.Duration
	swallows bool
	ends     map[net.Conn]bool
}

// newWire listens for the test and leads to a Unix socket.
func newWire(t *testing.T, to string) (w *wire, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w = &wire{to: to, ends: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	return w, l.Addr().String()
}

func (w *wire) carry(near net.Conn) {
	far, err := net.Dial("unix", w.to)
	if err != nil {
		_ = near.Close()
		return
	}
	w.mu.Lock()
	w.ends[near], w.ends[far] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], &slow{way[0], w})
			_, _ = near.Close(), far.Close()
		})
	}
	both.Wait()
	w.mu.Lock()
	delete(w.ends, near)
	delete(w.ends, far)
	w.mu.Unlock()
}

// slow reads what the wire lets through.
type slow struct {
	net.Conn
	wire *wire
}

// Read gives bytes when the wire is done with them.
func (s *slow) Read(p []byte) (int, error) {
	for {
		n, err := s.Conn.Read(p)
		s.wire.mu.Lock()
		late, swallows := s.wire.late, s.wire.swallows
		s.wire.mu.Unlock()
		if late > 0 {
			<-time.After(late)
		}
		if !swallows || err != nil {
			return n, err
		}
	}
}

// is makes the wire so until the next call.
func (w *wire) is(late time.Duration, swallows bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late, w.swallows = late, swallows
}

// cut breaks all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.ends {
		_ = conn.Close()
	}
}
