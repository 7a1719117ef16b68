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

// entryWords reads an affected entry's severity word and whether its publisher
// declined to fix it, from the places where publishers write them.
func entryWords(ecosystem, database json.RawMessage) (severity string, wontFix bool) {
	var members struct {
		Urgency  json.RawMessage `json:"urgency"`
		Severity json.RawMessage `json:"severity"`
		Status   json.RawMessage `json:"status"`
	}
	for _, raw := range []json.RawMessage{database, ecosystem} {
		if len(raw) == 0 || json.Unmarshal(raw, &members) != nil {
			continue
		}
		if w := word(members.Severity); w != "" {
			severity = w
		}
		if w := word(members.Urgency); w != "" {
			severity = strings.TrimRight(w, "*")
		}
		switch word(members.Status) {
		case "fix-not-planned", "ignored", "wont-fix", "will not fix":
			wontFix = true
		}
	}
	return severity, wontFix || severity == "end-of-life"
}

// word is a JSON string of at most 40 bytes, else empty.
func word(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil || len(s) > 40 {
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
	switch {
	case !found:
		return ""
	case first == "Low", first == "Moderate", first == "Important", first == "Critical":
		return first
	}
	return ""
}
