// Package nvd reads answers of the National Vulnerability Database's CVE API,
// version 2.0, and its yearly files, which have the same form: scores, CWEs,
// references and states of CVEs (feeds specification 4.3).
package nvd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of an answer. The largest yearly file has some 250 MB and 50,000
// CVEs.
const (
	maxBytes = 8 << 30
	maxCVEs  = 10_000_000
	// maxSkipped bounds a member that is passed over.
	maxSkipped = 1 << 20
	maxList    = 2_000
)

// ErrAnswer says that bytes are not an answer of the API.
var ErrAnswer = errors.New("not an answer of NVD's CVE API 2.0")

// Parse reads an answer and calls each for every CVE, in order. It ends at the
// first bad one, or where each fails. An answer without CVEs is fine: nothing
// changed in the time it is about.
func Parse(r io.Reader, each func(advisory.Intel) error) error {
	p := parser{in: json.NewDecoder(feed.Bounded(r, maxBytes)), each: each}
	err := p.answer()
	switch {
	case err == nil, errors.Is(err, feed.ErrTooLarge):
		return err
	case p.stopped != nil:
		return p.stopped
	}
	return fmt.Errorf("%w: %w", ErrAnswer, err)
}

type parser struct {
	in   *json.Decoder
	each func(advisory.Intel) error
	// stopped is what each answered.
	stopped error
	cves    int
}

// answer reads the outer object up to its end.
func (p *parser) answer() error {
	if err := p.delim('{'); err != nil {
		return err
	}
	found := false
	for p.in.More() {
		key, err := p.in.Token()
		if err != nil {
			return err
		}
		if key == "vulnerabilities" {
			found = true
			err = p.list()
		} else {
			err = p.member(key)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return errors.New("it has no member vulnerabilities")
	}
	return p.delim('}')
}

// member reads what is said about the answer itself.
func (p *parser) member(key json.Token) error {
	var raw json.RawMessage
	if err := p.in.Decode(&raw); err != nil {
		return err
	}
	if len(raw) > maxSkipped {
		return fmt.Errorf("%v has %d bytes", key, len(raw))
	}
	if key == "format" && string(raw) != `"NVD_CVE"` {
		return fmt.Errorf("format %.40s", raw)
	}
	return nil
}

func (p *parser) delim(want json.Delim) error {
	got, err := p.in.Token()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%.40v where %v should be", got, want)
	}
	return nil
}

func (p *parser) list() error {
	if err := p.delim('['); err != nil {
		return err
	}
	for p.in.More() {
		var item struct {
			CVE wire `json:"cve"`
		}
		if err := p.in.Decode(&item); err != nil {
			return fmt.Errorf("vulnerabilities[%d]: %w", p.cves, err)
		}
		intel, err := item.CVE.convert()
		if err != nil {
			return fmt.Errorf("vulnerabilities[%d]: %w", p.cves, err)
		}
		if p.cves++; p.cves > maxCVEs {
			return fmt.Errorf("more than %d CVEs", maxCVEs)
		}
		if p.stopped = p.each(intel); p.stopped != nil {
			return p.stopped
		}
	}
	return p.delim(']')
}

// parseDate reads a date, which is UTC without saying so.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("date %.40q", s)
}

// SourceName is the short name of who gave a score: "NVD" of nvd@nist.gov,
// "GITHUB" of GitHub's address, else the organisation in an address ("IBM" of
// psirt@us.ibm.com); ids of other forms stay.
func SourceName(id string) string {
	switch id {
	case "nvd@nist.gov":
		return "NVD"
	case "134c704f-9b21-4f2e-91b3-4a467353bcc0":
		return "CISA-ADP"
	case "security-advisories@github.com":
		return "GITHUB"
	}
	_, domain, ok := strings.Cut(id, "@")
	labels := strings.Split(domain, ".")
	if !ok || len(labels) < 2 {
		return id
	}
	n := len(labels) - 2
	switch labels[n] {
	case "co", "com", "org", "ac", "gov", "go", "or", "ne", "net":
		n = max(n-1, 0)
	}
	return strings.ToUpper(labels[n])
}
