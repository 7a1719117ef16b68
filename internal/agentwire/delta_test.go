package agentwire

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/inventory"
)

func TestDeltaMakesTheNewInventory(t *testing.T) {
	item := rapid.Custom(func(t *rapid.T) inventory.Item {
		return inventory.Item{Component: inventory.Component{Ecosystem: "npm", Name: rapid.StringMatching(`[a-d]`).Draw(t, "name"),
			Version: rapid.StringMatching(`[12]`).Draw(t, "version")}, Path: rapid.StringMatching(`/[ab]`).Draw(t, "path")}
	})
	draw := rapid.Custom(func(t *rapid.T) inventory.Inventory {
		inv := inventory.Inventory{OS: inventory.OS{ID: rapid.SampledFrom([]string{"debian", "alpine"}).Draw(t, "id")},
			Items: rapid.SliceOf(item).Draw(t, "items"), Notes: rapid.SliceOfN(rapid.Just("a note"), 0, 2).Draw(t, "notes")}
		inv.Sort()
		return inv
	})
	rapid.Check(t, func(t *rapid.T) {
		base, after := draw.Draw(t, "base"), draw.Draw(t, "after")
		before := slices.Clone(base.Items)
		sent := &Report{HostID: testHost, Sequence: 3, CollectedAt: signedAt, InventoryHash: after.Hash(), Delta: NewDelta(&base, &after, base.Hash())}
		body, err := EncodeReport(sent)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeReport(bytes.NewReader(body), inventory.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		made, err := got.Delta.Apply(&base)
		if err != nil {
			t.Fatal(err)
		}
		if made.Hash() != after.Hash() || !slices.Equal(base.Items, before) {
			t.Fatalf("made %+v of %+v, want %+v", made, before, after)
		}
	})
}

func TestForeignDeltasAreRefused(t *testing.T) {
	base := sample()
	good := func() *Delta { return NewDelta(&base, &inventory.Inventory{}, base.Hash()) }
	for name, spoil := range map[string]func(*Delta){
		"base":       func(d *Delta) { d.Base = "x" },
		"negative":   func(d *Delta) { d.Removed = []int{-1} },
		"descending": func(d *Delta) { d.Removed = []int{1, 0} },
		"twice":      func(d *Delta) { d.Removed = []int{0, 0} },
		"item":       func(d *Delta) { d.Added = []inventory.Item{{}} },
	} {
		d := good()
		spoil(d)
		r := &Report{HostID: testHost, Sequence: 3, CollectedAt: signedAt, InventoryHash: strings.Repeat("0", 64), Delta: d}
		if _, err := DecodeReport(bytes.NewReader(encodeReport(t, r)), inventory.DefaultLimits()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	far := good()
	far.Removed = []int{0, 7}
	if _, err := far.Apply(&base); err == nil {
		t.Error("a position beyond the base is applied")
	}
	both := sampleReport()
	both.Delta = good()
	if _, err := DecodeReport(bytes.NewReader(encodeReport(t, both)), inventory.DefaultLimits()); err == nil {
		t.Error("a report with content and difference is accepted")
	}
}

func TestReportOfDeltaComesBackAsSent(t *testing.T) {
	base, after := sample(), sample()
	after.Items[0].Version = "9"
	after.Sort()
	r := &Report{HostID: testHost, Sequence: 3, CollectedAt: signedAt, InventoryHash: after.Hash(), Delta: NewDelta(&base, &after, base.Hash()), Stopping: true}
	got, err := DecodeReport(bytes.NewReader(encodeReport(t, r)), inventory.DefaultLimits())
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("sent %+v, came back %+v, %v", r.Delta, got.Delta, err)
	}
}

func TestNewKeyNeedsItsHolder(t *testing.T) {
	_, next, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewKeyRequest(testHost, 5, next)
	if err := r.Verify(testHost, 5); err != nil {
		t.Fatal(err)
	}
	if r.Verify(testHost, 6) == nil || r.Verify("i-00000000000000009", 5) == nil {
		t.Error("a proof counts for another request or host")
	}
	r.PublicKey = other.Public().(ed25519.PublicKey)
	if r.Verify(testHost, 5) == nil {
		t.Error("a key is accepted that the sender does not hold")
	}
	r.PublicKey = nil
	if r.Verify(testHost, 5) == nil {
		t.Error("no key is accepted")
	}
}

func TestVersionsOfTheWire(t *testing.T) {
	for text, want := range map[string]ErrorCode{"": "", "1": "", "2": "", "3": CodeAgentTooNew, "0": CodeBadRequest, "x": CodeBadRequest} {
		h := http.Header{}
		if text != "" {
			h.Set(VersionHeader, text)
		}
		if code, words := CheckVersion(h); code != want || (words == "") != (want == "") {
			t.Errorf("%q: %q %q, want %q", text, code, words, want)
		}
	}
}
