package directory

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// TrustedService is a service with trusted access to an organization.
type TrustedService struct {
	Principal string
	EnabledAt time.Time
}

func scanTrustedService(s store.Scanner) (TrustedService, error) {
	var t TrustedService
	var enabled int64
	err := s.Scan(&t.Principal, &enabled)
	t.EnabledAt = store.TimeOrNever(enabled)
	return t, err
}

// LookupTrustedService returns the trusted access of a service.
func LookupTrustedService(ctx context.Context, tx *store.Tx, org OrganizationID, principal string) (TrustedService, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT principal, enabled_at FROM trusted_services WHERE org = $1 AND principal = $2`,
		org, principal), scanTrustedService)
}

// TrustedServices returns up to limit services with access after a principal.
func TrustedServices(ctx context.Context, tx *store.Tx, org OrganizationID, after string, limit int) ([]TrustedService, error) {
	rows, err := tx.Query(ctx, `SELECT principal, enabled_at FROM trusted_services
		WHERE org = $1 AND principal > $2 ORDER BY principal LIMIT $3`, org, after, limit)
	return store.ReadAll(rows, err, scanTrustedService)
}

// InsertTrustedService records trusted access; a former date is kept.
func InsertTrustedService(ctx context.Context, tx *store.Tx, org OrganizationID, t TrustedService) (inserted bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO trusted_services (org, principal, enabled_at) VALUES ($1, $2, $3)
		ON CONFLICT (org, principal) DO NOTHING`, org, t.Principal, store.MicrosOrNever(t.EnabledAt))
	return n > 0, err
}

// DeleteTrustedService forgets trusted access.
func DeleteTrustedService(ctx context.Context, tx *store.Tx, org OrganizationID, principal string) (deleted bool, err error) {
	n, err := tx.Exec(ctx, `DELETE FROM trusted_services WHERE org = $1 AND principal = $2`, org, principal)
	return n > 0, err
}

// Origin says who registered a delegated administrator.
type Origin string

// The origins of a registration.
const (
	Explicit    Origin = "explicit"
	ByInspector Origin = "inspector"
)

// Delegation is the registration of an account as a service's administrator.
type Delegation struct {
	Principal string
	Account   arn.AccountID
	Origin    Origin
	EnabledAt time.Time
}

const delegationColumns = `principal, account, origin, enabled_at`

func scanDelegation(s store.Scanner) (Delegation, error) {
	var d Delegation
	var enabled int64
	err := s.Scan(&d.Principal, &d.Account, &d.Origin, &enabled)
	d.EnabledAt = store.TimeOrNever(enabled)
	return d, err
}

// InsertDelegation records a registration.
func InsertDelegation(ctx context.Context, tx *store.Tx, org OrganizationID, d Delegation) error {
	return tx.InsertNew(ctx, `INSERT INTO delegated_administrators (org, `+delegationColumns+`) VALUES ($1, $2, $3, $4, $5)`,
		org, d.Principal, d.Account, d.Origin, store.MicrosOrNever(d.EnabledAt))
}

// DeleteDelegation forgets a registration; store.ErrNotFound if there is none.
func DeleteDelegation(ctx context.Context, tx *store.Tx, org OrganizationID, principal string, account arn.AccountID) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM delegated_administrators WHERE org = $1 AND principal = $2 AND account = $3`,
		org, principal, account))
}

// DelegationsTo returns the registrations for one service, by account.
func DelegationsTo(ctx context.Context, tx *store.Tx, org OrganizationID, principal string) ([]Delegation, error) {
	rows, err := tx.Query(ctx, `SELECT `+delegationColumns+` FROM delegated_administrators
		WHERE org = $1 AND principal = $2 ORDER BY account`, org, principal)
	return store.ReadAll(rows, err, scanDelegation)
}

// DelegationsOf returns up to limit registrations of one account.
func DelegationsOf(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, after string, limit int) ([]Delegation, error) {
	rows, err := tx.Query(ctx, `SELECT `+delegationColumns+` FROM delegated_administrators
		WHERE org = $1 AND account = $2 AND principal > $3 ORDER BY principal LIMIT $4`, org, account, after, limit)
	return store.ReadAll(rows, err, scanDelegation)
}

// CountDelegationsOf counts the services an account is registered for.
func CountDelegationsOf(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM delegated_administrators WHERE org = $1 AND account = $2`,
		org, account), store.ScanCount)
}

// Administrator is an account registered for at least one service.
type Administrator struct {
	Account arn.AccountID
	// EnabledAt is the first registration's date.
	EnabledAt time.Time
}

func scanAdministrator(s store.Scanner) (Administrator, error) {
	var a Administrator
	var enabled int64
	err := s.Scan(&a.Account, &enabled)
	a.EnabledAt = store.TimeOrNever(enabled)
	return a, err
}

// Administrators returns up to limit accounts with a registration, for one
// service or, when principal is empty, for any, after an account.
func Administrators(ctx context.Context, tx *store.Tx, org OrganizationID, principal string, after arn.AccountID, limit int) ([]Administrator, error) {
	rows, err := tx.Query(ctx, `SELECT account, MIN(enabled_at) FROM delegated_administrators
		WHERE org = $1 AND account > $2 AND ($3 = '' OR principal = $3)
		GROUP BY account ORDER BY account LIMIT $4`, org, after, principal, limit)
	return store.ReadAll(rows, err, scanAdministrator)
}
