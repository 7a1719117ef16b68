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
