package handshakes

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Filter narrows a list; empty members mean any.
type Filter struct {
	Action Action
	Parent string
	// Since leaves out what finished before.
	Since time.Time
}

func allHandshakes(rows *sql.Rows, err error) ([]Handshake, error) {
	return store.All(rows, err, func(r *sql.Rows) (Handshake, error) { return scanHandshake(r.Scan) })
}

// SentBy returns up to limit handshakes that an organization sent.
func SentBy(ctx context.Context, tx *store.Tx, org directory.OrganizationID, f Filter, after Place, limit int) ([]Handshake, error) {
	rows, err := tx.Query(ctx, `SELECT `+handshakeColumns+` FROM handshakes h
		WHERE h.org = $1 AND ($2 = '' OR h.action = $2) AND ($3 = '' OR h.parent = $3)
			AND (h.finished_at = 0 OR h.finished_at > $4) AND (h.requested_at, h.id) > ($5, $6)
		ORDER BY h.requested_at, h.id LIMIT $7`,
		org, f.Action, f.Parent, store.MicrosOrNever(f.Since), store.MicrosOrNever(after.Time), after.ID, limit)
	return allHandshakes(rows, err)
}

// SentTo returns up to limit handshakes whose recipient is an account, by its
// id or its address.
func SentTo(ctx context.Context, tx *store.Tx, account arn.AccountID, email string, f Filter, after Place, limit int) ([]Handshake, error) {
	rows, err := tx.Query(ctx, `SELECT `+handshakeColumns+` FROM handshakes h
		WHERE (h.account = $1 OR h.email_key = $2 AND h.email_key <> '') AND ($3 = '' OR h.action = $3) AND ($4 = '' OR h.parent = $4)
			AND (h.finished_at = 0 OR h.finished_at > $5) AND (h.requested_at, h.id) > ($6, $7)
		ORDER BY h.requested_at, h.id LIMIT $8`,
		account, directory.EmailKey(email), f.Action, f.Parent, store.MicrosOrNever(f.Since), store.MicrosOrNever(after.Time), after.ID, limit)
	return allHandshakes(rows, err)
}

// PendingTo reports whether an organization awaits an answer to an action from
// an account or address; either may be empty.
func PendingTo(ctx context.Context, tx *store.Tx, org directory.OrganizationID, action Action, account arn.AccountID, email string, now time.Time) (bool, error) {
	n, err := count(ctx, tx, `SELECT COUNT(*) FROM handshakes WHERE org = $1 AND action = $2 AND state = $3 AND expires_at > $4
		AND (account = $5 AND account <> '' OR email_key = $6 AND email_key <> '')`,
		org, action, Requested, store.MicrosOrNever(now), account, directory.EmailKey(email))
	return n > 0, err
}

// PendingOf returns an organization's handshakes of an action that await an
// answer, oldest first, up to limit.
func PendingOf(ctx context.Context, tx *store.Tx, org directory.OrganizationID, action Action, now time.Time, limit int) ([]Handshake, error) {
	rows, err := tx.Query(ctx, `SELECT `+handshakeColumns+` FROM handshakes h
		WHERE h.org = $1 AND h.action = $2 AND h.state = $3 AND h.expires_at > $4 ORDER BY h.requested_at, h.id LIMIT $5`,
		org, action, Requested, store.MicrosOrNever(now), limit)
	return allHandshakes(rows, err)
}

// CountPending counts an organization's handshakes of an action that await an
// answer.
func CountPending(ctx context.Context, tx *store.Tx, org directory.OrganizationID, action Action, now time.Time) (int, error) {
	return count(ctx, tx, `SELECT COUNT(*) FROM handshakes WHERE org = $1 AND action = $2 AND state = $3 AND expires_at > $4`,
		org, action, Requested, store.MicrosOrNever(now))
}

// CountUnacceptedSince counts an organization's handshakes of an action that
// were sent since a time and not accepted.
func CountUnacceptedSince(ctx context.Context, tx *store.Tx, org directory.OrganizationID, action Action, since time.Time) (int, error) {
	return count(ctx, tx, `SELECT COUNT(*) FROM handshakes WHERE org = $1 AND action = $2 AND state <> $3 AND requested_at > $4`,
		org, action, Accepted, store.MicrosOrNever(since))
}

// CountOutstanding counts the approvals of a handshake that are not given by
// accounts that still belong to the organization and are not closing.
func CountOutstanding(ctx context.Context, tx *store.Tx, parent string) (int, error) {
	return count(ctx, tx, `SELECT COUNT(*) FROM handshakes h
		JOIN organization_accounts m ON m.account = h.account AND m.org = h.org
		JOIN accounts a ON a.id = h.account
		WHERE h.parent = $1 AND h.state <> $2 AND a.state NOT IN ($3, $4)`,
		parent, Accepted, directory.PendingClosure, directory.Closed)
}
