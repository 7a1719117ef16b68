// Package alpine reads Alpine's security database: which version of a package
// fixes what, by release and repository (feeds specification 5.5). Wolfi,
// Chainguard and MinimOS publish the same form.
package alpine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of a file. The largest real one has 1 MB and 20,000 fixes.
const (
	maxBytes = 64 << 20
	maxFixes = 5_000_000
	maxText  = 1024
)

// ErrDatabase says that bytes are not a security database.
var ErrDatabase = errors.New("not a secdb file")

// wire is the file; both forms have the same members.
type wire struct {
	Release  string   `json:"distroversion" yaml:"distroversion"`
	Packages packages `json:"packages" yaml:"packages"`
}

// packages is a list, or has been seen as an object of the same entries.
type packages []wirePackage

type wirePackage struct {
	Pkg struct {
		Name  string `json:"name" yaml:"name"`
		Fixes fixes  `json:"secfixes" yaml:"secfixes"`
	} `json:"pkg" yaml:"pkg"`
}

// fixes are the ids by the version that mends them; an entry without any is
// null.
type fixes map[string][]string

func (p *packages) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		var byName map[string]wirePackage
		if err := json.Unmarshal(data, &byName); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			*p = append(*p, byName[name])
		}
		return nil
	}
	return json.Unmarshal(data, (*[]wirePackage)(p))
}

// Parse reads a file, JSON or YAML, and returns one record per id and origin
// package: "ALPINE-CVE-2019-14904", as OSV's conversion calls it, with the
// packages of this file. So several files may have records of the same id. A
// file without fixes is fine, one without a release is not.
func Parse(r io.Reader) ([]advisory.Advisory, error) {
	data, err := feed.ReadAll(r, maxBytes)
	if err != nil {
		return nil, err
	}
	w, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	if w.Release == "" || len(w.Release) > 40 || strings.ContainsAny(w.Release, ": \n") {
		return nil, fmt.Errorf("%w: distroversion %.40q", ErrDatabase, w.Release)
	}
	c := collector{ecosystem: "Alpine:" + w.Release, records: map[string]*advisory.Advisory{}}
	for _, p := range w.Packages {
		if err := c.add(p.Pkg.Name, p.Pkg.Fixes); err != nil {
			return nil, fmt.Errorf("%w: package %.60q: %w", ErrDatabase, p.Pkg.Name, err)
		}
	}
	out := make([]advisory.Advisory, 0, len(c.records))
	for _, id := range slices.Sorted(maps.Keys(c.records)) {
		out = append(out, *c.records[id])
	}
	return out, nil
}

// decode tells the forms apart: JSON begins with a brace, which in a YAML file
// of this kind nothing does.
func decode(data []byte) (wire, error) {
	var w wire
	data = bytes.TrimLeft(data, " \t\r\n\ufeff")
	if bytes.HasPrefix(data, []byte("{")) {
		return w, json.Unmarshal(data, &w)
	}
	return w, yaml.Unmarshal(data, &w)
}

// collector gathers a file's records by id.
type collector struct {
	ecosystem string
	records   map[string]*advisory.Advisory
	fixes     int
}

func (c *collector) add(name string, all fixes) error {
	if name == "" || len(name) > maxText {
		return errors.New("a package without a name")
	}
	for _, v := range slices.Sorted(maps.Keys(all)) {
		if v == "" || len(v) > maxText {
			return fmt.Errorf("version %.40q", v)
		}
		for _, ids := range all[v] {
			if c.fixes++; c.fixes > maxFixes {
				return fmt.Errorf("more than %d fixes", maxFixes)
			}
			for _, names := range split(ids) {
				c.fix(names, name, v)
			}
		}
	}
	return nil
}

// split reads an entry: ids separated by blanks. Where one of them is a CVE
// the others, up to the next CVE, are other names of the same defect.
func split(entry string) [][]string {
	var out [][]string
	for _, id := range strings.Fields(entry) {
		id = strings.Trim(id, ",;()")
		if !isID(id) {
			continue
		}
		if last := len(out) - 1; last >= 0 && !advisory.IsCVE(id) && advisory.IsCVE(out[last][0]) {
			out[last] = append(out[last], id)
			continue
		}
		out = append(out, []string{id})
	}
	return out
}

// isID accepts what looks like one (CVE-…, GHSA-…, XSA-234, ZBX-11023) and
// leaves out remarks between them.
func isID(id string) bool {
	prefix, rest, ok := strings.Cut(id, "-")
	if !ok || len(id) > 64 || rest == "" || strings.ContainsAny(id, "/\\\x00") {
		return false
	}
	return prefix != "" && strings.ToUpper(prefix) == prefix && strings.ContainsAny(rest, "0123456789")
}

// fix notes that a version mends what the names mean; "0" means that no
// version was affected.
func (c *collector) fix(names []string, name, v string) {
	id := "ALPINE-" + names[0]
	a := c.records[id]
	if a == nil {
		a = &advisory.Advisory{
			ID: id, Upstream: []string{names[0]},
			References: []advisory.Reference{{Type: "ADVISORY", URL: "https://security.alpinelinux.org/vuln/" + names[0]}},
		}
		c.records[id] = a
	}
	for _, other := range names[1:] {
		// Not aliases: a bulletin such as XSA-226 may be about several CVEs,
		// which must not become one by it.
		if !slices.Contains(a.Upstream, other) {
			a.Upstream = append(a.Upstream, other)
		}
	}
	entry := advisory.Affected{Ecosystem: c.ecosystem, Name: name, Ranges: advisory.Below(v)}
	if v == "0" {
		entry.Status, entry.Ranges = advisory.StatusNotAffected, advisory.Everything()
	}
	a.Affected = append(a.Affected, entry)
}
