package scanner

import (
	"errors"
	"os"
	"path"
	"strings"

	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/vex"
)

// product is what statements may call a target. Folders, archives and lock
// files have no name of their own.
func product(t Target) (vex.Target, error) {
	switch t.Kind {
	case Image:
		return vex.Target{Subject: imageProduct(t.Name)}, nil
	case SBOM:
		return sbomProduct(t.Name)
	}
	return vex.Target{}, nil
}

// imageProduct writes a reference as the specification of package URLs does.
func imageProduct(reference string) sbom.Subject {
	repository, digest, _ := strings.Cut(reference, "@")
	tag := ""
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:i], repository[i+1:]
	}
	url := "pkg:oci/" + strings.ToLower(path.Base(repository))
	if digest != "" {
		url += "@" + strings.ReplaceAll(digest, ":", "%3A")
	}
	url += "?repository_url=" + strings.ReplaceAll(repository, "/", "%2F")
	if tag != "" {
		url += "&tag=" + tag
	}
	return sbom.Subject{PURL: url, Name: reference}
}

// sbomProduct reads the names from the document, and those of its components.
func sbomProduct(name string) (vex.Target, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > sbom.MaxFile {
		err = errors.New("the file is too large")
	}
	if err != nil {
		return vex.Target{}, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return vex.Target{}, err
	}
	listing, err := sbom.List(data)
	if err != nil {
		return vex.Target{}, err
	}
	out := vex.Target{Subject: listing.Subject, Refs: map[inventory.Item][]string{}}
	for _, c := range listing.Components {
		if c.Item != nil && c.Ref != "" {
			out.Refs[*c.Item] = append(out.Refs[*c.Item], c.Ref)
		}
	}
	return out, nil
}
