package directory

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// OrganizationID is an organization's id, such as "o-a1b2c3d4e5".
type OrganizationID string

// FeatureSet says what an organization may use.
type FeatureSet string

// The feature sets.
const (
	AllFeatures         FeatureSet = "ALL"
	ConsolidatedBilling FeatureSet = "CONSOLIDATED_BILLING"
)

// Organization is one organization; Root is the id of its only root.
type Organization struct {
	ID         OrganizationID
	Management arn.AccountID
	FeatureSet FeatureSet
	Root       string
	CreatedAt  time.Time
}

const organizationColumns = `o.id, o.management, o.feature_set, o.root, o.created_at`

func scanOrganization(s store.Scanner) (Organization, error) {
	var o Organization
	var created int64
	err := s.Scan(&o.ID, &o.Management, &o.FeatureSet, &o.Root, &created)
	o.CreatedAt = store.TimeOrNever(created)
	return o, err
}

// InsertOrganization adds an organization, without any account.
func InsertOrganization(ctx context.Context, tx *store.Tx, o Organization) error {
	return tx.InsertNew(ctx, `INSERT INTO organizations (id, management, feature_set, root, created_at)
		VALUES ($1, $2, $3, $4, $5)`, o.ID, o.Management, o.FeatureSet, o.Root, store.MicrosOrNever(o.CreatedAt))
}

// LookupOrganization returns the organization of an id.
func LookupOrganization(ctx context.Context, tx *store.Tx, id OrganizationID) (Organization, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+organizationColumns+` FROM organizations o WHERE o.id = $1`, id),
		scanOrganization)
}

// OrganizationOf returns the organization that an account belongs to.
func OrganizationOf(ctx context.Context, tx *store.Tx, account arn.AccountID) (Organization, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+organizationColumns+`
		FROM organization_accounts m JOIN organizations o ON o.id = m.org WHERE m.account = $1`, account),
		scanOrganization)
}

// RootTaken reports whether some organization has a root of this id.
func RootTaken(ctx context.Context, tx *store.Tx, root string) (bool, error) {
	n, err := store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM organizations WHERE root = $1`, root), store.ScanCount)
	return n > 0, err
}

// SetFeatureSet changes what an organization may use.
func SetFeatureSet(ctx context.Context, tx *store.Tx, id OrganizationID, features FeatureSet) error {
	return store.Affected(tx.Exec(ctx, `UPDATE organizations SET feature_set = $2 WHERE id = $1`, id, features))
}

// DeleteOrganization deletes an organization with everything it holds. Its
// accounts stay and stand alone.
func DeleteOrganization(ctx context.Context, tx *store.Tx, id OrganizationID) error {
	for _, q := range []string{
		`DELETE FROM organization_accounts WHERE org = $1`,
		`DELETE FROM organizational_units WHERE org = $1`,
		`DELETE FROM trusted_services WHERE org = $1`,
		`DELETE FROM delegated_administrators WHERE org = $1`,
		`DELETE FROM account_requests WHERE org = $1`,
		`DELETE FROM directory_tags WHERE org = $1`,
		`DELETE FROM policy_types WHERE org = $1`,
	} {
		if _, err := tx.Exec(ctx, q, id); err != nil {
			return err
		}
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM organizations WHERE id = $1`, id))
}
