package wire

import (
	"unicode/utf8"
)

// scanner reads JSON from a buffer: strict, bounded in depth, without copying
// what it does not have to. Names are case-sensitive, unlike encoding/json's.
type scanner struct {
	buf   []byte
	pos   int
	depth int
	limit int
	// scratch receives strings with escapes.
	scratch []byte
}

func (s *scanner) fail(what string) error { return &SyntaxError{Offset: s.pos, What: what} }

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.buf) {
		switch c := s.buf[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// open enters an object or array, whose first byte is next.
func (s *scanner) open() error {
	s.depth++
	if s.depth > s.limit {
		return s.fail("nested too deeply")
	}
	s.pos++
	return nil
}

// more tells whether another element follows before the closing byte, and
// consumes the separator or the closing byte.
func (s *scanner) more(first bool, closing byte) (bool, error) {
	c := s.peek()
	if c == closing {
		s.pos++
		s.depth--
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, s.fail("expected a comma or the end of an object or array")
	}
	s.pos++
	if s.peek() == closing {
		return false, s.fail("a comma before the end of an object or array")
	}
	return true, nil
}

// key reads a member's name and its colon. The bytes are valid until the next
// string is read.
func (s *scanner) key() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail("expected a member's name")
	}
	k, err := s.text()
	if err != nil {
		return nil, err
	}
	if s.peek() != ':' {
		return nil, s.fail("expected a colon")
	}
	s.pos++
	return k, nil
}

// text reads a string whose quotation mark is next.
func (s *scanner) text() ([]byte, error) {
	s.pos++
	start := s.pos
	for s.pos < len(s.buf) {
		c := s.buf[s.pos]
		switch {
		case c == '"':
			out := s.buf[start:s.pos]
			s.pos++
			return out, nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return nil, s.fail("a control character in a string")
		case c < utf8.RuneSelf:
			s.pos++
		default:
			if err := s.rune(); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.fail("a string without end")
}

func (s *scanner) rune() error {
	r, size := utf8.DecodeRune(s.buf[s.pos:])
	if r == utf8.RuneError && size == 1 {
		return s.fail("a string that is not UTF-8")
	}
	s.pos += size
	return nil
}

// number reads a number's text, checking JSON's grammar.
func (s *scanner) number() ([]byte, error) {
	start := s.pos
	s.accept('-')
	switch {
	case s.accept('0'):
	case !s.digits():
		return nil, s.fail("expected a value")
	}
	if s.accept('.') && !s.digits() {
		return nil, s.fail("a number without digits after the point")
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		if !s.digits() {
			return nil, s.fail("a number without digits in the exponent")
		}
	}
	return s.buf[start:s.pos], nil
}

func (s *scanner) accept(c byte) bool {
	if s.pos < len(s.buf) && s.buf[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.buf) && s.buf[s.pos] >= '0' && s.buf[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// literal reads true, false or null.
func (s *scanner) literal(word string) error {
	if len(s.buf)-s.pos < len(word) || string(s.buf[s.pos:s.pos+len(word)]) != word {
		return s.fail("expected a value")
	}
	s.pos += len(word)
	return nil
}

// end checks that nothing follows the document.
func (s *scanner) end() error {
	if s.peek() != 0 || s.pos < len(s.buf) {
		return s.fail("something follows the end of the document")
	}
	return nil
}
