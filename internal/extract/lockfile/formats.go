package lockfile

import (
	"path"
	"slices"
	"strings"

	pluginconfig "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dart/pubspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/csproj"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packagesconfig"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packageslockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/paketlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/elixir/mixlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/golang/gomod"
	"github.com/google/osv-scalibr/extractor/filesystem/language/haskell/cabal"
	"github.com/google/osv-scalibr/extractor/filesystem/language/haskell/stacklock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/gradlelockfile"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/bunlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/php/composerlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pdmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pipfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/poetrylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/uvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/r/renvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargolock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargotoml"
	"github.com/google/osv-scalibr/purl"

	"muster/internal/inventory"
)

// format is a kind of lock file or manifest. manager is Inspector's word,
// empty where it has none.
type format struct {
	manager inventory.Manager
	open    func(*pluginconfig.PluginConfig) (filesystem.Extractor, error)
	// decided, if set, returns the version that will be installed, "" for
	// ranges.
	decided func(*extractor.Package) string
}

// formatOf chooses by the file's name.
func formatOf(name string) (format, bool) {
	base := path.Base(name)
	switch base {
	case "bun.lock":
		return format{inventory.ManagerNPM, bunlock.New, nil}, true
	case "Pipfile.lock":
		return format{inventory.ManagerPipenv, pipfilelock.New, nil}, true
	case "poetry.lock":
		return format{inventory.ManagerPoetry, poetrylock.New, nil}, true
	case "uv.lock":
		return format{inventory.ManagerPIP, uvlock.New, nil}, true
	case "pdm.lock":
		return format{inventory.ManagerPIP, pdmlock.New, nil}, true
	case "go.mod":
		return format{inventory.ManagerGoMod, gomod.New, nil}, true
	case "gradle.lockfile", "buildscript-gradle.lockfile":
		return format{"", gradlelockfile.New, nil}, true
	case "Gemfile.lock", "gems.locked":
		return format{inventory.ManagerBundler, gemfilelock.New, nil}, true
	case "Cargo.lock":
		return format{inventory.ManagerCargo, cargolock.New, nil}, true
	case "composer.lock":
		return format{inventory.ManagerComposer, composerlock.New, nil}, true
	case "packages.lock.json":
		return format{inventory.ManagerNuGet, packageslockjson.New, nil}, true
	case "packages.config":
		return format{inventory.ManagerNuGet, packagesconfig.New, nil}, true
	case "paket.lock":
		return format{inventory.ManagerNuGet, paketlock.New, published}, true
	case "pubspec.lock":
		return format{"", pubspec.New, nil}, true
	case "mix.lock":
		return format{"", mixlock.New, nil}, true
	case "Cargo.toml":
		return format{inventory.ManagerCargo, cargotoml.New, exactCrate}, true
	case "renv.lock":
		return format{"", renvlock.New, nil}, true
	case "cabal.project.freeze":
		return format{"", cabal.New, nil}, true
	case "stack.yaml.lock":
		return format{"", stacklock.New, nil}, true
	}
	switch {
	case slices.Contains([]string{".csproj", ".vbproj", ".fsproj"}, path.Ext(base)):
		return format{inventory.ManagerNuGet, csproj.New, exact}, true
	case base == "pylock.toml", strings.HasPrefix(base, "pylock.") && path.Ext(base) == ".toml":
		return format{inventory.ManagerPIP, pylock.New, nil}, true
	}
	return format{}, false
}

// exact accepts a version of a .NET project.
func exact(p *extractor.Package) string { return lowest(p.Version) }

// lowest is what NuGet installs: what is written, the lowest that satisfies
// it; "" for ranges and properties.
func lowest(v string) string {
	if rest, ok := strings.CutPrefix(v, "["); ok && strings.HasSuffix(rest, "]") {
		v = strings.TrimSuffix(rest, "]")
	}
	if strings.ContainsAny(v, "[](),*$") {
		return ""
	}
	return v
}

// published is the version of a package of NuGet; "" for the sources that
// Paket takes from elsewhere, which nobody publishes as packages.
func published(p *extractor.Package) string {
	if p.PURLType != purl.TypeNuget {
		return ""
	}
	return p.Version
}

// exactCrate accepts what Cargo.toml pins: elsewhere a plain number is a
// range, and the version of the project itself.
func exactCrate(p *extractor.Package) string {
	v, ok := strings.CutPrefix(strings.TrimSpace(p.Version), "=")
	if v = strings.TrimSpace(v); !ok || strings.ContainsAny(v, ",*<>^~ ") || strings.Count(v, ".") < 2 {
		return ""
	}
	return v
}
