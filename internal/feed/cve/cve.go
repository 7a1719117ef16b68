// Package cve reads details of CVEs, one JSON object per line: CVSS vectors by
// source, CWEs, dates, a short text, CISA's SSVC and Ubuntu's priority. The
// form merges the CVE list's containers; the mirror's README describes it.
package cve

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

const (
	maxBytes  = 16 << 30
	maxLine   = 4 << 20
	maxRows   = 10_000_000
	firstLine = 64 << 10
)

// ErrDetails says that bytes are not CVE details.
var ErrDetails = errors.New("not CVE details")

type wire struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Published   string   `json:"published"`
	Modified    string   `json:"modified"`
	CWE         []string `json:"cwe"`
	Priority    string   `json:"ubuntu_priority"`
	CVSS        []struct {
		Source string  `json:"source"`
		Vector string  `json:"vector"`
		Score  float64 `json:"score"`
	} `json:"cvss"`
	SSVC struct {
		Exploitation string `json:"Exploitation"`
		Automatable  string `json:"Automatable"`
		Impact       string `json:"Technical Impact"`
	} `json:"ssvc"`
}

// Parse reads the gzipped lines and calls each for every CVE, in order. It
// ends at the first bad line, or where each fails. KEV, EPSS and Exploits stay
// empty. A file without lines is refused.
func Parse(r io.Reader, each func(advisory.Intel) error) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDetails, err)
	}
	lines := bufio.NewScanner(feed.Bounded(z, maxBytes))
	lines.Buffer(make([]byte, firstLine), maxLine)
	rows := 0
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		intel, err := parseLine(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrDetails, n, err)
		}
		if rows++; rows > maxRows {
			return fmt.Errorf("%w: more than %d lines", ErrDetails, maxRows)
		}
		if err := each(intel); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrDetails, err)
	}
	if rows == 0 {
		return fmt.Errorf("%w: it holds no lines", ErrDetails)
	}
	return nil
}

func parseLine(line []byte) (advisory.Intel, error) {
	var w wire
	if err := json.Unmarshal(line, &w); err != nil {
		return advisory.Intel{}, err
	}
	if !advisory.IsCVE(w.ID) {
		return advisory.Intel{}, fmt.Errorf("id %.40q is not a CVE id", w.ID)
	}
	out := advisory.Intel{
		CVE: w.ID, Title: w.Title, Description: w.Description, CWEs: w.CWE, UbuntuPriority: w.Priority,
		SSVC: advisory.SSVC{Exploitation: w.SSVC.Exploitation, Automatable: w.SSVC.Automatable, TechnicalImpact: w.SSVC.Impact},
	}
	var err1, err2 error
	out.Published, err1 = parseDate(w.Published)
	out.Modified, err2 = parseDate(w.Modified)
	for _, s := range w.CVSS {
		out.Scores = append(out.Scores, advisory.Score{Source: s.Source, Vector: s.Vector, Base: s.Score})
	}
	return out, errors.Join(err1, err2)
}

// parseDate reads RFC 3339, a local form without a zone (UTC), or a day.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("date %.40q", s)
}
