// Package feed brings publishers' files here and says what is in them. A
// Mirror fetches: from a folder or a web address in the layout of OSV's public
// bucket, or from the publishers themselves. The packages below it parse, one
// per format: pure, bounded, given a reader. Neither knows a database.
package feed

import (
	"errors"
	"fmt"
	"io"
)

// Names of the files beside the advisories, at any mirror.
const (
	KEV      = "kev.json"
	EPSS     = "epss.csv.gz"
	CVE      = "cve.ndjson.gz"
	Exploits = "exploits.json"
	EOL      = "eol.json"
)

// ErrAbsent says that the mirror does not offer a file.
var ErrAbsent = errors.New("the source does not offer it")

// ErrTooLarge says that a file or what is packed in it exceeds its bound.
var ErrTooLarge = errors.New("larger than allowed")

// Bounded reads at most limit bytes of r; one more is ErrTooLarge, not an end.
func Bounded(r io.Reader, limit int64) io.Reader { return &bounded{r: r, limit: limit, left: limit} }

type bounded struct {
	r           io.Reader
	limit, left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, b.limit)
	}
	return n, err
}

// ReadAll reads r to its end, at most limit bytes.
func ReadAll(r io.Reader, limit int64) ([]byte, error) { return io.ReadAll(Bounded(r, limit)) }
