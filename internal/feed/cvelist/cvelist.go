// Package cvelist reads records of the CVE List, JSON 5, with the containers
// that CISA's enrichment and others add to those of the numbering authorities
// (feeds specification 4.3).
package cvelist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of a record. The largest real ones, kernels with all their versions,
// have some megabytes.
const (
	maxBytes = 64 << 20
	maxList  = 2_000
)

// ErrRecord says that bytes are not a record.
var ErrRecord = errors.New("not a CVE record of JSON 5")

type wire struct {
	Type     string `json:"dataType"`
	Metadata struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA container   `json:"cna"`
		ADP []container `json:"adp"`
	} `json:"containers"`
}

// container is what one organisation says.
type container struct {
	Title        string   `json:"title"`
	Tags         []string `json:"tags"`
	Descriptions []struct {
		Lang  string `json:"lang"`
		Value string `json:"value"`
	} `json:"descriptions"`
	Metrics    []metric `json:"metrics"`
	References []struct {
		URL  string   `json:"url"`
		Tags []string `json:"tags"`
	} `json:"references"`
	Problems []struct {
		Descriptions []struct {
			CWE string `json:"cweId"`
		} `json:"descriptions"`
	} `json:"problemTypes"`
	Provider struct {
		Name string `json:"shortName"`
	} `json:"providerMetadata"`
}

// metric holds one rating, in the member of its version, or an assessment.
type metric struct {
	V40   *cvss `json:"cvssV4_0"`
	V31   *cvss `json:"cvssV3_1"`
	V30   *cvss `json:"cvssV3_0"`
	V2    *cvss `json:"cvssV2_0"`
	Other *struct {
		Type    string          `json:"type"`
		Content json.RawMessage `json:"content"`
	} `json:"other"`
}

type cvss struct {
	Vector string  `json:"vectorString"`
	Base   float64 `json:"baseScore"`
}

// Parse reads one record. Ratings carry the short name of who gave them, as
// the list spells it.
func Parse(r io.Reader) (advisory.Intel, error) {
	data, err := feed.ReadAll(r, maxBytes)
	if err != nil {
		return advisory.Intel{}, err
	}
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return advisory.Intel{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if !advisory.IsCVE(w.Metadata.ID) || len(w.Containers.ADP) > maxList {
		return advisory.Intel{}, fmt.Errorf("%w: id %.40q", ErrRecord, w.Metadata.ID)
	}
	out := advisory.Intel{CVE: w.Metadata.ID, Rejected: w.Metadata.State == "REJECTED"}
	var err1, err2 error
	out.Published, err1 = parseDate(w.Metadata.Published)
	out.Modified, err2 = parseDate(w.Metadata.Updated)
	if err := errors.Join(err1, err2); err != nil {
		return out, fmt.Errorf("%w: %s: %w", ErrRecord, w.Metadata.ID, err)
	}
	out.Title = w.Containers.CNA.Title
	for _, c := range append([]container{w.Containers.CNA}, w.Containers.ADP...) {
		c.add(&out)
	}
	return out, nil
}

// add adds what a container says that no earlier one did.
func (c *container) add(out *advisory.Intel) {
	for _, d := range c.Descriptions {
		if out.Description == "" && strings.HasPrefix(d.Lang, "en") {
			out.Description = d.Value
		}
	}
	out.Disputed = out.Disputed || slices.Contains(c.Tags, "disputed")
	for _, m := range c.Metrics[:min(len(c.Metrics), maxList)] {
		m.add(out, c.Provider.Name)
	}
	for _, p := range c.Problems[:min(len(c.Problems), maxList)] {
		for _, d := range p.Descriptions {
			if d.CWE != "" && !slices.Contains(out.CWEs, d.CWE) && len(out.CWEs) < maxList {
				out.CWEs = append(out.CWEs, d.CWE)
			}
		}
	}
	c.cite(out)
}

func (c *container) cite(out *advisory.Intel) {
	for _, r := range c.References[:min(len(c.References), maxList)] {
		kind := "WEB"
		switch {
		case slices.Contains(r.Tags, "exploit"):
			kind = "EVIDENCE"
		case slices.Contains(r.Tags, "patch"):
			kind = "FIX"
		case slices.Contains(r.Tags, "vendor-advisory"), slices.Contains(r.Tags, "third-party-advisory"):
			kind = "ADVISORY"
		}
		if r.URL != "" && !slices.ContainsFunc(out.References, func(o advisory.Reference) bool { return o.URL == r.URL }) {
			out.References = append(out.References, advisory.Reference{Type: kind, URL: r.URL})
		}
	}
}

func (m *metric) add(out *advisory.Intel, provider string) {
	for _, v := range []*cvss{m.V40, m.V31, m.V30, m.V2} {
		if v != nil && v.Vector != "" {
			out.Scores = append(out.Scores, advisory.Score{Source: provider, Vector: v.Vector, Base: v.Base})
		}
	}
	if m.Other == nil || m.Other.Type != "ssvc" {
		return
	}
	var content struct {
		Options []map[string]any `json:"options"`
	}
	if json.Unmarshal(m.Other.Content, &content) != nil {
		return // an assessment of another form says nothing
	}
	for _, option := range content.Options {
		for point, value := range option {
			out.SSVC.Set(point, value)
		}
	}
}

// parseDate reads a date with or without a zone; without one it is UTC.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("date %.40q", s)
}
