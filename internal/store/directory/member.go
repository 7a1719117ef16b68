package directory

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// JoinedMethod says how an account came into its organization.
type JoinedMethod string

// The ways into an organization.
const (
	Invited JoinedMethod = "INVITED"
	Created JoinedMethod = "CREATED"
)

// Member is an account as a part of an organization, management account
// included.
type Member struct {
	Account
	Org    OrganizationID
	Parent string
	// Path is the account's whole path, such as "o-x/r-y/ou-y-a/111122223333/".
	Path         string
	JoinedMethod JoinedMethod
	JoinedAt     time.Time
}

const selectMember = `SELECT ` + accountColumns + `, m.org, m.parent, m.joined_method, m.joined_at,
		COALESCE(u.path, o.id || '/' || o.root || '/')
	FROM organization_accounts m
	JOIN accounts a ON a.id = m.account
	JOIN organizations o ON o.id = m.org
	LEFT JOIN organizational_units u ON u.org = m.org AND u.id = m.parent
	`

func scanMember(s store.Scanner) (Member, error) {
	var m Member
	var created, closed, joined int64
	err := s.Scan(&m.ID, &m.Email, &m.Name, &m.State, &created, &closed,
		&m.Org, &m.Parent, &m.JoinedMethod, &joined, &m.Path)
	m.CreatedAt, m.ClosedAt, m.JoinedAt = store.TimeOrNever(created), store.TimeOrNever(closed), store.TimeOrNever(joined)
	m.Path += string(m.ID) + "/"
	return m, err
}

// AddMember puts an account into an organization, under a parent.
func AddMember(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, parent string, how JoinedMethod, now time.Time) error {
	return tx.InsertNew(ctx, `INSERT INTO organization_accounts (account, org, parent, joined_method, joined_at)
		VALUES ($1, $2, $3, $4, $5)`, account, org, parent, how, store.MicrosOrNever(now))
}

// LookupMember returns an account of an organization.
func LookupMember(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID) (Member, error) {
	return store.ReadOne(tx.QueryRow(ctx, selectMember+`WHERE m.account = $1 AND m.org = $2`, account, org), scanMember)
}

// Members returns up to limit accounts of an organization after an id.
func Members(ctx context.Context, tx *store.Tx, org OrganizationID, after arn.AccountID, limit int) ([]Member, error) {
	rows, err := tx.Query(ctx, selectMember+`WHERE m.org = $1 AND m.account > $2 ORDER BY m.account LIMIT $3`,
		org, after, limit)
	return store.ReadAll(rows, err, scanMember)
}

// MembersUnder returns up to limit accounts directly under a parent.
func MembersUnder(ctx context.Context, tx *store.Tx, org OrganizationID, parent string, after arn.AccountID, limit int) ([]Member, error) {
	rows, err := tx.Query(ctx, selectMember+`WHERE m.org = $1 AND m.parent = $2 AND m.account > $3
		ORDER BY m.account LIMIT $4`, org, parent, after, limit)
	return store.ReadAll(rows, err, scanMember)
}

// CountMembers counts the accounts of an organization, whatever their state.
func CountMembers(ctx context.Context, tx *store.Tx, org OrganizationID) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM organization_accounts WHERE org = $1`, org), store.ScanCount)
}

// CountMembersInState counts the accounts of an organization in one state.
func CountMembersInState(ctx context.Context, tx *store.Tx, org OrganizationID, state State) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM organization_accounts m JOIN accounts a ON a.id = m.account
		WHERE m.org = $1 AND a.state = $2`, org, state), store.ScanCount)
}

// CountClosedSince counts an organization's closures asked for since a time.
func CountClosedSince(ctx context.Context, tx *store.Tx, org OrganizationID, since time.Time) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM organization_accounts m JOIN accounts a ON a.id = m.account
		WHERE m.org = $1 AND a.closed_at >= $2`, org, store.MicrosOrNever(since)), store.ScanCount)
}

// MoveMember puts an account of an organization under another parent.
func MoveMember(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID, parent string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE organization_accounts SET parent = $3 WHERE account = $1 AND org = $2`,
		account, org, parent))
}

// RemoveMember takes an account out of its organization.
func RemoveMember(ctx context.Context, tx *store.Tx, org OrganizationID, account arn.AccountID) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM organization_accounts WHERE account = $1 AND org = $2`, account, org))
}
