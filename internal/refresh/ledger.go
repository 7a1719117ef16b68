package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"muster/internal/advisorydb"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// JobChanged is the kind of the job that every new generation asks for. Its
// payload is a Changed.
const JobChanged = "scan.advisories-changed"

// Changed says that generation To took the place of From.
type Changed struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// state is what a ledger remembers.
type state struct {
	generation int64
	sources    []feeds.Source
}

// ledger is where it is written which generation is in service.
type ledger interface {
	// generation is the one in service, 0 before the first.
	generation(ctx context.Context) (int64, error)
	read(ctx context.Context) (state, error)
	// commit puts a generation into service if before still is, stores the
	// sources and asks for the change to be worked off, all or nothing.
	commit(ctx context.Context, before int64, g feeds.Generation, sources []feeds.Source) error
	// note stores sources only.
	note(ctx context.Context, sources []feeds.Source) error
}

type storeLedger struct{ store *store.Store }

func (l *storeLedger) generation(ctx context.Context) (n int64, err error) {
	err = l.store.View(ctx, func(tx *store.Tx) error {
		n, err = feeds.Current(ctx, tx)
		return err
	})
	return n, err
}

func (l *storeLedger) read(ctx context.Context) (out state, err error) {
	err = l.store.View(ctx, func(tx *store.Tx) error {
		if out.generation, err = feeds.Current(ctx, tx); err != nil {
			return err
		}
		out.sources, err = feeds.Sources(ctx, tx)
		return err
	})
	return out, err
}

func (l *storeLedger) commit(ctx context.Context, before int64, g feeds.Generation, sources []feeds.Source) error {
	payload, err := json.Marshal(Changed{From: before, To: g.Number})
	if err != nil {
		return err
	}
	return l.store.Update(ctx, func(tx *store.Tx) error {
		if err := feeds.Advance(ctx, tx, before, g); err != nil {
			return err
		}
		if err := putSources(ctx, tx, sources); err != nil {
			return err
		}
		// One job per generation: what changed between two is not said by
		// the job of the next two.
		return tx.Enqueue(ctx, store.Job{Kind: JobChanged, Key: strconv.FormatInt(g.Number, 10), Payload: payload})
	})
}

func (l *storeLedger) note(ctx context.Context, sources []feeds.Source) error {
	return l.store.Update(ctx, func(tx *store.Tx) error { return putSources(ctx, tx, sources) })
}

func putSources(ctx context.Context, tx *store.Tx, sources []feeds.Source) error {
	for _, s := range sources {
		if err := feeds.PutSource(ctx, tx, s); err != nil {
			return err
		}
	}
	return nil
}

// fileLedger keeps the state in a file that is replaced as a whole.
type fileLedger struct{ path string }

type fileState struct {
	Generation int64          `json:"generation"`
	Sources    []feeds.Source `json:"sources"`
}

func (l *fileLedger) generation(ctx context.Context) (int64, error) {
	s, err := l.read(ctx)
	return s.generation, err
}

func (l *fileLedger) read(context.Context) (state, error) {
	b, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	var f fileState
	if err := json.Unmarshal(b, &f); err != nil {
		return state{}, fmt.Errorf("%s: %w", l.path, err)
	}
	return state{f.Generation, f.Sources}, nil
}

func (l *fileLedger) commit(ctx context.Context, before int64, g feeds.Generation, sources []feeds.Source) error {
	old, err := l.read(ctx)
	if err != nil {
		return err
	}
	if old.generation != before {
		return fmt.Errorf("feed generation is no longer %d: %w", before, store.ErrConflict)
	}
	return l.write(fileState{g.Number, mergeSources(old.sources, sources)})
}

func (l *fileLedger) note(ctx context.Context, sources []feeds.Source) error {
	old, err := l.read(ctx)
	if err != nil {
		return err
	}
	return l.write(fileState{old.generation, mergeSources(old.sources, sources)})
}

func (l *fileLedger) write(f fileState) error {
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(l.path), "state-*.tmp")
	if err != nil {
		return err
	}
	_, err = t.Write(b)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), l.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return advisorydb.SyncDir(filepath.Dir(l.path))
}

// mergeSources replaces the sources of the same name and adds the others.
func mergeSources(old, changed []feeds.Source) []feeds.Source {
	byName := map[string]feeds.Source{}
	for _, s := range old {
		byName[s.Name] = s
	}
	for _, s := range changed {
		byName[s.Name] = s
	}
	return sortedSources(byName)
}
