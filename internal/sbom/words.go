package sbom

import (
	"strconv"
	"strings"

	"muster/internal/finding"
)

// SeverityWord is a severity in the words of CycloneDX and of ScanSbom.
func SeverityWord(s finding.Severity) string {
	switch s {
	case finding.Informational:
		return "info"
	case finding.Untriaged:
		return "unknown"
	}
	return strings.ToLower(string(s))
}

// CWENumbers reads names such as "CWE-79"; others are left out.
func CWENumbers(names []string) []int {
	var out []int
	for _, name := range names {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "CWE-")); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	return out
}
