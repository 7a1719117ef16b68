package extract_test

import (
	"slices"
	"testing"

	"muster/internal/extract"
	"muster/internal/extract/lockfile"
)

// TestRevision: whoever changes which files are wanted raises Revision, else
// what was copied before would be taken for complete. Then this list changes
// with it.
func TestRevision(t *testing.T) {
	const revision = 6
	wanted := []string{
		"etc/os-release", "usr/lib/os-release", "etc/redhat-release", "etc/yum.repos.d/redhat.repo",
		"root/buildinfo/content_manifests/ubi9-container.json", "var/lib/dpkg/status", "var/lib/dpkg/status.d/base", "var/lib/dpkg/info/bash.list",
		"var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/Packages.db", "lib/apk/db/installed", "var/lib/ubuntu-advantage/status.json",
		"app/go.sum", "app/go.mod", "app/package-lock.json", "app/yarn.lock", "app/pnpm-lock.yaml", "app/poetry.lock", "app/uv.lock",
		"app/Pipfile.lock", "app/requirements.txt", "app/Gemfile.lock", "app/Cargo.lock", "app/composer.lock", "app/pom.xml",
		"app/packages.lock.json", "app/x.deps.json", "app/x.csproj", "app/Package.resolved", "app/node_modules/a/package.json", "app/a.jar",
		"app/a.war", "var/lib/jenkins/plugins/git.jpi", "usr/lib/python3/dist-packages/a-1.dist-info/METADATA", "usr/lib/python3/dist-packages/a.egg-info/PKG-INFO",
		"etc/alpine-release", "var/lib/yum/yumdb/b/12-bash-4.2-1-x86_64/from_repo", "etc/debian_version", "opt/bitnami/redis/.spdx-redis.spdx", "app/Manifest.toml", "app/paket.lock",
		"app/Podfile.lock", "app/environment.yml", "app/rebar.lock", "app/build.sbt.lock",
		"app/conanfile.txt", "app/.github/workflows/ci.yml", "app/requirements/dev.txt", "app/Directory.Packages.props", "usr/local/bin/node",
		"usr/local/lib/libpython3.11.so.1.0", "opt/java/release", "www/wp-includes/version.php", "usr/bin/deno", "usr/lib/libsqlite3.so.0", "app/DESCRIPTION", "opt/conda/conda-meta/zlib-1.2.11-h90.json",
		"opt/bitnami/.bitnami_components.json", "var/lib/gems/3.1.0/specifications/a-1.gemspec", "app/vendor/composer/installed.json",
	}
	others := []string{"etc/passwd", "etc/yum.repos.d/epel.repo", "usr/bin/bash", "var/lib/dpkg/info/bash.md5sums", "app/main.go", "app/a.txt", "app/README.md"}
	how := extract.ForImage()
	how.More = lockfile.Kinds()
	is := how.Wanted()
	for _, name := range slices.Concat(wanted, others) {
		if want := slices.Contains(wanted, name); is(name) != want {
			t.Errorf("%s is wanted: %t: raise Revision, and change this list", name, is(name))
		}
	}
	if extract.Revision != revision {
		t.Errorf("Revision is %d: change this list with it", extract.Revision)
	}
}
