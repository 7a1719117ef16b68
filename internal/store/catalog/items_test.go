package catalog

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/inventory"
)

func TestPackedItemsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Placement {
			return Placement{
				Component: rapid.Int64().Draw(t, "component"), Path: rapid.String().Draw(t, "path"), Layer: rapid.String().Draw(t, "layer"),
				OwnedBy: rapid.String().Draw(t, "owner"), Role: inventory.Role(rapid.String().Draw(t, "role")),
			}
		})).Draw(t, "items")
		packed, err := packItems(items)
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpackItems(packed)
		if err != nil || !slices.Equal(back, items) {
			t.Errorf("%v became %v: %v", items, back, err)
		}
	})
}

func FuzzUnpackItems(f *testing.F) {
	packed, err := packItems([]Placement{{Component: 1 << 40, Path: "a/b", Role: "os-owned"}, {Component: 3}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:len(packed)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1<<12 {
			_, _ = unpackItems(data) // It must not fail otherwise than by an error.
		}
	})
}
