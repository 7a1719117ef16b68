package advisory

import (
	"encoding/json"
	"fmt"
	"time"
)

// Encode writes a record that did not come as OSV in OSV's form, so that Parse
// reads the same from it. What OSV has no member for (status, module,
// architectures) lies in the entries' database_specific. Dates keep their
// seconds.
func Encode(a *Advisory) ([]byte, error) {
	w := wireRecord{wireText: wireText{
		ID: a.ID, Aliases: a.Aliases, Upstream: a.Upstream, Related: a.Related,
		Modified: writeDate(a.Modified), Published: writeDate(a.Published), Withdrawn: writeDate(a.Withdrawn),
		Summary: a.Summary, Details: a.Details, Severity: a.Severity, Refs: a.References,
	}}
	var err error
	if len(a.CWEs) > 0 {
		if w.Database, err = json.Marshal(map[string][]string{"cwe_ids": a.CWEs}); err != nil {
			return nil, fmt.Errorf("record %s: %w", a.ID, err)
		}
	}
	for i := range a.Affected {
		entry, err := encodeAffected(&a.Affected[i])
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", a.ID, err)
		}
		w.Affected = append(w.Affected, entry)
	}
	return json.Marshal(w)
}

func writeDate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func encodeAffected(a *Affected) (wireAffected, error) {
	w := wireAffected{Package: wirePackage{a.Ecosystem, a.Name}, Severity: a.Severity, Versions: a.Versions}
	for _, r := range a.Ranges {
		out := wireRange{Type: string(r.Type), Events: []wireEvent{}}
		for _, e := range r.Events {
			out.Events = append(out.Events, encodeEvent(e))
		}
		w.Ranges = append(w.Ranges, out)
	}
	if a.Word == "" && a.Status == "" && a.Module == "" && len(a.Arches) == 0 {
		return w, nil
	}
	var err error
	w.Database, err = json.Marshal(struct {
		Severity string   `json:"severity,omitempty"`
		Status   Status   `json:"status,omitempty"`
		Module   string   `json:"module,omitempty"`
		Arches   []string `json:"arches,omitempty"`
	}{a.Word, a.Status, a.Module, a.Arches})
	return w, err
}

func encodeEvent(e Event) wireEvent {
	v := e.Version
	switch e.Kind {
	case Fixed:
		return wireEvent{Fixed: &v}
	case LastAffected:
		return wireEvent{LastAffected: &v}
	case Limit:
		return wireEvent{Limit: &v}
	}
	return wireEvent{Introduced: &v}
}
