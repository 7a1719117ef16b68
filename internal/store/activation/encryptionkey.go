package activation

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// EncryptionKey is the customer's key for what a kind of scan keeps of a kind
// of resource, in AWS's words.
type EncryptionKey struct {
	Account                arn.AccountID
	Region                 arn.Region
	ScanType, ResourceType string
	Key                    arn.ARN
	UpdatedAt              time.Time
}

// LookupEncryptionKey returns the customer's key; store.ErrNotFound when the
// service's own is in use.
func LookupEncryptionKey(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, scanType, resourceType string) (arn.ARN, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT kms_key FROM inspector_encryption_keys
		WHERE account = $1 AND region = $2 AND scan_type = $3 AND resource_type = $4`, account, region, scanType, resourceType),
		func(s store.Scanner) (key arn.ARN, err error) {
			err = s.Scan(&key)
			return key, err
		})
}

// PutEncryptionKey sets the customer's key.
func PutEncryptionKey(ctx context.Context, tx *store.Tx, k EncryptionKey) error {
	_, err := tx.Exec(ctx, `INSERT INTO inspector_encryption_keys (account, region, scan_type, resource_type, kms_key, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, region, scan_type, resource_type) DO UPDATE
		SET kms_key = excluded.kms_key, updated_at = excluded.updated_at`,
		k.Account, k.Region, k.ScanType, k.ResourceType, k.Key, store.Micros(k.UpdatedAt))
	return err
}

// DeleteEncryptionKey makes the service's own key the one in use; it is no
// error when it is.
func DeleteEncryptionKey(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, scanType, resourceType string) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_encryption_keys
		WHERE account = $1 AND region = $2 AND scan_type = $3 AND resource_type = $4`, account, region, scanType, resourceType)
	return err
}

// DeleteEncryptionKeys does so for everything in an account and Region.
func DeleteEncryptionKeys(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_encryption_keys WHERE account = $1 AND region = $2`, account, region)
	return err
}
