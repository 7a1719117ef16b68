package quality

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"muster/internal/scanner"
)

// Peer is another scanner's program: osv-scanner, version 2.
type Peer struct {
	Program string
	// database holds the advisories in the layout that the program wants.
	database string
}

// NewPeer prepares a peer that knows the same advisories as muster.
func (w World) NewPeer(program string) (*Peer, error) {
	p := &Peer{Program: program, database: filepath.Join(w.Work, "peer")}
	zips, err := filepath.Glob(filepath.Join(w.Advisories(), "osv", "*.zip"))
	if err != nil {
		return nil, err
	}
	for _, z := range zips {
		folder := filepath.Join(p.database, "osv-scalibr", strings.TrimSuffix(filepath.Base(z), ".zip"))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		if z, err = filepath.Abs(z); err != nil {
			return nil, err
		}
		if err := os.Symlink(z, filepath.Join(folder, "all.zip")); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// peerReport is the program's JSON.
type peerReport struct {
	Results []struct {
		Packages []struct {
			Package struct {
				Name      string `json:"name"`
				OSName    string `json:"os_package_name"`
				Version   string `json:"version"`
				Ecosystem string `json:"ecosystem"`
			} `json:"package"`
			Groups []struct {
				IDs     []string `json:"ids"`
				Aliases []string `json:"aliases"`
			} `json:"groups"`
			Vulnerabilities []struct {
				ID       string   `json:"id"`
				Upstream []string `json:"upstream"`
				Related  []string `json:"related"`
			} `json:"vulnerabilities"`
		} `json:"packages"`
	} `json:"results"`
}

// Scan returns what the peer finds, and the packages that it saw, by lower
// case name.
func (p *Peer) Scan(ctx context.Context, w World, t Target) (hits []Hit, packages map[string]bool, err error) {
	cmd, err := p.Command(ctx, w, t)
	if err != nil {
		return nil, nil, err
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	const nothingToScan = 128
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) && exit.ExitCode() == nothingToScan {
		return nil, map[string]bool{}, nil
	} else if out.Len() == 0 {
		return nil, nil, fmt.Errorf("%s: %w\n%s", cmd, err, problems.String())
	}
	var report peerReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return nil, nil, fmt.Errorf("%s of %s: %w", p.Program, t.Name, err)
	}
	hits, packages = report.hits()
	return hits, packages, nil
}

// Command is how the peer is made to scan a target.
func (p *Peer) Command(ctx context.Context, w World, t Target) (*exec.Cmd, error) {
	args, err := p.arguments(w, t)
	if err != nil {
		return nil, err
	}
	args = append(args, "--offline", "--no-call-analysis=go", "--local-db-path", p.database, "--format", "json", "--all-packages", "--all-vulns")
	return exec.CommandContext(ctx, p.Program, args...), nil
}

func (r *peerReport) hits() (hits []Hit, packages map[string]bool) {
	packages = map[string]bool{}
	for _, result := range r.Results {
		for _, p := range result.Packages {
			packages[packageName(Hit{Ecosystem: p.Package.Ecosystem, Name: p.Package.Name})] = true
			packages[packageName(Hit{Ecosystem: p.Package.Ecosystem, Name: p.Package.OSName})] = true
			more := map[string][]string{}
			for _, v := range p.Vulnerabilities {
				more[v.ID] = append(slices.Clone(v.Upstream), v.Related...)
			}
			for _, g := range p.Groups {
				h := Hit{Ecosystem: p.Package.Ecosystem, Name: p.Package.Name, Version: p.Package.Version, IDs: slices.Concat(g.IDs, g.Aliases)}
				for _, id := range g.IDs {
					h.IDs = append(h.IDs, more[id]...)
				}
				hits = append(hits, h)
			}
		}
	}
	return hits, packages
}

// arguments give the peer the target itself where it can read it. The root of
// a system it reads only from an image, so one is made of it; documents need
// names by which it knows them.
func (p *Peer) arguments(w World, t Target) ([]string, error) {
	switch t.Scan.Kind {
	case scanner.Lock:
		return []string{"scan", "source", "-L", t.Scan.Name}, nil
	case scanner.SBOM:
		name := filepath.Join(w.Work, documentName(t.Scan.Name))
		if err := copyFile(t.Scan.Name, name); err != nil {
			return nil, err
		}
		return []string{"scan", "source", "-L", name}, nil
	case scanner.Archive:
		if strings.HasPrefix(t.Name, "archives/") {
			image := filepath.Join(w.Work, "peer.tar")
			return []string{"scan", "image", "--archive", image}, imageOf(filepath.Dir(t.Scan.Name), image)
		}
		unpacked := filepath.Join(w.Work, "peer.tar")
		return []string{"scan", "image", "--archive", unpacked}, unpack(t.Scan.Name, unpacked)
	case scanner.Dir:
		if !isRoot(t.Scan.Name) {
			return []string{"scan", "source", "-r", t.Scan.Name}, nil
		}
		image := filepath.Join(w.Work, "peer.tar")
		return []string{"scan", "image", "--archive", image}, imageOf(t.Scan.Name, image)
	}
	return nil, fmt.Errorf("%s: the peer cannot be given a %s", t.Name, t.Scan.Kind)
}

// isRoot reports whether a folder is the root of a system, or what was kept of
// one, and not a source tree.
func isRoot(folder string) bool {
	for _, name := range []string{"etc", "lib", "usr", "var"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

func documentName(path string) string {
	base := filepath.Base(path)
	for _, suffix := range []string{".cdx.json", ".cdx.xml", ".spdx.json", ".spdx"} {
		if strings.HasSuffix(base, suffix) {
			return "document" + suffix
		}
	}
	return "document.cdx.json"
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// imageOf packs a folder as a docker archive of one layer. The layer goes
// through a file: what this process holds in memory would count as that of the
// programs that it starts.
func imageOf(folder, archive string) (err error) {
	layer := archive + ".layer"
	if err := writeFile(layer, func(w io.Writer) error { return tarOf(folder, w) }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(layer)) }()
	l, err := tarball.LayerFromFile(layer)
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(archive, name.MustParseReference("quality/target:latest"), image)
}

func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}

func tarOf(folder string, to io.Writer) error {
	w := tar.NewWriter(to)
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type()&fs.ModeSymlink != 0:
			return addLink(w, folder, path)
		case d.Type().IsRegular():
			return addFile(w, folder, path)
		}
		return nil
	})
	return errors.Join(err, w.Close())
}

func addLink(w *tar.Writer, folder, path string) error {
	to, err := os.Readlink(filepath.Join(folder, path))
	if err != nil {
		return err
	}
	return w.WriteHeader(&tar.Header{Name: path, Linkname: to, Mode: 0o777, Typeflag: tar.TypeSymlink})
}

func addFile(w *tar.Writer, folder, path string) (err error) {
	f, err := os.Open(filepath.Join(folder, path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: path, Mode: int64(info.Mode().Perm()), Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// unpack writes the content of an archive that may be packed by gzip: the peer
// reads plain tar only.
func unpack(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	plain := io.Reader(in)
	if z, err := gzip.NewReader(in); err == nil {
		plain = z
	} else if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return writeFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, plain)
		return err
	})
}
