package fetch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"muster/internal/feed/fetch/web"
	"muster/internal/feed/layout"
)

// state is what a folder remembers between runs.
type state struct {
	Sources map[string]sourceState `json:"sources"`
}

// sourceState is what is known of one source.
type sourceState struct {
	// CheckedAt is the end of the last look, SucceededAt that of the last
	// good one, ChangedAt that of the last one that brought something.
	CheckedAt   time.Time `json:"checked_at,omitzero"`
	SucceededAt time.Time `json:"succeeded_at,omitzero"`
	ChangedAt   time.Time `json:"changed_at,omitzero"`
	// NextAt is when it is looked at next.
	NextAt time.Time `json:"next_at,omitzero"`
	// Error is why the last look failed, Failures how many in a row did.
	Error    string `json:"error,omitempty"`
	Failures int    `json:"failures,omitempty"`
	// Marks say how far lists of changes were followed; see each source.
	Marks map[string]string `json:"marks,omitempty"`
	// Pending are documents that changed and could not be had yet.
	Pending []string `json:"pending,omitempty"`
	// Files are the files in the folder, by name.
	Files map[string]fileState `json:"files,omitempty"`
}

// fileState is one file of the folder as it was fetched.
type fileState struct {
	web.Note
	SHA256    string    `json:"sha256"`
	Size      int64     `json:"size"`
	Records   int       `json:"records"`
	FetchedAt time.Time `json:"fetched_at"`
}

func (s sourceState) clone() sourceState {
	s.Marks, s.Files, s.Pending = maps.Clone(s.Marks), maps.Clone(s.Files), slices.Clone(s.Pending)
	if s.Marks == nil {
		s.Marks = map[string]string{}
	}
	if s.Files == nil {
		s.Files = map[string]fileState{}
	}
	return s
}

// load reads the state. One that cannot be understood is begun anew: then
// everything is fetched once more.
func (f *Fetcher) load() error {
	read, err := readState(f.private("state.json"))
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = read
	return nil
}

func readState(name string) (state, error) {
	s := state{Sources: map[string]sourceState{}}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if json.Unmarshal(b, &s) != nil || s.Sources == nil {
		return state{Sources: map[string]sourceState{}}, nil
	}
	return s, nil
}

// source is a copy of a source's state.
func (f *Fetcher) source(name string) sourceState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.Sources[name].clone()
}

// keep writes a source's state and the folder's list of files.
func (f *Fetcher) keep(name string, s sourceState) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Sources[name] = s.clone()
	if err := f.list(); err != nil {
		return err
	}
	b, err := json.MarshalIndent(f.state, "", " ")
	if err != nil {
		return err
	}
	return layout.WriteFile(f.private("state.json"), b)
}

// list writes the manifest. Files that somebody else put there and described
// stay described.
func (f *Fetcher) list() error {
	old, err := layout.ReadList(f.Dir)
	if err != nil {
		return err
	}
	byPath := map[string]layout.File{}
	for _, file := range old.Files {
		if _, err := os.Stat(filepath.Join(f.Dir, filepath.FromSlash(file.Path))); err == nil {
			byPath[file.Path] = file
		}
	}
	for _, s := range f.state.Sources {
		for path, file := range s.Files {
			described, err := layout.File{Path: path, URL: file.URL, FetchedAt: file.FetchedAt, Size: file.Size, SHA256: file.SHA256}.Describe()
			if err != nil {
				return err
			}
			byPath[path] = described
		}
	}
	return layout.WriteList(f.Dir, layout.FileList{Files: slices.Collect(maps.Values(byPath))})
}

// Status is how one source is doing.
type Status struct {
	Source  string `json:"source"`
	Address string `json:"address"`
	// Files, Records and Bytes are what lies in the folder.
	Files   int   `json:"files"`
	Records int   `json:"records"`
	Bytes   int64 `json:"bytes"`
	// The times of the last look, the last good one, the last that brought
	// something, and the next.
	CheckedAt   time.Time `json:"checked_at,omitzero"`
	SucceededAt time.Time `json:"succeeded_at,omitzero"`
	ChangedAt   time.Time `json:"changed_at,omitzero"`
	NextAt      time.Time `json:"next_at,omitzero"`
	// Error is why the last look failed; Failures counts those in a row.
	Error    string `json:"error,omitempty"`
	Failures int    `json:"failures,omitempty"`
	// Stale: the last good look is older than the source may become.
	Stale bool `json:"stale"`
}

// Status reads how every source is doing, by name.
func (f *Fetcher) Status() ([]Status, error) {
	read, err := readState(f.private("state.json"))
	if err != nil {
		return nil, err
	}
	now := f.Now()
	var out []Status
	for _, s := range f.sources {
		out = append(out, s.status(read.Sources[s.name], now))
	}
	return out, nil
}

func (s source) status(st sourceState, now time.Time) Status {
	out := Status{
		Source: s.name, Address: s.base, Files: len(st.Files), CheckedAt: st.CheckedAt, SucceededAt: st.SucceededAt,
		ChangedAt: st.ChangedAt, NextAt: st.NextAt, Error: st.Error, Failures: st.Failures,
		Stale: !st.CheckedAt.IsZero() && now.Sub(st.SucceededAt) > s.patience(),
	}
	for _, file := range st.Files {
		out.Records += file.Records
		out.Bytes += file.Size
	}
	return out
}

// patience is how old the last good look may become before it alarms: three
// intervals, a day at least.
func (s source) patience() time.Duration { return max(24*time.Hour, 3*s.every) }

// NextAt is when the next source is due; now if one is.
func (f *Fetcher) NextAt() (time.Time, error) {
	list, err := f.Status()
	if err != nil {
		return time.Time{}, fmt.Errorf("feeds folder: %w", err)
	}
	next := f.Now().Add(24 * time.Hour)
	for _, s := range list {
		if s.NextAt.Before(next) {
			next = s.NextAt
		}
	}
	return next, nil
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
