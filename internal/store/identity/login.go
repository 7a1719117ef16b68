package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Password is how a user signs in to the console.
type Password struct {
	Account arn.AccountID
	UserID  string
	// Hashes are the password and those before it, newest first.
	Hashes []string
	// MustReset: a new one must be chosen at the next sign-in.
	MustReset            bool
	CreatedAt, ChangedAt time.Time
}

// PasswordOf finds the password of a user.
func PasswordOf(ctx context.Context, tx *store.Tx, account arn.AccountID, userID string) (Password, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT account, user_id, hashes, must_reset, created_at, changed_at FROM iam_passwords
		WHERE account = $1 AND user_id = $2`, account, userID), scanPassword)
}

func scanPassword(s store.Scanner) (Password, error) {
	var p Password
	var hashes string
	var created, changed int64
	if err := s.Scan(&p.Account, &p.UserID, &hashes, &p.MustReset, &created, &changed); err != nil {
		return p, err
	}
	p.CreatedAt, p.ChangedAt = store.Time(created), store.Time(changed)
	if err := json.Unmarshal([]byte(hashes), &p.Hashes); err != nil {
		return p, fmt.Errorf("password of user %s: %w", p.UserID, err)
	}
	return p, nil
}

// PutPassword sets the password of a user.
func PutPassword(ctx context.Context, tx *store.Tx, p Password) error {
	hashes, err := json.Marshal(p.Hashes)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO iam_passwords (account, user_id, hashes, must_reset, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, user_id) DO UPDATE SET hashes = excluded.hashes, must_reset = excluded.must_reset, changed_at = excluded.changed_at`,
		p.Account, p.UserID, string(hashes), p.MustReset, store.Micros(p.CreatedAt), store.Micros(p.ChangedAt))
	return err
}

// DeletePassword removes the password of a user; store.ErrNotFound without one.
func DeletePassword(ctx context.Context, tx *store.Tx, account arn.AccountID, userID string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_passwords WHERE account = $1 AND user_id = $2`, account, userID))
}

// MFADevice shows one-time codes, as the second factor of a user.
type MFADevice struct {
	Account arn.AccountID
	// Serial is its ARN, ID the unique id that tags refer to.
	Serial arn.ARN
	ID     string
	// UserID is whose it is, or empty.
	UserID string
	// Seed is the shared secret, sealed.
	Seed []byte
	// LastStep is the last time step whose code was used.
	LastStep             int64
	CreatedAt, EnabledAt time.Time
}

// Owner is the device as a bearer of tags.
func (d MFADevice) Owner() Owner { return Owner{d.Account, d.ID} }

const mfaColumns = `account, serial, id, user_id, seed, last_step, created_at, enabled_at`

func scanMFADevice(s store.Scanner) (MFADevice, error) {
	var d MFADevice
	var created, enabled int64
	err := s.Scan(&d.Account, &d.Serial, &d.ID, &d.UserID, &d.Seed, &d.LastStep, &created, &enabled)
	d.CreatedAt, d.EnabledAt = store.Time(created), store.TimeOrNever(enabled)
	return d, err
}

// PutMFADevice adds a device or changes it.
func PutMFADevice(ctx context.Context, tx *store.Tx, d MFADevice) error {
	enabled := int64(0)
	if !d.EnabledAt.IsZero() {
		enabled = store.Micros(d.EnabledAt)
	}
	_, err := tx.Exec(ctx, `INSERT INTO iam_mfa_devices (`+mfaColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account, serial) DO UPDATE SET user_id = excluded.user_id, last_step = excluded.last_step, enabled_at = excluded.enabled_at`,
		d.Account, d.Serial, d.ID, d.UserID, d.Seed, d.LastStep, store.Micros(d.CreatedAt), enabled)
	return err
}

// MFADeviceBySerial finds a device.
func MFADeviceBySerial(ctx context.Context, tx *store.Tx, account arn.AccountID, serial arn.ARN) (MFADevice, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+mfaColumns+` FROM iam_mfa_devices WHERE account = $1 AND serial = $2`, account, serial), scanMFADevice)
}

// MFADevicesOf lists the devices of a user by serial.
func MFADevicesOf(ctx context.Context, tx *store.Tx, account arn.AccountID, userID string) ([]MFADevice, error) {
	rows, err := tx.Query(ctx, `SELECT `+mfaColumns+` FROM iam_mfa_devices WHERE account = $1 AND user_id = $2 ORDER BY serial`, account, userID)
	return store.ReadAll(rows, err, scanMFADevice)
}

// MFADevices lists the devices of an account by serial.
func MFADevices(ctx context.Context, tx *store.Tx, account arn.AccountID) ([]MFADevice, error) {
	rows, err := tx.Query(ctx, `SELECT `+mfaColumns+` FROM iam_mfa_devices WHERE account = $1 ORDER BY serial`, account)
	return store.ReadAll(rows, err, scanMFADevice)
}

// DeleteMFADevice removes a device and its tags.
func DeleteMFADevice(ctx context.Context, tx *store.Tx, d MFADevice) error {
	if _, err := tx.Exec(ctx, `DELETE FROM iam_tags WHERE account = $1 AND owner = $2`, d.Account, d.ID); err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_mfa_devices WHERE account = $1 AND serial = $2`, d.Account, d.Serial))
}
