package fetch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/internal/feed"
)

// change is a line of a publisher's list of changes.
type change struct {
	at   time.Time
	name string
}

// maxChanges bounds how many changes are followed one by one; beyond it the
// whole archive is fetched.
const maxChanges = 5000

// errTooMany says that a list has more changes than are followed one by one.
var errTooMany = errors.New("too many changes to follow one by one")

// since reads a list of changes, newest first, down to the mark and the names
// already seen at the mark's time: equal times occur. It returns the changes
// and the new mark, and reads no further than it must.
func (s *session) since(ctx context.Context, address, mark string, parse func(string) (change, error)) ([]change, string, error) {
	last, seen := parseMark(mark)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // gives up the rest of the body
	r, err := s.client.Get(ctx, address, nil)
	if err != nil {
		return nil, mark, err
	}
	defer func() { _ = r.Body.Close() }() // may have been given up
	var out []change
	newest := change{}
	var top []string
	lines := bufio.NewScanner(feed.Bounded(r.Body, maxFile))
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		c, err := parse(text)
		if err != nil {
			return nil, mark, fmt.Errorf("%s: %w", address, err)
		}
		if newest.at.IsZero() {
			newest = c
		}
		if c.at.Equal(newest.at) {
			top = append(top, c.name)
		}
		if c.at.Before(last) {
			break
		}
		if c.at.Equal(last) && slices.Contains(seen, c.name) {
			continue
		}
		if out = append(out, c); len(out) > maxChanges {
			return nil, writeMark(newest.at, nil), errTooMany
		}
	}
	if err := lines.Err(); err != nil {
		return nil, mark, fmt.Errorf("%s: %w", address, err)
	}
	if newest.at.Before(last) && len(seen) == 0 {
		return out, mark, nil
	}
	if newest.at.Before(last) {
		return nil, mark, fmt.Errorf("%s: its newest change is of %s, older than the one seen before, %s", address, newest.at.Format(time.RFC3339), last.Format(time.RFC3339))
	}
	return out, writeMark(newest.at, top), nil
}

// A mark is a time and the names that were seen at that time.
func writeMark(at time.Time, names []string) string {
	return strings.Join(append([]string{at.UTC().Format(time.RFC3339Nano)}, names...), " ")
}

func parseMark(mark string) (at time.Time, names []string) {
	fields := strings.Fields(mark)
	if len(fields) == 0 {
		return time.Time{}, nil
	}
	at, _ = time.Parse(time.RFC3339Nano, fields[0])
	return at, fields[1:]
}

// document is a fetched document of an archive, or why there is none.
type document struct {
	change
	body []byte
	err  error
}

// documents fetches changed documents, eight at a time, in the order given.
func (s *session) documents(ctx context.Context, changes []change, address func(name string) string) ([]document, error) {
	out := make([]document, len(changes))
	var once sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, c := range changes {
		g.Go(func() error {
			b, err := s.client.Text(ctx, address(c.name), maxDocument)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.bytes.Add(int64(len(b)))
			if err == nil && !isObject(b) {
				err = fmt.Errorf("%s: not a JSON object", address(c.name))
			}
			once.Lock()
			defer once.Unlock()
			out[i] = document{c, b, err}
			return nil
		})
	}
	return out, g.Wait()
}

// isObject tells a JSON object from an error page.
func isObject(b []byte) bool {
	b = bytes.TrimSpace(b)
	return bytes.HasPrefix(b, []byte("{")) && bytes.HasSuffix(b, []byte("}"))
}
