package advisory

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Bounds of one record. The largest real records (kernel live patches,
// packages with every version listed) stay below a tenth of them.
const (
	MaxRecordBytes = 16 << 20
	maxDepth       = 48
	maxIDLength    = 256
	maxNameLength  = 1024
	maxIDs         = 20_000
	maxAffected    = 100_000
	// maxObjects is how many objects a record has: each two bytes or more, which
	// decoded are two hundred.
	maxObjects = 500_000
)

// ErrRecord says that bytes are not an advisory; the wrapping error says why.
var ErrRecord = errors.New("not an OSV record")

// Parse reads one OSV record. Unknown members are ignored; Vulnerabilities
// and Synonyms stay empty. The error wraps ErrRecord and names the member.
func Parse(data []byte) (Advisory, error) {
	if err := checkShape(data); err != nil {
		return Advisory{}, err
	}
	var w wireRecord
	if err := json.Unmarshal(data, &w); err != nil {
		return Advisory{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if err := w.check(); err != nil {
		return Advisory{}, err
	}
	return w.advisory(), nil
}

// ParseText reads what a record that Parse has accepted says beside the packages
// and versions: of Affected only the entries with a severity are there, and of
// them nothing else. It costs a fraction of Parse.
func ParseText(data []byte) (Advisory, error) {
	var w struct {
		wireText
		Affected []struct {
			Severity []Severity `json:"severity"`
		} `json:"affected"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return Advisory{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	a, _ := w.text()
	for _, entry := range w.Affected {
		if len(entry.Severity) > 0 {
			a.Affected = append(a.Affected, Affected{Severity: entry.Severity})
		}
	}
	return a, nil
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRecord}, args...)...)
}

// checkShape bounds size and nesting before anything is decoded.
func checkShape(data []byte) error {
	if len(data) > MaxRecordBytes {
		return refuse("%d bytes, more than %d", len(data), MaxRecordBytes)
	}
	depth, objects, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return refuse("nested deeper than %d", maxDepth)
			}
			if objects++; objects > maxObjects {
				return refuse("more than %d objects", maxObjects)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// The wire form. Members that only vary in what databases put there are kept
// raw, so that an odd one does not cost the record.
type wireRecord struct {
	wireText
	Affected []wireAffected `json:"affected,omitempty"`
}

// wireText is a record without the packages.
type wireText struct {
	ID        string          `json:"id"`
	Modified  string          `json:"modified,omitempty"`
	Published string          `json:"published,omitempty"`
	Withdrawn string          `json:"withdrawn,omitempty"`
	Aliases   []string        `json:"aliases,omitempty"`
	Upstream  []string        `json:"upstream,omitempty"`
	Related   []string        `json:"related,omitempty"`
	Summary   string          `json:"summary,omitempty"`
	Details   string          `json:"details,omitempty"`
	Severity  []Severity      `json:"severity,omitempty"`
	Refs      []Reference     `json:"references,omitempty"`
	Database  json.RawMessage `json:"database_specific,omitempty"`
}

type wireAffected struct {
	Package   wirePackage     `json:"package"`
	Severity  []Severity      `json:"severity,omitempty"`
	Versions  []string        `json:"versions,omitempty"`
	Ranges    []wireRange     `json:"ranges,omitempty"`
	Ecosystem json.RawMessage `json:"ecosystem_specific,omitempty"`
	Database  json.RawMessage `json:"database_specific,omitempty"`
}

type wirePackage struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
}

type wireRange struct {
	Type   string      `json:"type,omitempty"`
	Events []wireEvent `json:"events"`
}

type wireEvent struct {
	Introduced   *string `json:"introduced,omitempty"`
	Fixed        *string `json:"fixed,omitempty"`
	LastAffected *string `json:"last_affected,omitempty"`
	Limit        *string `json:"limit,omitempty"`
}

// check refuses records that break the schema where muster relies on it.
func (w *wireRecord) check() error {
	switch {
	case w.ID == "":
		return refuse("no id")
	case len(w.ID) > maxIDLength || strings.ContainsAny(w.ID, "/\\\x00\r\n"):
		return refuse("id %.40q is not an id", w.ID)
	case len(w.Aliases)+len(w.Upstream)+len(w.Related) > maxIDs:
		return refuse("%s: more than %d aliases", w.ID, maxIDs)
	case len(w.Affected) > maxAffected:
		return refuse("%s: more than %d affected packages", w.ID, maxAffected)
	}
	for _, date := range []string{w.Modified, w.Published, w.Withdrawn} {
		if _, err := parseDate(date); err != nil {
			return refuse("%s: %w", w.ID, err)
		}
	}
	for i := range w.Affected {
		if err := w.Affected[i].check(); err != nil {
			return refuse("%s: affected[%d]: %w", w.ID, i, err)
		}
	}
	return nil
}

func (a *wireAffected) check() error {
	if len(a.Package.Name) > maxNameLength || len(a.Package.Ecosystem) > maxNameLength {
		return errors.New("package name too long")
	}
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if _, ok := e.event(); !ok {
				return errors.New("an event must have exactly one of introduced, fixed, last_affected, limit")
			}
		}
	}
	return nil
}

// event converts; false unless exactly one member is present.
func (e wireEvent) event() (Event, bool) {
	var out Event
	n := 0
	set := func(kind EventKind, v *string) {
		if v != nil {
			out, n = Event{kind, *v}, n+1
		}
	}
	set(Introduced, e.Introduced)
	set(Fixed, e.Fixed)
	set(LastAffected, e.LastAffected)
	set(Limit, e.Limit)
	return out, n == 1
}

// parseDate reads RFC 3339; the empty string is the zero time.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("date %.40q is not RFC 3339", s)
	}
	return t.UTC(), nil
}

// date is parseDate after check has passed.
func date(s string) time.Time {
	t, _ := parseDate(s)
	return t
}

// text converts what is not about packages, and returns the publisher's word
// for the severity.
func (w *wireText) text() (a Advisory, word string) {
	word, cwes := databaseWords(w.Database)
	if word == "" {
		word = noticeWord(w.ID, w.Summary)
	}
	return Advisory{
		ID: w.ID, Aliases: w.Aliases, Upstream: w.Upstream, Related: w.Related,
		Modified: date(w.Modified), Published: date(w.Published), Withdrawn: date(w.Withdrawn),
		Summary: w.Summary, Details: w.Details, Severity: w.Severity, References: w.Refs, CWEs: cwes,
	}, word
}

func (w *wireRecord) advisory() Advisory {
	a, word := w.text()
	if len(w.Affected) > 0 {
		a.Affected = make([]Affected, 0, len(w.Affected))
	}
	modules := noticeModules(w.ID, w.Summary)
	for i := range w.Affected {
		entry := w.Affected[i].affected(vendorWord(w.Severity, word))
		if entry.Module == "" && modules != "" && entry.modular() {
			entry.Module = modules
		}
		a.Affected = append(a.Affected, entry)
	}
	a.Affected = append(a.Affected, noticeSources(w.ID, w.Summary, a.Affected)...)
	return a
}

// affected converts; word is the record's severity, for entries without one.
func (a *wireAffected) affected(word string) Affected {
	out := Affected{
		Ecosystem: a.Package.Ecosystem, Name: a.Package.Name,
		Severity: a.Severity, Versions: a.Versions,
	}
	local := entryWords(a.Ecosystem, a.Database)
	out.Word = vendorWord(a.Severity, local.severity)
	out.Status, out.Module, out.Arches = local.status, local.module, local.arches
	if out.Word == "" {
		out.Word = word
	}
	for _, r := range a.Ranges {
		out.Ranges = append(out.Ranges, r.convert())
	}
	return out
}

// convert tolerates a missing type: some published records leave it out, and
// their events are versions.
func (r wireRange) convert() Range {
	out := Range{Type: RangeType(r.Type), Events: make([]Event, 0, len(r.Events))}
	if out.Type == "" {
		out.Type = Ecosystem
	}
	for _, e := range r.Events {
		event, _ := e.event()
		out.Events = append(out.Events, event)
	}
	return out
}
