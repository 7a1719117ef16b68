package sbom

import (
	"cmp"
	"strings"

	"muster/internal/advisory"
	"muster/internal/extract/osrelease"
)

// Covers reports whether a package URL that somebody wrote to name packages
// covers that of one: without a version it covers all, without qualifiers any.
// Qualifiers that say where a package came from, not what it is, are passed over.
func Covers(pattern, url string) bool {
	p, err := parsePURL(pattern)
	if err != nil {
		return false
	}
	q, err := parsePURL(url)
	if err != nil {
		return false
	}
	p.normalise()
	q.normalise()
	if p.kind != q.kind || p.name != q.name || p.namespace != q.namespace {
		return false
	}
	if p.version != "" && p.version != q.version {
		return false
	}
	for _, key := range []string{"arch", "tag", "repository_url"} {
		if want := p.qualifiers[key]; want != "" && q.qualifiers[key] != "" && want != q.qualifiers[key] {
			return false
		}
	}
	return p.qualifiers["distro"] == "" || sameDistro(p, q)
}

// normalise writes the parts in the one way in which they are compared.
func (p *purl) normalise() {
	switch p.kind {
	case "pypi":
		p.name = advisory.NewKey("PyPI", p.name).Name
	case "golang":
		p.version = strings.TrimPrefix(p.version, "v")
	case "composer", "github", "githubactions", "bitbucket":
		p.namespace, p.name = strings.ToLower(p.namespace), strings.ToLower(p.name)
	case "nuget":
		p.name = strings.ToLower(p.name)
	case "deb", "rpm", "apk":
		p.namespace = namespace(distribution(p.namespace))
		p.version = strings.TrimPrefix(withEpoch(p.kind, p.version, p.qualifiers["epoch"]), "0:")
	case "oci", "docker":
		p.version = strings.ToLower(p.version)
	}
}

// sameDistro compares releases by number, as far as both say it: "bookworm",
// "debian-12" and "12.4" are one.
func sameDistro(p, q purl) bool {
	a, b := release(p), release(q)
	return a == "" || b == "" || a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

func release(p purl) string {
	text := p.qualifiers["distro"]
	if name, v, ok := cutLast(text, '-'); ok && !isNumber(name) {
		text = v
	}
	id := distribution(p.namespace)
	return cmp.Or(osrelease.Number(id, text), text)
}
