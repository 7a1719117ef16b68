package lockfile

import (
	"path"
	"regexp"
	"strings"

	"muster/internal/inventory"
)

// isWorkflow reports whether the file says what GitHub's runners do: a
// workflow, or an action made of others.
func isWorkflow(name string) bool {
	if ext := path.Ext(name); ext != ".yml" && ext != ".yaml" {
		return false
	}
	dir := "/" + path.Dir(name)
	return strings.HasSuffix(dir, "/.github/workflows") ||
		strings.Contains(dir, "/.github/actions") && strings.HasPrefix(path.Base(name), "action.")
}

// usedAction is a step that uses an action by a complete version, or by a
// commit whose version a comment tells. A tag such as v4 moves: that is a
// range.
var usedAction = regexp.MustCompile(`(?m)^[\s-]*["']?uses["']?\s*:\s*["']?([A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+)@(?:v?([0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]*)["']?|[0-9a-f]{40}["']?\s*#\s*(?:tag=|ratchet:\S+@)?v?([0-9]+\.[0-9]+\.[0-9]+\S*))`)

func readWorkflow(data []byte, list *listing) error {
	for _, m := range usedAction.FindAllSubmatch(data, maxPackages) {
		name, version := string(m[1]), string(m[2])+string(m[3])
		if parts := strings.SplitN(name, "/", 3); len(parts) == 3 {
			name = parts[0] + "/" + parts[1] // a folder of the repository
		}
		if err := list.add(inventory.Component{Ecosystem: "GitHub Actions", Name: name, Version: version}, false); err != nil {
			return err
		}
	}
	return nil
}
