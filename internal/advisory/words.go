package advisory

import (
	"encoding/json"
	"strings"
)

// databaseWords reads what GHSA and those who follow it put beside a record:
// a severity word and CWE ids. Other shapes count as nothing.
func databaseWords(raw json.RawMessage) (severity string, cwes []string) {
	if len(raw) == 0 {
		return "", nil
	}
	var members struct {
		Severity json.RawMessage `json:"severity"`
		CWEs     json.RawMessage `json:"cwe_ids"`
	}
	if json.Unmarshal(raw, &members) != nil {
		return "", nil
	}
	severity = word(members.Severity)
	if json.Unmarshal(members.CWEs, &cwes) != nil {
		cwes = nil
	}
	return severity, cwes
}

// entryMembers are the words that publishers, and Encode, put beside an
// affected entry.
type entryMembers struct {
	Urgency  json.RawMessage `json:"urgency,omitempty"`
	Severity json.RawMessage `json:"severity,omitempty"`
	Status   json.RawMessage `json:"status,omitempty"`
	Module   json.RawMessage `json:"module,omitempty"`
	Arches   json.RawMessage `json:"arches,omitempty"`
}

// entry is what is read of them.
type entry struct {
	severity, module string
	status           Status
	arches           []string
}

// entryWords reads an affected entry's severity word, status, module and
// architectures from the places where publishers write them.
func entryWords(ecosystem, database json.RawMessage) entry {
	var out entry
	var members entryMembers
	for _, raw := range []json.RawMessage{database, ecosystem} {
		if len(raw) == 0 || json.Unmarshal(raw, &members) != nil {
			continue
		}
		out.read(&members)
	}
	if out.status == StatusAffected && out.severity == "end-of-life" {
		out.status = StatusEndOfLife
	}
	return out
}

func (e *entry) read(m *entryMembers) {
	if w := word(m.Severity); w != "" {
		e.severity = w
	}
	if w := word(m.Urgency); w != "" {
		e.severity = strings.TrimRight(w, "*")
	}
	if s := statusOf(word(m.Status)); s != StatusAffected {
		e.status = s
	}
	if w := text(m.Module, maxModule); w != "" {
		e.module = w
	}
	if list := arches(m.Arches); list != nil {
		e.arches = list
	}
}

// maxModule bounds "name:stream", in bytes.
const maxModule = 256

// statusOf understands publishers' words; others count as affected.
func statusOf(w string) Status {
	switch w {
	case "fix-not-planned", "ignored", "wont-fix", "will not fix":
		return StatusWontFix
	}
	if s := Status(w); s.Number() > 0 {
		return s
	}
	return StatusAffected
}

// arches reads a list of at most 40 short words.
func arches(raw json.RawMessage) []string {
	var list []string
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil || len(list) > 40 {
		return nil
	}
	for _, a := range list {
		if a == "" || len(a) > 40 || strings.Contains(a, " ") {
			return nil
		}
	}
	return list
}

// word is a JSON string of at most 40 bytes, else empty.
func word(raw json.RawMessage) string { return text(raw, 40) }

// text is a JSON string of at most limit bytes, else empty.
func text(raw json.RawMessage, limit int) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil || len(s) > limit {
		return ""
	}
	return s
}

// vendorWord prefers a severity of a vendor's own type (Ubuntu's priority).
func vendorWord(list []Severity, otherwise string) string {
	for _, s := range list {
		if s.Type == "Ubuntu" {
			return s.Score
		}
	}
	return otherwise
}

// noticeWord reads the rating that Red Hat's rebuilds write before the title:
// "Moderate: thunderbird security update".
func noticeWord(id, summary string) string {
	if !strings.HasPrefix(id, "ALSA-") && !strings.HasPrefix(id, "RLSA-") && !strings.HasPrefix(id, "RHSA-") {
		return ""
	}
	first, _, found := strings.Cut(summary, ":")
	if found && isRating(first) {
		return first
	}
	return ""
}

func isRating(word string) bool {
	return word == "Low" || word == "Moderate" || word == "Important" || word == "Critical"
}

// noticeModules reads the module streams that the titles of Red Hat's and its
// rebuilds' notices name, which are about those streams only:
// "Moderate: virt:rhel and virt-devel:rhel security update".
func noticeModules(id, summary string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "ALSA", "ALBA", "ALEA", "RLSA", "RXSA", "RLBA", "RHSA", "RHBA", "RHEA":
	default:
		return ""
	}
	if len(summary) > maxModule {
		return ""
	}
	var modules []string
	for word := range strings.FieldsSeq(summary) {
		word = strings.TrimRight(word, ",")
		name, stream, ok := strings.Cut(word, ":")
		if ok && name != "" && stream != "" && !strings.Contains(stream, ":") && !isRating(name) {
			modules = append(modules, word)
		}
	}
	return strings.Join(modules, " ")
}

// modular reports whether a fix of the entry is a modular build.
func (a *Affected) modular() bool {
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if e.Kind == Fixed && strings.Contains(e.Version, ".module") {
				return true
			}
		}
	}
	return false
}
