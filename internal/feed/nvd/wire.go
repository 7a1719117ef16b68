package nvd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"muster/internal/advisory"
)

type wire struct {
	ID           string  `json:"id"`
	Published    string  `json:"published"`
	Modified     string  `json:"lastModified"`
	Status       string  `json:"vulnStatus"`
	Tags         []tags  `json:"cveTags"`
	Descriptions []text  `json:"descriptions"`
	Metrics      metrics `json:"metrics"`
	Weaknesses   []weak  `json:"weaknesses"`
	References   []cited `json:"references"`
	ExploitAdd   string  `json:"cisaExploitAdd"`
	ActionDue    string  `json:"cisaActionDue"`
	Action       string  `json:"cisaRequiredAction"`
	KnownName    string  `json:"cisaVulnerabilityName"`
}

type tags struct {
	Tags []string `json:"tags"`
}

type text struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

type weak struct {
	Description []text `json:"description"`
}

type cited struct {
	URL  string   `json:"url"`
	Tags []string `json:"tags"`
}

type metrics struct {
	V40  []rating     `json:"cvssMetricV40"`
	V31  []rating     `json:"cvssMetricV31"`
	V30  []rating     `json:"cvssMetricV30"`
	V2   []rating     `json:"cvssMetricV2"`
	SSVC []assessment `json:"ssvcV203"`
}

type rating struct {
	Source string `json:"source"`
	Type   string `json:"type"`
	CVSS   struct {
		Vector string  `json:"vectorString"`
		Base   float64 `json:"baseScore"`
	} `json:"cvssData"`
}

type assessment struct {
	Data struct {
		Options []map[string]any `json:"options"`
	} `json:"ssvcData"`
}

func (w *wire) convert() (advisory.Intel, error) {
	if !advisory.IsCVE(w.ID) {
		return advisory.Intel{}, fmt.Errorf("id %.40q is not a CVE id", w.ID)
	}
	if len(w.References) > maxList || len(w.Weaknesses) > maxList || len(w.Descriptions) > maxList {
		return advisory.Intel{}, fmt.Errorf("%s: a list has more than %d members", w.ID, maxList)
	}
	out := advisory.Intel{
		CVE: w.ID, Scores: w.Metrics.scores(), SSVC: w.Metrics.ssvc(), Rejected: w.Status == "Rejected",
		Disputed: slices.ContainsFunc(w.Tags, func(t tags) bool { return slices.Contains(t.Tags, "disputed") }),
	}
	var err1, err2, err3 error
	out.Published, err1 = parseDate(w.Published)
	out.Modified, err2 = parseDate(w.Modified)
	out.KEV, err3 = w.kev()
	if err := errors.Join(err1, err2, err3); err != nil {
		return out, fmt.Errorf("%s: %w", w.ID, err)
	}
	for _, d := range w.Descriptions {
		if d.Lang == "en" && out.Description == "" {
			out.Description = d.Value
		}
	}
	w.addLists(&out)
	return out, nil
}

func (w *wire) addLists(out *advisory.Intel) {
	for _, weakness := range w.Weaknesses {
		for _, d := range weakness.Description {
			if strings.HasPrefix(d.Value, "CWE-") && !slices.Contains(out.CWEs, d.Value) {
				out.CWEs = append(out.CWEs, d.Value)
			}
		}
	}
	for _, r := range w.References {
		kind := "WEB"
		switch {
		case slices.Contains(r.Tags, "Exploit"):
			kind = "EVIDENCE"
		case slices.Contains(r.Tags, "Patch"):
			kind = "FIX"
		case slices.Contains(r.Tags, "Vendor Advisory"), slices.Contains(r.Tags, "Third Party Advisory"):
			kind = "ADVISORY"
		}
		if ref := (advisory.Reference{Type: kind, URL: r.URL}); r.URL != "" && !slices.Contains(out.References, ref) {
			out.References = append(out.References, ref)
		}
	}
}

// kev is what NVD copies from CISA's catalogue.
func (w *wire) kev() (*advisory.KEV, error) {
	if w.ExploitAdd == "" {
		return nil, nil
	}
	added, err1 := parseDate(w.ExploitAdd)
	due, err2 := parseDate(w.ActionDue)
	return &advisory.KEV{Added: added, Due: due, Name: w.KnownName, Action: w.Action}, errors.Join(err1, err2)
}

// scores lists the ratings of all versions, primary ones first within each.
func (m *metrics) scores() []advisory.Score {
	var out []advisory.Score
	for _, list := range [][]rating{m.V40, m.V31, m.V30, m.V2} {
		for _, kind := range []string{"Primary", "Secondary"} {
			for _, r := range list {
				if r.Type == kind && r.CVSS.Vector != "" && len(out) < maxList {
					out = append(out, advisory.Score{Source: SourceName(r.Source), Vector: r.CVSS.Vector, Base: r.CVSS.Base})
				}
			}
		}
	}
	return out
}

// ssvc is CISA's assessment: a list of decision points, one a member.
func (m *metrics) ssvc() advisory.SSVC {
	var out advisory.SSVC
	for _, a := range m.SSVC {
		for _, option := range a.Data.Options {
			for point, value := range option {
				out.Set(point, value)
			}
		}
	}
	return out
}
