package compile

import (
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/extract/bounded"
	"muster/internal/feed"
	"muster/internal/feed/alpine"
	"muster/internal/feed/amazon"
	"muster/internal/feed/cvelist"
	"muster/internal/feed/debian"
	"muster/internal/feed/exploitdb"
	"muster/internal/feed/layout"
	"muster/internal/feed/metasploit"
	"muster/internal/feed/msrc"
	"muster/internal/feed/nuclei"
	"muster/internal/feed/nvd"
	"muster/internal/feed/oval"
	"muster/internal/feed/photon"
	"muster/internal/feed/redhat"
	"muster/internal/feed/rocky"
	"muster/internal/feed/ubuntu"
)

// Published are publishers' own data sets (package layout) that something is
// made of, by the name under which they are reported.
func Published() map[string]Source {
	out := map[string]Source{
		"nvd":                 {Kind: advisorydb.NVD, Published: "nvd"},
		"cvelist":             {Kind: advisorydb.CVEList, Published: "cvelist"},
		"exploitdb":           {Kind: advisorydb.ExploitDB, Published: "exploitdb"},
		"metasploit":          {Kind: advisorydb.Metasploit, Published: "metasploit"},
		"nuclei":              {Kind: advisorydb.Nuclei, Published: "nuclei"},
		"suse/openSUSE":       {Kind: advisorydb.Advisories, Ecosystem: "openSUSE", Published: "suse", files: "suse/opensuse*"},
		"suse":                {Kind: advisorydb.Advisories, Ecosystem: "SUSE", Published: "suse", files: "suse/suse*"},
		"amazon/bottlerocket": {Kind: advisorydb.Advisories, Ecosystem: "Bottlerocket", Published: "amazon", files: layout.Amazon("bottlerocket", "core")},
	}
	for name, ecosystem := range map[string]string{
		"alpine": "Alpine", "amazon": "Amazon Linux", "debian": "Debian", "debian-notices": "Debian", "oracle": "Oracle Linux",
		"microsoft": "Windows", "photon": "Photon OS", "redhat-advisories": "Red Hat", "redhat-vex": "Red Hat", "rocky": "Rocky Linux",
		"ubuntu-osv": "Ubuntu", "ubuntu-tracker": "Ubuntu",
	} {
		out[name] = Source{Kind: advisorydb.Advisories, Ecosystem: ecosystem, Published: name}
	}
	return out
}

// Feed is the name of the source in advisories and sets: empty for what comes
// as OSV and for what is no advisories.
func (s Source) Feed() string {
	if s.Kind != advisorydb.Advisories {
		return ""
	}
	return s.Published
}

// Layout is the data set of a published source, with the files that concern it.
func (s Source) Layout() layout.Source {
	i := slices.IndexFunc(layout.All(), func(l layout.Source) bool { return l.Name == s.Published })
	out := layout.All()[i]
	if s.files != "" {
		out.Files = s.files
	}
	return out
}

// Fetch brings the source's files from a mirror, unless they are those that
// last describes. name is how the source is reported.
func (s Source) Fetch(ctx context.Context, m *feed.Mirror, name string, last feed.Validator) (*feed.Files, error) {
	if s.Published != "" {
		return m.Source(ctx, s.Layout(), last)
	}
	var f *feed.File
	var err error
	if s.Kind == advisorydb.Advisories {
		f, err = m.Advisories(ctx, s.Ecosystem, last)
	} else {
		f, err = m.Intelligence(ctx, name, last)
	}
	if err != nil {
		return nil, err
	}
	return &feed.Files{Names: []string{name}, Files: []*feed.File{f}, Hash: f.Hash, Validator: f.Validator}, nil
}

// CompileFiles parses all files of a source and writes the advisory file at
// out. After an error there is no file.
func (s Source) CompileFiles(ctx context.Context, files *feed.Files, out string) (advisorydb.Summary, error) {
	switch {
	case s.Published == "":
		return s.compileOne(ctx, files.Files[0], out)
	case s.Kind == advisorydb.Advisories:
		return s.compilePublished(ctx, files, out)
	}
	t, err := advisorydb.NewTableBuilder(out)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	var newest time.Time
	if err := eachFile(ctx, files, s.tableParser(ctx, t, &newest)); err != nil {
		t.Abort()
		return advisorydb.Summary{}, err
	}
	return t.Finish(newest)
}

// tableParser reads one file or document about CVEs into a table.
func (s Source) tableParser(ctx context.Context, t *advisorydb.TableBuilder, newest *time.Time) func(string, io.Reader) error {
	switch s.Kind {
	case advisorydb.Metasploit:
		return exploits(t, metasploit.Parse)
	case advisorydb.ExploitDB:
		return exploits(t, exploitdb.Parse)
	case advisorydb.Nuclei:
		return exploits(t, nuclei.Parse)
	case advisorydb.CVEList:
		put := latest(ctx, t, newest)
		return func(_ string, r io.Reader) error {
			i, err := cvelist.Parse(r)
			if err != nil {
				return err
			}
			return put(i)
		}
	}
	put := latest(ctx, t, newest)
	return func(_ string, r io.Reader) error { return nvd.Parse(r, put) }
}

func (s Source) compileOne(ctx context.Context, f *feed.File, out string) (advisorydb.Summary, error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	defer func() { _ = in.Close() }()
	return s.Compile(ctx, in, f.Size, out)
}

func (s Source) compilePublished(ctx context.Context, files *feed.Files, out string) (advisorydb.Summary, error) {
	b, err := advisorydb.NewBuilder(out, s.Ecosystem)
	if err != nil {
		return advisorydb.Summary{}, err
	}
	each := func(a *advisory.Advisory) error {
		raw, err := advisory.Encode(a)
		if err == nil {
			err = b.Merge(a, raw)
		}
		return errors.Join(err, ctx.Err())
	}
	if err := eachFile(ctx, files, s.parser(each, b)); err != nil {
		b.Abort()
		return advisorydb.Summary{}, err
	}
	return b.Finish()
}

// parser reads one file or document of a publisher's advisories.
func (s Source) parser(each func(*advisory.Advisory) error, b *advisorydb.Builder) func(string, io.Reader) error {
	plain := map[string]func(io.Reader, func(*advisory.Advisory) error) error{
		"alpine": addSecDB, "amazon": amazon.Parse, "debian": addTracker, "debian-notices": addNotices, "microsoft": msrc.Parse, "oracle": oval.ParseOracle,
		"redhat-advisories": redhat.ParseAdvisory, "redhat-vex": redhat.ParseVEX, "rocky": rocky.Parse, "suse": oval.ParseSUSE,
		"ubuntu-tracker": addUbuntuFile,
	}
	if parse, ok := plain[s.Published]; ok {
		return func(_ string, r io.Reader) error { return parse(r, each) }
	}
	if s.Published == "photon" {
		return func(name string, r io.Reader) error { return photon.Parse(path.Base(name), r, each) }
	}
	return func(_ string, r io.Reader) error { return addRecord(r, b) }
}

func addNotices(r io.Reader, each func(*advisory.Advisory) error) error {
	return debian.ParseList(r, func(a advisory.Advisory) error { return each(&a) })
}

func addUbuntuFile(r io.Reader, each func(*advisory.Advisory) error) error {
	a, err := ubuntu.Parse(r)
	if err != nil {
		return err
	}
	return each(&a)
}

func addTracker(r io.Reader, each func(*advisory.Advisory) error) error {
	t, err := debian.ParseTracker(r)
	if err != nil {
		return err
	}
	for a := range t.Advisories() {
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

func addSecDB(r io.Reader, each func(*advisory.Advisory) error) error {
	list, err := alpine.Parse(r)
	if err != nil {
		return err
	}
	for i := range list {
		if err := each(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// addRecord takes a record that is OSV already.
func addRecord(r io.Reader, b *advisorydb.Builder) error {
	data, err := feed.ReadAll(r, advisory.MaxRecordBytes)
	if err != nil {
		return err
	}
	a, err := advisory.Parse(data)
	if err != nil {
		return err
	}
	return b.Merge(&a, data)
}

// exploits joins what several files of an index list of a CVE.
func exploits(t *advisorydb.TableBuilder, parse func(io.Reader) (map[string]advisory.Exploits, error)) func(string, io.Reader) error {
	all := map[string]advisory.Exploits{}
	return func(_ string, r io.Reader) error {
		list, err := parse(r)
		for _, cve := range slices.Sorted(maps.Keys(list)) {
			known := all[cve]
			known.Add(list[cve])
			all[cve] = known
			err = errors.Join(err, t.Put(cve, known))
		}
		return err
	}
}

// latest takes of several records of a CVE the one modified last.
func latest(ctx context.Context, t *advisorydb.TableBuilder, newest *time.Time) func(advisory.Intel) error {
	modified := map[string]int64{}
	return func(i advisory.Intel) error {
		at, seen := modified[i.CVE]
		if i.CVE == "" || seen && at >= i.Modified.Unix() {
			return ctx.Err()
		}
		modified[i.CVE] = i.Modified.Unix()
		if i.Modified.After(*newest) {
			*newest = i.Modified
		}
		return errors.Join(t.Put(i.CVE, i), ctx.Err())
	}
}

// eachFile unpacks the files of a source and hands them, or the documents in
// them, to add.
func eachFile(ctx context.Context, files *feed.Files, add func(name string, r io.Reader) error) error {
	for i, f := range files.Files {
		if err := openFile(ctx, files.Names[i], f, add); err != nil {
			return fmt.Errorf("%s: %w", files.Names[i], err)
		}
	}
	return nil
}

// maxUnpacked bounds what a file unpacks to.
const maxUnpacked = 32 << 30

func openFile(ctx context.Context, name string, f *feed.File, add func(string, io.Reader) error) error {
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	switch {
	case strings.HasSuffix(name, ".zip"):
		return eachDocument(ctx, in, f.Size, add)
	case strings.HasSuffix(name, ".gz"):
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		return add(name, feed.Bounded(z, maxUnpacked))
	case strings.HasSuffix(name, ".bz2"):
		return add(name, feed.Bounded(bzip2.NewReader(in), maxUnpacked))
	}
	return add(name, in)
}

// maxDocuments bounds an archive.
const maxDocuments = 5_000_000

func eachDocument(ctx context.Context, in io.ReaderAt, size int64, add func(string, io.Reader) error) error {
	z, err := bounded.Zip(in, size, maxDocuments)
	if err != nil {
		return err
	}
	if len(z.File) == 0 || len(z.File) > maxDocuments {
		return fmt.Errorf("%d documents", len(z.File))
	}
	left := int64(maxUnpacked)
	for _, m := range z.File {
		if !strings.HasSuffix(m.Name, ".json") && !advisory.IsCVE(path.Base(m.Name)) {
			continue
		}
		r, err := m.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		c := &consumed{r: feed.Bounded(r, left)}
		err = add(m.Name, c)
		left -= c.n
		if err = errors.Join(err, r.Close(), ctx.Err()); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

// consumed counts what was read.
type consumed struct {
	r io.Reader
	n int64
}

func (c *consumed) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
