package catalog

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/arn"
	"muster/internal/store"
)

// VerifyInventories compares inventories with the resources that have them and
// with their postings, and describes every difference; nil means they agree.
func VerifyInventories(ctx context.Context, tx *store.Tx) ([]string, error) {
	var wrong []string
	for _, q := range []struct{ what, query string }{
		{"resource %d has inventory %d, which is not stored", `SELECT r.number, r.inventory FROM resources r
			WHERE r.inventory <> 0 AND NOT EXISTS (SELECT 1 FROM inventories i WHERE i.id = r.inventory)`},
		{"inventory %d of state %d has no resource", `SELECT i.id, i.state FROM inventories i
			WHERE i.state <> 2 AND NOT EXISTS (SELECT 1 FROM resources r WHERE r.inventory = i.id)`},
		{"inventory %d of state %d has a resource", `SELECT i.id, i.state FROM inventories i
			WHERE i.state = 2 AND EXISTS (SELECT 1 FROM resources r WHERE r.inventory = i.id)`},
		{"component %d has a posting of inventory %d, which is not stored or has none", `SELECT c.component, c.inventory FROM inventory_components c
			WHERE NOT EXISTS (SELECT 1 FROM inventories i WHERE i.id = c.inventory AND i.state <> 0)`},
		{"component %d has %d matches and is not stored", `SELECT m.component, COUNT(*) FROM matches m
			WHERE NOT EXISTS (SELECT 1 FROM components c WHERE c.id = m.component) GROUP BY m.component`},
		{"component %d is matched against generation %d and has no key", `SELECT c.id, c.generation FROM components c
			WHERE c.generation >= 0 AND NOT EXISTS (SELECT 1 FROM component_keys k WHERE k.component = c.id)
			AND EXISTS (SELECT 1 FROM matches m WHERE m.component = c.id)`},
	} {
		rows, err := tx.Query(ctx, q.query)
		list, err := store.ReadAll(rows, err, func(s store.Scanner) (string, error) {
			var a, b int64
			err := s.Scan(&a, &b)
			return fmt.Sprintf(q.what, a, b), err
		})
		if err != nil {
			return nil, fmt.Errorf("verify inventories: %w", err)
		}
		wrong = append(wrong, list...)
	}
	missing, err := missingPostings(ctx, tx)
	return append(wrong, missing...), err
}

// missingPostings compares the postings of every inventory with its items.
func missingPostings(ctx context.Context, tx *store.Tx) (wrong []string, err error) {
	counts := map[int64]int64{}
	rows, err := tx.Query(ctx, `SELECT inventory, COUNT(*) FROM inventory_components GROUP BY inventory`)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var id, n int64
		err := s.Scan(&id, &n)
		counts[id] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("count postings: %w", err)
	}
	for after := int64(0); ; {
		rows, err := tx.Query(ctx, `SELECT id, state, items FROM inventories WHERE id > $1 ORDER BY id LIMIT 100`, after)
		list, err := store.ReadAll(rows, err, func(s store.Scanner) (p pending, err error) {
			err = s.Scan(&p.id, &p.state, &p.packed)
			return p, err
		})
		if err != nil || len(list) == 0 {
			return wrong, err
		}
		for _, p := range list {
			ids, err := componentsIn(p.packed)
			switch {
			case err != nil:
				wrong = append(wrong, fmt.Sprintf("inventory %d: %v", p.id, err))
			case p.state != unposted && counts[p.id] != int64(len(ids)):
				wrong = append(wrong, fmt.Sprintf("inventory %d has %d postings of %d", p.id, counts[p.id], len(ids)))
			}
			after = p.id
		}
	}
}

// MendInventories puts right what VerifyInventories finds wrong, as far as that
// can be: it drops inventories without a resource and writes all postings anew.
func MendInventories(ctx context.Context, tx *store.Tx) error {
	for _, statement := range []string{
		`DELETE FROM inventory_components`,
		`DELETE FROM inventories WHERE NOT EXISTS (SELECT 1 FROM resources r WHERE r.inventory = inventories.id)`,
		`UPDATE inventories SET state = 0`,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("mend inventories: %w", err)
		}
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobPost, Key: JobPost})
}

// VerifyAttributes compares what filters can ask of up to limit resources,
// after the number given, with what the resources are. It returns how many it
// saw and the number of the last one. With mend, differences are put right.
func VerifyAttributes(ctx context.Context, tx *store.Tx, after int64, limit int, mend bool) (wrong []string, seen int, last int64, err error) {
	rows, err := tx.Query(ctx, `SELECT `+resourceColumns+` FROM resources WHERE number > $1 ORDER BY number LIMIT $2`, after, limit)
	list, err := store.ReadAll(rows, err, scanResource)
	if err != nil {
		return nil, 0, 0, err
	}
	last = after
	for i := range list {
		r := &list[i]
		stored, err := storedAttributes(ctx, tx, r.Account, r.Number)
		if err != nil {
			return nil, 0, 0, err
		}
		var wanted []string
		for _, row := range attributeRows(r) {
			wanted = append(wanted, fmt.Sprint(row[2:]...))
		}
		for k, v := range r.Tags {
			wanted = append(wanted, "tag "+k+" = "+v)
		}
		slices.Sort(wanted)
		if !slices.Equal(stored, wanted) {
			wrong = append(wrong, fmt.Sprintf("%s %s of %s has attributes %q, stored are %q", r.Type, r.ID, r.Account, wanted, stored))
			if mend {
				err = putAttributes(ctx, tx, r)
			}
		}
		if err != nil {
			return nil, 0, 0, err
		}
		last = r.Number
	}
	return wrong, len(list), last, nil
}

// storedAttributes are a resource's attributes and tags in words, sorted.
func storedAttributes(ctx context.Context, tx *store.Tx, account arn.AccountID, number int64) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT name, value, number FROM resource_attributes WHERE account = $1 AND resource = $2`, account, number)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (string, error) {
		var name, value string
		var n *float64
		err := s.Scan(&name, &value, &n)
		if n == nil {
			return fmt.Sprint(name, value, nil), err
		}
		return fmt.Sprint(name, value, *n), err
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `SELECT key, value FROM resource_tags WHERE account = $1 AND resource = $2`, account, number)
	tags, err := store.ReadAll(rows, err, func(s store.Scanner) (string, error) {
		var key, value string
		err := s.Scan(&key, &value)
		return "tag " + key + " = " + value, err
	})
	list = append(list, tags...)
	slices.Sort(list)
	return list, err
}
