package emulate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// markFile lies in a folder that belongs to an emulator.
const markFile = "emulator"

const markText = "This folder belongs to an emulator of muster (muster up --emulate). Whoever asks may empty it.\n"

// Claim makes a folder an emulator's: a new or empty one, or one that is an
// emulator's already. Any other is refused and left alone, because emulators
// empty theirs on request.
func Claim(dir string) error {
	if Claimed(dir) {
		return nil
	}
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(files) > 0 {
		return fmt.Errorf("%s is not an emulator's folder and not empty: an emulator empties its store whenever it is asked to, "+
			"so it only works in a folder of its own; name another one with --data, or none", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, markFile), []byte(markText), 0o600)
}

// Claimed reports whether a folder is an emulator's.
func Claimed(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, markFile))
	return err == nil
}

// RefuseStore refuses, for every other purpose, an embedded store in an
// emulator's folder: whoever could reach the emulator has written it.
func RefuseStore(url string) error {
	path, embedded := strings.CutPrefix(url, "sqlite:")
	if !embedded || !Claimed(filepath.Dir(path)) {
		return nil
	}
	return fmt.Errorf("%s is an emulator's store, which anybody may have written: start it with muster up --emulate, or name another folder", path)
}

// keep are the files that stay when an emulator is emptied: the mark, the blank
// database, what has been logged, and advisories, which are no account's.
var keep = []string{markFile, "blank.db", "muster.log", "audit.log", "advisories"}

// Clear removes all state from an emulator's folder. Nothing may have it open.
func Clear(dir string) error {
	if !Claimed(dir) {
		return fmt.Errorf("%s is not an emulator's folder", dir)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		if !slices.Contains(keep, f.Name()) {
			errs = append(errs, os.RemoveAll(filepath.Join(dir, f.Name())))
		}
	}
	return errors.Join(errs...)
}
