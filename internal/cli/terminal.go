package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// terminal is a stream that a person looks at; nil for any other.
func terminal(w io.Writer) *os.File {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return nil
	}
	if _, ok := terminalWidth(file); !ok {
		return nil
	}
	return file
}

// wantsColor: a terminal that has not declined (no-color.org).
func wantsColor(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && terminal(w) != nil }

// columns is how many columns a terminal has, 0 for what is none.
func columns(w io.Writer) int {
	file := terminal(w)
	if file == nil {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	n, _ := terminalWidth(file)
	return n
}

// spinner shows on a terminal what is going on, in one line that is gone when
// the work is done. What is over at once is not shown. The zero value shows
// nothing.
type spinner struct {
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

func newSpinner(w io.Writer, quiet bool) *spinner {
	p := &spinner{}
	if file := terminal(w); file != nil && !quiet {
		p.out, p.stop, p.done = file, make(chan struct{}), make(chan struct{})
		go p.run()
	}
	return p
}

// Say replaces the text.
func (p *spinner) Say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}

// Close takes the line away.
func (p *spinner) Close() {
	if p.out != nil {
		close(p.stop)
		<-p.done
		p.out = nil
	}
}

func (p *spinner) run() {
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

func (p *spinner) paint(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := []rune(string("|/-\\"[i%4]) + " " + p.text)
	if width := columns(p.out); len(line) >= width && width > 1 {
		line = line[:width-1]
	}
	fmt.Fprint(p.out, "\r\x1b[K"+string(line))
	p.painted++
}
