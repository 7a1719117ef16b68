// Package beside runs muster and other scanners, one after the other, over the
// same targets, and tells what each found and needed: packages, matches, time,
// processor time and memory at the peak.
package beside

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"muster/internal/scanner"
	"muster/test/quality"
)

// Sides are the scanners of one comparison, in the order in which they run.
type Sides struct {
	tools []tool
}

// Programs name the scanners; an empty name leaves one out. Syft, Grype and
// Trivy are looked for by the others' names alone, because they bring their
// own databases.
type Programs struct {
	Muster, OSVScanner, Syft, Grype, Trivy string
}

// Row is what one scanner did to one target.
type Row struct {
	Target, Tool string
	Found
	Wall, CPU time.Duration
	// Memory is the resident set at its largest, in bytes.
	Memory int64
	// Err says why there is no figure.
	Err error
}

// tool is one scanner.
type tool struct {
	name string
	// command scans the target; nil where the tool cannot be given it.
	command func(ctx context.Context, t quality.Target) (*exec.Cmd, error)
	// read understands what the command printed.
	read func(output []byte) (Found, error)
	// packages counts what the command's output does not list; nil: it does.
	packages func(ctx context.Context, t quality.Target) (int, error)
}

// New prepares the scanners. World's Work and Cache should be empty folders:
// then the first run of muster compiles the advisories that a target needs.
func New(w quality.World, p Programs) (*Sides, error) {
	m := muster{program: p.Muster, world: w}
	s := &Sides{tools: []tool{
		{"muster, first", m.command, readMuster, m.packages},
		{"muster, again", m.command, readMuster, m.packages},
	}}
	if p.OSVScanner != "" {
		peer, err := w.NewPeer(p.OSVScanner)
		if err != nil {
			return nil, err
		}
		s.tools = append(s.tools, tool{"osv-scanner", func(ctx context.Context, t quality.Target) (*exec.Cmd, error) { return peer.Command(ctx, w, t) }, readOSVScanner, nil})
	}
	for _, other := range []struct {
		name, program string
		arguments     func(quality.Target) []string
		read          func([]byte) (Found, error)
	}{
		{"syft", p.Syft, syftArguments, readSyft},
		{"grype (its database)", p.Grype, syftArguments, readGrype},
		{"trivy (its database)", p.Trivy, trivyArguments, readTrivy},
	} {
		if other.program == "" {
			continue
		}
		s.tools = append(s.tools, tool{other.name, func(ctx context.Context, t quality.Target) (*exec.Cmd, error) {
			if other.name == "syft" && t.Scan.Kind == scanner.SBOM {
				return nil, errMakesThem
			}
			return exec.CommandContext(ctx, other.program, other.arguments(t)...), nil
		}, other.read, nil})
	}
	return s, nil
}

// Target names a file or folder as `muster scan` would.
func Target(path string) (quality.Target, error) {
	t, err := scanner.ParseTarget(path)
	if err != nil {
		return quality.Target{}, err
	}
	return quality.Target{Name: filepath.Base(path), Scan: t}, nil
}

// Targets are all entries of a folder, by name.
func Targets(folder string) ([]quality.Target, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var list []quality.Target
	var failed []error
	for _, e := range entries {
		t, err := Target(filepath.Join(folder, e.Name()))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		list = append(list, t)
	}
	return list, errors.Join(failed...)
}

// Run scans one target by every scanner.
func (s *Sides) Run(ctx context.Context, t quality.Target) []Row {
	rows := make([]Row, 0, len(s.tools))
	for _, tool := range s.tools {
		row := tool.run(ctx, t)
		row.Target, row.Tool = t.Name, tool.name
		rows = append(rows, row)
	}
	return rows
}

// forgetPeak makes this process as small as it gets: Linux counts what a
// process was before it became another program as that program's peak. Where
// it cannot be forgotten, peaks below this process' own are not seen.
func forgetPeak() {
	const resetPeak = "5"
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte(resetPeak), 0)
}

func (tool tool) run(ctx context.Context, t quality.Target) (row Row) {
	cmd, err := tool.command(ctx, t)
	if err != nil {
		return Row{Err: err}
	}
	var output, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &problems
	forgetPeak()
	start := time.Now()
	err = cmd.Run()
	row.Wall = time.Since(start)
	if cmd.ProcessState == nil {
		return Row{Err: err}
	}
	row.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		row.Memory = used.Maxrss << 10
	}
	// An exit code may say that there are vulnerabilities; whether it failed
	// shows in what it printed.
	if output.Len() == 0 {
		row.Err = fmt.Errorf("%w: %s", errNothing, lastLine(problems.String()))
		return row
	}
	if row.Found, row.Err = tool.read(output.Bytes()); row.Err != nil || tool.packages == nil {
		return row
	}
	row.Packages, row.Err = tool.packages(ctx, t)
	return row
}

var (
	errNothing   = errors.New("printed nothing")
	errMakesThem = errors.New("makes such documents, does not read them")
)

// lastLine is where programs say why they gave up.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// muster is this project's own program.
type muster struct {
	program string
	world   quality.World
}

func (m muster) scan(ctx context.Context, t quality.Target, format string) *exec.Cmd {
	return exec.CommandContext(ctx, m.program, "scan", string(t.Scan.Kind)+":"+t.Scan.Name, "--format", format,
		"--feeds", m.world.Advisories(), "--cache", m.world.Cache)
}

func (m muster) command(ctx context.Context, t quality.Target) (*exec.Cmd, error) {
	return m.scan(ctx, t, "json"), nil
}

// packages come from a further, unmeasured run: the JSON report has only those
// with vulnerabilities.
func (m muster) packages(ctx context.Context, t quality.Target) (int, error) {
	output, err := m.scan(ctx, t, "cyclonedx").Output()
	if err != nil {
		return 0, err
	}
	return countComponents(output)
}

// syftArguments also serve Grype, which reads targets as Syft does.
func syftArguments(t quality.Target) []string {
	word := map[scanner.Kind]string{scanner.Dir: "dir:", scanner.Archive: "", scanner.SBOM: "sbom:"}
	prefix, known := word[t.Scan.Kind]
	if !known {
		prefix = "file:"
	}
	return []string{prefix + t.Scan.Name, "-o", "json", "-q"}
}

func trivyArguments(t quality.Target) []string {
	rest := []string{"--format", "json", "--list-all-pkgs", "--scanners", "vuln", "--offline-scan", "--skip-db-update", "--quiet"}
	switch t.Scan.Kind {
	case scanner.SBOM:
		return append([]string{"sbom", t.Scan.Name}, rest...)
	case scanner.Archive:
		return append([]string{"image", "--input", t.Scan.Name}, rest...)
	case scanner.Disk:
		return append([]string{"vm", t.Scan.Name}, rest...)
	}
	return append([]string{"rootfs", t.Scan.Name}, rest...)
}
