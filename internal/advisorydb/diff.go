package advisorydb

import (
	"encoding/binary"
	"iter"
	"maps"
	"math"
	"slices"
)

// Diff yields the packages about which the two sets do not say the same: keys
// whose records changed, came or went, or go by another name. It compares
// stored hashes, so its cost is that of reading the indexes, and nothing for
// files that both sets share. An error is yielded once, last, with no key.
func Diff(before, after *Set) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		err := withBoth(before, after, func() error {
			return diffFiles(before.shared, after.shared, func(k Key) bool { return yield(k, nil) })
		})
		if err != nil {
			yield(Key{}, err)
		}
	}
}

func withBoth(a, b *Set, do func() error) error {
	doneA, err := a.use()
	if err != nil {
		return err
	}
	defer doneA()
	doneB, err := b.use()
	if err != nil {
		return err
	}
	defer doneB()
	return do()
}

func diffFiles(before, after *shared, yield func(Key) bool) error {
	x, y := before.byFeed(), after.byFeed()
	names := slices.Collect(maps.Keys(x))
	names = slices.AppendSeq(names, maps.Keys(y))
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		more, err := diffFile(x[n], y[n], yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// byFeed has every file of advisories by ecosystem and feed.
func (s *shared) byFeed() map[string]*File {
	out := map[string]*File{}
	for ecosystem, list := range s.byName {
		for _, f := range list {
			out[ecosystem+"\x00"+f.feed] = f
		}
	}
	return out
}

// diffFile merges the two indexes, which are sorted by key hash. Either file
// may be nil. It reports whether to go on.
func diffFile(before, after *File, yield func(Key) bool) (more bool, err error) {
	var x, y []byte
	for _, f := range []*File{before, after} {
		if f == nil {
			continue
		}
		if err := f.ready(); err != nil {
			return false, err
		}
	}
	if before != nil {
		x = before.section(sectionIndex)
	}
	if after != nil {
		y = after.section(sectionIndex)
	}
	if before != nil && after != nil && sameFile(before, after) {
		return true, nil
	}
	more = true
	mergeRows(x, y, func(i, j int) bool {
		switch {
		case i >= 0 && j >= 0 && rowAt(x, i).content == rowAt(y, j).content:
			return true
		case j >= 0:
			more, err = after.yieldKey(rowAt(y, j), yield)
		default:
			more, err = before.yieldKey(rowAt(x, i), yield)
		}
		return more && err == nil
	})
	return more, err
}

// sameFile compares lengths and section checksums.
func sameFile(a, b *File) bool { return *a.header == *b.header }

// yieldKey yields the key of an index row.
func (f *File) yieldKey(r row, yield func(Key) bool) (bool, error) {
	text, err := f.block(r)
	if err != nil {
		return false, f.wrap(err)
	}
	in := reader{b: text}
	key := Key{Ecosystem: in.string(), Name: in.string()}
	if in.bad {
		return false, f.wrap(corrupt("block key"))
	}
	return yield(key), nil
}

// mergeRows walks two sorted indexes and calls visit with the positions of
// rows that have the same hash, or -1 for the side that has none.
func mergeRows(x, y []byte, visit func(i, j int) bool) {
	i, j := 0, 0
	for i < rowCount(x) || j < rowCount(y) {
		hx, hy := uint64(math.MaxUint64), uint64(math.MaxUint64)
		if i < rowCount(x) {
			hx = binary.LittleEndian.Uint64(x[i*indexRow:])
		}
		if j < rowCount(y) {
			hy = binary.LittleEndian.Uint64(y[j*indexRow:])
		}
		a, b := i, j
		switch {
		case i < rowCount(x) && j < rowCount(y) && hx == hy:
			i, j = i+1, j+1
		case j == rowCount(y) || (i < rowCount(x) && hx < hy):
			b, i = -1, i+1
		default:
			a, j = -1, j+1
		}
		if !visit(a, b) {
			return
		}
	}
}
