// Package compile makes the immutable files of package advisorydb of the files
// that feeds publish. It is what a server's import and a scan without a server
// have in common.
package compile

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/feed/cve"
	"muster/internal/feed/eol"
	"muster/internal/feed/epss"
	"muster/internal/feed/exploit"
	"muster/internal/feed/kev"
	"muster/internal/feed/osv"
)

// Revision is raised when something else is made of the same input; every
// source is then compiled again.
const Revision = 6

// Source is one kind of file that a mirror offers.
type Source struct {
	Kind advisorydb.Kind
	// Ecosystem is OSV's name without suffix, for advisories only.
	Ecosystem string
	// Published is the name of a publisher's own data set in the layout of
	// feeds folders; empty for OSV's archives and the files beside them.
	Published string
	// files narrows the files of the data set; empty means all.
	files string
}

// Intelligence are the sources beside the advisories, by file name.
func Intelligence() map[string]Source {
	return map[string]Source{
		feed.CVE: {Kind: advisorydb.CVEs}, feed.EPSS: {Kind: advisorydb.EPSS}, feed.KEV: {Kind: advisorydb.KEVs},
		feed.Exploits: {Kind: advisorydb.Exploits}, feed.EOL: {Kind: advisorydb.Products},
	}
}

// File is the name of the source's file in a set.
func (s Source) File() string {
	switch {
	case s.Kind != advisorydb.Advisories:
		return string(s.Kind) + ".db"
	case s.Published != "":
		return "feed-" + s.Published + "-" + strings.ReplaceAll(s.Ecosystem, "/", "_") + ".db"
	}
	return "osv-" + strings.ReplaceAll(s.Ecosystem, "/", "_") + ".db"
}

// Compile parses a fetched file and writes the advisory file at out. After an
// error there is no file.
func (s Source) Compile(ctx context.Context, in *os.File, size int64, out string) (advisorydb.Summary, error) {
	switch s.Kind {
	case advisorydb.Advisories:
		return buildAdvisories(ctx, in, size, s.Ecosystem, out)
	case advisorydb.EPSS:
		return buildEPSS(ctx, in, out)
	}
	t, err := advisorydb.NewTableBuilder(out)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	var newest time.Time
	switch s.Kind {
	case advisorydb.KEVs:
		newest, err = addKEV(in, t)
	case advisorydb.CVEs:
		newest, err = addCVEs(ctx, in, t)
	case advisorydb.Exploits:
		err = addExploits(in, t)
	case advisorydb.Products:
		err = addProducts(in, t)
	default:
		err = fmt.Errorf("no importer for %q", s.Kind)
	}
	if err != nil {
		t.Abort()
		return advisorydb.Summary{}, err
	}
	return t.Finish(newest)
}

func buildAdvisories(ctx context.Context, in *os.File, size int64, ecosystem, out string) (advisorydb.Summary, error) {
	archive, err := osv.Open(in, size)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	b, err := advisorydb.NewBuilder(out, ecosystem)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	for r, err := range archive.Records() {
		if err == nil {
			err = b.Add(&r.Advisory, r.JSON)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			b.Abort()
			return advisorydb.Summary{}, err
		}
	}
	return b.Finish()
}

func buildEPSS(ctx context.Context, in *os.File, out string) (advisorydb.Summary, error) {
	b, err := advisorydb.NewEPSSBuilder(out)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	h, err := epss.Parse(in, func(r epss.Row) error {
		if err := b.Add(r.CVE, r.Score, r.Percentile); err != nil {
			return err
		}
		return ctx.Err()
	})
	if err != nil {
		b.Abort()
		return advisorydb.Summary{}, err
	}
	return b.Finish(h.Date)
}

func addKEV(in *os.File, t *advisorydb.TableBuilder) (time.Time, error) {
	c, err := kev.Parse(in)
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range c.Entries {
		if err := t.Add(e.CVE, e.KEV); err != nil {
			return time.Time{}, err
		}
	}
	return c.Released, nil
}

func addCVEs(ctx context.Context, in *os.File, t *advisorydb.TableBuilder) (newest time.Time, err error) {
	err = cve.Parse(in, func(i advisory.Intel) error {
		if i.Modified.After(newest) {
			newest = i.Modified
		}
		if err := t.Add(i.CVE, i); err != nil {
			return err
		}
		return ctx.Err()
	})
	return newest, err
}

func addExploits(in *os.File, t *advisorydb.TableBuilder) error {
	list, err := exploit.Parse(in)
	if err != nil {
		return err
	}
	for _, cve := range slices.Sorted(maps.Keys(list)) {
		if err := t.Add(cve, list[cve]); err != nil {
			return err
		}
	}
	return nil
}

func addProducts(in *os.File, t *advisorydb.TableBuilder) error {
	list, err := eol.Parse(in)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := t.Add(p.Name, p); err != nil {
			return err
		}
	}
	return nil
}
