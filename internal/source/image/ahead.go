package image

import (
	"io"
	"io/fs"
	"sync"
)

// Bounds of what is read ahead of a reader.
const (
	chunkSize   = 256 << 10
	chunksAhead = 8
)

// ahead reads a stream in a goroutine of its own, some chunks ahead of its
// reader: a layer's unpacking and verification take as long as the search in
// what it holds, and this lets two processors share them.
type ahead struct {
	source io.ReadCloser
	full   chan chunk
	empty  chan []byte
	stop   chan struct{}
	end    sync.Once
	ended  sync.WaitGroup
	// rest is what is left of the chunk at hand, whole its memory.
	rest, whole []byte
	err         error
}

type chunk struct {
	data []byte
	err  error
}

// readAhead takes r over, which is closed with the answer.
func readAhead(r io.ReadCloser) io.ReadCloser {
	a := &ahead{
		source: r, full: make(chan chunk, chunksAhead), empty: make(chan []byte, chunksAhead), stop: make(chan struct{}),
	}
	for range chunksAhead {
		a.empty <- nil // made when it is needed: many layers are small
	}
	a.ended.Go(a.fill)
	return a
}

// fill reads until the source ends or the reader closes.
func (a *ahead) fill() {
	defer close(a.full)
	for {
		var buffer []byte
		select {
		case buffer = <-a.empty:
		case <-a.stop:
			return
		}
		if buffer == nil {
			buffer = make([]byte, chunkSize)
		}
		n, err := fillUp(a.source, buffer[:chunkSize])
		// There is room: no more chunks are on their way than full holds.
		a.full <- chunk{buffer[:n], err}
		if err != nil {
			return
		}
	}
}

// fillUp is io.ReadFull that leaves the source's error as it is.
func fillUp(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	return n, err
}

// Read gives what was read, and the source's error after it.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.whole != nil {
			a.empty <- a.whole
		}
		next, open := <-a.full
		if !open {
			return 0, fs.ErrClosed
		}
		a.rest, a.whole, a.err = next.data, next.data, next.err
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the reading ahead, then closes the source.
func (a *ahead) Close() error {
	a.end.Do(func() { close(a.stop) })
	a.ended.Wait()
	return a.source.Close()
}
