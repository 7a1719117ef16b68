package filters

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Settings are what an account asks of its rules in a Region.
type Settings struct {
	Account arn.AccountID
	Region  arn.Region
	// ReasonRequired refuses rules without a reason.
	ReasonRequired bool
	UpdatedAt      time.Time
	UpdatedBy      arn.ARN
}

// SettingsOf returns an account's settings, the usual ones where it has set
// none.
func SettingsOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Settings, error) {
	v := Settings{Account: account, Region: region}
	var at int64
	err := store.One(tx.QueryRow(ctx, `SELECT reason_required, updated_at, updated_by FROM filter_settings
		WHERE account = $1 AND region = $2`, account, region), &v.ReasonRequired, &at, &v.UpdatedBy)
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	v.UpdatedAt = store.Time(at)
	return v, err
}

// PutSettings stores an account's settings.
func PutSettings(ctx context.Context, tx *store.Tx, v Settings) error {
	_, err := tx.Exec(ctx, `INSERT INTO filter_settings (account, region, reason_required, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region) DO UPDATE SET reason_required = excluded.reason_required,
			updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
		v.Account, v.Region, v.ReasonRequired, store.Micros(v.UpdatedAt), v.UpdatedBy)
	return err
}
