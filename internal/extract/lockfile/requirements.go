package lockfile

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"muster/internal/inventory"
)

// Bounds of the requirements files that one refers to.
const (
	maxIncludes     = 100
	maxIncludeDepth = 10
)

// isPip reports whether the file lists requirements for pip: by its name, or
// by that of its folder.
func isPip(name string) bool {
	base := path.Base(name)
	return path.Ext(base) == ".txt" && (strings.Contains(base, "requirements") || path.Base(path.Dir(name)) == "requirements")
}

// readRequirements reads what pip would install, with the files that are
// included. Constraints install nothing.
//
// scalibr's reader loses files in UTF-16, which Windows' shells write, and
// versions that are in quotes or followed by a comment.
func readRequirements(fsys fs.FS, name string, list *listing) error {
	return (&pipReader{fsys: fsys, list: list, seen: map[string]bool{}}).read(name, 0)
}

type pipReader struct {
	fsys fs.FS
	list *listing
	seen map[string]bool
}

func (p *pipReader) read(name string, depth int) error {
	name = path.Clean(name)
	if p.seen[name] || depth > maxIncludeDepth || len(p.seen) == maxIncludes {
		return nil
	}
	p.seen[name] = true
	data, err := readText(p.fsys, name)
	if err != nil {
		return err
	}
	for _, line := range logicalLines(data) {
		if file, ok := included(line); ok {
			// A file that is not at hand takes nothing from the others.
			if err := p.read(path.Join(path.Dir(name), file), depth+1); errors.Is(err, errTooMany) {
				return err
			}
			continue
		}
		if c, ok := requirement(line); ok {
			if err := p.list.add(c, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// logicalLines joins lines that a backslash continues and drops comments.
func logicalLines(data []byte) []string {
	var joined []string
	var open strings.Builder
	for _, line := range lines(data) {
		if before, more := strings.CutSuffix(line, `\`); more && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			open.WriteString(before + " ")
			continue
		}
		open.WriteString(line)
		text, _, _ := strings.Cut(open.String(), "#egg=") // an address's name is no comment
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text != "" {
			joined = append(joined, text)
		}
		open.Reset()
	}
	return append(joined, strings.TrimSpace(open.String()))
}

// included is the file that a line includes: "-r base.txt".
func included(line string) (string, bool) {
	for _, option := range []string{"--requirement=", "--requirement ", "-r ", "-r"} {
		if file, ok := strings.CutPrefix(line, option); ok {
			return strings.TrimSpace(file), true
		}
	}
	return "", false
}

// A pinned requirement: a name, extras, and comparators; == and ~= decide
// (scanning specification 3.3).
var (
	pipName    = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*\(?\s*([=~<>!].*)$`)
	pipPin     = regexp.MustCompile(`^(?:===|==|~=)\s*["']?([A-Za-z0-9][A-Za-z0-9.!+_-]*)["']?$`)
	pipVersion = regexp.MustCompile(`^v?[0-9]`)
)

func requirement(line string) (inventory.Component, bool) {
	line, _, _ = strings.Cut(line, ";")   // markers
	line, _, _ = strings.Cut(line, " --") // --hash, --config-settings
	m := pipName.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return inventory.Component{}, false
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(m[2]), ")"), ",") {
		if pin := pipPin.FindStringSubmatch(strings.TrimSpace(part)); pin != nil && pipVersion.MatchString(pin[1]) {
			return inventory.Component{Ecosystem: "PyPI", Name: m[1], Version: pin[1], Manager: inventory.ManagerPIP}, true
		}
	}
	return inventory.Component{}, false
}
