// Package nuclei reads lists of Nuclei templates, which check for
// vulnerabilities by exploiting them: answers of the templates' API, and the
// index cves.json of their repository.
package nuclei

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of a list. The whole index has some 4 MB, an answer with the
// templates' texts 100 MB.
const (
	maxBytes     = 2 << 30
	maxTemplates = 5_000_000
	maxID        = 256
)

// ErrTemplates says that bytes are not a list of templates.
var ErrTemplates = errors.New("not a list of Nuclei templates")

// wire is a template of an answer, or, with capitals and Info, of the index.
type wire struct {
	ID             string         `json:"id"`
	Created        string         `json:"created_at"`
	Classification classification `json:"classification"`
	Info           struct {
		Classification classification `json:"Classification"`
	} `json:"Info"`
}

type classification struct {
	CVE json.RawMessage `json:"cve-id"`
}

// Parse reads an answer, an array of templates, or an index, one template a
// line, and returns the templates by CVE. A list without templates is refused.
func Parse(r io.Reader) (map[string]advisory.Exploits, error) {
	in := json.NewDecoder(feed.Bounded(r, maxBytes))
	out := map[string]advisory.Exploits{}
	n, err := 0, error(nil)
	for err == nil {
		var value json.RawMessage
		if err = in.Decode(&value); err == nil {
			n, err = read(out, value, n)
		}
	}
	if err == io.EOF && n > 0 {
		return out, nil
	}
	if err == io.EOF {
		err = errors.New("it is empty")
	}
	return nil, fmt.Errorf("%w: %w", ErrTemplates, err)
}

// read adds the templates of a value to the n that were read before.
func read(out map[string]advisory.Exploits, value json.RawMessage, n int) (int, error) {
	var list []wire
	if value[0] != '[' {
		list = make([]wire, 1)
		if err := json.Unmarshal(value, &list[0]); err != nil {
			return n, err
		}
	} else if err := json.Unmarshal(value, &list); err != nil {
		return n, err
	}
	if n += len(list); n > maxTemplates {
		return n, fmt.Errorf("more than %d templates", maxTemplates)
	}
	for i := range list {
		if err := list[i].add(out); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (w *wire) add(out map[string]advisory.Exploits) error {
	if w.ID == "" || len(w.ID) > maxID {
		return fmt.Errorf("id %.40q", w.ID)
	}
	created, _ := time.Parse(time.RFC3339Nano, w.Created) // the index has none
	for _, cve := range w.cves() {
		known := out[cve]
		known.Add(advisory.Exploits{Nuclei: []string{w.ID}, Last: created.UTC()})
		out[cve] = known
	}
	return nil
}

// cves are the ids that the template names, else its own where it is one.
func (w *wire) cves() []string {
	var out []string
	for _, c := range []classification{w.Classification, w.Info.Classification} {
		for _, id := range c.ids() {
			if advisory.IsCVE(id) {
				out = append(out, id)
			}
		}
	}
	if len(out) == 0 && advisory.IsCVE(w.ID) {
		out = append(out, w.ID)
	}
	return out
}

// ids reads one id or a list of them.
func (c classification) ids() []string {
	var one string
	var list []string
	switch {
	case len(c.CVE) == 0:
	case json.Unmarshal(c.CVE, &one) == nil:
		list = []string{one}
	case json.Unmarshal(c.CVE, &list) != nil:
		list = nil
	}
	return list
}
