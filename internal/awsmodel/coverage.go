package awsmodel

import (
	"fmt"
	"slices"
	"strings"
)

// ServiceCoverage is a service for the coverage page.
type ServiceCoverage struct {
	// Title is the service's name for readers, such as "Amazon Inspector".
	Title string
	Service
}

// implemented counts the operations that have a handler.
func (s ServiceCoverage) implemented() int {
	n := 0
	for _, o := range s.Operations {
		if o.Invoke != nil {
			n++
		}
	}
	return n
}

// CoveragePage is docs/coverage.md: every operation of every service with its
// state, as the handlers say.
func CoveragePage(services []ServiceCoverage) string {
	var b strings.Builder
	b.WriteString("# Coverage\n\n")
	b.WriteString("Every operation of every service, generated from the handlers that the server is built with (`make generate`).\n")
	b.WriteString("An operation that is not implemented yet is answered, after authentication, with status 501 and a message that says so.\n\n")
	b.WriteString("| Service | Protocol | Version | Operations | Implemented |\n|---|---|---|---:|---:|\n")
	for _, s := range services {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %d | %d |\n", s.Title, s.anchor(), s.Model.Protocol, s.Model.Version, len(s.Operations), s.implemented())
	}
	for _, s := range services {
		s.section(&b)
	}
	return b.String()
}

// anchor is the heading's name in links.
func (s ServiceCoverage) anchor() string { return strings.ToLower(s.Model.SigningName) }

func (s ServiceCoverage) section(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n| Operation | State |\n|---|---|\n", s.Model.SigningName)
	ops := slices.Clone(s.Operations)
	slices.SortFunc(ops, func(x, y Operation) int { return strings.Compare(x.Name, y.Name) })
	for _, o := range ops {
		state := "not yet"
		if o.Invoke != nil {
			state = "implemented"
		}
		fmt.Fprintf(b, "| %s | %s |\n", o.Name, state)
	}
}
