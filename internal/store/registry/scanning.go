package registry

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Scanning is how an account's registry is to be scanned in a Region.
type Scanning struct {
	// Type is ECR's word, BASIC or ENHANCED.
	Type      string
	Rules     []Rule
	UpdatedAt time.Time
}

// Rule says how often repositories are scanned.
type Rule struct {
	// Frequency is ECR's word.
	Frequency string `json:"frequency"`
	// Filters are patterns of names; "*" stands for any characters.
	Filters []string `json:"filters"`
}

// LookupScanning returns what was set, or store.ErrNotFound.
func LookupScanning(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Scanning, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT scan_type, rules, updated_at FROM ecr_scanning WHERE account = $1 AND region = $2`, account, region),
		func(s store.Scanner) (c Scanning, err error) {
			var rules string
			var updated int64
			if err := s.Scan(&c.Type, &rules, &updated); err != nil {
				return c, err
			}
			c.UpdatedAt = store.TimeOrNever(updated)
			return c, decode("scanning rules", rules, &c.Rules)
		})
}

// PutScanning sets how an account's registry is to be scanned.
func PutScanning(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, c Scanning) error {
	rules, err := encode(c.Rules)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ecr_scanning (account, region, scan_type, rules, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region) DO UPDATE SET scan_type = excluded.scan_type, rules = excluded.rules, updated_at = excluded.updated_at`,
		account, region, c.Type, rules, store.MicrosOrNever(c.UpdatedAt))
	return err
}
