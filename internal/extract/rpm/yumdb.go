package rpm

import (
	"io/fs"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// yumdb is where yum notes of each package what rpm does not know: a folder
// <letter>/<hash>-<name>-<version>-<release>-<arch> with a small file for each
// word.
const (
	yumdb        = "var/lib/yum/yumdb"
	fromRepo     = "from_repo"
	maxYumdbFile = 4 << 10
)

// Extras begins the module of a package of Amazon Linux 2's extras: its topic
// follows. Each topic has versions and advisories of its own.
const Extras = "amzn2extra:"

// isYumdb reports whether a file says which repository a package came from.
func isYumdb(name string) bool {
	rest, ok := strings.CutPrefix(name, yumdb+"/")
	return ok && path.Base(rest) == fromRepo && strings.Count(rest, "/") == 2
}

// addTopics notes the topic of each package of Amazon Linux 2's extras. What
// yum does not say is taken to be of the core.
func addTopics(fsys fs.FS, system inventory.OS, items []inventory.Item) {
	if system.Ecosystem != "Amazon Linux:2" || len(items) == 0 {
		return
	}
	topics := map[string]string{}
	letters, err := fs.ReadDir(fsys, yumdb)
	if err != nil {
		return // the usual case: there is no yum, or nothing is from the extras
	}
	for _, letter := range letters[:min(len(letters), 1000)] {
		folder := path.Join(yumdb, letter.Name())
		entries, err := fs.ReadDir(fsys, folder)
		if err != nil {
			continue
		}
		for _, e := range entries[:min(len(entries), maxPackages)] {
			if topic := topicOf(fsys, path.Join(folder, e.Name(), fromRepo)); topic != "" {
				_, name, _ := strings.Cut(e.Name(), "-")
				topics[name] = topic
			}
		}
	}
	for i := range items {
		it := &items[i]
		_, version, found := strings.Cut(it.Version, ":")
		if !found {
			version = it.Version
		}
		if topic := topics[it.Name+"-"+version+"-"+it.Arch]; topic != "" {
			it.Module = Extras + topic
		}
	}
}

// topicOf reads "amzn2extra-docker"; "" for other repositories.
func topicOf(fsys fs.FS, name string) string {
	data, err := bounded.ReadFile(fsys, name, maxYumdbFile)
	if err != nil {
		return ""
	}
	topic, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "amzn2extra-")
	if !ok || len(topic) > 100 {
		return ""
	}
	return inventory.DefaultLimits().Clean(strings.ToLower(topic))
}
