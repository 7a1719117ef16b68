package advisorydb

import (
	"encoding/binary"
	"strings"

	"muster/internal/advisory"
)

// The flags of an affected entry. Nine in ten entries are one range [0, fixed)
// or [0, …), which cost only their bound.
const (
	entryFixed    = 1 << iota // one range [0, string)
	entryOpen                 // one range [0, …)
	entryRanges               // a list of ranges
	entryVersions             // a list of versions
	entryWord                 // a severity word
	entryStatus               // a number of package advisory
	entryStream               // a module and a list of architectures, as words
)

// entryWordNumbers are the numbers of an entry's words; zero is none.
type entryWordNumbers struct{ severity, module, arches uint64 }

// appendEntry writes what matching needs of an affected entry. False means
// that it can never match.
func appendEntry(b []byte, a *advisory.Affected, words entryWordNumbers) ([]byte, bool) {
	ranges := ordered(a.Ranges)
	flags := byte(0)
	fixed, simple := simpleRange(ranges)
	switch {
	case simple && fixed != "":
		flags |= entryFixed
	case simple:
		flags |= entryOpen
	case len(ranges) > 0:
		flags |= entryRanges
	}
	if len(a.Versions) > 0 {
		flags |= entryVersions
	}
	if flags == 0 {
		return b, false
	}
	if words.severity != 0 {
		flags |= entryWord
	}
	if a.Status != advisory.StatusAffected {
		flags |= entryStatus
	}
	if words.module != 0 || words.arches != 0 {
		flags |= entryStream
	}
	b = appendEntryBody(append(b, flags), flags, a.Versions, ranges, fixed)
	return appendEntryWords(b, flags, a.Status, words), true
}

func appendEntryWords(b []byte, flags byte, status advisory.Status, words entryWordNumbers) []byte {
	if flags&entryWord != 0 {
		b = binary.AppendUvarint(b, words.severity)
	}
	if flags&entryStatus != 0 {
		b = binary.AppendUvarint(b, uint64(status.Number()))
	}
	if flags&entryStream != 0 {
		b = binary.AppendUvarint(binary.AppendUvarint(b, words.module), words.arches)
	}
	return b
}

func appendEntryBody(b []byte, flags byte, versions []string, ranges []advisory.Range, fixed string) []byte {
	if flags&entryFixed != 0 {
		b = appendString(b, fixed)
	}
	if flags&entryRanges != 0 {
		b = binary.AppendUvarint(b, uint64(len(ranges)))
		for _, r := range ranges {
			b = appendRange(b, r)
		}
	}
	if flags&entryVersions != 0 {
		b = appendStrings(b, versions)
	}
	return b
}

func appendRange(b []byte, r advisory.Range) []byte {
	kind := byte(0)
	if r.Type == advisory.SemVer {
		kind = 1
	}
	b = binary.AppendUvarint(append(b, kind), uint64(len(r.Events)))
	for _, e := range r.Events {
		b = appendString(append(b, byte(e.Kind)), e.Version)
	}
	return b
}

// ordered leaves out the ranges that have no order of versions.
func ordered(ranges []advisory.Range) []advisory.Range {
	out := make([]advisory.Range, 0, len(ranges))
	for _, r := range ranges {
		if r.Type == advisory.Ecosystem || r.Type == advisory.SemVer {
			out = append(out, r)
		}
	}
	return out
}

// simpleRange recognises [0, fixed) and, with an empty bound, [0, …).
func simpleRange(ranges []advisory.Range) (fixed string, ok bool) {
	if len(ranges) != 1 || len(ranges[0].Events) == 0 || len(ranges[0].Events) > 2 {
		return "", false
	}
	e := ranges[0].Events
	if e[0].Kind != advisory.Introduced || e[0].Version != "0" {
		return "", false
	}
	if len(e) == 1 {
		return "", true
	}
	return e[1].Version, e[1].Kind == advisory.Fixed && e[1].Version != ""
}

// slab holds the lists of the entries of one record; the next record uses
// them again.
type slab struct {
	affected []advisory.Affected
	versions []string
	ranges   []advisory.Range
	events   []advisory.Event
}

// readEntries decodes the entries of a record. It reports whether relevant
// accepts one of them.
func (s *slab) readEntries(in *reader, key advisory.Key, words *vocabulary, relevant func(*advisory.Affected) bool) bool {
	s.affected, s.versions, s.ranges, s.events = s.affected[:0], s.versions[:0], s.ranges[:0], s.events[:0]
	wanted := relevant == nil
	for range in.count() {
		entry := s.readEntry(in, words)
		entry.Ecosystem, entry.Name = key.Ecosystem, key.Name
		s.affected = append(s.affected, entry)
		wanted = wanted || relevant(&s.affected[len(s.affected)-1])
	}
	return wanted
}

// readEntry decodes an entry; the strings are parts of the reader's text.
func (s *slab) readEntry(r *reader, words *vocabulary) advisory.Affected {
	var a advisory.Affected
	flags := r.byte()
	switch {
	case flags&entryFixed != 0:
		a.Ranges = s.simple(r.string())
	case flags&entryOpen != 0:
		a.Ranges = s.simple("")
	case flags&entryRanges != 0:
		a.Ranges = s.readRanges(r)
	}
	if flags&entryVersions != 0 {
		start := len(s.versions)
		for range r.count() {
			s.versions = append(s.versions, r.string())
		}
		a.Versions = s.versions[start:len(s.versions):len(s.versions)]
	}
	if flags&entryWord != 0 {
		a.Word = words.text(r)
	}
	if flags&entryStatus != 0 {
		var ok bool
		if a.Status, ok = advisory.StatusNumbered(r.uvarint()); !ok {
			r.fail()
		}
	}
	if flags&entryStream != 0 {
		a.Module, a.Arches = words.text(r), words.list(r)
	}
	return a
}

// vocabulary is the words of a file, by number from one; lists are the same
// words cut at blanks.
type vocabulary struct {
	texts []string
	lists [][]string
}

func (v *vocabulary) text(r *reader) string {
	n := r.uvarint()
	if n == 0 {
		return ""
	}
	if n > uint64(len(v.texts)) {
		r.fail()
		return ""
	}
	return v.texts[n-1]
}

func (v *vocabulary) list(r *reader) []string {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	if n > uint64(len(v.lists)) {
		r.fail()
		return nil
	}
	return v.lists[n-1]
}

func (v *vocabulary) read(r *reader) {
	for range r.count() {
		word := r.string()
		v.texts, v.lists = append(v.texts, word), append(v.lists, strings.Fields(word))
	}
}

// simple is the range [0, fixed), open when fixed is empty.
func (s *slab) simple(fixed string) []advisory.Range {
	start := len(s.events)
	s.events = append(s.events, advisory.Event{Kind: advisory.Introduced, Version: "0"})
	if fixed != "" {
		s.events = append(s.events, advisory.Event{Kind: advisory.Fixed, Version: fixed})
	}
	return s.addRanges(advisory.Range{Type: advisory.Ecosystem, Events: s.events[start:len(s.events):len(s.events)]})
}

func (s *slab) addRanges(list ...advisory.Range) []advisory.Range {
	start := len(s.ranges)
	s.ranges = append(s.ranges, list...)
	return s.ranges[start:len(s.ranges):len(s.ranges)]
}

func (s *slab) readRanges(r *reader) []advisory.Range {
	first := len(s.ranges)
	for range r.count() {
		out := advisory.Range{Type: advisory.Ecosystem}
		if r.byte() == 1 {
			out.Type = advisory.SemVer
		}
		start := len(s.events)
		for range r.count() {
			kind := advisory.EventKind(r.byte())
			s.events = append(s.events, advisory.Event{Kind: kind, Version: r.string()})
		}
		out.Events = s.events[start:len(s.events):len(s.events)]
		s.ranges = append(s.ranges, out)
	}
	return s.ranges[first:len(s.ranges):len(s.ranges)]
}
