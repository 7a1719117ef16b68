package advisorydb

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"muster/internal/advisory"
)

// An EPSS row: CVE number (u64), score and percentile (f32 each).
const epssRow = 16

// EPSSBuilder writes the file of EPSS scores.
type EPSSBuilder struct {
	w    *writer
	rows []epssScore
}

type epssScore struct {
	cve               uint64
	score, percentile float32
}

// NewEPSSBuilder creates the file, which must not exist.
func NewEPSSBuilder(path string) (*EPSSBuilder, error) {
	w, err := newWriter(path, kindEPSS)
	if err != nil {
		return nil, err
	}
	return &EPSSBuilder{w: w}, nil
}

// Add takes one score; ids that are no CVE are refused.
func (e *EPSSBuilder) Add(cve string, score, percentile float64) error {
	n, ok := packCVE(cve)
	if !ok {
		return fmt.Errorf("%.40q is not a CVE id", cve)
	}
	e.rows = append(e.rows, epssScore{n, float32(score), float32(percentile)})
	return nil
}

// Finish writes the rows; date is the day of the scores.
func (e *EPSSBuilder) Finish(date time.Time) (Summary, error) {
	slices.SortStableFunc(e.rows, func(a, b epssScore) int { return cmp.Compare(a.cve, b.cve) })
	e.rows = slices.CompactFunc(e.rows, func(a, b epssScore) bool { return a.cve == b.cve })
	b := make([]byte, 0, len(e.rows)*epssRow)
	le := binary.LittleEndian
	for _, r := range e.rows {
		b = le.AppendUint64(b, r.cve)
		b = le.AppendUint32(b, math.Float32bits(r.score))
		b = le.AppendUint32(b, math.Float32bits(r.percentile))
	}
	e.w.write(sectionIndex, b)
	e.w.header.records, e.w.header.newest = uint64(len(e.rows)), date.Unix()
	if err := errors.Join(e.w.err, e.w.close()); err != nil {
		_ = os.Remove(e.w.file.Name())
		return Summary{}, err
	}
	return Summary{len(e.rows), len(e.rows), date}, nil
}

// Abort removes the unfinished file.
func (e *EPSSBuilder) Abort() { e.w.abort() }

// packCVE makes a number of a CVE id that orders by year and number.
func packCVE(id string) (uint64, bool) {
	if !advisory.IsCVE(id) {
		return 0, false
	}
	year, err1 := strconv.ParseUint(id[4:8], 10, 16)
	number, err2 := strconv.ParseUint(id[9:], 10, 40)
	return year<<40 | number, err1 == nil && err2 == nil
}

// unpackCVE is the reverse; numbers have at least four digits.
func unpackCVE(n uint64) string { return fmt.Sprintf("CVE-%04d-%04d", n>>40, n&(1<<40-1)) }

// EPSSFile is an open file of scores.
type EPSSFile struct {
	*mapped
	ready func() error
}

// OpenEPSS opens a file of scores. It reads the header only.
func OpenEPSS(path string) (*EPSSFile, error) {
	m, err := openMapped(path, kindEPSS)
	if err != nil {
		return nil, err
	}
	e := &EPSSFile{mapped: m}
	e.ready = sync.OnceValue(e.Verify)
	return e, nil
}

// Close gives the mapping back. Nothing may use the file afterwards.
func (e *EPSSFile) Close() { e.release() }

// Verify reads the whole file against its checksum.
func (e *EPSSFile) Verify() error {
	if len(e.section(sectionIndex))%epssRow != 0 {
		return e.wrap(corrupt("row length"))
	}
	return e.wrap(e.header.verify(e.data, sectionIndex))
}

func (e *EPSSFile) rows() int { return len(e.section(sectionIndex)) / epssRow }

func (e *EPSSFile) at(i int) epssScore {
	b := e.section(sectionIndex)[i*epssRow:]
	le := binary.LittleEndian
	return epssScore{le.Uint64(b), math.Float32frombits(le.Uint32(b[8:])), math.Float32frombits(le.Uint32(b[12:]))}
}

// Get returns the score of a CVE; nil when there is none.
func (e *EPSSFile) Get(cve string) (*advisory.EPSS, error) {
	n, ok := packCVE(cve)
	if !ok {
		return nil, nil
	}
	if err := e.ready(); err != nil {
		return nil, err
	}
	i := sort.Search(e.rows(), func(i int) bool { return e.at(i).cve >= n })
	if i == e.rows() || e.at(i).cve != n {
		return nil, nil
	}
	r := e.at(i)
	return &advisory.EPSS{
		Score: widen(r.score), Percentile: widen(r.percentile), Date: time.Unix(e.header.newest, 0).UTC(),
	}, nil
}

// widen undoes the storage as float32: the published decimals come back.
func widen(f float32) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	return v
}
