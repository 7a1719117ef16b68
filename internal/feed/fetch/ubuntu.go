package fetch

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path"
	"strings"

	"github.com/ulikunitz/xz"

	"muster/internal/feed"
	"muster/internal/feed/fetch/web"
)

// tarXZ fetches a tar.xz of documents and keeps them as a zip, each under the
// last part of its name.
func tarXZ(file string) func(context.Context, *session) error {
	return func(ctx context.Context, s *session) error {
		got, err := s.download(ctx, s.source.base, file, expectation{limit: maxArchive}, s.known(file).Note)
		if errors.Is(err, feed.ErrNotModified) {
			return nil
		}
		if err != nil {
			return err
		}
		made := s.part(file) + ".zip"
		repacked, err := unpackXZ(s.part(file), made)
		if err != nil {
			return errors.Join(s.refuse(file, s.part(file), err.Error()), os.RemoveAll(made))
		}
		if err := os.Remove(s.part(file)); err != nil {
			return err
		}
		_, err = s.placeArchive(file, made, repacked, got.Note)
		return err
	}
}

func unpackXZ(from, out string) (web.Received, error) {
	if err := head("x.xz", from); err != nil {
		return web.Received{}, err
	}
	in, err := os.Open(from)
	if err != nil {
		return web.Received{}, err
	}
	defer func() { _ = in.Close() }()
	x, err := xz.ReaderConfig{DictCap: 64 << 20}.NewReader(bufio.NewReader(in))
	if err != nil {
		return web.Received{}, err
	}
	return repack(x, out, func(member string) (string, bool) {
		name := path.Base(member)
		return name, strings.HasSuffix(name, ".json") && safeName.MatchString(name)
	})
}
