package findings

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// content is a content on its way into the store.
type content struct {
	body   string
	digest [sha256.Size]byte
	of     *finding.Content
}

func newContent(c *finding.Content) (content, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return content{}, fmt.Errorf("content of %q: %w", c.Title, err)
	}
	return content{body: string(body), digest: sha256.Sum256(body), of: c}, nil
}

// putContents returns the ids of the contents by digest, storing those not
// yet known.
func putContents(ctx context.Context, tx *store.Tx, list []content) (map[[sha256.Size]byte]int64, error) {
	distinct := map[[sha256.Size]byte]content{}
	var digests [][]byte
	for _, c := range list {
		if _, seen := distinct[c.digest]; !seen {
			distinct[c.digest] = c
			digests = append(digests, c.digest[:])
		}
	}
	ids := make(map[[sha256.Size]byte]int64, len(distinct))
	err := chunks(digests, func(part [][]byte) error {
		var w store.Where
		store.In(&w, "digest", part...)
		rows, err := tx.Query(ctx, `SELECT id, digest FROM contents`+w.SQL(), w.Args()...)
		_, err = store.ReadAll(rows, err, func(s store.Scanner) (id int64, err error) {
			var d []byte
			err = s.Scan(&id, &d)
			ids[[sha256.Size]byte(d)] = id
			return id, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find contents: %w", err)
	}
	for d := range ids {
		delete(distinct, d)
	}
	return ids, insertContents(ctx, tx, distinct, ids)
}

func insertContents(ctx context.Context, tx *store.Tx, fresh map[[sha256.Size]byte]content, ids map[[sha256.Size]byte]int64) error {
	var bodies, values, packages [][]any
	for digest, c := range fresh {
		id, err := newNumber(tx)
		if err != nil {
			return err
		}
		ids[digest] = id
		bodies = append(bodies, []any{id, digest[:], c.body})
		v, p := ContentRows(id, c.of)
		values, packages = append(values, v...), append(packages, p...)
	}
	if _, err := tx.InsertRows(ctx, "contents", []string{"id", "digest", "body"}, bodies, ""); err != nil {
		return err
	}
	return insertContentRows(ctx, tx, values, packages)
}

func insertContentRows(ctx context.Context, tx *store.Tx, values, packages [][]any) error {
	_, err := tx.InsertRows(ctx, "content_values", valueColumns(), values, "")
	if err == nil {
		_, err = tx.InsertRows(ctx, "content_packages", packageColumns(), packages, "")
	}
	return err
}

func valueColumns() []string { return []string{"content", "name", "value"} }

func packageColumns() []string {
	return []string{"content", "position", "name", "version", "epoch", "release", "arch", "layer", "lambda_layer", "path"}
}

// ContentRows are the rows by which filters find a content: one per value, and
// one per package.
func ContentRows(id int64, c *finding.Content) (values, packages [][]any) {
	for a, list := range criteria.ContentTexts(c) {
		for _, v := range list {
			values = append(values, []any{id, string(a), v})
		}
	}
	return values, packageRows(id, c)
}

func packageRows(id int64, c *finding.Content) [][]any {
	if c.Package == nil {
		return nil
	}
	var rows [][]any
	for i, p := range c.Package.Packages {
		rows = append(rows, []any{id, i, p.Name, p.Version, p.Epoch, p.Release, p.Arch, p.Layer, p.LambdaLayer, p.Path})
	}
	return rows
}

// packageColumn is the column of a package filter's member.
func packageColumn(a criteria.Attribute) string {
	switch a {
	case criteria.PackageArchitecture:
		return "NULLIF(p.arch, '')"
	case criteria.PackageLayer:
		return "NULLIF(p.layer, '')"
	case criteria.PackageLambdaLayer:
		return "NULLIF(p.lambda_layer, '')"
	case criteria.PackagePath:
		return "NULLIF(p.path, '')"
	case criteria.PackageRelease:
		return "NULLIF(p.release, '')"
	case criteria.PackageVersion:
		return "p.version"
	}
	return "p.name"
}

// contentKey is a content's place among the values that a store keeps: it never
// changes, and its id never comes again.
type contentKey int64

// readContents returns the contents with the ids. Nobody may change what they
// point at: they are shared.
func readContents(ctx context.Context, tx *store.Tx, ids []int64) (map[int64]finding.Content, error) {
	found := make(map[int64]finding.Content, len(ids))
	var unread []int64
	for _, id := range ids {
		if c, ok := tx.Kept(contentKey(id)).(*finding.Content); ok {
			found[id] = *c
		} else {
			unread = append(unread, id)
		}
	}
	err := chunks(unread, func(part []int64) error {
		var w store.Where
		store.In(&w, "id", part...)
		rows, err := tx.Query(ctx, `SELECT id, body FROM contents`+w.SQL(), w.Args()...)
		_, err = store.ReadAll(rows, err, func(s store.Scanner) (int64, error) {
			id, c, err := scanContent(tx, s)
			found[id] = c
			return id, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	return found, nil
}

func scanContent(tx *store.Tx, s store.Scanner) (id int64, c finding.Content, err error) {
	var body string
	if err := s.Scan(&id, &body); err != nil {
		return id, c, err
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return id, c, err
	}
	tx.Keep(contentKey(id), &c, 2*len(body))
	return id, c, nil
}

// dropContents removes those of the contents that no finding has any more.
func dropContents(ctx context.Context, tx *store.Tx, ids map[int64]bool) error {
	var unused []int64
	for id := range ids {
		var one int
		err := store.One(tx.QueryRow(ctx, `SELECT 1 FROM findings WHERE content = $1 LIMIT 1`, id), &one)
		if errors.Is(err, store.ErrNotFound) {
			unused = append(unused, id)
		} else if err != nil {
			return fmt.Errorf("content %d: %w", id, err)
		}
	}
	return chunks(unused, func(part []int64) error {
		for _, table := range []struct{ name, column string }{{"content_values", "content"}, {"content_packages", "content"}, {"contents", "id"}} {
			var w store.Where
			store.In(&w, table.column, part...)
			if _, err := tx.Exec(ctx, `DELETE FROM `+table.name+w.SQL(), w.Args()...); err != nil {
				return fmt.Errorf("drop contents: %w", err)
			}
		}
		return nil
	})
}
