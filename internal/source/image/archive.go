package image

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// OpenArchive opens an archive of docker or OCI, packed or not, or an OCI
// layout in a folder. A tar archive that is neither is taken for an image of
// one layer: an exported root. temp is the folder for temporary files. Close
// the image after use.
func OpenArchive(name, temp string, want Platform) (*Image, error) {
	f, err := openFiles(name, temp)
	if err != nil {
		return nil, err
	}
	i, err := readImage(f, want)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	i.close = f.close
	return i, nil
}

func openFiles(name, temp string) (files, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		return folder{root}, err
	}
	return openArchive(name, temp)
}

func readImage(f files, want Platform) (*Image, error) {
	// An archive may be both; docker's list names the layers as they lie there.
	for _, form := range []struct {
		name string
		read func(files, []byte, Platform) (*Image, error)
	}{{"manifest.json", readDocker}, {"index.json", readLayout}} {
		data, err := readAll(f, form.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return form.read(f, data, want)
	}
	if a, ok := f.(*archive); ok && len(a.members) > 0 {
		return &Image{Layers: []Layer{{Open: func() (io.ReadCloser, error) { return a.whole() }}}}, nil
	}
	return nil, refuse("it has neither manifest.json (docker) nor index.json (OCI)")
}

// whole is the archive itself as a layer.
func (a *archive) whole() (io.ReadCloser, error) {
	info, err := a.file.Stat()
	if err != nil {
		return nil, err
	}
	return &section{io.NewSectionReader(a.file, 0, info.Size()), nil}, nil
}

// readDocker reads the first image of docker's manifest.json.
func readDocker(f files, data []byte, _ Platform) (*Image, error) {
	var list []struct {
		Config string   `json:"Config"`
		Layers []string `json:"Layers"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, refuse("manifest.json: %v", err)
	}
	if len(list) == 0 {
		return nil, refuse("manifest.json lists no image")
	}
	raw, err := readAll(f, list[0].Config)
	if err != nil {
		return nil, refuse("configuration: %v", err)
	}
	return newImage(f, raw, list[0].Layers)
}

// descriptor points at a blob of an OCI layout.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Platform  *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	} `json:"platform"`
}

// manifest is an image or an index: which one its members tell, because the
// media type may be left out.
type manifest struct {
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
}

// blob is the member of a layout that has a digest.
func (d descriptor) blob() (string, error) {
	algorithm, hex, ok := strings.Cut(d.Digest, ":")
	if !ok || len(hex) < 32 || strings.Trim(hex, "0123456789abcdef") != "" || strings.Trim(algorithm, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return "", refuse("%.80q is no digest", d.Digest)
	}
	return "blobs/" + algorithm + "/" + hex, nil
}

// readLayout follows an index to the image of the platform.
func readLayout(f files, data []byte, want Platform) (*Image, error) {
	const maxDepth = 5
	for range maxDepth {
		var m manifest
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, refuse("index or manifest: %v", err)
		}
		if m.Config != nil {
			return layoutImage(f, m)
		}
		next, err := choose(m.Manifests, want)
		if err != nil {
			return nil, err
		}
		name, err := next.blob()
		if err != nil {
			return nil, err
		}
		if data, err = readAll(f, name); err != nil {
			return nil, refuse("%v", err)
		}
	}
	return nil, refuse("indexes nested deeper than %d", maxDepth)
}

// choose picks the image of the platform; one that states none fits.
func choose(list []descriptor, want Platform) (descriptor, error) {
	var known []string
	for _, d := range list {
		if d.Platform == nil {
			return d, nil
		}
		p := Platform{d.Platform.OS, d.Platform.Architecture, d.Platform.Variant}
		if want.fits(p) {
			return d, nil
		}
		known = append(known, p.String())
	}
	if len(known) == 0 {
		return descriptor{}, refuse("the index lists no image")
	}
	return descriptor{}, refuse("it has no image for %s, only for %s", want, strings.Join(known, ", "))
}

func layoutImage(f files, m manifest) (*Image, error) {
	name, err := m.Config.blob()
	if err != nil {
		return nil, err
	}
	raw, err := readAll(f, name)
	if err != nil {
		return nil, refuse("configuration: %v", err)
	}
	var blobs []string
	for _, l := range m.Layers {
		blob, err := l.blob()
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, blob)
	}
	i, err := newImage(f, raw, blobs)
	if err == nil {
		i.Digest = m.Config.Digest
	}
	return i, err
}

// config is the part of an image's configuration that muster reads.
type config struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	RootFS       struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// newImage joins configuration and layers.
func newImage(f files, raw []byte, layers []string) (*Image, error) {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, refuse("configuration: %v", err)
	}
	switch {
	case len(layers) > maxLayers:
		return nil, refuse("%d layers, at most %d", len(layers), maxLayers)
	case len(c.RootFS.DiffIDs) != len(layers):
		return nil, refuse("the configuration names %d layers, the manifest %d", len(c.RootFS.DiffIDs), len(layers))
	}
	i := &Image{OS: c.OS, Architecture: c.Architecture}
	for n, name := range layers {
		i.Layers = append(i.Layers, Layer{DiffID: c.RootFS.DiffIDs[n], Open: func() (io.ReadCloser, error) {
			s, err := f.open(name)
			if err != nil {
				return nil, refuse("layer %d: %v", n+1, err)
			}
			return unpack(s)
		}})
	}
	return i, nil
}
