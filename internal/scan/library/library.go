// Package library says what is known of a vulnerability beside the packages it
// affects: texts, scores, exploits. It reads one set of advisories.
package library

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/finding"
	"muster/internal/match"
)

// Library answers what is known of a vulnerability, from one set of
// advisories. It remembers its answers; use one per scan or transaction, in one goroutine.
type Library struct {
	set     *advisorydb.Set
	records map[[2]string]*advisory.Advisory
	known   map[string]finding.Intel
	// cited lists the records that spoke of a vulnerability.
	cited map[string][]citation
	err   error
}

// citation names a record in the file of an ecosystem.
type citation struct{ ecosystem, id, source string }

// New makes a library of a set, which must stay open.
func New(set *advisorydb.Set) *Library {
	return &Library{set: set, records: map[[2]string]*advisory.Advisory{}, known: map[string]finding.Intel{}, cited: map[string][]citation{}}
}

// Cite notes which records speak of a match's vulnerability.
func (l *Library) Cite(ecosystem string, m *match.Match) {
	for _, e := range m.Evidence {
		c := citation{advisory.BaseEcosystem(ecosystem), e.Advisory, m.Source}
		if !slices.Contains(l.cited[m.VulnerabilityID], c) {
			l.cited[m.VulnerabilityID] = append(l.cited[m.VulnerabilityID], c)
			delete(l.known, m.VulnerabilityID)
		}
	}
}

// Intel gathers what is known. What the CVE's own record says goes before
// what advisories say. The first failure is kept for Err.
func (l *Library) Intel(id string) finding.Intel {
	if in, ok := l.known[id]; ok {
		return in
	}
	var raw advisorydb.Intel
	if advisory.IsCVE(id) {
		var err error
		if raw, _, err = l.set.Intel(id); err != nil && l.err == nil {
			l.err = err
		}
	}
	return l.gather(id, &raw)
}

// gather joins what the CVE's own record and the advisories say.
func (l *Library) gather(id string, raw *advisorydb.Intel) finding.Intel {
	in := fromCVE(raw)
	l.addCovered(id, &in)
	for _, c := range l.cited[id] {
		if record := l.record(c); record != nil {
			addRecord(&in, record, c.source)
		}
	}
	l.known[id] = in
	return in
}

// Prepare reads everything about what was cited, in the order in which it is
// stored: neighbours are packed together, so that each pack is opened once.
func (l *Library) Prepare() {
	var all []citation
	for _, list := range l.cited {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b citation) int { return cmp.Or(cmp.Compare(a.ecosystem, b.ecosystem), cmp.Compare(a.id, b.id)) })
	ids := slices.Sorted(maps.Keys(l.cited))
	raw := make([]advisorydb.Intel, len(ids))
	var failed error
	var both sync.WaitGroup
	both.Go(func() {
		for i, id := range ids {
			if advisory.IsCVE(id) && failed == nil {
				raw[i], _, failed = l.set.Intel(id)
			}
		}
	})
	for _, c := range all {
		l.record(c)
	}
	both.Wait()
	if failed != nil && l.err == nil {
		l.err = failed
	}
	for i, id := range ids {
		l.gather(id, &raw[i])
	}
}

// Err is the first failure to read the set.
func (l *Library) Err() error { return l.err }

func (l *Library) record(c citation) *advisory.Advisory {
	key := [2]string{c.ecosystem, c.id}
	if r, ok := l.records[key]; ok {
		return r
	}
	record, found, err := l.set.Text(c.ecosystem, c.id)
	if err != nil && l.err == nil {
		l.err = err
	}
	if !found || err != nil {
		l.records[key] = nil
		return nil
	}
	l.records[key] = &record
	return l.records[key]
}

func fromCVE(raw *advisorydb.Intel) finding.Intel {
	in := finding.Intel{
		Description: raw.Description, CWEs: slices.Clone(raw.CWEs), PublishedAt: raw.Published, ModifiedAt: raw.Modified, Exploit: raw.ExploitKnown(),
	}
	if in.Description == "" {
		in.Description = raw.Title
	}
	for _, s := range raw.Scores {
		if c, ok := finding.ParseCVSS(strings.Clone(s.Vector), scoreSource(s.Source)); ok {
			in.CVSS = append(in.CVSS, c)
		}
	}
	for _, r := range raw.References {
		in.ReferenceURLs = addOnce(in.ReferenceURLs, r.URL)
	}
	in.LastExploitAt, in.Rejected = raw.Exploits.Last, raw.Rejected
	in.Disputed = raw.Disputed || strings.HasPrefix(raw.Description, disputedMark)
	if raw.EPSS != nil {
		in.EPSS, in.ScoredAt = new(raw.EPSS.Score), raw.EPSS.Date
	}
	in.ExploitSources, in.Maturity = exploits(raw)
	if k := raw.KEV; k != nil {
		in.KEV = &finding.KEV{AddedAt: k.Added, DueAt: k.Due, Action: k.Action, Ransomware: k.Ransomware}
		if k.Added.After(in.LastExploitAt) {
			in.LastExploitAt = k.Added
		}
	}
	return in
}

// disputedMark begins the descriptions of older CVEs that somebody denies.
const disputedMark = "** DISPUTED **"

// scoreSource spells the sources of scores in one way.
func scoreSource(source string) string {
	switch strings.ToLower(source) {
	case "nvd":
		return finding.NVD
	case "github_m":
		return "GITHUB"
	case "canonical":
		return "UBUNTU"
	case "amzn":
		return "AMAZON"
	}
	return strings.ToUpper(source)
}

// addRecord adds what an advisory says where nothing better is known.
func addRecord(in *finding.Intel, record *advisory.Advisory, source string) {
	if in.Description == "" {
		in.Description = firstText(record.Details, record.Summary)
	}
	if in.PublishedAt.IsZero() {
		in.PublishedAt = record.Published
	}
	if in.ModifiedAt.IsZero() {
		in.ModifiedAt = record.Modified
	}
	for _, cwe := range record.CWEs {
		in.CWEs = addOnce(in.CWEs, cwe)
	}
	for _, r := range record.References {
		in.ReferenceURLs = addOnce(in.ReferenceURLs, r.URL)
		if r.Type == "EVIDENCE" && !in.Exploit {
			in.Exploit, in.Maturity = true, finding.MaturityProof
		}
	}
	addScores(in, record.Severity, source)
	for _, a := range record.Affected {
		addScores(in, a.Severity, source)
	}
}

// addScores adds an advisory's own ratings under its publisher's name, unless
// somebody has given the same vector already.
func addScores(in *finding.Intel, ratings []advisory.Severity, source string) {
	for _, r := range ratings {
		if !strings.HasPrefix(r.Type, "CVSS_") || slices.ContainsFunc(in.CVSS, func(c finding.CVSS) bool { return c.Vector == r.Score }) {
			continue
		}
		if c, ok := finding.ParseCVSS(r.Score, strings.TrimSuffix(source, "_CVE")); ok {
			in.CVSS = append(in.CVSS, c)
		}
	}
}

func addOnce(list []string, value string) []string {
	if value == "" || slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}
