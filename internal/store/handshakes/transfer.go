package handshakes

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// TransferStatus is a transfer's status in AWS's words.
type TransferStatus string

// The statuses of a transfer.
const (
	TransferRequested TransferStatus = "REQUESTED"
	TransferDeclined  TransferStatus = "DECLINED"
	TransferCanceled  TransferStatus = "CANCELED"
	TransferExpired   TransferStatus = "EXPIRED"
	TransferAccepted  TransferStatus = "ACCEPTED"
	TransferWithdrawn TransferStatus = "WITHDRAWN"
)

// Transfer is a responsibility of one organization, the source, that another
// one, the target, takes on.
type Transfer struct {
	ID        string
	Type      string
	Name      string
	Status    TransferStatus
	Handshake string
	TargetOrg directory.OrganizationID
	// Target and Source are the management accounts. Source and SourceOrg
	// may be empty while only SourceEmail is known.
	Target      arn.AccountID
	SourceOrg   directory.OrganizationID
	Source      arn.AccountID
	SourceEmail string
	CreatedAt   time.Time
	StartAt     time.Time
	// EndAt is zero unless the transfer is withdrawn.
	EndAt time.Time
	// ExpiresAt is when an unanswered offer expires.
	ExpiresAt time.Time
}

// Place is the transfer's place in lists.
func (t Transfer) Place() Place { return Place{t.CreatedAt, t.ID} }

const transferColumns = `t.id, t.type, t.name, t.status, t.handshake, t.target_org, t.target, t.source_org, t.source,
	t.source_email, t.created_at, t.start_at, t.end_at, t.expires_at`

func scanTransfer(scan func(...any) error) (Transfer, error) {
	var t Transfer
	var created, start, end, expires int64
	err := scan(&t.ID, &t.Type, &t.Name, &t.Status, &t.Handshake, &t.TargetOrg, &t.Target, &t.SourceOrg, &t.Source,
		&t.SourceEmail, &created, &start, &end, &expires)
	t.CreatedAt, t.StartAt, t.EndAt, t.ExpiresAt = store.TimeOrNever(created), store.TimeOrNever(start), store.TimeOrNever(end), store.TimeOrNever(expires)
	return t, err
}

func allTransfers(rows *sql.Rows, err error) ([]Transfer, error) {
	return store.All(rows, err, func(r *sql.Rows) (Transfer, error) { return scanTransfer(r.Scan) })
}

// PutTransfer writes a transfer, whether it is there or not.
func PutTransfer(ctx context.Context, tx *store.Tx, t Transfer) error {
	_, err := tx.Exec(ctx, `INSERT INTO responsibility_transfers (id, type, name, status, handshake, target_org, target,
			source_org, source, source_email, source_email_key, created_at, start_at, end_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status,
			source_org = excluded.source_org, source = excluded.source, source_email = excluded.source_email,
			source_email_key = excluded.source_email_key, end_at = excluded.end_at`,
		t.ID, t.Type, t.Name, t.Status, t.Handshake, t.TargetOrg, t.Target,
		t.SourceOrg, t.Source, t.SourceEmail, directory.EmailKey(t.SourceEmail),
		store.MicrosOrNever(t.CreatedAt), store.MicrosOrNever(t.StartAt), store.MicrosOrNever(t.EndAt), store.MicrosOrNever(t.ExpiresAt))
	return err
}

// LookupTransfer returns the transfer of an id.
func LookupTransfer(ctx context.Context, tx *store.Tx, id string) (Transfer, error) {
	row := tx.QueryRow(ctx, `SELECT `+transferColumns+` FROM responsibility_transfers t WHERE t.id = $1`, id)
	return scanTransfer(func(dest ...any) error { return store.One(row, dest...) })
}

// Inbound returns up to limit transfers to an organization, offers included:
// all of a type or, with an id, that one.
func Inbound(ctx context.Context, tx *store.Tx, org directory.OrganizationID, kind, id string, after Place, limit int) ([]Transfer, error) {
	rows, err := tx.Query(ctx, `SELECT `+transferColumns+` FROM responsibility_transfers t
		WHERE t.target_org = $1 AND t.type = $2 AND ($3 = '' OR t.id = $3) AND (t.created_at, t.id) > ($4, $5)
		ORDER BY t.created_at, t.id LIMIT $6`, org, kind, id, store.MicrosOrNever(after.Time), after.ID, limit)
	return allTransfers(rows, err)
}

// Outbound returns up to limit transfers of a management account's
// organization to others, offers to its id or address included.
func Outbound(ctx context.Context, tx *store.Tx, source arn.AccountID, email, kind string, after Place, limit int) ([]Transfer, error) {
	rows, err := tx.Query(ctx, `SELECT `+transferColumns+` FROM responsibility_transfers t
		WHERE (t.source = $1 OR t.source = '' AND t.source_email_key = $2) AND t.type = $3
			AND (t.created_at, t.id) > ($4, $5)
		ORDER BY t.created_at, t.id LIMIT $6`, source, directory.EmailKey(email), kind, store.MicrosOrNever(after.Time), after.ID, limit)
	return allTransfers(rows, err)
}

// CountInbound counts the transfers to an organization that are offered or
// have not ended.
func CountInbound(ctx context.Context, tx *store.Tx, org directory.OrganizationID, now time.Time) (int, error) {
	return count(ctx, tx, `SELECT COUNT(*) FROM responsibility_transfers WHERE target_org = $1
		AND (status = $2 AND expires_at > $5 OR status = $3 OR status = $4 AND end_at > $5)`,
		org, TransferRequested, TransferAccepted, TransferWithdrawn, store.MicrosOrNever(now))
}

// InForce returns the transfers from a management account's organization that
// were agreed on and have not ended: one, as a rule, or none.
func InForce(ctx context.Context, tx *store.Tx, source arn.AccountID, now time.Time) ([]Transfer, error) {
	rows, err := tx.Query(ctx, `SELECT `+transferColumns+` FROM responsibility_transfers t
		WHERE t.source = $1 AND (t.status = $2 OR t.status = $3 AND t.end_at > $4) ORDER BY t.created_at, t.id`,
		source, TransferAccepted, TransferWithdrawn, store.MicrosOrNever(now))
	return allTransfers(rows, err)
}

// InForceTo returns up to limit transfers to a management account's
// organization that were agreed on and have not ended.
func InForceTo(ctx context.Context, tx *store.Tx, target arn.AccountID, now time.Time, limit int) ([]Transfer, error) {
	rows, err := tx.Query(ctx, `SELECT `+transferColumns+` FROM responsibility_transfers t
		WHERE t.target_org IN (SELECT id FROM organizations WHERE management = $1)
			AND (t.status = $2 OR t.status = $3 AND t.end_at > $4) ORDER BY t.created_at, t.id LIMIT $5`,
		target, TransferAccepted, TransferWithdrawn, store.MicrosOrNever(now), limit)
	return allTransfers(rows, err)
}

// Transferring reports whether an organization takes part in a transfer that
// is offered or has not ended.
func Transferring(ctx context.Context, tx *store.Tx, org directory.OrganizationID, management arn.AccountID, now time.Time) (bool, error) {
	n, err := CountInbound(ctx, tx, org, now)
	if err != nil || n > 0 {
		return n > 0, err
	}
	n, err = count(ctx, tx, `SELECT COUNT(*) FROM responsibility_transfers WHERE source = $1
		AND (status = $2 AND expires_at > $5 OR status = $3 OR status = $4 AND end_at > $5)`,
		management, TransferRequested, TransferAccepted, TransferWithdrawn, store.MicrosOrNever(now))
	return n > 0, err
}
