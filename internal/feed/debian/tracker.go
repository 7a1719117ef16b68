package debian

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of the export. The real one has some 80 MB and 600,000 states.
const (
	maxBytes  = 2 << 30
	maxStates = 50_000_000
	maxText   = 1024
)

// ErrTracker says that bytes are not the tracker's export.
var ErrTracker = errors.New("not an export of Debian's security tracker")

// Tracker is a whole export. It is kept compactly, because the export goes by
// source package and records go by vulnerability.
type Tracker struct {
	issues texts
	// descriptions are by issue.
	descriptions map[uint32]string
	words        texts
	rows         []row
}

// row is the state of an issue in a source package and release; texts by
// their numbers.
type row struct {
	issue, source, release, fixed, urgency uint32
	state                                  State
}

// texts numbers distinct texts.
type texts struct {
	list   []string
	number map[string]uint32
}

func (t *texts) add(s string) uint32 {
	n, ok := t.number[s]
	if !ok {
		if t.number == nil {
			t.number = map[string]uint32{}
		}
		n = uint32(len(t.list))
		t.list = append(t.list, s)
		t.number[s] = n
	}
	return n
}

type wireIssue struct {
	Description string                 `json:"description"`
	Releases    map[string]wireRelease `json:"releases"`
}

type wireRelease struct {
	Status  string `json:"status"`
	Fixed   string `json:"fixed_version"`
	Urgency string `json:"urgency"`
	// NoDSA is why no notice is written, its Reason "ignored", "postponed" or
	// empty.
	NoDSA  *string `json:"nodsa"`
	Reason string  `json:"nodsa_reason"`
}

// ParseTracker reads an export. One that names no issue is refused.
func ParseTracker(r io.Reader) (*Tracker, error) {
	t := &Tracker{descriptions: map[uint32]string{}}
	in := json.NewDecoder(feed.Bounded(r, maxBytes))
	err := eachMember(in, func(source string) error {
		return eachMember(in, func(issue string) error {
			var w wireIssue
			if err := in.Decode(&w); err != nil {
				return err
			}
			return t.add(source, issue, w)
		})
	})
	switch {
	case errors.Is(err, feed.ErrTooLarge):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrTracker, err)
	case len(t.rows) == 0:
		return nil, fmt.Errorf("%w: it holds no states", ErrTracker)
	}
	return t, nil
}

// eachMember reads an object and calls each with every key; each reads the
// value.
func eachMember(in *json.Decoder, each func(key string) error) error {
	open, err := in.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("%.40v where an object should begin", open)
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if err := each(name); err != nil {
			return fmt.Errorf("%.60s: %w", name, err)
		}
	}
	_, err = in.Token()
	return err
}

func (t *Tracker) add(source, issue string, w wireIssue) error {
	if err := check(source, issue, w); err != nil {
		return err
	}
	n := t.issues.add(issue)
	if w.Description != "" {
		t.descriptions[n] = w.Description
	}
	for codename, release := range w.Releases {
		state, err := release.state()
		if err != nil {
			return fmt.Errorf("%.60s: %w", codename, err)
		}
		if len(t.rows) == maxStates {
			return fmt.Errorf("more than %d states", maxStates)
		}
		t.rows = append(t.rows, row{
			n, t.words.add(source), t.words.add(codename), t.words.add(release.Fixed), t.words.add(release.Urgency), state,
		})
	}
	return nil
}

func check(source, issue string, w wireIssue) error {
	if source == "" || len(source) > maxText {
		return fmt.Errorf("source package %.40q", source)
	}
	if !advisory.IsCVE(issue) && !strings.HasPrefix(issue, "TEMP-") || len(issue) > 64 || strings.ContainsAny(issue, "/\\\x00\r\n") {
		return fmt.Errorf("%.40q is neither a CVE nor a temporary id", issue)
	}
	for codename, release := range w.Releases {
		if codename == "" || len(codename) > maxText || len(release.Fixed) > maxText || len(release.Urgency) > maxText {
			return fmt.Errorf("release %.40q with a version or urgency that is too long", codename)
		}
	}
	return nil
}

func (r wireRelease) state() (State, error) {
	switch r.Status {
	case "resolved":
		if r.Fixed == "" {
			return 0, errors.New("resolved without a fixed version")
		}
		return Resolved, nil
	case "open":
		return r.open(), nil
	case "undetermined":
		return Undetermined, nil
	}
	return 0, fmt.Errorf("status %.40q", r.Status)
}

func (r wireRelease) open() State {
	switch {
	case strings.TrimRight(r.Urgency, "*") == "end-of-life":
		return EndOfLife
	case r.Reason == "postponed":
		return Postponed
	case r.Reason == "ignored":
		return Ignored
	case r.NoDSA != nil:
		return Minor
	}
	return Open
}

// Advisories yields one record per issue, sorted: "DEBIAN-CVE-2024-3094", as
// OSV's conversion calls it, or the temporary id of one that has no CVE. Its
// entries are sorted by source package and release.
func (t *Tracker) Advisories() iter.Seq[advisory.Advisory] {
	slices.SortFunc(t.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(t.issues.list[a.issue], t.issues.list[b.issue]),
			cmp.Compare(t.words.list[a.source], t.words.list[b.source]), cmp.Compare(t.words.list[a.release], t.words.list[b.release]))
	})
	return func(yield func(advisory.Advisory) bool) {
		for rest := t.rows; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].issue == rest[0].issue {
				n++
			}
			if !yield(t.advisory(rest[:n])) {
				return
			}
			rest = rest[n:]
		}
	}
}

func (t *Tracker) advisory(rows []row) advisory.Advisory {
	issue := t.issues.list[rows[0].issue]
	out := advisory.Advisory{ID: issue, Details: t.descriptions[rows[0].issue], Affected: make([]advisory.Affected, 0, len(rows))}
	if advisory.IsCVE(issue) {
		out.ID, out.Upstream = "DEBIAN-"+issue, []string{issue}
	}
	out.References = []advisory.Reference{{Type: "ADVISORY", URL: "https://security-tracker.debian.org/tracker/" + issue}}
	word := t.words.list
	for _, r := range rows {
		out.Affected = append(out.Affected, entry(word[r.source], word[r.release], r.state, word[r.fixed], word[r.urgency]))
	}
	return out
}
