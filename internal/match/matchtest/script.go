package matchtest

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/match"
)

// Script is a parsed match script. Its sections:
//
//	-- advisories --       records in the short form below
//	-- advisories.json --  records as OSV JSON, one per line
//	-- inventory --        one component per line:
//	                       ECOSYSTEM NAME VERSION [source=NAME] [source-version=V] [arch=A] [module=M]
//	-- matches --          what must come out, in the form that Run prints
//	-- explained --        optional: why, in the form of PrintExplained
//
// The short form of a record is a line with its id and optional lists, then an
// indented line per affected package:
//
//	ID [aliases=A,B] [upstream=A,B] [related=A,B] [withdrawn] [feed=F]
//	    ECOSYSTEM NAME [RANGE]... [versions=V,V] [word=W] [status=S] [module=M] [arches=A,A]
//
// A RANGE is "[0, 1.2)", "[1.0, 2.0]" (last affected) or "[1.0, *)" (open).
// Words with blanks are quoted. Lines that begin with # are comments.
type Script struct {
	Comment    string
	Records    []advisory.Advisory
	Components []inventory.Component
	Want       string
	Explained  string
}

// Parse reads a script. Errors name the line.
func Parse(data []byte) (*Script, error) {
	archive := txtar.Parse(data)
	s := &Script{Comment: string(archive.Comment)}
	for _, f := range archive.Files {
		var err error
		switch f.Name {
		case "advisories":
			err = s.readRecords(f.Data)
		case "advisories.json":
			err = s.readJSON(f.Data)
		case "inventory":
			err = s.readInventory(f.Data)
		case "matches":
			s.Want = string(f.Data)
		case "explained":
			s.Explained = string(f.Data)
		default:
			err = fmt.Errorf("unknown section")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return s, nil
}

func (s *Script) readJSON(data []byte) error {
	for line := range strings.Lines(string(data)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		a, err := advisory.Parse([]byte(line))
		if err != nil {
			return err
		}
		s.Records = append(s.Records, a)
	}
	return nil
}

// eachLine calls each with the words of every line that is no comment.
func eachLine(data []byte, each func(indented bool, words []string) error) error {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		words, err := split(line)
		if err == nil && len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			err = each(line[0] == ' ' || line[0] == '\t', words)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// split cuts a line at blanks, but not within quotes or a range's brackets.
func split(line string) ([]string, error) {
	var words []string
	rest := strings.TrimSpace(line)
	for rest != "" {
		end := strings.IndexByte(rest, ' ')
		switch rest[0] {
		case '"':
			end = strings.IndexByte(rest[1:], '"') + 2
			if end < 2 {
				return nil, fmt.Errorf("open quote")
			}
		case '[':
			end = strings.IndexAny(rest, ")]") + 1
			if end < 1 {
				return nil, fmt.Errorf("open range")
			}
		}
		if end < 0 {
			end = len(rest)
		}
		words = append(words, strings.Trim(rest[:end], `"`))
		rest = strings.TrimLeft(rest[end:], " \t")
	}
	return words, nil
}

func (s *Script) readRecords(data []byte) error {
	return eachLine(data, func(indented bool, words []string) error {
		if !indented {
			a, err := recordLine(words)
			s.Records = append(s.Records, a)
			return err
		}
		if len(s.Records) == 0 || len(words) < 2 {
			return fmt.Errorf("an affected package needs a record before it, an ecosystem and a name")
		}
		entry, err := affectedLine(words)
		last := &s.Records[len(s.Records)-1]
		last.Affected = append(last.Affected, entry)
		return err
	})
}

func recordLine(words []string) (advisory.Advisory, error) {
	a := advisory.Advisory{ID: words[0]}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		list := strings.Split(value, ",")
		switch name {
		case "aliases":
			a.Aliases = list
		case "upstream":
			a.Upstream = list
		case "related":
			a.Related = list
		case "feed":
			a.Feed = value
		case "withdrawn":
			a.Withdrawn = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		default:
			return a, fmt.Errorf("unknown word %q", w)
		}
	}
	return a, nil
}

func affectedLine(words []string) (advisory.Affected, error) {
	a := advisory.Affected{Ecosystem: words[0], Name: words[1]}
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		switch {
		case w[0] == '[':
			r, err := parseRange(w)
			if err != nil {
				return a, err
			}
			a.Ranges = append(a.Ranges, r)
		case name == "versions":
			a.Versions = strings.Split(value, ",")
		case name == "word":
			a.Word = value
		case name == "status":
			if a.Status = advisory.Status(value); a.Status.Number() < 0 {
				return a, fmt.Errorf("status %q", value)
			}
		case name == "module":
			a.Module = value
		case name == "arches":
			a.Arches = strings.Split(value, ",")
		default:
			return a, fmt.Errorf("unknown word %q", w)
		}
	}
	return a, nil
}

func parseRange(w string) (advisory.Range, error) {
	from, to, ok := strings.Cut(w[1:len(w)-1], ",")
	if !ok {
		return advisory.Range{}, fmt.Errorf("range %s: no comma", w)
	}
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	r := advisory.Range{Type: advisory.Ecosystem, Events: []advisory.Event{{Kind: advisory.Introduced, Version: from}}}
	switch {
	case to == "*":
	case w[len(w)-1] == ']':
		r.Events = append(r.Events, advisory.Event{Kind: advisory.LastAffected, Version: to})
	default:
		r.Events = append(r.Events, advisory.Event{Kind: advisory.Fixed, Version: to})
	}
	return r, nil
}

func (s *Script) readInventory(data []byte) error {
	return eachLine(data, func(_ bool, words []string) error {
		if len(words) < 3 {
			return fmt.Errorf("a component needs an ecosystem, a name and a version")
		}
		c := inventory.Component{Ecosystem: words[0], Name: words[1], Version: words[2]}
		for _, w := range words[3:] {
			name, value, _ := strings.Cut(w, "=")
			switch name {
			case "source":
				c.Source = value
			case "source-version":
				c.SourceVersion = value
			case "arch":
				c.Arch = value
			case "module":
				c.Module = value
			default:
				return fmt.Errorf("unknown word %q", w)
			}
		}
		s.Components = append(s.Components, c)
		return nil
	})
}

// Run matches every component of the script and prints the matches: a line
// each, and below it a line per piece of evidence.
func (s *Script) Run() (string, error) {
	lookup := NewLookup(s.Records)
	var b strings.Builder
	for _, c := range s.Components {
		matches, err := match.Component(c, lookup)
		if err != nil {
			return "", err
		}
		for _, m := range matches {
			printMatch(&b, c, m)
		}
	}
	return b.String(), nil
}

func printMatch(b *strings.Builder, c inventory.Component, m match.Match) {
	fmt.Fprintf(b, "%s %s: %s %s", c.Name, c.Version, m.VulnerabilityID, m.State)
	for _, v := range []string{m.FixedVersion, m.SubscriptionFix} {
		if v != "" {
			fmt.Fprintf(b, " %s", v)
		}
	}
	fmt.Fprintf(b, " %s", m.Source)
	if m.VendorSeverity != "" {
		fmt.Fprintf(b, " severity=%s", m.VendorSeverity)
	}
	if len(m.Related) > 0 {
		fmt.Fprintf(b, " related=%s", strings.Join(m.Related, ","))
	}
	b.WriteByte('\n')
	for _, e := range m.Evidence {
		fmt.Fprintf(b, "    %s %s: %s %s in %s by %s\n", e.Database, e.Advisory, e.Package, e.Compared, e.Range, e.Comparator)
	}
}
