package catalog

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"muster/internal/inventory"
)

// Placement is one item of an inventory: a component and where it was seen.
type Placement struct {
	Component            int64
	Path, Layer, OwnedBy string
	Role                 inventory.Role
}

// packItems writes placements as deflated varints and strings: the component
// as the difference from the one before, then the four texts. Items of an
// inventory are sorted by name, so both compress well.
func packItems(items []Placement) ([]byte, error) {
	var raw []byte
	last := int64(0)
	for _, p := range items {
		raw = binary.AppendVarint(raw, p.Component-last)
		last = p.Component
		for _, s := range []string{p.Path, p.Layer, string(p.Role), p.OwnedBy} {
			raw = binary.AppendUvarint(raw, uint64(len(s)))
			raw = append(raw, s...)
		}
	}
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	// Closing writes the rest, so the bytes are complete only after it.
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

var errPacked = errors.New("packed inventory is damaged")

func unpackItems(packed []byte) ([]Placement, error) {
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	var items []Placement
	last := int64(0)
	for len(raw) > 0 {
		difference, n := binary.Varint(raw)
		if n <= 0 {
			return nil, errPacked
		}
		raw = raw[n:]
		last += difference
		p := Placement{Component: last}
		for _, dest := range []*string{&p.Path, &p.Layer, (*string)(&p.Role), &p.OwnedBy} {
			size, n := binary.Uvarint(raw)
			if n <= 0 || size > uint64(len(raw)-n) {
				return nil, errPacked
			}
			*dest = string(raw[n : n+int(size)])
			raw = raw[n+int(size):]
		}
		items = append(items, p)
	}
	return items, nil
}
