// Package osv reads archives of OSV records: zip files of one JSON file per
// record, as OSV's public bucket has them (feeds specification 3).
package osv

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"muster/internal/advisory"
	"muster/internal/extract/bounded"
	"muster/internal/feed"
)

// Bounds of an archive. The largest real one (all of OSV) has half a million
// records and unpacks to some gigabytes.
const (
	maxRecords  = 5_000_000
	maxUnpacked = 32 << 30
	// maxRatio bounds how far an archive may unpack: JSON reaches 20 at most.
	maxRatio = 400
	// minUnpacked is allowed whatever the ratio.
	minUnpacked = 64 << 20
)

// ErrArchive says that bytes are not an archive of records.
var ErrArchive = errors.New("not an archive of OSV records")

// Record is an advisory and the JSON it was read from, which is valid until
// the next record.
type Record struct {
	advisory.Advisory
	JSON []byte
}

// Archive is an opened zip file of records.
type Archive struct {
	files []*zip.File
	limit int64
}

// Open reads the directory of an archive. Other members than *.json are
// ignored; an archive without records is refused.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	if size == 0 {
		return nil, fmt.Errorf("%w: the file is empty", ErrArchive)
	}
	z, err := bounded.Zip(r, size, maxRecords)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	a := &Archive{limit: max(minUnpacked, min(maxUnpacked, size*maxRatio))}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".json") && !f.FileInfo().IsDir() {
			a.files = append(a.files, f)
		}
	}
	switch {
	case len(a.files) == 0:
		return nil, fmt.Errorf("%w: it holds no records", ErrArchive)
	case len(a.files) > maxRecords:
		return nil, fmt.Errorf("%w: %d records, more than %d", ErrArchive, len(a.files), maxRecords)
	}
	return a, nil
}

// Len is the number of records.
func (a *Archive) Len() int { return len(a.files) }

// Records yields every record, in the archive's order. The first one that
// cannot be read ends it with an error that names the member.
func (a *Archive) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		left := a.limit
		var buf []byte
		for _, f := range a.files {
			data, err := readMember(f, buf[:0], left)
			if err != nil {
				yield(Record{}, fmt.Errorf("%s: %w", f.Name, err))
				return
			}
			buf, left = data, left-int64(len(data))
			parsed, err := advisory.Parse(data)
			if err != nil {
				yield(Record{}, fmt.Errorf("%s: %w", f.Name, err))
				return
			}
			if !yield(Record{parsed, data}, nil) {
				return
			}
		}
	}
}

// readMember unpacks one member into buf; its stated size is not trusted.
func readMember(f *zip.File, buf []byte, left int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	buf, err = appendAll(buf, feed.Bounded(r, min(left, advisory.MaxRecordBytes)))
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return buf, err
}

// appendAll is io.ReadAll into a buffer that is used again.
func appendAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}
