package directory

import (
	"context"
	"strings"
	"time"

	"muster/internal/store"
)

// Unit is an organizational unit.
type Unit struct {
	Org    OrganizationID
	ID     string
	Parent string
	Name   string
	// Path is the whole path, such as "o-x/r-y/ou-y-a/".
	Path      string
	CreatedAt time.Time
}

// Depth is how many units lie between root and unit, the unit included.
func (u Unit) Depth() int { return strings.Count(u.Path, "/") - 2 }

const unitColumns = `org, id, parent, name, path, created_at`

func scanUnit(s store.Scanner) (Unit, error) {
	var u Unit
	var created int64
	err := s.Scan(&u.Org, &u.ID, &u.Parent, &u.Name, &u.Path, &created)
	u.CreatedAt = store.TimeOrNever(created)
	return u, err
}

// InsertUnit adds a unit.
func InsertUnit(ctx context.Context, tx *store.Tx, u Unit) error {
	return tx.InsertNew(ctx, `INSERT INTO organizational_units (`+unitColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		u.Org, u.ID, u.Parent, u.Name, u.Path, store.MicrosOrNever(u.CreatedAt))
}

// LookupUnit returns the unit of an id.
func LookupUnit(ctx context.Context, tx *store.Tx, org OrganizationID, id string) (Unit, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+unitColumns+` FROM organizational_units WHERE org = $1 AND id = $2`,
		org, id), scanUnit)
}

// UnitNamed returns the unit of a name directly under a parent.
func UnitNamed(ctx context.Context, tx *store.Tx, org OrganizationID, parent, name string) (Unit, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+unitColumns+` FROM organizational_units
		WHERE org = $1 AND parent = $2 AND name = $3`, org, parent, name), scanUnit)
}

// UnitsUnder returns up to limit units directly under a parent after an id.
func UnitsUnder(ctx context.Context, tx *store.Tx, org OrganizationID, parent, after string, limit int) ([]Unit, error) {
	rows, err := tx.Query(ctx, `SELECT `+unitColumns+` FROM organizational_units
		WHERE org = $1 AND parent = $2 AND id > $3 ORDER BY id LIMIT $4`, org, parent, after, limit)
	return store.ReadAll(rows, err, scanUnit)
}

// Units returns up to limit units of an organization after an id.
func Units(ctx context.Context, tx *store.Tx, org OrganizationID, after string, limit int) ([]Unit, error) {
	rows, err := tx.Query(ctx, `SELECT `+unitColumns+` FROM organizational_units
		WHERE org = $1 AND id > $2 ORDER BY id LIMIT $3`, org, after, limit)
	return store.ReadAll(rows, err, scanUnit)
}

// CountUnits counts the units of an organization.
func CountUnits(ctx context.Context, tx *store.Tx, org OrganizationID) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM organizational_units WHERE org = $1`, org), store.ScanCount)
}

// RenameUnit gives a unit another name.
func RenameUnit(ctx context.Context, tx *store.Tx, org OrganizationID, id, name string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE organizational_units SET name = $3 WHERE org = $1 AND id = $2`, org, id, name))
}

// DeleteUnit deletes a unit.
func DeleteUnit(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM organizational_units WHERE org = $1 AND id = $2`, org, id))
}
