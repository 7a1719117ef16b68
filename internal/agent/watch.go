package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"

	"muster/internal/extract"
)

// watcher notices that packages may have changed.
type watcher interface {
	// Watch replaces the set of watched folders, relative to the machine's
	// root. Folders that do not exist are passed over.
	Watch(folders []string)
	// Changes receives a value after a change; several may become one.
	Changes() <-chan struct{}
	Close() error
}

// noWatcher notices nothing.
type noWatcher struct{}

func (noWatcher) Watch([]string)           {}
func (noWatcher) Changes() <-chan struct{} { return nil }
func (noWatcher) Close() error             { return nil }

// maxFolders bounds the watched folders; the kernel's own bound is shared by
// all programs of a user.
const maxFolders = 2000

// databaseFolders are watched from the start.
func (l *loop) databaseFolders() []string { return extract.DatabaseFolders() }

// packageFolders are where language packages were found and may appear.
func (l *loop) packageFolders() []string {
	seen := map[string]bool{}
	if l.agent.wanted.Active {
		for _, p := range append(extract.DefaultPaths(), l.agent.paths()...) {
			seen[strings.Trim(p, "/")] = true
		}
	}
	for _, it := range l.reporter.inv.Items {
		if folder := strings.Trim(extract.Folder(it), "/"); folder != "" && len(seen) < maxFolders {
			seen[folder] = true
		}
	}
	folders := make([]string, 0, len(seen))
	for f := range seen {
		folders = append(folders, f)
	}
	slices.Sort(folders)
	return folders
}

// folderWatcher watches through the kernel (inotify on Linux).
type folderWatcher struct {
	root    string
	notify  *fsnotify.Watcher
	changes chan struct{}
	done    sync.WaitGroup

	mu      sync.Mutex
	watched map[string]bool // absolute paths
}

func newFolderWatcher(root string) (watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", err)
	}
	w := &folderWatcher{root: root, notify: notify, changes: make(chan struct{}, 1), watched: map[string]bool{}}
	w.done.Go(w.pass)
	return w, nil
}

// Watch adds and removes so that exactly the folders are watched. A folder
// that was replaced by another of its name is watched anew.
func (w *folderWatcher) Watch(folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wanted := map[string]bool{}
	for _, f := range folders {
		if !fs.ValidPath(f) {
			continue
		}
		full := filepath.Join(w.root, filepath.FromSlash(f))
		if info, err := os.Stat(full); err == nil && info.IsDir() {
			wanted[full] = true
		}
	}
	for full := range w.watched {
		if !wanted[full] {
			_ = w.notify.Remove(full) // gone already if the folder is
			delete(w.watched, full)
		}
	}
	for full := range wanted {
		// Adding twice is harmless and repairs a watch that was lost with the
		// folder it belonged to. What cannot be watched is looked at anyway.
		if err := w.notify.Add(full); err == nil {
			w.watched[full] = true
		}
	}
}

func (w *folderWatcher) Changes() <-chan struct{} { return w.changes }

func (w *folderWatcher) Close() error {
	err := w.notify.Close()
	w.done.Wait()
	return err
}

// pass turns events into changes until the watcher is closed.
func (w *folderWatcher) pass() {
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if w.matters(e) {
				w.tell()
			}
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				w.tell() // something was lost: look
			}
		}
	}
}

func (w *folderWatcher) tell() {
	select {
	case w.changes <- struct{}{}:
	default: // one is waiting already
	}
}

// matters tells a change of packages from the noise beside it: lock files,
// logs and temporary files of the package managers.
func (w *folderWatcher) matters(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	rel, err := filepath.Rel(w.root, e.Name)
	if err != nil {
		return true
	}
	name := filepath.ToSlash(rel)
	folder := path.Dir(name)
	if !slices.Contains(extract.DatabaseFolders(), folder) {
		return true // a folder of language packages
	}
	if path.Base(folder) == "status.d" {
		return true
	}
	// SQLite's log beside rpmdb.sqlite counts as the database.
	return slices.ContainsFunc(extract.DatabaseFiles(), func(file string) bool { return strings.HasPrefix(name, file) })
}
