// Package epss reads FIRST's daily file of exploit predictions
// (feeds specification 4.2).
package epss

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

const (
	maxBytes = 1 << 30
	maxRows  = 10_000_000
)

// ErrScores says that bytes are not an EPSS file.
var ErrScores = errors.New("not an EPSS file")

// Header is what the file says about itself; fields it leaves out are zero.
type Header struct {
	Model string
	Date  time.Time
}

// Row is the score of a CVE; both numbers are 0 to 1. The first generation of
// the model, of spring 2021, came without percentiles: there it is 0.
type Row struct {
	CVE               string
	Score, Percentile float64
}

// Parse reads the gzipped CSV and calls each for every row, in order. It ends
// at the first bad row, or where each fails. A file without rows is refused.
func Parse(r io.Reader, each func(Row) error) (Header, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrScores, err)
	}
	var h Header
	lines := bufio.NewScanner(feed.Bounded(z, maxBytes))
	rows := 0
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
			h = parseHeader(line)
			continue
		case line == "" || strings.HasPrefix(line, "cve,"):
			continue
		}
		row, err := parseRow(line)
		if err != nil {
			return h, fmt.Errorf("%w: line %d: %w", ErrScores, n, err)
		}
		if rows++; rows > maxRows {
			return h, fmt.Errorf("%w: more than %d rows", ErrScores, maxRows)
		}
		if err := each(row); err != nil {
			return h, err
		}
	}
	if err := lines.Err(); err != nil {
		return h, fmt.Errorf("%w: %w", ErrScores, err)
	}
	if rows == 0 {
		return h, fmt.Errorf("%w: it holds no scores", ErrScores)
	}
	return h, nil
}

// parseHeader reads "#model_version:v2025.03.14,score_date:2026-01-15T00:00:00+0000".
func parseHeader(line string) Header {
	var h Header
	for field := range strings.SplitSeq(strings.TrimPrefix(line, "#"), ",") {
		name, value, _ := strings.Cut(field, ":")
		switch name {
		case "model_version":
			h.Model = value
		case "score_date":
			h.Date, _ = time.Parse("2006-01-02T15:04:05Z0700", value)
		}
	}
	return h
}

func parseRow(line string) (Row, error) {
	cve, rest, _ := strings.Cut(line, ",")
	score, percentile, ranked := strings.Cut(rest, ",")
	if !advisory.IsCVE(cve) {
		return Row{}, fmt.Errorf("%.60q is not cve,epss,percentile", line)
	}
	if !ranked {
		percentile = "0"
	}
	s, err1 := strconv.ParseFloat(score, 64)
	p, err2 := strconv.ParseFloat(percentile, 64)
	if err1 != nil || err2 != nil || !(s >= 0 && s <= 1 && p >= 0 && p <= 1) {
		return Row{}, fmt.Errorf("%.60q: scores are numbers from 0 to 1", line)
	}
	return Row{cve, s, p}, nil
}
