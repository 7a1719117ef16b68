package survey

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

// Found are accounts that a question is about: the first of them, by id, and
// how many they are.
type Found struct {
	Accounts []arn.AccountID
	Count    int
}

// found reads ids, all of them, and keeps the first.
func found(rows *sql.Rows, err error, most int) (Found, error) {
	ids, err := store.All(rows, err, store.Text)
	f := Found{Count: len(ids)}
	for _, id := range ids[:min(most, len(ids))] {
		f.Accounts = append(f.Accounts, arn.AccountID(id))
	}
	return f, err
}

// notClosed leaves out accounts that have opted out of a Region.
const notClosed = `NOT EXISTS (SELECT 1 FROM inspector_closed_regions x WHERE x.account = o.account AND x.region = $2)`

// Unassociated finds the active accounts of an organization that are not
// members of its administrator in a Region; the administrator is none.
func Unassociated(ctx context.Context, tx *store.Tx, org directory.OrganizationID, region arn.Region, administrator arn.AccountID, most int) (Found, error) {
	rows, err := tx.Query(ctx, `SELECT o.account FROM organization_accounts o JOIN accounts a ON a.id = o.account
		WHERE o.org = $1 AND a.state = 'ACTIVE' AND o.account <> $3 AND `+notClosed+`
		AND NOT EXISTS (SELECT 1 FROM inspector_members m WHERE m.administrator = $3 AND m.region = $2 AND m.account = o.account
			AND m.relationship IN ('CREATED', 'ENABLED', 'ACCOUNT_SUSPENDED', 'REGION_DISABLED'))
		ORDER BY o.account`, org, region, administrator)
	return found(rows, err, most)
}

// NotActive finds the accounts of an organization in a state other than
// active.
func NotActive(ctx context.Context, tx *store.Tx, org directory.OrganizationID, most int) (Found, error) {
	rows, err := tx.Query(ctx, `SELECT o.account FROM organization_accounts o JOIN accounts a ON a.id = o.account
		WHERE o.org = $1 AND a.state <> 'ACTIVE' ORDER BY o.account`, org)
	return found(rows, err, most)
}

// bit makes sets of scan types numbers.
func bit(t activation.ScanType) int {
	for i, other := range activation.ScanTypes() {
		if other == t {
			return 1 << i
		}
	}
	return 0
}

// Lacking is an account with the types that are on, or becoming so.
type Lacking struct {
	Account arn.AccountID
	on      int
}

// Has reports whether a type is on.
func (l Lacking) Has(t activation.ScanType) bool { return l.on&bit(t) != 0 }

// Lack finds the members of an administrator in a Region, and the
// administrator itself, for whom some of the types are not on. Suspended
// accounts cannot have them.
func Lack(ctx context.Context, tx *store.Tx, region arn.Region, administrator arn.AccountID, types []activation.ScanType) ([]Lacking, error) {
	want := 0
	for _, t := range types {
		want |= bit(t)
	}
	rows, err := tx.Query(ctx, `WITH wanted AS (
			SELECT account FROM inspector_members WHERE administrator = $1 AND region = $2 AND relationship IN ('CREATED', 'ENABLED')
			UNION SELECT id FROM accounts WHERE id = $1 AND state = 'ACTIVE')
		SELECT account, types FROM (SELECT w.account AS account, CAST(COALESCE(SUM(CASE c.type
				WHEN 'EC2' THEN 1 WHEN 'ECR' THEN 2 WHEN 'LAMBDA' THEN 4 WHEN 'LAMBDA_CODE' THEN 8 WHEN 'CODE_REPOSITORY' THEN 16 ELSE 0 END), 0) AS BIGINT) AS types
			FROM wanted w LEFT JOIN inspector_scans c ON c.account = w.account AND c.region = $2 AND c.status IN ('ENABLED', 'ENABLING')
			GROUP BY w.account) sums
		WHERE (types & CAST($3 AS BIGINT)) <> CAST($3 AS BIGINT) ORDER BY account`, administrator, region, want)
	return store.All(rows, err, func(r *sql.Rows) (l Lacking, err error) {
		err = r.Scan(&l.Account, &l.on)
		return l, err
	})
}

// Unsettled is a scan type whose transition hangs or has failed.
type Unsettled struct {
	Account arn.AccountID
	Type    activation.ScanType
	Status  activation.Status
	// ErrorCode is why it failed; empty while it hangs.
	ErrorCode string
}

// scope are the accounts whose scans an answer is about: an organization's, or
// one that stands alone.
const scope = `(c.account = $2 OR c.account IN (SELECT account FROM organization_accounts WHERE org = $3))`

// UnsettledScans finds the scan types of an organization, or of one account,
// in a Region, that are in transition since before a time or whose activation
// has failed.
func UnsettledScans(ctx context.Context, tx *store.Tx, region arn.Region, account arn.AccountID, org directory.OrganizationID, since time.Time) ([]Unsettled, error) {
	rows, err := tx.Query(ctx, `SELECT c.account, c.type, c.status, c.error_code FROM inspector_scans c
		WHERE c.region = $1 AND `+scope+`
		AND (c.status IN ('ENABLING', 'DISABLING', 'SUSPENDING') AND c.changed_at < $4 OR c.status = 'DISABLED' AND c.error_code <> '')
		ORDER BY c.account, c.type`, region, account, org, store.Micros(since))
	return store.All(rows, err, func(r *sql.Rows) (u Unsettled, err error) {
		err = r.Scan(&u.Account, &u.Type, &u.Status, &u.ErrorCode)
		return u, err
	})
}

// WithoutRole finds the accounts with scans on in a Region, of an organization
// or one account, that lack a service's role.
func WithoutRole(ctx context.Context, tx *store.Tx, region arn.Region, account arn.AccountID, org directory.OrganizationID, service string, most int) (Found, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT c.account FROM inspector_scans c
		WHERE c.region = $1 AND `+scope+` AND c.status IN ('ENABLED', 'ENABLING')
		AND NOT EXISTS (SELECT 1 FROM iam_roles r WHERE r.account = c.account AND r.service = $4)
		ORDER BY c.account`, region, account, org, service)
	return found(rows, err, most)
}

// ActiveRegions lists the Regions in which an account scans anything.
func ActiveRegions(ctx context.Context, tx *store.Tx, account arn.AccountID) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT region FROM inspector_scans WHERE account = $1 AND status <> 'DISABLED' ORDER BY region`, account)
	return store.All(rows, err, store.Text)
}

// SuspendedMembers finds the members of an administrator in a Region whose
// accounts are suspended or closing.
func SuspendedMembers(ctx context.Context, tx *store.Tx, region arn.Region, administrator arn.AccountID, most int) (Found, error) {
	rows, err := tx.Query(ctx, `SELECT account FROM inspector_members
		WHERE administrator = $1 AND region = $2 AND relationship = 'ACCOUNT_SUSPENDED' ORDER BY account`, administrator, region)
	return found(rows, err, most)
}
