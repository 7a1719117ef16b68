// Package indent writes JSON with a line for each value. The standard library
// lays out a document in memory, three times its size; reports have many
// megabytes.
package indent

import (
	"bufio"
	"encoding/json"
	"io"
)

// Encode writes a value as readable JSON, two blanks a level, without HTML's
// escapes, and a line break at the end: what json.Encoder writes with
// SetIndent("", "  ").
func Encode(w io.Writer, value any) error {
	out := &writer{w: bufio.NewWriterSize(w, 32<<10)}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	return out.w.Flush()
}

// writer spreads compact, valid JSON over lines as it passes.
type writer struct {
	w     *bufio.Writer
	depth int
	// opened: the last byte began an object or array, of which it is not known
	// yet whether it is empty.
	opened bool
	// quoted: within a string; escaped: after its backslash.
	quoted, escaped bool
}

// Write never fails by itself: the buffered writer keeps its first error and
// tells it when it is flushed.
func (w *writer) Write(p []byte) (int, error) {
	start := 0
	for i, c := range p {
		if w.quoted {
			w.inString(c)
			continue
		}
		switch c {
		case '{', '[', '}', ']', ',', ':', '"':
			_, _ = w.w.Write(p[start:i])
			w.mark(c)
			start = i + 1
		default:
			if w.opened && c != '\n' {
				w.begin()
			}
		}
	}
	_, err := w.w.Write(p[start:])
	return len(p), err
}

func (w *writer) inString(c byte) {
	switch {
	case w.escaped:
		w.escaped = false
	case c == '\\':
		w.escaped = true
	case c == '"':
		w.quoted = false
	}
}

// mark writes a structural byte with what belongs around it.
func (w *writer) mark(c byte) {
	closes := c == '}' || c == ']'
	if w.opened && !closes {
		w.begin()
	}
	if closes {
		if !w.opened {
			w.depth--
			w.line()
		}
		w.opened = false
	}
	_ = w.w.WriteByte(c)
	switch c {
	case '{', '[':
		w.opened = true
	case ',':
		w.line()
	case ':':
		_ = w.w.WriteByte(' ')
	case '"':
		w.quoted = true
	}
}

// begin starts the first line of an object or array that is not empty.
func (w *writer) begin() {
	w.opened = false
	w.depth++
	w.line()
}

func (w *writer) line() {
	_ = w.w.WriteByte('\n')
	for range w.depth {
		_, _ = w.w.WriteString("  ")
	}
}
