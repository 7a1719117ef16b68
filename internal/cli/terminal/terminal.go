// Package terminal knows what people look at: whether a stream is a terminal, how
// wide it is, whether it wants colours, and a line of progress on it.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// screen is a stream that a person looks at; nil for any other.
func screen(w io.Writer) *os.File {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return nil
	}
	if _, ok := width(file); !ok {
		return nil
	}
	return file
}

// WantsColor is true for a terminal that has not declined (no-color.org).
func WantsColor(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && screen(w) != nil }

// Columns is how many columns a terminal has, 0 for what is none.
func Columns(w io.Writer) int {
	file := screen(w)
	if file == nil {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	n, _ := width(file)
	return n
}

// Spinner shows on a terminal what is going on, in one line that is gone when
// the work is done. What is over at once is not shown. The zero value shows
// nothing.
type Spinner struct {
	out *os.File

	mu      sync.Mutex
	text    string
	painted int
	stop    chan struct{}
	done    chan struct{}
}

// The line appears after a while and then moves.
const (
	progressAfter = 150 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// NewSpinner starts a line of progress; on what is no terminal, or when quiet, it
// shows nothing.
func NewSpinner(w io.Writer, quiet bool) *Spinner {
	p := &Spinner{}
	if file := screen(w); file != nil && !quiet {
		p.out, p.stop, p.done = file, make(chan struct{}), make(chan struct{})
		go p.run()
	}
	return p
}

// Say replaces the text.
func (p *Spinner) Say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}

// Close takes the line away.
func (p *Spinner) Close() {
	if p.out != nil {
		close(p.stop)
		<-p.done
		p.out = nil
	}
}

func (p *Spinner) run() {
	defer close(p.done)
	select {
	case <-p.stop:
		return
	case <-time.After(progressAfter):
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		p.paint(i)
		select {
		case <-p.stop:
			fmt.Fprint(p.out, "\r\x1b[K")
			return
		case <-tick.C:
		}
	}
}

func (p *Spinner) paint(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := []rune(string("|/-\\"[i%4]) + " " + p.text)
	if n := Columns(p.out); len(line) >= n && n > 1 {
		line = line[:n-1]
	}
	fmt.Fprint(p.out, "\r\x1b[K"+string(line))
	p.painted++
}
