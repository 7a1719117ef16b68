package scanner

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"muster/internal/extract"
	"muster/internal/extract/java"
	"muster/internal/extract/lockfile"
	"muster/internal/inventory"
)

// maxZipMembers bounds a zip file; Lambda's largest unpack to 250 MB.
const maxZipMembers = 1_000_000

// readZip reads a Java archive as such, and any other zip file (a Lambda
// package, a source tree) as a folder.
func readZip(ctx context.Context, name string) (_ inventory.Inventory, err error) {
	if java.Wants(name) {
		folder := os.DirFS(filepath.Dir(name))
		return extract.File(ctx, folder, filepath.Base(name))
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return inventory.Inventory{}, err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	if len(z.File) > maxZipMembers {
		return inventory.Inventory{}, fmt.Errorf("%d members, at most %d", len(z.File), maxZipMembers)
	}
	return extract.Root(ctx, z, extract.Options{Paths: []string{"."}, More: lockfile.Kinds()})
}
