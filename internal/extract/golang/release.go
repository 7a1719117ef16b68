package golang

import (
	"debug/buildinfo"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Toolchain is the name under which OSV's Go advisories judge the go command
// and the compilers beside it.
const Toolchain = "toolchain"

// mainVersion is the version of the main module: what the linker recorded,
// else what the build put into a variable for the program to print, "" where
// neither says.
func mainVersion(info *buildinfo.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "-ldflags" {
			return setVersion(s.Value, info.Main.Path)
		}
	}
	return ""
}

// assignment is a variable that the linker set, as in
// -X example.org/program/version.Version=1.2.3.
var assignment = regexp.MustCompile(`-X[ =]["']?([A-Za-z0-9_./~-]+)\.([A-Za-z]+)=v?([0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?)["']?(?:\s|["']|$)`)

// setVersion finds the module's version among the linker's flags. Only
// variables of its own packages count: others may tell of what it depends on.
func setVersion(flags, path string) string {
	if path == "" {
		return ""
	}
	for _, m := range assignment.FindAllStringSubmatch(flags, -1) {
		owner, name, version := m[1], strings.ToLower(m[2]), "v"+m[3]
		if owner != "main" && owner != path && !strings.HasPrefix(owner, path+"/") {
			continue
		}
		switch name {
		case "version", "buildversion", "appversion", "gitversion", "gitdescribe", "release", "tag":
			if possible(path, version) {
				return version
			}
		}
	}
	return ""
}

// possible reports whether the module can have the version: its path says
// which major versions. Programs whose releases count otherwise than their
// module, as Grafana's and Prometheus' do, have no version that advisories of
// modules could be held against.
func possible(path, version string) bool {
	_, major, ok := module.SplitPathVersion(path)
	return ok && semver.IsValid(version) && module.CheckPathMajor(version, major) == nil
}
