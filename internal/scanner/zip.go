package scanner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"muster/internal/extract"
	"muster/internal/extract/java"
	"muster/internal/extract/lockfile"
	"muster/internal/inventory"
	"muster/internal/source/layers"
	"muster/internal/source/zipped"
)

// Where Lambda unpacks a function and its layers.
const (
	functionFolder = "var/task"
	layerFolder    = "opt"
)

// ReadZip reads a zip archive by itself, as "muster scan archive:FILE" does;
// temp is the folder for temporary files, "" for the system's.
func ReadZip(ctx context.Context, name, temp string) (inventory.Inventory, error) {
	return readZip(ctx, name, Options{Temp: temp})
}

// readZip reads a Java archive as such, and any other zip file as a folder.
func readZip(ctx context.Context, name string, opts Options) (_ inventory.Inventory, err error) {
	switch {
	case len(opts.FunctionLayers) > 0:
		return readFunction(ctx, name, opts)
	case java.Wants(name):
		folder := os.DirFS(filepath.Dir(name))
		return extract.File(ctx, folder, filepath.Base(name))
	}
	how := extract.Options{Paths: []string{"."}, More: lockfile.Kinds()}
	tree := layers.New(opts.Temp, how.Wanted())
	defer func() { err = errors.Join(err, tree.Close()) }()
	if _, err := unzip(ctx, tree, 0, name, ""); err != nil {
		return inventory.Inventory{}, err
	}
	inv, err := extract.Root(ctx, tree, forTree(tree))
	if err != nil {
		return inv, err
	}
	return inv, addClasses(&inv, tree, name)
}

// readFunction reads a function with the layers it is given, each on top of
// those before it, as Lambda puts them together. Packages are known to be of
// the archive that brought them.
func readFunction(ctx context.Context, name string, opts Options) (_ inventory.Inventory, err error) {
	how := extract.Options{Paths: []string{"."}, Prefix: "/", More: lockfile.Kinds()}
	tree := layers.New(opts.Temp, how.Wanted())
	defer func() { err = errors.Join(err, tree.Close()) }()
	var digests []string
	for n, file := range append(opts.FunctionLayers[:len(opts.FunctionLayers):len(opts.FunctionLayers)], name) {
		folder := layerFolder
		if n == len(opts.FunctionLayers) {
			folder = functionFolder
		}
		digest, err := unzip(ctx, tree, n, file, folder)
		if err != nil {
			return inventory.Inventory{}, fmt.Errorf("%s: %w", file, err)
		}
		digests = append(digests, digest)
	}
	inv, err := extract.Root(ctx, tree, how)
	if err != nil {
		return inv, err
	}
	for i := range inv.Items {
		file, _, _ := strings.Cut(inv.Items[i].Path, "!/")
		if n := tree.LayerOf(file); n >= 0 {
			inv.Items[i].Layer = digests[n]
		}
	}
	return inv, nil
}

// unzip puts an archive on a tree and returns its digest.
func unzip(ctx context.Context, tree *layers.Tree, layer int, name, folder string) (digest string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), zipped.Apply(ctx, tree, layer, f, info.Size(), folder)
}

// addClasses adds what an archive says of itself that holds Java classes
// without being called a Java archive, as functions are given back. What lies
// in archives within it was found there.
func addClasses(inv *inventory.Inventory, tree *layers.Tree, name string) (err error) {
	if _, err := fs.Stat(tree, "META-INF"); err != nil {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	artifacts, err := java.Read(f, info.Size(), filepath.Base(name))
	if err != nil {
		inv.Notes = append(inv.Notes, fmt.Sprintf("Java archive: %v", err))
	}
	for _, a := range artifacts {
		if a.Inner == "" {
			inv.Items = append(inv.Items, inventory.Item{Component: a.Component, Path: filepath.Base(name)})
		}
	}
	return nil
}
