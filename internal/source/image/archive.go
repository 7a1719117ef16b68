package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	blobs := make([]blob, len(list[0].Layers))
	for n, name := range list[0].Layers {
		blobs[n] = blob{name: name}
	}
	i, err := newImage(f, raw, blobs)
	if err == nil && len(list) > 1 {
		i.Notes = append(i.Notes, fmt.Sprintf("the archive holds %d images; only the first was looked at", len(list)))
	}
	return i, err
}

// descriptor points at a blob of an OCI layout.
type descriptor struct {
	MediaType string    `json:"mediaType"`
	Digest    string    `json:"digest"`
	URLs      []string  `json:"urls"`
	Platform  *platform `json:"platform"`
}

// platform is what an index says of its entries.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
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

// document reads what a descriptor points at, and holds it against the digest.
func (d descriptor) document(f files) ([]byte, error) {
	name, err := d.blob()
	if err != nil {
		return nil, err
	}
	data, err := readAll(f, name)
	if err != nil {
		return nil, refuse("%v", err)
	}
	if err := (Layer{DiffID: d.Digest}).Verify(bytes.NewReader(data)); err != nil {
		return nil, refuse("%s is not what its name says", name)
	}
	return data, nil
}

// layoutSearch looks for the image of a platform in the indexes of a layout,
// which may lead to further ones.
type layoutSearch struct {
	files files
	want  Platform
	// read counts documents, other are the platforms of what does not fit.
	read  int
	other []string
}

// readLayout follows an index to the image of the platform.
func readLayout(f files, data []byte, want Platform) (*Image, error) {
	s := &layoutSearch{files: f, want: want}
	i, err := s.find(data, 0)
	switch {
	case err != nil || i != nil:
		return i, err
	case len(s.other) == 0:
		return nil, refuse("the index lists no image")
	}
	return nil, refuse("it has no image for %s, only for %s", want, strings.Join(s.other, ", "))
}

// find is nil without an error where there is no image for the platform.
func (s *layoutSearch) find(data []byte, depth int) (*Image, error) {
	const maxDepth, maxRead = 5, 200
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, refuse("index or manifest: %v", err)
	}
	if s.read++; depth > maxDepth || s.read > maxRead {
		return nil, refuse("indexes nested deeper than %d, or more than %d of them", maxDepth, maxRead)
	}
	if m.Config != nil {
		return s.image(m)
	}
	for _, d := range fitting(m.Manifests, s.want, &s.other) {
		data, err := d.document(s.files)
		if err != nil {
			return nil, err
		}
		if i, err := s.find(data, depth+1); err != nil || i != nil {
			return i, err
		}
	}
	return nil, nil
}

// fitting are the entries that may lead to an image of the platform: those
// that say so, then those that say nothing.
func fitting(list []descriptor, want Platform, other *[]string) []descriptor {
	var exact, silent []descriptor
	for _, d := range list {
		if d.Platform == nil {
			silent = append(silent, d)
			continue
		}
		p := Platform{d.Platform.OS, d.Platform.Architecture, d.Platform.Variant}
		if want.fits(p) {
			exact = append(exact, d)
		} else if p.OS != "unknown" { // attestations call themselves so
			*other = append(*other, p.String())
		}
	}
	return append(exact, silent...)
}

// image opens an image that the indexes led to. Where nobody has said its
// platform, the configuration does.
func (s *layoutSearch) image(m manifest) (*Image, error) {
	if err := imageConfig(m.Config.MediaType); err != nil {
		return nil, err
	}
	raw, err := m.Config.document(s.files)
	if err != nil {
		return nil, refuse("configuration: %v", err)
	}
	i, err := newImage(s.files, raw, layoutBlobs(m.Layers))
	if err != nil {
		return nil, err
	}
	if p := (Platform{OS: i.OS, Architecture: i.Architecture}); i.OS != "" && i.Architecture != "" && (p.OS != s.want.OS || p.Architecture != s.want.Architecture) {
		s.other = append(s.other, p.String())
		return nil, nil
	}
	i.Digest = m.Config.Digest
	return i, nil
}

// layoutBlobs are the members that hold the layers.
func layoutBlobs(list []descriptor) []blob {
	blobs := make([]blob, len(list))
	for n, l := range list {
		name, err := l.blob()
		blobs[n] = blob{name: name, err: err, elsewhere: elsewhere(l.MediaType, l.URLs), encrypted: encrypted(l.MediaType)}
	}
	return blobs
}

// blob is a layer as a manifest names it.
type blob struct {
	name string
	err  error
	// elsewhere: the layer is not in the image, but at addresses of the
	// image's choice, which nobody asks.
	elsewhere, encrypted bool
}

// elsewhere reports whether a layer is kept out of registries and archives,
// as the base layers of Windows are.
func elsewhere(mediaType string, urls []string) bool {
	return len(urls) > 0 || strings.Contains(mediaType, "nondistributable") || strings.Contains(mediaType, ".foreign.")
}

func encrypted(mediaType string) bool { return strings.Contains(mediaType, "encrypted") }

// imageConfig refuses what lies in registries beside images: charts,
// signatures, models.
func imageConfig(mediaType string) error {
	switch mediaType {
	case "", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json":
		return nil
	}
	return refuse("it is no container image: its configuration is %.100q", mediaType)
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
func newImage(f files, raw []byte, blobs []blob) (*Image, error) {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, refuse("configuration: %v", err)
	}
	i, err := c.image(len(blobs))
	if err != nil {
		return nil, err
	}
	for n, b := range blobs {
		if err := i.add(c.RootFS.DiffIDs[n], b, func() (io.ReadCloser, error) {
			s, err := f.open(b.name)
			if err != nil {
				return nil, refuse("layer %d: %v", n+1, err)
			}
			return unpack(s, &i.unpacked)
		}); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// image makes an image without layers.
func (c config) image(layers int) (*Image, error) {
	switch {
	case layers > maxLayers:
		return nil, refuse("%d layers, at most %d", layers, maxLayers)
	case len(c.RootFS.DiffIDs) != layers:
		return nil, refuse("the configuration names %d layers, the manifest %d", len(c.RootFS.DiffIDs), layers)
	}
	return &Image{OS: c.OS, Architecture: c.Architecture}, nil
}

// add appends a layer.
func (i *Image) add(diffID string, b blob, open func() (io.ReadCloser, error)) error {
	n := len(i.Layers) + 1
	l := Layer{DiffID: diffID}
	switch {
	case b.err != nil:
		return b.err
	case b.encrypted:
		return refuse("layer %d is encrypted", n)
	case b.elsewhere:
		i.Notes = append(i.Notes, fmt.Sprintf("layer %d is kept elsewhere and was not looked at: the image has only its address", n))
		i.Layers = append(i.Layers, l)
		return nil
	case !l.Known():
		return refuse("layer %d: %.80q is no digest that can be verified", n, diffID)
	}
	l.Open = func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return l.verifying(r), nil
	}
	i.Layers = append(i.Layers, l)
	return nil
}
