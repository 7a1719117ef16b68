package advisorydb_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/match/matchtest"
	"muster/internal/testshared"
	"muster/internal/version"
)

// buildArchive writes the file of an archive of the shared folder and returns
// its records too.
func buildArchive(t testing.TB, archive, ecosystem string) (*advisorydb.File, []advisory.Advisory) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.adv")
	b, err := advisorydb.NewBuilder(path, ecosystem)
	if err != nil {
		t.Fatal(err)
	}
	var records []advisory.Advisory
	zipRecords(t, archive, func(raw []byte) {
		a, err := advisory.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, a)
		if err := b.Add(&a, raw); err != nil {
			t.Fatal(err)
		}
	})
	sum, err := b.Finish()
	if err != nil || sum.Records != len(records) {
		t.Fatal(sum, err)
	}
	f, err := advisorydb.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, records
}

// TestFilesSayWhatRecordsSay compares, for every package of real archives, the
// file's answer with that of a lookup in memory.
func TestFilesSayWhatRecordsSay(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "advisories", "small", "osv")
	for _, ecosystem := range []string{"Debian", "Ubuntu", "PyPI", "Go", "npm", "AlmaLinux", "crates.io", "Wolfi"} {
		t.Run(ecosystem, func(t *testing.T) {
			f, records := buildArchive(t, filepath.Join(dir, ecosystem+".zip"), ecosystem)
			memory := matchtest.NewLookup(records)
			keys := map[advisory.Key]bool{}
			for i := range records {
				for _, entry := range records[i].Affected {
					keys[advisory.NewKey(entry.Ecosystem, entry.Name)] = true
				}
				compareRecord(t, f, &records[i])
			}
			for key := range keys {
				compareKey(t, f, memory, key)
			}
		})
	}
}

// compareKey compares what matching sees of a package.
func compareKey(t *testing.T, f *advisorydb.File, memory *matchtest.Lookup, key advisory.Key) {
	t.Helper()
	got, err := f.Lookup(key)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]advisory.Advisory{}
	for _, a := range memory.Records(key) {
		if reduced, ok := reduce(a, key); ok {
			want[a.ID] = reduced
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v: %d records, want %d", key, len(got), len(want))
	}
	for _, a := range got {
		if reduced, _ := reduce(a, key); !reflect.DeepEqual(reduced, want[a.ID]) {
			t.Errorf("%v: got %+v\nwant %+v", key, reduced, want[a.ID])
		}
	}
}

// reduce leaves what a file keeps of a record for a key; false when nothing of
// it can match.
func reduce(a advisory.Advisory, key advisory.Key) (advisory.Advisory, bool) {
	out := advisory.Advisory{ID: a.ID, Vulnerabilities: a.Vulnerabilities}
	if len(a.Synonyms) > 0 {
		out.Synonyms = a.Synonyms
	}
	for _, e := range a.Affected {
		kept := advisory.Affected{Ecosystem: key.Ecosystem, Name: key.Name, Word: e.Word, Status: e.Status, Module: e.Module, Arches: e.Arches}
		if len(e.Versions) > 0 {
			kept.Versions = e.Versions
		}
		for _, r := range e.Ranges {
			if r.Type != advisory.Git {
				kept.Ranges = append(kept.Ranges, advisory.Range{Type: advisory.Ecosystem, Events: r.Events})
			}
		}
		if len(kept.Versions)+len(kept.Ranges) > 0 {
			out.Affected = append(out.Affected, kept)
		}
	}
	return out, a.Withdrawn.IsZero() && len(out.Affected) > 0
}

// compareRecord compares the whole record, as it was published.
func compareRecord(t *testing.T, f *advisorydb.File, want *advisory.Advisory) {
	t.Helper()
	got, ok, err := f.Advisory(want.ID)
	if err != nil || !ok {
		t.Fatal(want.ID, ok, err)
	}
	if !reflect.DeepEqual(got.Affected, want.Affected) || got.Summary != want.Summary || !reflect.DeepEqual(got.References, want.References) {
		t.Errorf("%s differs", want.ID)
	}
}

// BenchmarkEach evaluates every record of the package with most of them, as
// matching does for an installed version that none affects.
func BenchmarkEach(b *testing.B) {
	f, _ := buildArchive(b, filepath.Join(testshared.Dir(b), "advisories", "osv", "Debian.zip"), "Debian")
	for name, installed := range map[string]string{"linux": "9-1", "glibc": "9-1", "nothing": "1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			v, err := version.Parse("Debian", installed)
			if err != nil {
				b.Fatal(err)
			}
			records := 0
			relevant := func(entry *advisory.Affected) bool {
				records++
				_, ok := entry.Evaluate(v)
				return ok
			}
			for b.Loop() {
				records = 0
				if err := f.Each(advisory.Key{Ecosystem: "Debian:12", Name: name}, relevant, func(*advisory.Advisory) {}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(records), "records")
		})
	}
}
