package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// orderedMap is a JSON object that keeps the order of its keys. The order of a
// structure's members is the order of Go fields, XML elements and violations.
type orderedMap[V any] struct {
	keys   []string
	values map[string]V
}

func (m *orderedMap[V]) set(k string, v V) {
	if m.values == nil {
		m.values = map[string]V{}
	}
	if _, ok := m.values[k]; !ok {
		m.keys = append(m.keys, k)
	}
	m.values[k] = v
}

// IsZero reports whether the object was absent.
func (m orderedMap[V]) IsZero() bool { return m.values == nil }

// UnmarshalJSON reads an object.
func (m *orderedMap[V]) UnmarshalJSON(b []byte) error {
	*m = orderedMap[V]{values: map[string]V{}}
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("not an object: %v %w", t, err)
	}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return err
		}
		var v V
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("member %v: %w", k, err)
		}
		m.set(k.(string), v)
	}
	return nil
}

// MarshalJSON writes the object in its order.
func (m orderedMap[V]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, k := range m.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		v, err := json.Marshal(m.values[k])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", k, v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
