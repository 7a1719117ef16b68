package advisorydb

import (
	"path/filepath"
	"testing"

	"muster/internal/advisory"
)

// FuzzBlock reads blocks that no checksum protects: whatever their bytes, the
// answer is an error or records, bounded by the length of the block.
func FuzzBlock(f *testing.F) {
	path := filepath.Join(f.TempDir(), "a.adv")
	b, err := NewBuilder(path, "npm")
	if err != nil {
		f.Fatal(err)
	}
	raw := `{"id":"GHSA-a","aliases":["CVE-2024-1"],"database_specific":{"severity":"LOW"},"affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1","2"],"ranges":[{"type":"SEMVER","events":[{"introduced":"1"},{"fixed":"2"}]}]}]}`
	a, err := advisory.Parse([]byte(raw))
	if err != nil {
		f.Fatal(err)
	}
	if err := b.Add(&a, []byte(raw)); err != nil {
		f.Fatal(err)
	}
	if _, err := b.Finish(); err != nil {
		f.Fatal(err)
	}
	file, err := OpenFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(file.Close)
	if err := file.ready(); err != nil {
		f.Fatal(err)
	}
	f.Add(string(file.section(sectionBlocks)))
	f.Add("\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, text string) {
		in := reader{b: text}
		entries := 0
		err := file.eachInBlock(&in, advisory.Key{Ecosystem: "npm", Name: "a"}, nil, func(a *advisory.Advisory) { entries += len(a.Affected) })
		if err == nil && entries > len(text) {
			t.Errorf("%d entries from %d bytes", entries, len(text))
		}
	})
}

func TestCVENumbersRoundTrip(t *testing.T) {
	for _, id := range []string{"CVE-1999-0001", "CVE-2024-3094", "CVE-2021-1234567", "CVE-0000-0000"} {
		n, ok := packCVE(id)
		if !ok || unpackCVE(n) != id {
			t.Errorf("%s: %v, %s", id, ok, unpackCVE(n))
		}
	}
	if _, ok := packCVE("CVE-2024"); ok {
		t.Error("accepted what is no CVE")
	}
}
