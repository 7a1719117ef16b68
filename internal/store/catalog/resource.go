package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/groups"
)

// Place names a resource.
type Place struct {
	Account arn.AccountID
	Region  arn.Region
	Type    finding.ResourceType
	ID      string
}

// Resource is a stored resource with its coverage.
type Resource struct {
	Account arn.AccountID
	Region  arn.Region
	finding.Resource
	// Number names the resource in rows that hang on it.
	Number int64
	// Inventory is the current one, 0 while there is none.
	Inventory int64
	// ReportedAt is when the last report came, CollectedAt when its inventory
	// was collected, as the reporter says.
	ReportedAt, CollectedAt time.Time
	FirstSeenAt             time.Time
	// GoneAt is when it went away, zero while it is there.
	GoneAt time.Time
	Coverage
}

// Place is where the resource is.
func (r *Resource) Place() Place { return Place{r.Account, r.Region, r.Type, r.ID} }

// Coverage says whether and how a resource is scanned.
type Coverage struct {
	// Covered resources are listed.
	Covered bool
	// ScanType, ScanMode, Status and Reason are Inspector's words.
	ScanType, ScanMode, Status, Reason string
	ScannedAt                          time.Time
}

const resourceColumns = `account, region, type, id, number, details, inventory, reported_at, collected_at, first_seen_at, gone_at, ` +
	`covered, scan_type, scan_mode, status, reason, scanned_at`

func scanResource(s store.Scanner) (Resource, error) {
	var r Resource
	var kind, id, details string
	var reported, collected, first, gone, scanned int64
	err := s.Scan(&r.Account, &r.Region, &kind, &id, &r.Number, &details, &r.Inventory, &reported, &collected, &first, &gone,
		&r.Covered, &r.ScanType, &r.ScanMode, &r.Status, &r.Reason, &scanned)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(details), &r.Resource); err != nil {
		return r, fmt.Errorf("resource %s: %w", id, err)
	}
	r.ReportedAt, r.CollectedAt, r.FirstSeenAt = store.Time(reported), store.Time(collected), store.Time(first)
	r.GoneAt, r.ScannedAt = store.Time(gone), store.Time(scanned)
	return r, nil
}

// LookupResource returns a resource, or store.ErrNotFound.
func LookupResource(ctx context.Context, tx *store.Tx, at Place) (Resource, error) {
	r, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+resourceColumns+` FROM resources
		WHERE account = $1 AND region = $2 AND type = $3 AND id = $4`, at.Account, at.Region, at.Type, at.ID), scanResource)
	if err != nil {
		return r, fmt.Errorf("resource %s of %s: %w", at.ID, at.Account, err)
	}
	return r, nil
}

// ResourcesAt returns the resources at the places, in their order; places
// without one are left out.
func ResourcesAt(ctx context.Context, tx *store.Tx, places []Place) ([]Resource, error) {
	found := make(map[Place]Resource, len(places))
	err := chunks(places, func(part []Place) error {
		rows := make([][]any, len(part))
		for i, p := range part {
			rows[i] = []any{string(p.Account), string(p.Region), string(p.Type), p.ID}
		}
		var w store.Where
		store.InRows(&w, "(account, region, type, id)", rows...)
		list, err := tx.Query(ctx, `SELECT `+resourceColumns+` FROM resources`+w.SQL(), w.Args()...)
		return each(list, err, func(s store.Scanner) error {
			r, err := scanResource(s)
			found[r.Place()] = r
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look resources up: %w", err)
	}
	list := make([]Resource, 0, len(found))
	for _, p := range places {
		if r, ok := found[p]; ok {
			list = append(list, r)
		}
	}
	return list, nil
}

// LookupCovered returns the covered resource of an account with an id, or
// store.ErrNotFound.
func LookupCovered(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Resource, error) {
	row := tx.QueryRow(ctx, `SELECT `+resourceColumns+` FROM resources WHERE region = $1 AND id = $2 AND account = $3 AND covered
		ORDER BY inventory DESC LIMIT 1`, region, id, account)
	return store.ReadOne(row, scanResource)
}

// ResourcesByNumber returns the resources with the numbers.
func ResourcesByNumber(ctx context.Context, tx *store.Tx, numbers []int64) (map[int64]Resource, error) {
	found := make(map[int64]Resource, len(numbers))
	err := chunks(numbers, func(part []int64) error {
		var w store.Where
		store.In(&w, "number", part...)
		rows, err := tx.Query(ctx, `SELECT `+resourceColumns+` FROM resources`+w.SQL(), w.Args()...)
		return each(rows, err, func(s store.Scanner) error {
			r, err := scanResource(s)
			found[r.Number] = r
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	return found, nil
}

// PutResource stores what a resource is: a new one gets its number, of a
// known one the details are replaced. Inventory and coverage stay as they
// are; a resource that was gone is back. It returns the resource as stored.
func PutResource(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, details finding.Resource, now time.Time) (Resource, error) {
	at := Place{account, region, details.Type, details.ID}
	text, err := json.Marshal(details)
	if err != nil {
		return Resource{}, fmt.Errorf("resource %s: %w", at.ID, err)
	}
	known, err := LookupResource(ctx, tx, at)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return insertResource(ctx, tx, at, details, string(text), now)
	case err != nil:
		return known, err
	}
	before, err := json.Marshal(known.Resource)
	if err != nil {
		return known, fmt.Errorf("resource %s: %w", at.ID, err)
	}
	if slices.Equal(before, text) && known.GoneAt.IsZero() {
		return known, nil
	}
	_, err = tx.Exec(ctx, `UPDATE resources SET details = $2, gone_at = 0 WHERE number = $1`, known.Number, string(text))
	if err != nil {
		return known, fmt.Errorf("resource %s: %w", at.ID, err)
	}
	group := groups.Key{Account: account, Region: region, Kind: groups.AMI, Resource: known.Number}
	if err := groups.Moved(ctx, tx, group, machineImage(&known.Resource), machineImage(&details)); err != nil {
		return known, fmt.Errorf("resource %s: %w", at.ID, err)
	}
	known.Resource, known.GoneAt = details, time.Time{}
	return known, putAttributes(ctx, tx, &known)
}

// machineImage is what findings of an instance are counted by beside the
// instance itself; "" where there is none.
func machineImage(r *finding.Resource) string {
	if r.Instance == nil {
		return ""
	}
	return r.Instance.ImageID
}

func insertResource(ctx context.Context, tx *store.Tx, at Place, details finding.Resource, text string, now time.Time) (Resource, error) {
	number, err := newNumber(tx)
	if err != nil {
		return Resource{}, err
	}
	r := Resource{Account: at.Account, Region: at.Region, Resource: details, Number: number, FirstSeenAt: now}
	_, err = tx.Exec(ctx, `INSERT INTO resources (`+resourceColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, 0, FALSE, '', '', '', '', 0)`,
		at.Account, at.Region, at.Type, at.ID, number, text, store.Micros(now))
	if err != nil {
		return r, fmt.Errorf("resource %s: %w", at.ID, err)
	}
	return r, putAttributes(ctx, tx, &r)
}

// SetInventory points a resource at an inventory and notes the report that
// brought it. An inventory that no resource has any more is dropped; its hash
// stays in the resource's history.
func SetInventory(ctx context.Context, tx *store.Tx, r *Resource, inventory int64, hash string, collected, reported time.Time) error {
	before := r.Inventory
	r.Inventory, r.CollectedAt, r.ReportedAt = inventory, collected, reported
	_, err := tx.Exec(ctx, `UPDATE resources SET inventory = $2, collected_at = $3, reported_at = $4 WHERE number = $1`,
		r.Number, inventory, store.Micros(collected), store.Micros(reported))
	if err != nil || before == inventory {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO resource_inventories (account, resource, at, hash) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, resource, at) DO UPDATE SET hash = excluded.hash`, r.Account, r.Number, store.Micros(reported), hash)
	if err == nil {
		err = reviveInventory(ctx, tx, inventory)
	}
	if err != nil || before == 0 {
		return err
	}
	return dropInventory(ctx, tx, before)
}

// SetCoverage stores how a resource is covered from a time on.
func SetCoverage(ctx context.Context, tx *store.Tx, r *Resource, c Coverage, now time.Time) error {
	before := r.Coverage
	r.Coverage = c
	if err := meter(ctx, tx, r, before, c, now); err != nil {
		return err
	}
	if err := countCovered(ctx, tx, r.Place(), before, c); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE resources SET covered = $2, scan_type = $3, scan_mode = $4, status = $5, reason = $6, scanned_at = $7
		WHERE number = $1`, r.Number, c.Covered, c.ScanType, c.ScanMode, c.Status, c.Reason, store.Micros(c.ScannedAt))
	return err
}

// MarkScanned notes when resources whose coverage stays as it is were scanned.
func MarkScanned(ctx context.Context, tx *store.Tx, numbers []int64, at time.Time) error {
	return chunks(numbers, func(part []int64) error {
		var w store.Where
		mark := w.Arg(store.Micros(at))
		store.In(&w, "number", part...)
		if _, err := tx.Exec(ctx, `UPDATE resources SET scanned_at = `+mark+w.SQL(), w.Args()...); err != nil {
			return fmt.Errorf("note that resources were scanned: %w", err)
		}
		return nil
	})
}

// MarkGone notes that a resource went away.
func MarkGone(ctx context.Context, tx *store.Tx, r *Resource, now time.Time) error {
	r.GoneAt = now
	_, err := tx.Exec(ctx, `UPDATE resources SET gone_at = $2 WHERE number = $1`, r.Number, store.Micros(now))
	return err
}

// ResourcesOf lists up to limit resources of an account in a Region, by type
// and id, after the ones given.
func ResourcesOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, afterType finding.ResourceType, afterID string, limit int) ([]Resource, error) {
	rows, err := tx.Query(ctx, `SELECT `+resourceColumns+` FROM resources
		WHERE account = $1 AND region = $2 AND (type, id) > ($3, $4) ORDER BY type, id LIMIT $5`, account, region, afterType, afterID, limit)
	return store.ReadAll(rows, err, scanResource)
}

// DropGone forgets up to limit resources of an account in a Region that went
// away at the time given or before and have no findings any more. It returns
// how many it forgot and when the next one that is gone went away, zero if
// none waits.
func DropGone(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, before time.Time, limit int) (int, time.Time, error) {
	rows, err := tx.Query(ctx, `SELECT number, inventory FROM resources r
		WHERE account = $1 AND region = $2 AND gone_at > 0 AND gone_at <= $3
		AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.resource = r.number) LIMIT $4`, account, region, store.Micros(before), limit)
	type gone struct{ number, inventory int64 }
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (g gone, err error) {
		err = s.Scan(&g.number, &g.inventory)
		return g, err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("find resources that are gone: %w", err)
	}
	for _, g := range list {
		if err := dropResource(ctx, tx, account, g.number, g.inventory); err != nil {
			return 0, time.Time{}, fmt.Errorf("forget resource %d: %w", g.number, err)
		}
	}
	var next int64
	err = store.One(tx.QueryRow(ctx, `SELECT COALESCE(MIN(gone_at), 0) FROM resources
		WHERE account = $1 AND region = $2 AND gone_at > 0`, account, region), &next)
	return len(list), store.Time(next), err
}

func dropResource(ctx context.Context, tx *store.Tx, account arn.AccountID, number, inventory int64) error {
	for _, table := range []string{"resource_attributes", "resource_tags", "resource_inventories"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account = $1 AND resource = $2`, account, number); err != nil {
			return err
		}
	}
	// It may still be covered when nobody has looked at it since it went away.
	_, err := tx.Exec(ctx, `UPDATE coverage_counts SET total = total - 1 WHERE (account, region, type, scan_type, scan_mode, status, reason) IN
		(SELECT account, region, type, scan_type, scan_mode, status, reason FROM resources WHERE number = $1 AND covered)`, number)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM resources WHERE number = $1`, number); err != nil || inventory == 0 {
		return err
	}
	return dropInventory(ctx, tx, inventory)
}

// Holders returns those of the accounts that have resources in a Region, gone
// ones included.
func Holders(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID) (map[arn.AccountID]bool, error) {
	var w store.Where
	w.Add("region = ?", region)
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT DISTINCT account FROM resources`+w.SQL(), w.Args()...)
	return store.Set[arn.AccountID](rows, err)
}
