package finding

import "strings"

// Severity is Inspector's word for how bad a finding is.
type Severity string

// The severities.
const (
	Untriaged     Severity = "UNTRIAGED"
	Informational Severity = "INFORMATIONAL"
	Low           Severity = "LOW"
	Medium        Severity = "MEDIUM"
	High          Severity = "HIGH"
	Critical      Severity = "CRITICAL"
)

// Severities lists all of them, the least severe first.
func Severities() []Severity {
	return []Severity{Untriaged, Informational, Low, Medium, High, Critical}
}

// Rank orders severities: UNTRIAGED is 0, CRITICAL 5; an unknown word is -1.
func (s Severity) Rank() int {
	for i, other := range Severities() {
		if s == other {
			return i
		}
	}
	return -1
}

// SeverityOfRank is the inverse of Rank; a rank out of range is UNTRIAGED.
func SeverityOfRank(rank int) Severity {
	all := Severities()
	if rank < 0 || rank >= len(all) {
		return Untriaged
	}
	return all[rank]
}

// SeverityOfScore is the band of a CVSS score (5.1).
func SeverityOfScore(score float64) Severity {
	switch {
	case score <= 0:
		return Informational
	case score < 4:
		return Low
	case score < 7:
		return Medium
	case score < 9:
		return High
	}
	return Critical
}

// SeverityOfWord maps a vendor's own word (5.2, step 6).
func SeverityOfWord(word string) Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "negligible", "unimportant":
		return Informational
	case "low":
		return Low
	case "medium", "moderate":
		return Medium
	case "high", "important":
		return High
	case "critical":
		return Critical
	}
	return Untriaged
}
