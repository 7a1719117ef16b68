package eol

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
)

// answer is what the site's interface answers.
type answer struct {
	Result []struct {
		Name     string             `json:"name"`
		Label    string             `json:"label"`
		Category string             `json:"category"`
		Releases []publishedRelease `json:"releases"`
	} `json:"result"`
}

type publishedRelease struct {
	Name     string  `json:"name"`
	Codename *string `json:"codename"`
	Released string  `json:"releaseDate"`
	Ended    bool    `json:"isEol"`
	EOL      *string `json:"eolFrom"`
	Extended *string `json:"eoesFrom"`
	Latest   *struct {
		Name string `json:"name"`
	} `json:"latest"`
}

// published tells the interface's answer from a list by name.
func published(data []byte) bool {
	var head struct {
		Result json.RawMessage `json:"result"`
	}
	return json.Unmarshal(data, &head) == nil && strings.HasPrefix(string(head.Result), "[")
}

func parsePublished(data []byte) ([]advisory.Product, error) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProducts, err)
	}
	if len(a.Result) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrProducts)
	}
	var out []advisory.Product
	for i, p := range a.Result {
		if p.Name == "" {
			return nil, fmt.Errorf("%w: result[%d] has no name", ErrProducts, i)
		}
		product := advisory.Product{Name: p.Name, Title: p.Label, Category: p.Category}
		for _, r := range p.Releases {
			product.Cycles = append(product.Cycles, r.convert())
		}
		out = append(out, product)
	}
	slices.SortFunc(out, func(a, b advisory.Product) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (r publishedRelease) convert() advisory.Cycle {
	out := advisory.Cycle{Name: r.Name}
	if r.Codename != nil {
		out.Codename = *r.Codename
	}
	if r.Latest != nil {
		out.Latest = r.Latest.Name
	}
	if r.EOL != nil {
		out.EOL, _ = time.Parse(time.DateOnly, *r.EOL)
	}
	if r.Extended != nil {
		out.Extended, _ = time.Parse(time.DateOnly, *r.Extended)
	}
	out.Released, _ = time.Parse(time.DateOnly, r.Released)
	out.Ended = r.Ended && out.EOL.IsZero()
	return out
}
