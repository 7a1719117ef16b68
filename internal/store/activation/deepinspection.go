package activation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/store"
)

// DeepInspection is an account's setting for language packages on hosts.
type DeepInspection struct {
	// Activated holds while EC2 scanning is on.
	Activated bool
	// PackagePaths are the account's own paths, OrganizationPaths those that
	// it sets for its members as a delegated administrator: at most 5 each.
	PackagePaths, OrganizationPaths []string
}

func scanDeepInspection(s store.Scanner) (DeepInspection, error) {
	var d DeepInspection
	var own, org string
	if err := s.Scan(&d.Activated, &own, &org); err != nil {
		return d, err
	}
	if err := json.Unmarshal([]byte(own), &d.PackagePaths); err != nil {
		return d, fmt.Errorf("stored package paths: %w", err)
	}
	if err := json.Unmarshal([]byte(org), &d.OrganizationPaths); err != nil {
		return d, fmt.Errorf("stored organization paths: %w", err)
	}
	return d, nil
}

// LookupDeepInspection returns an account's setting; until it sets one, deep
// inspection is activated without paths of its own.
func LookupDeepInspection(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (DeepInspection, error) {
	d, err := store.ReadOne(tx.QueryRow(ctx, `SELECT activated, package_paths, organization_paths FROM inspector_deep_inspection
		WHERE account = $1 AND region = $2`, account, region), scanDeepInspection)
	if errors.Is(err, store.ErrNotFound) {
		return DeepInspection{Activated: true}, nil
	}
	return d, err
}

// WithoutDeepInspection returns those of the accounts that have switched deep
// inspection off in a Region.
func WithoutDeepInspection(ctx context.Context, tx *store.Tx, accounts []arn.AccountID, region arn.Region) (map[arn.AccountID]bool, error) {
	var w store.Where
	w.Add("region = ?", region)
	w.Add("NOT activated")
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT account FROM inspector_deep_inspection`+w.SQL(), w.Args()...)
	return store.Set[arn.AccountID](rows, err)
}

// DeepInspectionFor returns what the hosts of an account are to do: whether to
// look for language packages, and the paths of the account and of the delegated
// administrator that it is or belongs to. Every report of a host asks for it,
// so it is one statement.
func DeepInspectionFor(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (activated bool, paths []string, err error) {
	d, err := store.ReadOne(tx.QueryRow(ctx, `SELECT COALESCE(own.activated, TRUE), COALESCE(own.package_paths, '[]'), COALESCE(theirs.organization_paths, '[]')
		FROM (SELECT CAST($1 AS TEXT) AS account, CAST($2 AS TEXT) AS region) x
		LEFT JOIN inspector_deep_inspection own ON own.account = x.account AND own.region = x.region
		LEFT JOIN organization_accounts a ON a.account = x.account
		LEFT JOIN inspector_designations d ON d.org = a.org AND d.region = x.region AND d.status = 'ENABLED'
		LEFT JOIN inspector_members m ON m.administrator = d.account AND m.region = d.region AND m.account = x.account AND m.`+associated+`
		LEFT JOIN inspector_deep_inspection theirs ON theirs.region = d.region AND theirs.account = d.account
			AND (d.account = x.account OR m.account IS NOT NULL)`, account, region), scanDeepInspection)
	return d.Activated, append(d.PackagePaths, d.OrganizationPaths...), err
}

// PutDeepInspection sets an account's setting.
func PutDeepInspection(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, d DeepInspection) error {
	own, err := json.Marshal(d.PackagePaths)
	if err != nil {
		return err
	}
	org, err := json.Marshal(d.OrganizationPaths)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inspector_deep_inspection (account, region, activated, package_paths, organization_paths)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region) DO UPDATE SET activated = excluded.activated,
			package_paths = excluded.package_paths, organization_paths = excluded.organization_paths`,
		account, region, d.Activated, string(own), string(org))
	return err
}

// DeleteDeepInspection forgets an account's setting, if it has one.
func DeleteDeepInspection(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_deep_inspection WHERE account = $1 AND region = $2`, account, region)
	return err
}
