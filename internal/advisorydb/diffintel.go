package advisorydb

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
)

// epssStep is how far an EPSS score must move to count as a change. Scores
// move a little for every CVE every day (feeds specification 4.2).
const epssStep = 0.01

// DiffIntel yields the CVEs whose details, KEV entry or exploits differ
// between two sets, or whose EPSS score came, went or moved by more than 0.01.
// A CVE may be yielded more than once. An error is yielded once, last.
func DiffIntel(before, after *Set) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		more := true
		each := func(cve string) bool {
			more = yield(cve, nil)
			return more
		}
		err := withBoth(before, after, func() error {
			for _, kind := range slices.Concat(detailKinds(), []Kind{KEVs}, exploitKinds()) {
				if err := diffTable(before.shared.tables[kind], after.shared.tables[kind], each); err != nil || !more {
					return err
				}
			}
			return diffEPSS(before.shared.epss, after.shared.epss, each)
		})
		if err != nil {
			yield("", err)
		}
	}
}

// diffTable merges two tables, either of which may be nil.
func diffTable(before, after *Table, yield func(string) bool) error {
	var x, y []byte
	if before != nil {
		if err := before.ready(); err != nil {
			return err
		}
		x = before.section(sectionIndex)
	}
	if after != nil {
		if err := after.ready(); err != nil {
			return err
		}
		y = after.section(sectionIndex)
	}
	var changed []changedRow
	mergeRows(x, y, func(i, j int) bool {
		switch {
		case i >= 0 && j >= 0 && rowAt(x, i).content == rowAt(y, j).content:
		case j >= 0:
			changed = append(changed, after.changedRow(j))
		default:
			changed = append(changed, before.changedRow(i))
		}
		return true
	})
	return yieldRows(changed, yield)
}

// changedRow is a document of a table whose key is wanted.
type changedRow struct {
	table *Table
	row   int
	place place
}

func (t *Table) changedRow(i int) changedRow { return changedRow{t, i, t.place(i)} }

// yieldRows reads the keys in the order of the documents, so that every chunk
// is unpacked once.
func yieldRows(rows []changedRow, yield func(string) bool) error {
	slices.SortFunc(rows, func(a, b changedRow) int {
		return cmp.Or(strings.Compare(a.table.name, b.table.name), cmp.Compare(a.place.chunk, b.place.chunk), cmp.Compare(a.place.offset, b.place.offset))
	})
	for _, r := range rows {
		key, err := r.table.keyOf(r.row)
		if err != nil {
			return err
		}
		if !yield(key) {
			return nil
		}
	}
	return nil
}

// diffEPSS merges two files of scores, either of which may be nil.
func diffEPSS(before, after *EPSSFile, yield func(string) bool) error {
	for _, e := range []*EPSSFile{before, after} {
		if e != nil {
			if err := e.ready(); err != nil {
				return err
			}
		}
	}
	i, j := 0, 0
	for {
		x, okX := before.next(i)
		y, okY := after.next(j)
		changed := x
		switch {
		case !okX && !okY:
			return nil
		case okX && okY && x.cve == y.cve:
			i, j = i+1, j+1
			if math.Abs(float64(x.score)-float64(y.score)) <= epssStep {
				continue
			}
		case !okY || (okX && x.cve < y.cve):
			i++
		default:
			j, changed = j+1, y
		}
		if !yield(unpackCVE(changed.cve)) {
			return nil
		}
	}
}

// next is row i; false past the end or without a file.
func (e *EPSSFile) next(i int) (epssScore, bool) {
	if e == nil || i >= e.rows() {
		return epssScore{}, false
	}
	return e.at(i), true
}
