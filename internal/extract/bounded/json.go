package bounded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrTooMany says that a list has more elements than are read.
var ErrTooMany = errors.New("too many elements")

// EachJSON goes through a JSON list without holding more than one element:
// visit decodes the next. What is absent or null is an empty list.
func EachJSON(data []byte, limit int, visit func(*json.Decoder) error) error {
	return each(data, '[', "a list", limit, visit)
}

// EachMember goes through a JSON object like that: visit is told the member's
// name and decodes its value.
func EachMember(data []byte, limit int, visit func(name string, d *json.Decoder) error) error {
	return each(data, '{', "an object", limit, func(d *json.Decoder) error {
		name, err := d.Token()
		if err != nil {
			return err
		}
		return visit(name.(string), d)
	})
}

func each(data []byte, opens json.Delim, what string, limit int, visit func(*json.Decoder) error) error {
	if len(data) == 0 || string(data) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if token, err := d.Token(); err != nil {
		return err
	} else if token != opens {
		return fmt.Errorf("%.100v where %s should be", token, what)
	}
	for n := 0; d.More(); n++ {
		if n == limit {
			return fmt.Errorf("%w: more than %d", ErrTooMany, limit)
		}
		if err := visit(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// maxShort bounds a Short.
const maxShort = 10_000

// Short is a JSON list of few elements; one of more than 10,000 is refused
// before it is read.
type Short[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (s *Short[T]) UnmarshalJSON(data []byte) error {
	return EachJSON(data, maxShort, func(d *json.Decoder) error {
		var v T
		err := d.Decode(&v)
		*s = append(*s, v)
		return err
	})
}
