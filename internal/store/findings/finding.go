package findings

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// Stored is a finding with the names of the rows it hangs on.
type Stored struct {
	finding.Finding
	// Number is that of its resource.
	Number  int64
	content int64
}

// head is a finding's row before content and resource are read.
type head struct {
	account   arn.AccountID
	region    arn.Region
	id        string
	resource  int64
	content   int64
	life      finding.Life
	epss      *float64
	first     int64
	last      int64
	updated   int64
	closed    int64
	sortValue any
}

const headColumns = `f.account, f.region, f.id, f.resource, f.content, f.status, f.epss, f.first_observed_at, f.last_observed_at, f.updated_at, f.closed_at, f.cause`

func scanHead(s store.Scanner, more ...any) (h head, err error) {
	dest := []any{&h.account, &h.region, &h.id, &h.resource, &h.content, &h.life.Status, &h.epss, &h.first, &h.last, &h.updated, &h.closed, &h.life.Cause}
	err = s.Scan(append(dest, more...)...)
	h.life.FirstObservedAt, h.life.LastObservedAt = store.Time(h.first), store.Time(h.last)
	h.life.UpdatedAt, h.life.ClosedAt = store.Time(h.updated), store.Time(h.closed)
	return h, err
}

// complete reads the contents and resources of the heads.
func complete(ctx context.Context, tx *store.Tx, heads []head) ([]Stored, error) {
	contents, err := readContents(ctx, tx, distinct(heads, func(h head) int64 { return h.content }))
	if err != nil {
		return nil, err
	}
	resources, err := readResources(ctx, tx, distinct(heads, func(h head) int64 { return h.resource }))
	if err != nil {
		return nil, err
	}
	return joined(heads, contents, resources), nil
}

func joined(heads []head, contents map[int64]finding.Content, resources map[int64]finding.Resource) []Stored {
	list := make([]Stored, len(heads))
	for i, h := range heads {
		list[i] = Stored{Number: h.resource, content: h.content, Finding: finding.Finding{
			ARN: finding.ARN(h.account, h.region, h.id), Account: h.account, Region: h.region,
			Resource: resources[h.resource], Content: contents[h.content], EPSS: h.epss, Life: h.life,
		}}
	}
	return list
}

func distinct(heads []head, get func(head) int64) []int64 {
	seen := map[int64]bool{}
	var list []int64
	for _, h := range heads {
		if n := get(h); !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	return list
}

func readResources(ctx context.Context, tx *store.Tx, numbers []int64) (map[int64]finding.Resource, error) {
	found := make(map[int64]finding.Resource, len(numbers))
	err := chunks(numbers, func(part []int64) error {
		var w store.Where
		store.In(&w, "number", part...)
		rows, err := tx.Query(ctx, `SELECT number, details FROM resources`+w.SQL(), w.Args()...)
		_, err = store.ReadAll(rows, err, func(s store.Scanner) (n int64, err error) {
			var details string
			if err := s.Scan(&n, &details); err != nil {
				return n, err
			}
			var r finding.Resource
			err = json.Unmarshal([]byte(details), &r)
			found[n] = r
			return n, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the findings' resources: %w", err)
	}
	return found, nil
}

// OfResource returns all findings of a resource, closed ones included.
func OfResource(ctx context.Context, tx *store.Tx, resource int64) ([]Stored, error) {
	rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f WHERE f.resource = $1`, resource)
	heads, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return nil, fmt.Errorf("findings of resource %d: %w", resource, err)
	}
	return complete(ctx, tx, heads)
}

// OfResources is OfResource for many resources, given by number.
func OfResources(ctx context.Context, tx *store.Tx, resources map[int64]finding.Resource) (map[int64][]Stored, error) {
	var heads []head
	err := chunks(slices.Sorted(maps.Keys(resources)), func(part []int64) error {
		var w store.Where
		store.In(&w, "f.resource", part...)
		rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f`+w.SQL(), w.Args()...)
		some, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
		heads = append(heads, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("findings of %d resources: %w", len(resources), err)
	}
	contents, err := readContents(ctx, tx, distinct(heads, func(h head) int64 { return h.content }))
	if err != nil {
		return nil, err
	}
	found := make(map[int64][]Stored, len(resources))
	for _, f := range joined(heads, contents, resources) {
		found[f.Number] = append(found[f.Number], f)
	}
	return found, nil
}

// Lookup returns the finding with the ARN, or store.ErrNotFound.
func Lookup(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Stored, error) {
	h, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+headColumns+` FROM findings f
		WHERE f.account = $1 AND f.region = $2 AND f.id = $3`, account, region, id), func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return Stored{}, fmt.Errorf("finding %s of %s: %w", id, account, err)
	}
	list, err := complete(ctx, tx, []head{h})
	if err != nil {
		return Stored{}, err
	}
	return list[0], nil
}
