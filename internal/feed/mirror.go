package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"muster/internal/feed/bundle"
	"muster/internal/feed/layout"
	"muster/internal/version"
)

// Publishers is the location that means the publishers themselves.
const Publishers = "publishers"

// The publishers' addresses (feeds specification 3 and 4).
const (
	publisherOSV  = "https://storage.googleapis.com/osv-vulnerabilities"
	publisherKEV  = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	publisherEPSS = "https://epss.cyentia.com/epss_scores-current.csv.gz"
)

// MaxFileBytes bounds a fetched file. OSV's largest is of the order of 1 GB.
const MaxFileBytes = 8 << 30

// Validator is what a server said about a file, to ask for it only if it
// changed. It holds only at the address it came from.
type Validator struct{ URL, ETag, LastModified string }

// ErrNotModified says that a file is the one the Validator is about.
var ErrNotModified = errors.New("not modified")

// File is a fetched file, open for reading by Path until Close.
type File struct {
	Path string
	Size int64
	// Hash is the hexadecimal SHA-256 of the content.
	Hash      string
	Validator Validator
	// temporary files go away with Close.
	temporary bool
}

// Close removes the file if it was downloaded.
func (f *File) Close() error {
	if !f.temporary {
		return nil
	}
	return os.Remove(f.Path)
}

// Mirror is a place where feed files are. Close it after use.
type Mirror struct {
	location string
	dir      string
	bundle   *bundle.Bundle
	base     *url.URL
	client   *http.Client
	temp     string
	retry    time.Duration

	// mu guards listed: a web mirror's manifest, once it was asked for.
	mu     sync.Mutex
	listed *layout.FileList
}

// Options tune a Mirror; the zero value is good.
type Options struct {
	// Client does the requests; nil means one of its own with timeouts.
	Client *http.Client
	// Temp is the folder for downloads; "" means the system's.
	Temp string
	// Trust says which bundles are believed.
	Trust bundle.Trust
	// Retry is the pause before a broken download is resumed; 0 means 1 s.
	Retry time.Duration
}

// Open names a mirror: a folder, a bundle, a web address, or Publishers (also
// ""). Only folders and bundles are touched.
func Open(location string, opts Options) (*Mirror, error) {
	m := &Mirror{location: location, client: opts.Client, temp: opts.Temp, retry: opts.Retry}
	if m.client == nil {
		m.client = newClient()
	}
	if m.retry == 0 {
		m.retry = time.Second
	}
	switch {
	case location == "" || location == Publishers:
		m.location = Publishers
		m.base, _ = url.Parse(publisherOSV)
		return m, nil
	case strings.Contains(location, "://"):
		return m, m.openURL(location)
	}
	info, err := os.Stat(location)
	switch {
	case err != nil:
		return nil, fmt.Errorf("feeds folder: %w", err)
	case info.IsDir():
		m.dir = location
		return m, nil
	case bundle.Is(location):
		return m, m.openBundle(location, opts.Trust)
	}
	return nil, fmt.Errorf("feeds folder %s: neither a folder nor a bundle of feeds", location)
}

// Close gives back what Open opened.
func (m *Mirror) Close() error {
	if m.bundle == nil {
		return nil
	}
	return m.bundle.Close()
}

// newClient bounds every phase but the transfer of the body, which may be
// long; the caller's context ends that.
func newClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 60 * time.Second
	return &http.Client{Transport: t}
}

func (m *Mirror) openURL(location string) error {
	u, err := url.Parse(location)
	if err != nil {
		return fmt.Errorf("feeds address: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("feeds address %s: only http and https addresses", location)
	}
	m.base = u
	return nil
}

// String is the location, for people.
func (m *Mirror) String() string { return m.location }

// Advisories fetches the archive of an ecosystem, which mirrors keep as
// osv/<Ecosystem>.zip or, like OSV's bucket, as <Ecosystem>/all.zip.
func (m *Mirror) Advisories(ctx context.Context, ecosystem string, last Validator) (*File, error) {
	names := []string{"osv/" + ecosystem + ".zip", ecosystem + "/all.zip"}
	if m.location == Publishers {
		names = names[1:]
	}
	return m.fetchFirst(ctx, names, last)
}

// Intelligence fetches a file that lies beside the advisories (KEV, EPSS, …).
func (m *Mirror) Intelligence(ctx context.Context, name string, last Validator) (*File, error) {
	if m.location != Publishers {
		names := []string{name}
		if name == EOL {
			names = append(names, layout.Products)
		}
		return m.fetchFirst(ctx, names, last)
	}
	switch name {
	case KEV:
		return m.download(ctx, publisherKEV, last)
	case EPSS:
		return m.download(ctx, publisherEPSS, last)
	}
	return nil, fmt.Errorf("%s: %w", name, ErrAbsent)
}

// fetchFirst returns the first of the names that exists.
func (m *Mirror) fetchFirst(ctx context.Context, names []string, last Validator) (*File, error) {
	for _, name := range names {
		f, err := m.fetchNamed(ctx, name, last)
		if !errors.Is(err, ErrAbsent) {
			return f, err
		}
	}
	return nil, fmt.Errorf("%s: %w", names[0], ErrAbsent)
}

func (m *Mirror) fetchNamed(ctx context.Context, name string, last Validator) (*File, error) {
	if m.bundle != nil {
		return m.fromBundle(ctx, name, last)
	}
	if m.dir != "" {
		return openLocal(filepath.Join(m.dir, filepath.FromSlash(name)), last)
	}
	return m.download(ctx, m.address(name), last)
}

// address joins a relative name to the base, escaping each part.
func (m *Mirror) address(name string) string {
	return m.base.JoinPath(strings.Split(name, "/")...).String()
}

// Ecosystems lists the ecosystems that the mirror offers and muster can order,
// sorted. A web server that publishes no list is asked for each known one
// when it is fetched, so the list then contains all of them.
func (m *Mirror) Ecosystems(ctx context.Context) ([]string, error) {
	if m.bundle != nil {
		return m.bundled(), nil
	}
	if m.dir != "" {
		return listLocal(m.dir)
	}
	for _, name := range []string{"ecosystems.txt", "osv/ecosystems.txt"} {
		text, err := m.text(ctx, m.address(name))
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return orderable(strings.Split(text, "\n")), nil
	}
	return known(), nil
}

// listLocal finds both forms of archives in a folder.
func listLocal(dir string) ([]string, error) {
	var names []string
	for _, pattern := range []string{"osv/*.zip", "*/all.zip"} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(dir), filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			name := strings.TrimSuffix(filepath.Base(path), ".zip")
			if name == "all" {
				name = filepath.Base(filepath.Dir(path))
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// escapeGlob quotes what filepath.Glob would take for a pattern.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// orderable keeps the ecosystems whose versions muster knows; lists of the
// bucket also name releases ("Debian:12"), which have no archive of their own.
func orderable(lines []string) []string {
	var out []string
	for _, line := range lines {
		name := strings.TrimSpace(line)
		if _, ok := version.SchemeOf(name); ok && !strings.Contains(name, ":") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// known are the ecosystems to ask a mirror without a list for.
func known() []string {
	return []string{
		"AlmaLinux", "Alpaquita", "Alpine", "Azure Linux", "BellSoft Hardened Containers", "Bioconductor", "Bitnami",
		"CRAN", "Chainguard", "CleanStart", "ConanCenter", "Debian", "Docker Hardened Images", "Echo", "GHC",
		"GitHub Actions", "Go", "Hackage", "Hex", "Julia", "Mageia", "Maven", "MinimOS", "NuGet", "Packagist", "Pub",
		"PyPI", "Red Hat", "Rocky Linux", "RubyGems", "SUSE", "SwiftURL", "Ubuntu", "Wolfi", "crates.io", "npm",
		"opam", "openEuler", "openSUSE",
	}
}
