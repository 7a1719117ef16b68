package scanner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"muster/internal/extract"
	"muster/internal/source/image"
	"muster/internal/source/layers"
	"muster/internal/source/layers/remember"
)

// layerCache is where layers are remembered, nil for nowhere.
func (o Options) layerCache() *remember.Cache {
	if o.Layers == "" {
		return nil
	}
	return &remember.Cache{Dir: o.Layers, Max: o.LayersMax, Now: time.Now}
}

// stack puts layers on a tree, and holds open what files are read from.
type stack struct {
	tree  *layers.Tree
	cache *remember.Cache
	open  []io.Closer
}

func (s *stack) close() error {
	var err error
	for _, c := range s.open {
		err = errors.Join(err, c.Close())
	}
	return err
}

// add puts a layer on top: as it is remembered, else as the image has it.
func (s *stack) add(ctx context.Context, n int, l image.Layer, touched func(string)) error {
	if l.Open == nil {
		return nil // the image's notes say so
	}
	if s.cache == nil || !l.Known() {
		return s.read(ctx, n, l, touched)
	}
	key := remember.Key(l.DiffID, extract.Revision)
	switch known, err := s.cache.Open(key); {
	case err == nil:
		s.open = append(s.open, known)
		return s.tree.Replay(ctx, n, known.Entries(), touched)
	case !errors.Is(err, fs.ErrNotExist):
		return s.read(ctx, n, l, touched) // without its cache a scan is slow, not wrong
	}
	draft, err := s.cache.Draft()
	if err != nil {
		return s.read(ctx, n, l, touched)
	}
	s.open = append(s.open, draft)
	if err := s.record(ctx, n, l, draft, touched); err != nil {
		return err
	}
	_ = draft.Commit(key) // what is not remembered is read again
	return nil
}

// read puts a layer on the tree. A layer that files are read from later stays
// open; a stream is read to its end, where it is verified, and closed.
func (s *stack) read(ctx context.Context, n int, l image.Layer, touched func(string)) error {
	r, err := l.Open()
	if err != nil {
		return err
	}
	if whole, direct := r.(seekable); direct {
		s.open = append(s.open, r)
		return s.beside(n, l, whole, func() error { return s.tree.Apply(ctx, n, r, touched) })
	}
	return errors.Join(drain(r, s.tree.Apply(ctx, n, r, touched)), r.Close())
}

// record is read for a layer that is to be remembered.
func (s *stack) record(ctx context.Context, n int, l image.Layer, d *remember.Draft, touched func(string)) error {
	r, err := l.Open()
	if err != nil {
		return err
	}
	apply := func() error { return s.tree.Record(ctx, n, r, d, touched) }
	if whole, direct := r.(seekable); direct {
		err = s.beside(n, l, whole, apply)
	} else {
		err = drain(r, apply())
	}
	return errors.Join(err, r.Close())
}

// seekable is a layer that is not packed: what nobody wants of it is skipped.
type seekable interface {
	io.ReaderAt
	Size() int64
}

// beside verifies a layer while something else is done with it.
func (s *stack) beside(n int, l image.Layer, whole seekable, do func() error) error {
	verified := make(chan error, 1)
	go func() { verified <- l.Verify(io.NewSectionReader(whole, 0, whole.Size())) }()
	err := do()
	if wrong := <-verified; wrong != nil {
		return errors.Join(err, fmt.Errorf("layer %d: %w", n+1, wrong))
	}
	return err
}

// drain reads a stream to its end, where it is verified.
func drain(r io.Reader, err error) error {
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	return err
}
