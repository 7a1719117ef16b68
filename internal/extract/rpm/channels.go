package rpm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// Bounds of the files that say where packages come from. Real ones have some
// ten kilobytes; a host with a subscription lists hundreds of repositories.
const (
	maxChannelFile = 16 << 20
	maxChannels    = 100_000
)

// Where a system of Red Hat says which repositories it has: a host in one file,
// an image in one per layer.
const (
	repositories = "etc/yum.repos.d/redhat.repo"
	manifests    = "root/buildinfo/content_manifests"
)

// IsChannel reports whether a file, by its name relative to the root, says
// which repositories a system has, or which one a package came from.
func IsChannel(name string) bool {
	return name == repositories || isYumdb(name) || path.Dir(name) == manifests && strings.HasSuffix(name, ".json")
}

// Ecosystem is the ecosystem of a system's packages by the repositories that
// it has: of Red Hat's extended support and extended life, whose fixes others
// do not get. Without any word it is the system's own.
func Ecosystem(fsys fs.FS, system inventory.OS) string {
	if system.ID != "rhel" || !strings.HasPrefix(system.Ecosystem, "Red Hat:enterprise_linux:") {
		return system.Ecosystem
	}
	major, _, _ := strings.Cut(system.VersionID, ".")
	for _, label := range append(hostChannels(fsys), imageChannels(fsys)...) {
		for _, kind := range []string{"e4s", "eus", "aus", "tus"} {
			if strings.Contains(label, "-"+kind+"-") && system.VersionID != major && major != "" {
				return "Red Hat:rhel_" + kind + ":" + system.VersionID + "::baseos"
			}
		}
		if strings.Contains(label, "-els-") && major != "" {
			return "Red Hat:rhel_els:" + major
		}
	}
	return system.Ecosystem
}

// hostChannels are the repositories that are switched on, by their labels.
func hostChannels(fsys fs.FS) []string {
	data, err := bounded.ReadFile(fsys, repositories, maxChannelFile)
	if err != nil {
		return nil
	}
	var out []string
	label := ""
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() && len(out) < maxChannels {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			label = line[1 : len(line)-1]
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if strings.TrimSpace(key) == "enabled" && strings.TrimSpace(value) == "1" && label != "" {
			out = append(out, label)
		}
	}
	return out
}

// imageChannels are the repositories that the layers of an image were made of.
func imageChannels(fsys fs.FS) []string {
	entries, err := fs.ReadDir(fsys, manifests)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries[:min(len(entries), 1000)] {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		data, err := bounded.ReadFile(fsys, path.Join(manifests, e.Name()), maxChannelFile)
		var manifest struct {
			Sets []string `json:"content_sets"`
		}
		if err == nil && json.Unmarshal(data, &manifest) == nil && len(out)+len(manifest.Sets) < maxChannels {
			out = append(out, manifest.Sets...)
		}
	}
	return out
}
