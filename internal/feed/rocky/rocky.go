// Package rocky reads the errata of Rocky Linux as its API answers them.
package rocky

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of an answer. Pages of a hundred errata have some ten megabytes.
const (
	maxBytes    = 1 << 30
	maxErrata   = 1_000_000
	maxPackages = 1_000_000
	maxText     = 64 << 10
)

// ErrAnswer says that bytes are not an answer with errata; the wrapping error
// says why.
var ErrAnswer = errors.New("not errata of Rocky Linux")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrAnswer}, args...)...)
}

// Parse reads an answer and calls each for every erratum that is about
// security or names a CVE.
func Parse(r io.Reader, each func(*advisory.Advisory) error) error {
	var answer struct {
		Errata *[]erratum `json:"advisories"`
	}
	if err := json.NewDecoder(feed.Bounded(r, maxBytes)).Decode(&answer); err != nil {
		return refuse("%w", err)
	}
	if answer.Errata == nil {
		return refuse("no advisories")
	}
	if len(*answer.Errata) > maxErrata {
		return refuse("more than %d advisories", maxErrata)
	}
	for i := range *answer.Errata {
		e := &(*answer.Errata)[i]
		if e.Name == "" || len(e.Name) > 100 || strings.ContainsAny(e.Name, "/\\\x00\r\n") {
			return refuse("name %.40q", e.Name)
		}
		if len(e.Packages) > maxPackages {
			return refuse("%s: more than %d packages", e.Name, maxPackages)
		}
		if e.Kind != "Security" && len(e.CVEs) == 0 {
			continue
		}
		a := e.advisory()
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

type erratum struct {
	Name        string    `json:"name"`
	Synopsis    string    `json:"synopsis"`
	Description string    `json:"description"`
	Kind        string    `json:"kind"`
	Severity    string    `json:"severity"`
	Published   time.Time `json:"published_at"`
	Updated     time.Time `json:"updated_at"`
	CVEs        []struct {
		CVE    string `json:"cve"`
		Vector string `json:"cvss3_scoring_vector"`
		CWE    string `json:"cwe"`
	} `json:"cves"`
	Products []struct {
		Name  string `json:"name"`
		Major int    `json:"major_version"`
	} `json:"affected_products"`
	Packages []rpm `json:"packages"`
}

type rpm struct {
	NEVRA   string `json:"nevra"`
	Module  string `json:"module_name"`
	Stream  string `json:"module_stream"`
	Product string `json:"product_name"`
}

func (e *erratum) advisory() advisory.Advisory {
	a := advisory.Advisory{
		ID: e.Name, Summary: clip(e.Synopsis), Details: clip(e.Description), Published: e.Published.UTC().Truncate(time.Second),
		Modified:   e.Updated.UTC().Truncate(time.Second),
		References: []advisory.Reference{{Type: "ADVISORY", URL: "https://errata.rockylinux.org/" + e.Name}},
	}
	for _, c := range e.CVEs {
		if advisory.IsCVE(c.CVE) && !slices.Contains(a.Upstream, c.CVE) {
			a.Upstream = append(a.Upstream, c.CVE)
		}
	}
	if len(e.CVEs) == 1 && strings.HasPrefix(e.CVEs[0].Vector, "CVSS:3") {
		a.Severity = []advisory.Severity{{Type: "CVSS_V3", Score: clip(e.CVEs[0].Vector)}}
	}
	if len(e.CVEs) == 1 && strings.HasPrefix(e.CVEs[0].CWE, "CWE-") {
		a.CWEs = []string{clip(e.CVEs[0].CWE)}
	}
	a.Affected = e.affected()
	return a
}

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

type entryKey struct{ ecosystem, module, name, fixed string }

// affected makes an entry of each package, whatever architectures it has.
func (e *erratum) affected() []advisory.Affected {
	majors := map[string]int{}
	for _, p := range e.Products {
		majors[p.Name] = p.Major
	}
	var out []advisory.Affected
	index := map[entryKey]int{}
	for _, p := range e.Packages {
		name, evr, arch, ok := splitNEVRA(p.NEVRA)
		major := majors[p.Product]
		if major == 0 {
			major = majorOf(p.Product)
		}
		if !ok || major == 0 || strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource") {
			continue
		}
		key := entryKey{"Rocky Linux:" + strconv.Itoa(major), p.module(), name, evr}
		i, known := index[key]
		if !known {
			i = len(out)
			index[key] = i
			out = append(out, advisory.Affected{
				Ecosystem: key.ecosystem, Name: name, Module: key.module, Word: e.word(), Ranges: advisory.Below(evr),
			})
		}
		if !slices.Contains(out[i].Arches, arch) {
			out[i].Arches = append(out[i].Arches, arch)
		}
	}
	for i := range out {
		slices.Sort(out[i].Arches)
	}
	slices.SortStableFunc(out, func(a, b advisory.Affected) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Module, b.Module))
	})
	return out
}

func (p *rpm) module() string {
	if p.Module == "" || p.Stream == "" {
		return ""
	}
	return p.Module + ":" + p.Stream
}

func (e *erratum) word() string {
	switch e.Severity {
	case "Low", "Moderate", "Important", "Critical":
		return e.Severity
	}
	return ""
}

// majorOf reads the release of "Rocky Linux 10 aarch64".
func majorOf(product string) int {
	rest, ok := strings.CutPrefix(product, "Rocky Linux ")
	if !ok {
		return 0
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n > 100 {
		return 0
	}
	return n
}

// splitNEVRA takes "delve-0:1.25.2-1.el10_1.aarch64.rpm" apart. The epoch is
// left out where it is zero, as package databases do.
func splitNEVRA(s string) (name, evr, arch string, ok bool) {
	s = strings.TrimSuffix(s, ".rpm")
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 || len(s) > 500 {
		return "", "", "", false
	}
	s, arch = s[:dot], s[dot+1:]
	release := strings.LastIndexByte(s, '-')
	if release < 1 {
		return "", "", "", false
	}
	version := strings.LastIndexByte(s[:release], '-')
	if version < 1 {
		return "", "", "", false
	}
	name, evr = s[:version], strings.TrimPrefix(s[version+1:], "0:")
	return name, evr, arch, arch != "" && evr != ""
}
