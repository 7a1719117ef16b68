package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"muster/internal/feed/layout"
)

// What keeps a bundle out of a folder.
var (
	ErrOlder = errors.New("bundle is older than what is there")
	ErrBase  = errors.New("bundle continues another one that is not there")
)

// stagingFolder holds what of a bundle is here already, by the bundle's ID.
const stagingFolder = ".import"

// ImportOptions tune Import.
type ImportOptions struct {
	// Older takes a bundle that is older than what is there.
	Older bool
	// Progress, if set, is told of every file.
	Progress func(done, total int, f File)
}

// Import makes a feeds folder what the bundle says; files that it does not
// name stay. Every file is brought beside the folder and verified before the
// first one takes its place. An import that was interrupted goes on where it
// was when the same bundle is imported again. It returns the files that changed.
func (b *Bundle) Import(ctx context.Context, dir string, opts ImportOptions) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	unlock, err := layout.Lock(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	present, err := layout.ReadList(dir)
	if err != nil {
		return nil, err
	}
	if err := b.olderThan(present); err != nil && !opts.Older {
		return nil, err
	}
	staging := filepath.Join(dir, stagingFolder, b.ID)
	wanted, err := b.missing(ctx, dir)
	if err != nil {
		return nil, err
	}
	for i, f := range wanted {
		if err := b.stage(ctx, staging, f); err != nil {
			return nil, err
		}
		if opts.Progress != nil {
			opts.Progress(i+1, len(wanted), f)
		}
	}
	changed, err := b.take(dir, staging, wanted)
	if err != nil {
		return changed, err
	}
	if err := b.describeFolder(dir, present); err != nil {
		return changed, err
	}
	return changed, os.RemoveAll(filepath.Join(dir, stagingFolder))
}

// olderThan compares with the newest file that is there.
func (b *Bundle) olderThan(present layout.FileList) error {
	var newest time.Time
	for _, f := range present.Files {
		if f.FetchedAt.After(newest) {
			newest = f.FetchedAt
		}
	}
	if b.Manifest.Created.IsZero() || !b.Manifest.Created.Before(newest) {
		return nil
	}
	return fmt.Errorf("%s: %w: of %s, there is %s", b.path, ErrOlder, b.Manifest.Created.UTC().Format(time.RFC3339), newest.UTC().Format(time.RFC3339))
}

// missing are the files that the folder does not have as the bundle says.
func (b *Bundle) missing(ctx context.Context, dir string) ([]File, error) {
	var out []File
	for _, f := range b.Manifest.Files {
		same, err := matches(ctx, dir, f)
		if err != nil {
			return nil, err
		}
		if same {
			continue
		}
		if f.FromBase {
			return nil, fmt.Errorf("%s: %w: %s is as in bundle %.16s, which has to be imported first", b.path, ErrBase, f.Path, b.Manifest.Base)
		}
		out = append(out, f)
	}
	return out, nil
}

// matches reads whether a file is there with the content.
func matches(ctx context.Context, dir string, f File) (bool, error) {
	info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() != f.Size {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	have, err := hashed(ctx, dir, f.Path)
	return have.SHA256 == f.SHA256, err
}

// stage brings a file beside the folder, unless an earlier import did.
func (b *Bundle) stage(ctx context.Context, staging string, f File) error {
	if done, err := matches(ctx, staging, f); done || err != nil {
		return err
	}
	path := filepath.Join(staging, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	t, err := os.CreateTemp(staging, ".part-*")
	if err != nil {
		return err
	}
	err = b.Extract(ctx, f, t)
	if err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}

// take puts the staged files in their places. What fetchers remember of the
// files is forgotten first: it is no longer true.
func (b *Bundle) take(dir, staging string, files []File) ([]string, error) {
	if len(files) > 0 {
		if err := os.RemoveAll(filepath.Join(dir, ".fetch", "state.json")); err != nil {
			return nil, err
		}
	}
	var changed []string
	for _, f := range files {
		to := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return changed, err
		}
		if err := os.Rename(filepath.Join(staging, filepath.FromSlash(f.Path)), to); err != nil {
			return changed, err
		}
		changed = append(changed, f.Path)
	}
	return changed, nil
}

// describeFolder writes the folder's own manifest.
func (b *Bundle) describeFolder(dir string, present layout.FileList) error {
	ours := map[string]bool{}
	var files []layout.File
	for _, f := range b.Manifest.Files {
		ours[f.Path] = true
		files = append(files, f.File)
	}
	for _, f := range present.Files {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Path))); err == nil && !ours[f.Path] {
			files = append(files, f)
		}
	}
	return layout.WriteList(dir, layout.FileList{Files: files})
}

// Summary says in a line what a bundle is.
func (b *Bundle) Summary() string {
	parts := []string{fmt.Sprintf("%d files", len(b.Manifest.Files))}
	if !b.Manifest.Created.IsZero() {
		parts = append(parts, "of "+b.Manifest.Created.UTC().Format("2006-01-02 15:04"))
	}
	if b.Manifest.Base != "" {
		parts = append(parts, fmt.Sprintf("continues %.16s", b.Manifest.Base))
	}
	if b.Signer == "" {
		parts = append(parts, "of no known signer")
	} else {
		parts = append(parts, "signed by "+b.Signer)
	}
	return strings.Join(parts, ", ")
}
