package catalog

import (
	"slices"
	"testing"

	"muster/internal/inventory"

	"pgregory.net/rapid"
)

// TestPackedItemsComeBack draws inventories of every size, since what the
// compressor holds back until it is closed depends on it.
func TestPackedItemsComeBack(t *testing.T) {
	placement := rapid.Custom(func(t *rapid.T) Placement {
		return Placement{
			Component: rapid.Int64().Draw(t, "component"), Path: rapid.String().Draw(t, "path"), Layer: rapid.String().Draw(t, "layer"),
			Role: inventory.Role(rapid.SampledFrom([]string{"", "os-owned"}).Draw(t, "role")), OwnedBy: rapid.String().Draw(t, "owner"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(placement, 0, 2000).Draw(t, "items")
		packed, err := packItems(items)
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpackItems(packed)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back, items) {
			t.Fatalf("%d items came back as %d", len(items), len(back))
		}
	})
}
