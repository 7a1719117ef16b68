package vex

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Said is one statement to be written.
type Said struct {
	ID            string
	Aliases       []string
	Products      []string // package URLs
	Status        Status
	Justification string
	Detail        string
	Action        string
	At            time.Time
}

// What is written of OpenVEX 0.2.0.
type (
	openOut struct {
		Context    string         `json:"@context"`
		ID         string         `json:"@id"`
		Author     string         `json:"author"`
		Timestamp  string         `json:"timestamp"`
		Version    int            `json:"version"`
		Tooling    string         `json:"tooling"`
		Statements []statementOut `json:"statements"`
	}
	statementOut struct {
		Vulnerability vulnerabilityOut `json:"vulnerability"`
		Timestamp     string           `json:"timestamp,omitempty"`
		Products      []productOut     `json:"products"`
		Status        Status           `json:"status"`
		Justification string           `json:"justification,omitempty"`
		Impact        string           `json:"impact_statement,omitempty"`
		Action        string           `json:"action_statement,omitempty"`
	}
	vulnerabilityOut struct {
		Name    string   `json:"name"`
		Aliases []string `json:"aliases,omitempty"`
	}
	productOut struct {
		ID    string       `json:"@id"`
		Parts []productOut `json:"subcomponents,omitempty"`
	}
)

// WriteOpenVEX writes statements as a document dated at. Its name follows from
// its content.
func WriteOpenVEX(w io.Writer, tool string, at time.Time, list []Said) error {
	out := openOut{
		Context: "https://openvex.dev/ns/v0.2.0", Author: "muster", Timestamp: at.UTC().Format(time.RFC3339), Version: 1,
		Tooling: strings.TrimSpace("muster " + tool), Statements: make([]statementOut, len(list)),
	}
	for i := range list {
		out.Statements[i] = list[i].out()
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	out.ID = "https://openvex.dev/docs/public/vex-" + hex.EncodeToString(sum[:])
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write OpenVEX: %w", err)
	}
	return nil
}

func (s *Said) out() statementOut {
	out := statementOut{Vulnerability: vulnerabilityOut{s.ID, s.Aliases}, Status: s.Status, Products: []productOut{}}
	if !s.At.IsZero() {
		out.Timestamp = s.At.UTC().Format(time.RFC3339)
	}
	for _, url := range s.Products {
		out.Products = append(out.Products, productOut{ID: url})
	}
	switch s.Status {
	case NotAffected:
		out.Justification, out.Impact = OpenWord(s.Justification), s.Detail
		if out.Justification == "" && out.Impact == "" {
			out.Impact = s.Justification
		}
	case Affected: // what to do is demanded here
		out.Action = s.Action
		if out.Action == "" {
			out.Action = "No fixed version is known."
		}
	case Fixed, UnderInvestigation:
	}
	return out
}

// words pair the justifications of OpenVEX and CycloneDX; of several partners
// the first is the one that a word is turned into.
func words() [][2]string {
	return [][2]string{
		{"vulnerable_code_not_present", "code_not_present"},
		{"component_not_present", "code_not_present"},
		{"vulnerable_code_not_in_execute_path", "code_not_reachable"},
		{"vulnerable_code_cannot_be_controlled_by_adversary", "requires_environment"},
		{"vulnerable_code_cannot_be_controlled_by_adversary", "requires_configuration"},
		{"vulnerable_code_cannot_be_controlled_by_adversary", "requires_dependency"},
		{"inline_mitigations_already_exist", "protected_by_mitigating_control"},
		{"inline_mitigations_already_exist", "protected_by_compiler"},
		{"inline_mitigations_already_exist", "protected_at_runtime"},
		{"inline_mitigations_already_exist", "protected_at_perimeter"},
	}
}

// OpenWord is a justification in OpenVEX's words, "" where it has none.
func OpenWord(justification string) string { return translate(justification, 0) }

// CycloneDXWord is a justification in CycloneDX's words, "" where it has none.
func CycloneDXWord(justification string) string { return translate(justification, 1) }

func translate(word string, to int) string {
	for _, pair := range words() {
		if pair[0] == word || pair[1] == word {
			if pair[to] == word {
				return word
			}
		}
	}
	for _, pair := range words() {
		if pair[1-to] == word {
			return pair[to]
		}
	}
	return ""
}

// CycloneDXState is a status in the words of CycloneDX's analysis.
func CycloneDXState(s Status) string {
	switch s {
	case NotAffected:
		return "not_affected"
	case Fixed:
		return "resolved"
	case Affected:
		return "exploitable"
	case UnderInvestigation:
	}
	return "in_triage"
}
