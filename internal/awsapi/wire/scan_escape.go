package wire

import (
	"unicode/utf16"
	"unicode/utf8"
)

// escaped continues a string at its first backslash, copying to scratch.
func (s *scanner) escaped(start int) ([]byte, error) {
	s.scratch = append(s.scratch[:0], s.buf[start:s.pos]...)
	for s.pos < len(s.buf) {
		c := s.buf[s.pos]
		switch {
		case c == '"':
			s.pos++
			return s.scratch, nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < 0x20:
			return nil, s.fail("a control character in a string")
		default:
			from := s.pos
			if err := s.rune(); err != nil {
				return nil, err
			}
			s.scratch = append(s.scratch, s.buf[from:s.pos]...)
		}
	}
	return nil, s.fail("a string without end")
}

func (s *scanner) escape() error {
	s.pos++
	if s.pos >= len(s.buf) {
		return s.fail("a string without end")
	}
	c := s.buf[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/':
		s.scratch = append(s.scratch, c)
	case 'b':
		s.scratch = append(s.scratch, '\b')
	case 'f':
		s.scratch = append(s.scratch, '\f')
	case 'n':
		s.scratch = append(s.scratch, '\n')
	case 'r':
		s.scratch = append(s.scratch, '\r')
	case 't':
		s.scratch = append(s.scratch, '\t')
	case 'u':
		return s.unicode()
	default:
		return s.fail("an unknown escape in a string")
	}
	return nil
}

// unicode reads what follows \u; half a surrogate pair is refused.
func (s *scanner) unicode() error {
	r, err := s.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		if !s.accept('\\') || !s.accept('u') {
			return s.fail("half a surrogate pair in a string")
		}
		low, err := s.hex4()
		if err != nil {
			return err
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return s.fail("half a surrogate pair in a string")
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return nil
}

func (s *scanner) hex4() (rune, error) {
	if len(s.buf)-s.pos < 4 {
		return 0, s.fail("a \\u escape without four digits")
	}
	var r rune
	for range 4 {
		c := s.buf[s.pos]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, s.fail("a \\u escape without four digits")
		}
		r = r<<4 | rune(c)
		s.pos++
	}
	return r, nil
}

// skip passes over any value, checking its syntax.
func (s *scanner) skip() error {
	switch c := s.peek(); c {
	case '{':
		return s.skipAll('}')
	case '[':
		return s.skipAll(']')
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case 0:
		return s.fail("expected a value")
	}
	_, err := s.number()
	return err
}

func (s *scanner) skipAll(closing byte) error {
	if err := s.open(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(first, closing)
		if err != nil || !more {
			return err
		}
		if closing == '}' {
			if _, err := s.key(); err != nil {
				return err
			}
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}
