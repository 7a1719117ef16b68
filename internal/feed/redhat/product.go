package redhat

import (
	"net/url"
	"strings"
)

// maxDepth bounds how deep branches are nested and how far relationships lead:
// a package of a module of a repository is three deep.
const maxDepth = 16

type branch struct {
	Branches []branch `json:"branches"`
	Product  *struct {
		ID     string `json:"product_id"`
		Helper struct {
			CPE  string `json:"cpe"`
			PURL string `json:"purl"`
		} `json:"product_identification_helper"`
	} `json:"product"`
}

// relationship says that one product is a component of another; together they
// are a third.
type relationship struct {
	Component string `json:"product_reference"`
	Of        string `json:"relates_to_product_reference"`
	Full      struct {
		ID string `json:"product_id"`
	} `json:"full_product_name"`
}

// product is a package of a product stream.
type product struct {
	// ecosystem is OSV's: the stream.
	ecosystem string
	pack
}

// pack is what a package URL says. Version has the epoch; it is empty for
// packages of which all versions are meant.
type pack struct{ name, version, arch, module string }

// tree resolves product ids.
type tree struct {
	cpes          map[string]string
	packages      map[string]pack
	relationships map[string]*relationship
}

// products finds what each id of the document's relationships means.
func (d *document) products() *tree {
	t := &tree{cpes: map[string]string{}, packages: map[string]pack{}, relationships: make(map[string]*relationship, len(d.ProductTree.Relationships))}
	t.add(d.ProductTree.Branches, 0)
	for i := range d.ProductTree.Relationships {
		r := &d.ProductTree.Relationships[i]
		t.relationships[r.Full.ID] = r
	}
	return t
}

func (t *tree) add(branches []branch, depth int) {
	if depth > maxDepth {
		return
	}
	for _, b := range branches {
		t.add(b.Branches, depth+1)
		if b.Product == nil {
			continue
		}
		if cpe := b.Product.Helper.CPE; cpe != "" {
			t.cpes[b.Product.ID] = cpe
		}
		if p, ok := parsePURL(b.Product.Helper.PURL, b.Product.ID); ok {
			t.packages[b.Product.ID] = p
		}
	}
}

// resolve follows the relationships of an id to a package and a stream. A
// module between them gives its name to packages that do not say theirs.
func (t *tree) resolve(id string) (product, bool) {
	r := t.relationships[id]
	if r == nil {
		return product{}, false
	}
	p, ok := t.packages[r.Component]
	if !ok {
		return product{}, false
	}
	stream := r.Of
	for range maxDepth {
		outer := t.relationships[stream]
		if outer == nil {
			break
		}
		if module, ok := t.packages[outer.Component]; ok && p.module == "" {
			p.module = module.module
		}
		stream = outer.Of
	}
	ecosystem, ok := ecosystemOf(t.cpes[stream])
	return product{ecosystem, p}, ok && p.name != ""
}

// ecosystemOf is OSV's ecosystem of a product's CPE. Of Red Hat Enterprise
// Linux itself the repository is left out, because packages are looked for in
// all of them, and so is the minor release of what everybody gets.
func ecosystemOf(cpe string) (string, bool) {
	_, rest, ok := strings.Cut(cpe, ":redhat:")
	if !ok || rest == "" || len(rest) > 120 {
		return "", false
	}
	name, tail, _ := strings.Cut(rest, ":")
	release, _, _ := strings.Cut(tail, ":")
	switch {
	case name == "enterprise_linux":
		release, _, _ = strings.Cut(release, ".")
	case strings.HasPrefix(name, "enterprise_linux_"):
		name = "rhel_" + strings.TrimPrefix(name, "enterprise_linux_")
	case name == "rhel_eus", name == "rhel_e4s", name == "rhel_aus", name == "rhel_tus", name == "rhel_els":
	default:
		return "Red Hat:" + rest, true
	}
	return "Red Hat:" + name + ":" + release, release != ""
}

// parsePURL reads the package URL of an rpm package, or of a module: the older
// documents have those as packages of type rpmmod. False for everything else,
// and where a module is named without its stream.
func parsePURL(text, id string) (pack, bool) {
	kind, rest, ok := strings.Cut(strings.TrimPrefix(text, "pkg:"), "/")
	if !ok || (kind != "rpm" && kind != "rpmmod") || len(text) > 2000 {
		return pack{}, false
	}
	rest, query, _ := strings.Cut(rest, "?")
	rest, version, _ := strings.Cut(rest, "@")
	name, err1 := url.PathUnescape(rest[strings.LastIndexByte(rest, '/')+1:])
	version, err2 := url.PathUnescape(version)
	q, err3 := url.ParseQuery(strings.ReplaceAll(query, "+", "%2B"))
	if err1 != nil || err2 != nil || err3 != nil || name == "" {
		return pack{}, false
	}
	if kind == "rpmmod" {
		return moduleProduct(name, version, id)
	}
	p := pack{name: name, version: version, arch: q.Get("arch")}
	if label := q.Get("rpmmod"); label != "" {
		if p.module, ok = stream(label); !ok {
			return pack{}, false
		}
	}
	if epoch := q.Get("epoch"); epoch != "" && epoch != "0" && version != "" {
		p.version = epoch + ":" + version
	}
	return p, true
}

// moduleProduct is a module as a product. Its package, where the id names one,
// follows a slash: "nodejs:18/nodejs".
func moduleProduct(name, version, id string) (pack, bool) {
	module, ok := stream(name + ":" + version)
	p := pack{module: module, arch: "src"}
	if _, inner, found := strings.Cut(id, "/"); found {
		p.name = inner
	}
	return p, ok
}

// stream cuts a module's label to its name and stream.
func stream(label string) (string, bool) {
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return "", false
	}
	version, _, _ := strings.Cut(parts[1], "/")
	return parts[0] + ":" + version, true
}
