package activation

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Relationship is the state of a member's association with its administrator.
type Relationship string

// The relationships that muster produces.
const (
	// SettingUp, AWS's "CREATED": associated, not everything is in place yet.
	SettingUp Relationship = "CREATED"
	// Associated, AWS's "ENABLED".
	Associated Relationship = "ENABLED"
	// Removed: disassociated again.
	Removed Relationship = "REMOVED"
	// AccountSuspended: associated, but the account is suspended or closing.
	AccountSuspended Relationship = "ACCOUNT_SUSPENDED"
	// RegionDisabled: associated, but the account has opted out of the Region.
	RegionDisabled Relationship = "REGION_DISABLED"
	// Gone, AWS's "DELETED": the account has left the organization.
	Gone Relationship = "DELETED"
)

// Associated reports whether the relationship lets the administrator act.
func (r Relationship) Associated() bool {
	return r == SettingUp || r == Associated || r == AccountSuspended || r == RegionDisabled
}

// associated is Relationship.Associated in SQL.
const associated = `relationship IN ('CREATED', 'ENABLED', 'ACCOUNT_SUSPENDED', 'REGION_DISABLED')`

// Member is an account's relationship with an administrator in a Region.
type Member struct {
	Administrator arn.AccountID
	Region        arn.Region
	Account       arn.AccountID
	Relationship  Relationship
	UpdatedAt     time.Time
}

const memberColumns = `administrator, region, account, relationship, updated_at`

func scanMember(s store.Scanner) (Member, error) {
	var m Member
	var at int64
	err := s.Scan(&m.Administrator, &m.Region, &m.Account, &m.Relationship, &at)
	m.UpdatedAt = store.Time(at)
	return m, err
}

// PutMember sets a relationship.
func PutMember(ctx context.Context, tx *store.Tx, m Member) error {
	had, err := LookupMember(ctx, tx, m.Administrator, m.Region, m.Account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inspector_members (`+memberColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (administrator, region, account) DO UPDATE
		SET relationship = excluded.relationship, updated_at = excluded.updated_at`,
		m.Administrator, m.Region, m.Account, m.Relationship, store.Micros(m.UpdatedAt))
	if err != nil {
		return err
	}
	return count(ctx, tx, m, had.Relationship, m.Relationship)
}

// count keeps the number of associated members when one changes.
func count(ctx context.Context, tx *store.Tx, m Member, from, to Relationship) error {
	if from.Associated() == to.Associated() {
		return nil
	}
	change := 1
	if from.Associated() {
		change = -1
	}
	_, err := tx.Exec(ctx, `INSERT INTO inspector_member_counts (administrator, region, members) VALUES ($1, $2, $3)
		ON CONFLICT (administrator, region) DO UPDATE
		SET members = inspector_member_counts.members + excluded.members`, m.Administrator, m.Region, change)
	return err
}

// LookupMember returns an account's relationship, ended ones included.
func LookupMember(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, account arn.AccountID) (Member, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+memberColumns+` FROM inspector_members
		WHERE administrator = $1 AND region = $2 AND account = $3`, administrator, region, account), scanMember)
}

// LookupMembers returns the relationships of the accounts named, by account;
// those without one are not in the map.
func LookupMembers(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, accounts []arn.AccountID) (map[arn.AccountID]Member, error) {
	var w store.Where
	w.Add("administrator = ?", administrator)
	w.Add("region = ?", region)
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT `+memberColumns+` FROM inspector_members`+w.SQL(), w.Args()...)
	list, err := store.ReadAll(rows, err, scanMember)
	found := make(map[arn.AccountID]Member, len(list))
	for _, m := range list {
		found[m.Account] = m
	}
	return found, err
}

// MembersPage returns up to limit associated members after an account.
func MembersPage(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, after arn.AccountID, limit int) ([]Member, error) {
	rows, err := tx.Query(ctx, `SELECT `+memberColumns+` FROM inspector_members
		WHERE administrator = $1 AND region = $2 AND account > $3 AND `+associated+`
		ORDER BY account LIMIT $4`, administrator, region, after, limit)
	return store.ReadAll(rows, err, scanMember)
}

// RelationsPage returns up to limit relationships after an account, ended ones
// included.
func RelationsPage(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, after arn.AccountID, limit int) ([]Member, error) {
	rows, err := tx.Query(ctx, `SELECT `+memberColumns+` FROM inspector_members
		WHERE administrator = $1 AND region = $2 AND account > $3 ORDER BY account LIMIT $4`,
		administrator, region, after, limit)
	return store.ReadAll(rows, err, scanMember)
}

// CountMembers tells how many members are associated.
func CountMembers(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region) (int, error) {
	n, err := store.ReadOne(tx.QueryRow(ctx, `SELECT members FROM inspector_member_counts
		WHERE administrator = $1 AND region = $2`, administrator, region), store.ScanCount)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return n, err
}

// SetUpMembers ends the setting up of the members in it since a time or
// longer.
func SetUpMembers(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region, since, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE inspector_members SET relationship = 'ENABLED', updated_at = $4
		WHERE administrator = $1 AND region = $2 AND relationship = 'CREATED' AND updated_at <= $3`,
		administrator, region, store.Micros(since), store.Micros(now))
	return err
}

// OldestInSetup returns when the oldest member that is being set up began to
// be; store.ErrNotFound when there is none.
func OldestInSetup(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region) (time.Time, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT updated_at FROM inspector_members
		WHERE administrator = $1 AND region = $2 AND relationship = 'CREATED'
		ORDER BY updated_at LIMIT 1`, administrator, region), scanTime)
}

func scanTime(s store.Scanner) (time.Time, error) {
	var at int64
	err := s.Scan(&at)
	return store.Time(at), err
}

// RelationsOf returns an account's relationships in every Region and with
// every administrator, ended ones included.
func RelationsOf(ctx context.Context, tx *store.Tx, account arn.AccountID) ([]Member, error) {
	rows, err := tx.Query(ctx, `SELECT `+memberColumns+` FROM inspector_members
		WHERE account = $1 ORDER BY region, administrator`, account)
	return store.ReadAll(rows, err, scanMember)
}

// DeleteMember forgets a relationship.
func DeleteMember(ctx context.Context, tx *store.Tx, m Member) error {
	was, err := store.ReadOne(tx.QueryRow(ctx, `DELETE FROM inspector_members
		WHERE administrator = $1 AND region = $2 AND account = $3 RETURNING relationship`,
		m.Administrator, m.Region, m.Account), scanRelationship)
	if err != nil {
		return err
	}
	return count(ctx, tx, m, was, "")
}

func scanRelationship(s store.Scanner) (Relationship, error) {
	var r Relationship
	err := s.Scan(&r)
	return r, err
}

// AdministratorOf returns the account whose rules and settings apply to an
// account in a Region: its administrator while it is an associated member of
// one that is designated, else store.ErrNotFound.
func AdministratorOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (arn.AccountID, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT m.administrator FROM inspector_members m
		JOIN organization_accounts o ON o.account = m.account
		JOIN inspector_designations d ON d.org = o.org AND d.region = m.region AND d.account = m.administrator
		WHERE m.account = $1 AND m.region = $2 AND d.status = 'ENABLED' AND m.`+associated, account, region), scanAccount)
}

// AdministratorsOf is AdministratorOf for many accounts; those that have none
// are left out.
func AdministratorsOf(ctx context.Context, tx *store.Tx, accounts []arn.AccountID, region arn.Region) (map[arn.AccountID]arn.AccountID, error) {
	found := map[arn.AccountID]arn.AccountID{}
	var w store.Where
	w.Add("m.region = ?", region)
	w.Add("d.status = 'ENABLED'")
	w.Add("m." + associated)
	store.In(&w, "m.account", accounts...)
	rows, err := tx.Query(ctx, `SELECT m.account, m.administrator FROM inspector_members m
		JOIN organization_accounts o ON o.account = m.account
		JOIN inspector_designations d ON d.org = o.org AND d.region = m.region AND d.account = m.administrator`+w.SQL(), w.Args()...)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (of arn.AccountID, err error) {
		var administrator arn.AccountID
		err = s.Scan(&of, &administrator)
		found[of] = administrator
		return of, err
	})
	return found, err
}

func scanAccount(s store.Scanner) (arn.AccountID, error) {
	var a arn.AccountID
	err := s.Scan(&a)
	return a, err
}
