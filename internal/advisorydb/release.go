package advisorydb

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
)

// Release is one release of an ecosystem, or the whole of one that has no
// releases, and how much is known of it.
type Release struct {
	// Ecosystem carries the release where the ecosystem has them: "Debian:12".
	Ecosystem string
	// Records counts the valid records with an entry for it.
	Records int
	// Newest is the latest modification date of those.
	Newest time.Time
}

// release is a Release in the making; last is the record counted last.
type release struct {
	records int
	last    uint32
	newest  time.Time
}

// maxReleases bounds the releases of a file; real ones have some hundred.
const maxReleases = 100_000

// count notes that a record, whose entries come one after the other, speaks of
// a release.
func (b *Builder) count(ecosystem string, record uint32, modified time.Time) error {
	name := advisory.NewKey(ecosystem, "").Ecosystem
	r := b.releases[name]
	if r == nil {
		if len(b.releases) == maxReleases {
			return fmt.Errorf("more than %d releases", maxReleases)
		}
		r = &release{}
		b.releases[name] = r
	}
	if r.records == 0 || r.last != record {
		r.records, r.last = r.records+1, record
	}
	if modified.After(r.newest) {
		r.newest = modified
	}
	return nil
}

// appendReleases writes name, number of records and newest date (Unix seconds,
// zero for none) of each release, by name.
func (b *Builder) appendReleases(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(b.releases)))
	for _, name := range slices.Sorted(maps.Keys(b.releases)) {
		r := b.releases[name]
		out = binary.AppendUvarint(appendString(out, name), uint64(r.records))
		out = binary.AppendUvarint(out, uint64(max(r.newest.Unix(), 0)))
	}
	return out
}

func readReleases(r *reader) []Release {
	var out []Release
	for range r.count() {
		next := Release{Ecosystem: r.string(), Records: int(r.uvarint())}
		if newest := int64(r.uvarint()); newest > 0 {
			next.Newest = time.Unix(newest, 0).UTC()
		}
		out = append(out, next)
	}
	return out
}

// Releases lists what the file has advisories for, by name.
func (f *File) Releases() ([]Release, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	return slices.Clone(f.releases), nil
}

// Releases lists the releases of an ecosystem, given with or without suffix,
// that the set has advisories for; nil when it has none at all. Where a
// release is not listed, finding nothing for it means nothing.
func (s *Set) Releases(ecosystem string) ([]Release, error) {
	done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	var out []Release
	for _, f := range s.shared.byName[advisory.BaseEcosystem(ecosystem)] {
		more, err := f.Releases()
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return joinReleases(out), nil
}

// joinReleases adds up what several feeds know of a release.
func joinReleases(list []Release) []Release {
	slices.SortStableFunc(list, func(a, b Release) int { return strings.Compare(a.Ecosystem, b.Ecosystem) })
	out := list[:0]
	for _, r := range list {
		if n := len(out); n > 0 && out[n-1].Ecosystem == r.Ecosystem {
			out[n-1].Records += r.Records
			if r.Newest.After(out[n-1].Newest) {
				out[n-1].Newest = r.Newest
			}
			continue
		}
		out = append(out, r)
	}
	return out
}
