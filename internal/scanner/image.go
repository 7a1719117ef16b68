package scanner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"muster/internal/extract"
	"muster/internal/extract/lockfile"
	"muster/internal/inventory"
	"muster/internal/source/image"
	"muster/internal/source/layers"
)

// readArchive reads what is packed: an image, an exported root, a zip file.
func readArchive(ctx context.Context, name string, opts Options) (inventory.Inventory, error) {
	zipped, err := isZip(name)
	if err != nil {
		return inventory.Inventory{}, err
	}
	if zipped {
		return readZip(ctx, name, opts)
	}
	if len(opts.FunctionLayers) > 0 {
		return inventory.Inventory{}, noTarget("layers of functions were given, and %s is no zip archive", name)
	}
	i, err := image.OpenArchive(name, opts.Temp, opts.platform())
	if err != nil {
		return inventory.Inventory{}, err
	}
	inv, err := readImage(ctx, i, opts)
	return inv, errors.Join(err, i.Close())
}

// readRegistry reads an image of a registry.
func readRegistry(ctx context.Context, reference string, opts Options) (inventory.Inventory, error) {
	i, err := image.Pull(ctx, reference, opts.platform(), opts.Registry)
	if err != nil {
		return inventory.Inventory{}, err
	}
	inv, err := readImage(ctx, i, opts)
	return inv, errors.Join(err, i.Close())
}

func isZip(name string) (bool, error) {
	info, err := os.Stat(name)
	if err != nil || info.IsDir() {
		return false, err
	}
	start, err := beginning(name)
	return bytes.HasPrefix(start, []byte("PK\x03\x04")) || bytes.HasPrefix(start, []byte("PK\x05\x06")), err
}

// platform is what was asked for, else what most images are made for.
func (o Options) platform() image.Platform {
	if o.Platform == (image.Platform{}) {
		return image.Platform{OS: "linux", Architecture: "amd64"}
	}
	return o.Platform
}

// readImage puts the layers on top of each other and looks at the result.
// Whenever a layer changes a package database, it is read, so that each
// package is known to be of the layer that brought it.
func readImage(ctx context.Context, i *image.Image, opts Options) (_ inventory.Inventory, err error) {
	how := extract.ForImage()
	how.More = lockfile.Kinds()
	how.Arch = extract.Architecture(i.Architecture)
	tree := layers.New(opts.Temp, how.Wanted())
	defer func() { err = errors.Join(err, tree.Close()) }()
	origin := map[inventory.Component]int{}
	s := &stack{tree: tree, cache: opts.layerCache()}
	defer func() { err = errors.Join(err, s.close()) }()
	for n, l := range i.Layers {
		changed := false
		if err := s.add(ctx, n, l, func(name string) { changed = changed || touchesPackages(name) }); err != nil {
			return inventory.Inventory{}, err
		}
		if changed && len(i.Layers) > 1 {
			origin = attribute(tree, how, n, origin)
		}
	}
	inv, err := extract.Root(ctx, tree, how)
	if err != nil && !errors.Is(err, extract.ErrIncomplete) {
		return inv, err
	}
	inv.Notes = append(slices.Clone(i.Notes), inv.Notes...)
	if tree.Left > 0 {
		inv.Notes = append(inv.Notes, fmt.Sprintf("%d entries of the image were left out: their names lead out of it or are too long", tree.Left))
	}
	setLayers(&inv, i, tree, origin)
	return inv, nil
}

// touchesPackages reports whether an entry of a layer may change which
// operating-system packages there are; folders may be hidden as a whole.
func touchesPackages(name string) bool {
	if extract.IsDatabase(name) {
		return true
	}
	for _, folder := range extract.DatabaseFolders() {
		if name == folder {
			return true
		}
	}
	return false
}

// attribute reads the packages after a layer. Those that were there before
// keep their layer; the others are of this one.
func attribute(tree *layers.Tree, how extract.Options, layer int, before map[inventory.Component]int) map[inventory.Component]int {
	items, err := extract.System(tree, how.Running)
	after := make(map[inventory.Component]int, len(items))
	for _, it := range items {
		c := it.WithoutPro() // a later layer may attach the system
		after[c] = layer
		if earlier, ok := before[c]; ok {
			after[c] = earlier
		}
	}
	if err != nil { // what could not be read has not gone
		maps.Copy(after, before)
	}
	return after
}

// setLayers says of each package which layer brought it.
func setLayers(inv *inventory.Inventory, i *image.Image, tree *layers.Tree, origin map[inventory.Component]int) {
	for n := range inv.Items {
		it := &inv.Items[n]
		layer := 0
		if it.Manager == inventory.ManagerOS {
			if len(i.Layers) > 1 {
				layer = origin[it.WithoutPro()]
			}
		} else {
			file, _, _ := strings.Cut(it.Path, "!/")
			layer = tree.LayerOf(file)
		}
		if layer >= 0 && layer < len(i.Layers) && isDigest(i.Layers[layer].DiffID) {
			it.Layer = i.Layers[layer].DiffID
		}
	}
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
