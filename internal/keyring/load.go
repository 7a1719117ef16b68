package keyring

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxKeyFile bounds what is read of a key file: base64 of KeySize bytes and
// some white space.
const maxKeyFile = 1024

// Load takes the key-encryption key from encoded (the configuration value or
// environment variable MUSTER_KEY: base64 of 32 bytes) when that is not empty,
// else from the file. A missing file is made with a fresh key, readable by its
// owner only; a file that others may read is refused.
func Load(encoded, file string) (*Keyring, error) {
	if encoded != "" {
		k, err := parse(encoded)
		if err != nil {
			return nil, fmt.Errorf("key from configuration: %w", err)
		}
		return k, nil
	}
	k, err := read(file)
	if errors.Is(err, fs.ErrNotExist) {
		k, err = create(file)
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	removeDrafts(filepath.Dir(file))
	return k, nil
}

func parse(encoded string) (*Keyring, error) {
	kek, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, fmt.Errorf("not base64 of %d bytes", KeySize)
	}
	return New(kek)
}

func read(file string) (*Keyring, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("mode is %#o, others may read it: chmod 600", mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	return parse(string(text))
}

// create writes a fresh key durably before anything can be sealed with it:
// losing it later would lose every secret. Of several processes that start at
// once, one creates the file and the others read it.
func create(file string) (*Keyring, error) {
	dir := filepath.Dir(file)
	tmp, err := os.CreateTemp(dir, draftPrefix+"*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(random(KeySize)) + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return nil, err
	}
	// Link, unlike rename, never replaces a file that came in between; whoever
	// made that may have removed our draft, too.
	if err := os.Link(tmp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	return read(file)
}

// draftPrefix begins the names of keys in the making.
const draftPrefix = ".key-"

// removeDrafts removes what killed processes left: a draft may be a copy of the
// key, which nobody would look for when keeping the key apart from backups. A
// folder that cannot be read or written has none that we made.
func removeDrafts(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), draftPrefix) {
			_ = os.Remove(filepath.Join(dir, e.Name())) // else the next start does
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
