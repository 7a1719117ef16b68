package bounded

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Raw is JSON that is read later, as json.RawMessage is, but no copy: it is a
// part of what json.Unmarshal was given, which must not change meanwhile.
// Lists within lists would otherwise be held once for each level. It does not
// work with json.Decoder, which uses its memory again.
type Raw []byte

// UnmarshalJSON implements json.Unmarshaler.
func (r *Raw) UnmarshalJSON(data []byte) error {
	*r = data[:len(data):len(data)]
	return nil
}

// Elements goes through a JSON list that has been read as Raw, and gives visit
// each element as it stands there. What is absent or null is an empty list.
func Elements(list Raw, limit int, visit func(Raw) error) error {
	if len(list) == 0 || string(list) == "null" {
		return nil
	}
	if list[0] != '[' {
		return fmt.Errorf("%.100s where a list should be", list)
	}
	rest := list[1:]
	for n := 0; ; n++ {
		rest = trimLeft(rest)
		if len(rest) > 0 && rest[0] == ',' {
			rest = trimLeft(rest[1:])
		}
		switch {
		case len(rest) == 0:
			return errors.New("a list is not closed")
		case rest[0] == ']':
			return nil
		case n == limit:
			return fmt.Errorf("%w: more than %d", ErrTooMany, limit)
		}
		end := valueEnd(rest)
		if end == 0 {
			return fmt.Errorf("%.100s where a value should be", rest)
		}
		if err := visit(rest[:end:end]); err != nil {
			return err
		}
		rest = rest[end:]
	}
}

// trimLeft drops JSON's blanks.
func trimLeft(data []byte) []byte {
	for len(data) > 0 && (data[0] == ' ' || data[0] == '\n' || data[0] == '\t' || data[0] == '\r') {
		data = data[1:]
	}
	return data
}

// valueEnd is where the value ends that valid JSON begins with, 0 for none.
func valueEnd(data []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 { // the end of the list that a number stands in
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case c == ',' && depth == 0:
			return i
		}
	}
	return 0
}

// Shape refuses JSON of more objects or texts than a document of its kind has.
// Two bytes are an object, and three a text of a list, but decoded they take a
// hundred times as many. It is to be asked before anything is decoded.
func Shape(data []byte, objects, texts int) error {
	quotes := 2 * texts
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			if quotes--; quotes < 0 {
				return fmt.Errorf("%w: more than %d texts", ErrTooMany, texts)
			}
		case quoted:
		case c == '{' || c == '[':
			if objects--; objects < 0 {
				return fmt.Errorf("%w: more objects and lists than a document has", ErrTooMany)
			}
		}
	}
	return nil
}

var _ json.Unmarshaler = (*Raw)(nil)
