package scan

import (
	"encoding/json"
	"fmt"

	"muster/internal/finding"
	"muster/internal/match"
)

// evidence is a match's evidence as a finding keeps it.
func evidence(m *match.Match) []finding.Evidence {
	list := make([]finding.Evidence, len(m.Evidence))
	for i, e := range m.Evidence {
		list[i] = finding.Evidence(e)
	}
	return list
}

// decodeMatch reads a stored match.
func decodeMatch(body string) (match.Match, error) {
	var m match.Match
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return m, fmt.Errorf("stored match: %w", err)
	}
	return m, nil
}
