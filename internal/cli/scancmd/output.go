package scancmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"muster/internal/cli/command"
	"muster/internal/cli/terminal"
	"muster/internal/report"
	"muster/internal/scanner"
)

// destination is one report that is asked for: its form, and its file, "" for
// standard output.
type destination struct {
	format report.Format
	file   string
}

// destinations reads --output: FILE takes the form of --format, FORMAT=FILE
// one of its own. Standard output gets a report unless a FILE takes it.
func destinations(format string, outputs []string) ([]destination, error) {
	main, err := report.Parse(format)
	if err != nil {
		return nil, command.Usage(fmt.Errorf("--format: %w", err))
	}
	list := []destination{{main, ""}}
	for _, text := range outputs {
		name, file, ok := strings.Cut(text, "=")
		own, err := report.Parse(name)
		switch {
		case ok && err == nil && file != "":
			list = append(list, destination{own, file})
		case text == "" || (ok && err == nil):
			return nil, command.Usage(fmt.Errorf("--output: %q names no file", text))
		case list[0].file != "":
			return nil, command.Usage(fmt.Errorf("--output: %s and %s would get the same report; write FORMAT=%s for another form", list[0].file, text, text))
		case text != "-":
			list[0].file = text
		}
	}
	seen := map[string]bool{}
	for _, d := range list {
		if d.file != "" && seen[filepath.Clean(d.file)] {
			return nil, command.Usage(fmt.Errorf("--output: %s is named twice", d.file))
		}
		seen[filepath.Clean(d.file)] = true
	}
	return list, nil
}

// write writes the reports, each file as a whole or not at all; files first,
// so that a report on standard output means that they are there.
func (f *flags) write(stdout io.Writer, list []destination, result *scanner.Result, opts report.Options) error {
	for _, d := range list {
		if d.file != "" {
			if err := writeFile(d, result, opts); err != nil {
				return fmt.Errorf("report: %w", err)
			}
		}
	}
	if d := list[0]; d.file == "" {
		opts.Color, opts.Width = terminal.WantsColor(stdout), terminal.Columns(stdout)
		return report.Write(stdout, d.format, result, opts)
	}
	return nil
}

func writeFile(d destination, result *scanner.Result, opts report.Options) error {
	out, err := os.CreateTemp(filepath.Dir(d.file), ".muster-report-")
	if err != nil {
		return err
	}
	err = errors.Join(report.Write(out, d.format, result, opts), out.Chmod(0o644), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), d.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

// sourceDate is SOURCE_DATE_EPOCH (reproducible-builds.org), zero without it.
func sourceDate() time.Time {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
