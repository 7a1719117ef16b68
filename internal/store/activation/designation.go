package activation

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// DesignationStatus says whether a delegated administrator has authority.
type DesignationStatus string

// The states of a designation.
const (
	Designated DesignationStatus = "ENABLED"
	// Removing: the authority has ended, its traces are being cleared away.
	Removing DesignationStatus = "DISABLE_IN_PROGRESS"
)

// Designation makes an account the delegated administrator of an organization
// in a Region.
type Designation struct {
	Org          directory.OrganizationID
	Region       arn.Region
	Account      arn.AccountID
	Status       DesignationStatus
	DesignatedAt time.Time
}

const designationColumns = `org, region, account, status, designated_at`

func scanDesignation(s store.Scanner) (Designation, error) {
	var d Designation
	var at int64
	err := s.Scan(&d.Org, &d.Region, &d.Account, &d.Status, &at)
	d.DesignatedAt = store.Time(at)
	return d, err
}

// LookupDesignation returns the designation of an organization in a Region.
func LookupDesignation(ctx context.Context, tx *store.Tx, org directory.OrganizationID, region arn.Region) (Designation, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+designationColumns+` FROM inspector_designations
		WHERE org = $1 AND region = $2`, org, region), scanDesignation)
}

// Designations returns an organization's designations by Region.
func Designations(ctx context.Context, tx *store.Tx, org directory.OrganizationID) ([]Designation, error) {
	rows, err := tx.Query(ctx, `SELECT `+designationColumns+` FROM inspector_designations
		WHERE org = $1 ORDER BY region`, org)
	return store.ReadAll(rows, err, scanDesignation)
}

// InsertDesignation adds a designation.
func InsertDesignation(ctx context.Context, tx *store.Tx, d Designation) error {
	_, err := tx.Exec(ctx, `INSERT INTO inspector_designations (`+designationColumns+`)
		VALUES ($1, $2, $3, $4, $5)`, d.Org, d.Region, d.Account, d.Status, store.Micros(d.DesignatedAt))
	return err
}

// SetDesignationStatus changes the status of a Region's designation.
func SetDesignationStatus(ctx context.Context, tx *store.Tx, org directory.OrganizationID, region arn.Region, status DesignationStatus) error {
	return store.Affected(tx.Exec(ctx, `UPDATE inspector_designations SET status = $3 WHERE org = $1 AND region = $2`,
		org, region, status))
}

// DeleteDesignation forgets a Region's designation.
func DeleteDesignation(ctx context.Context, tx *store.Tx, org directory.OrganizationID, region arn.Region) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM inspector_designations WHERE org = $1 AND region = $2`, org, region))
}
