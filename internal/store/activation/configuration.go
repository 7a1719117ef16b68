package activation

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Configuration is an account's scan configuration in a Region, in AWS's
// words; an empty word means AWS's default and a zero time "never set".
type Configuration struct {
	RescanDuration     string
	PullRescanDuration string
	PullRescanMode     string
	ECRUpdatedAt       time.Time
	ScanMode           string
	EC2UpdatedAt       time.Time
}

const configurationColumns = `rescan_duration, pull_rescan_duration, pull_rescan_mode, ecr_updated_at, scan_mode, ec2_updated_at`

func scanConfiguration(s store.Scanner) (Configuration, error) {
	var c Configuration
	var ecr, ec2 int64
	err := s.Scan(&c.RescanDuration, &c.PullRescanDuration, &c.PullRescanMode, &ecr, &c.ScanMode, &ec2)
	c.ECRUpdatedAt, c.EC2UpdatedAt = store.Time(ecr), store.Time(ec2)
	return c, err
}

// LookupConfiguration returns an account's own configuration;
// store.ErrNotFound when it never set one.
func LookupConfiguration(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Configuration, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+configurationColumns+` FROM inspector_configurations
		WHERE account = $1 AND region = $2`, account, region), scanConfiguration)
}

// PutConfiguration sets an account's own configuration.
func PutConfiguration(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, c Configuration) error {
	_, err := tx.Exec(ctx, `INSERT INTO inspector_configurations (account, region, `+configurationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account, region) DO UPDATE SET rescan_duration = excluded.rescan_duration,
			pull_rescan_duration = excluded.pull_rescan_duration, pull_rescan_mode = excluded.pull_rescan_mode,
			ecr_updated_at = excluded.ecr_updated_at, scan_mode = excluded.scan_mode,
			ec2_updated_at = excluded.ec2_updated_at`,
		account, region, c.RescanDuration, c.PullRescanDuration, c.PullRescanMode, store.Micros(c.ECRUpdatedAt),
		c.ScanMode, store.Micros(c.EC2UpdatedAt))
	return err
}

// DeleteConfiguration forgets an account's own configuration, if it has one.
func DeleteConfiguration(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_configurations WHERE account = $1 AND region = $2`, account, region)
	return err
}
