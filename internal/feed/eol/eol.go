// Package eol reads end-of-life dates by product and release cycle, as
// endoflife.date publishes them.
package eol

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

const maxBytes = 256 << 20

// ErrProducts says that bytes are not the list of products.
var ErrProducts = errors.New("not a list of products")

type wire struct {
	Title    string      `json:"title"`
	Category string      `json:"category"`
	Releases []wireCycle `json:"releases"`
}

// wireCycle keeps loose members raw: eol is a date or a boolean.
type wireCycle struct {
	Cycle    json.RawMessage `json:"releaseCycle"`
	Codename json.RawMessage `json:"codename"`
	Latest   json.RawMessage `json:"latest"`
	Released json.RawMessage `json:"releaseDate"`
	EOL      json.RawMessage `json:"eol"`
	Extended json.RawMessage `json:"eoes"`
}

// Parse reads the list, by name or as the site's interface answers (version 1,
// products/full), sorted by product name. An empty one is refused.
func Parse(r io.Reader) ([]advisory.Product, error) {
	data, err := feed.ReadAll(r, maxBytes)
	if err != nil {
		return nil, err
	}
	if published(data) {
		return parsePublished(data)
	}
	var w map[string]wire
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProducts, err)
	}
	if len(w) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrProducts)
	}
	out := make([]advisory.Product, 0, len(w))
	for name, p := range w {
		product := advisory.Product{Name: name, Title: p.Title, Category: p.Category}
		for _, c := range p.Releases {
			product.Cycles = append(product.Cycles, c.convert())
		}
		out = append(out, product)
	}
	slices.SortFunc(out, func(a, b advisory.Product) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (c wireCycle) convert() advisory.Cycle {
	out := advisory.Cycle{Name: text(c.Cycle), Codename: text(c.Codename), Latest: text(c.Latest)}
	out.Released, _ = time.Parse(time.DateOnly, text(c.Released))
	out.EOL, _ = time.Parse(time.DateOnly, text(c.EOL))
	out.Extended, _ = time.Parse(time.DateOnly, text(c.Extended))
	out.Ended = string(c.EOL) == "true"
	return out
}

// text is a string, or a number as it is written.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}
