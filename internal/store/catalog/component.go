package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"muster/internal/inventory"
	"muster/internal/store"
)

// Key is what a component's advisories are looked up by.
type Key struct{ Ecosystem, Name string }

// Component is a stored component.
type Component struct {
	ID int64
	inventory.Component
	// Generation is that of the advisories it was last matched against,
	// NeverMatched before the first time.
	Generation int64
}

// NeverMatched is the generation of a component before its first match.
const NeverMatched = -1

// digest is the identity of a component.
func digest(c inventory.Component) []byte {
	h := sha256.New()
	for _, f := range []string{c.Ecosystem, c.Name, c.Version, c.Arch, c.Source, c.SourceVersion, c.Module, string(c.Manager)} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(f)))
		h.Write(n[:])
		h.Write([]byte(f))
	}
	return h.Sum(nil)
}

const componentColumns = `id, ecosystem, name, version, arch, source, source_version, module, manager, generation`

func scanComponent(s store.Scanner) (c Component, err error) {
	err = s.Scan(&c.ID, &c.Ecosystem, &c.Name, &c.Version, &c.Arch, &c.Source, &c.SourceVersion, &c.Module, &c.Manager, &c.Generation)
	return c, err
}

// putComponents returns the ids of the components, storing those not yet
// known.
func putComponents(ctx context.Context, tx *store.Tx, list []inventory.Component) (map[inventory.Component]int64, error) {
	digests := make([][]byte, len(list))
	byDigest := make(map[string]inventory.Component, len(list))
	ids := make(map[inventory.Component]int64, len(list))
	var unknown [][]byte
	for i, c := range list {
		if id, ok := tx.Kept(c).(int64); ok {
			ids[c] = id
			continue
		}
		digests[i] = digest(c)
		byDigest[string(digests[i])] = c
		unknown = append(unknown, digests[i])
	}
	find := func(part [][]byte) error {
		var w store.Where
		store.In(&w, "digest", part...)
		rows, err := tx.Query(ctx, `SELECT id, digest FROM components`+w.SQL(), w.Args()...)
		return each(rows, err, func(s store.Scanner) error {
			var id int64
			var d []byte
			if err := s.Scan(&id, &d); err != nil {
				return err
			}
			ids[byDigest[string(d)]] = id
			return nil
		})
	}
	if err := chunks(unknown, find); err != nil {
		return nil, fmt.Errorf("find components: %w", err)
	}
	if err := insertComponents(ctx, tx, list, digests, ids); err != nil {
		return nil, err
	}
	// Components are never removed, so their ids hold once they are durable.
	tx.AfterCommit(func() {
		for c, id := range ids {
			tx.Keep(c, id, identitySize(c))
		}
	})
	return ids, nil
}

// identityKey is a component's place among the values that a store keeps: what
// an id names never changes.
type identityKey int64

// identitySize is roughly the memory of a kept component.
func identitySize(c inventory.Component) int {
	return 200 + len(c.Ecosystem) + len(c.Name) + len(c.Version) + len(c.Arch) + len(c.Source) + len(c.SourceVersion) + len(c.Module)
}

// Identities returns the components with the ids, by id.
func Identities(ctx context.Context, tx *store.Tx, ids []int64) (map[int64]inventory.Component, error) {
	found := make(map[int64]inventory.Component, len(ids))
	var unread []int64
	for _, id := range ids {
		if c, ok := tx.Kept(identityKey(id)).(inventory.Component); ok {
			found[id] = c
		} else {
			unread = append(unread, id)
		}
	}
	list, err := Components(ctx, tx, unread)
	for _, c := range list {
		found[c.ID] = c.Component
		tx.Keep(identityKey(c.ID), c.Component, identitySize(c.Component))
	}
	return found, err
}

// matchedKey marks a component, among the values that a store keeps, as matched:
// it never becomes unmatched again.
type matchedKey int64

// NeverMatchedOf returns those of the components that have not been matched
// yet, in no order. The transaction must not have matched any itself.
func NeverMatchedOf(ctx context.Context, tx *store.Tx, ids []int64) ([]Component, error) {
	unsure := make([]int64, 0, len(ids))
	for _, id := range ids {
		if tx.Kept(matchedKey(id)) == nil {
			unsure = append(unsure, id)
		}
	}
	list, err := components(ctx, tx, unsure, fmt.Sprintf(" AND generation = %d", NeverMatched))
	if err != nil {
		return nil, err
	}
	never := make(map[int64]bool, len(list))
	for _, c := range list {
		never[c.ID] = true
	}
	for _, id := range unsure {
		if !never[id] {
			tx.Keep(matchedKey(id), true, matchedSize)
		}
	}
	return list, nil
}

// matchedSize is roughly the memory of a matchedKey.
const matchedSize = 150

// insertComponents stores the components that have no id yet.
func insertComponents(ctx context.Context, tx *store.Tx, list []inventory.Component, digests [][]byte, ids map[inventory.Component]int64) error {
	var rows [][]any
	for i, c := range list {
		if _, known := ids[c]; known {
			continue
		}
		id, err := newNumber(tx)
		if err != nil {
			return err
		}
		ids[c] = id
		rows = append(rows, []any{id, digests[i], c.Ecosystem, c.Name, c.Version, c.Arch, c.Source, c.SourceVersion, c.Module, string(c.Manager), NeverMatched})
	}
	_, err := tx.InsertRows(ctx, "components",
		[]string{"id", "digest", "ecosystem", "name", "version", "arch", "source", "source_version", "module", "manager", "generation"}, rows, "")
	return err
}

// Components returns the components with the ids, in no order.
func Components(ctx context.Context, tx *store.Tx, ids []int64) ([]Component, error) {
	return components(ctx, tx, ids, "")
}

// components reads those of the components for which a further condition
// holds.
func components(ctx context.Context, tx *store.Tx, ids []int64, condition string) ([]Component, error) {
	var list []Component
	err := chunks(ids, func(part []int64) error {
		var w store.Where
		store.In(&w, "id", part...)
		rows, err := tx.Query(ctx, `SELECT `+componentColumns+` FROM components`+w.SQL()+condition, w.Args()...)
		return each(rows, err, func(s store.Scanner) error {
			c, err := scanComponent(s)
			list = append(list, c)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read components: %w", err)
	}
	return list, nil
}

// Touched returns the components that are looked up by one of the keys and
// were last matched against other advisories than generation; never matched
// ones are left out.
func Touched(ctx context.Context, tx *store.Tx, keys []Key, generation int64) ([]Component, error) {
	var list []Component
	seen := map[int64]bool{}
	names := map[string][]string{}
	for _, k := range keys {
		names[k.Ecosystem] = append(names[k.Ecosystem], k.Name)
	}
	for ecosystem, names := range names {
		err := chunks(names, func(part []string) error {
			var w store.Where
			w.Add("k.ecosystem = ?", ecosystem)
			store.In(&w, "k.name", part...)
			w.Add("c.generation <> ? AND c.generation >= 0", generation)
			rows, err := tx.Query(ctx, `SELECT `+columns("c.", componentColumns)+` FROM component_keys k
				JOIN components c ON c.id = k.component`+w.SQL(), w.Args()...)
			return each(rows, err, func(s store.Scanner) error {
				c, err := scanComponent(s)
				if err == nil && !seen[c.ID] {
					seen[c.ID] = true
					list = append(list, c)
				}
				return err
			})
		})
		if err != nil {
			return nil, fmt.Errorf("components of %s: %w", ecosystem, err)
		}
	}
	return list, nil
}

// MatchedOtherwise returns up to limit components that were last matched
// against other advisories than generation, after the id given, by id; never
// matched ones are left out.
func MatchedOtherwise(ctx context.Context, tx *store.Tx, generation, after int64, limit int) ([]Component, error) {
	rows, err := tx.Query(ctx, `SELECT `+componentColumns+` FROM components
		WHERE id > $1 AND generation <> $2 AND generation >= 0 ORDER BY id LIMIT $3`, after, generation, limit)
	return store.ReadAll(rows, err, scanComponent)
}
