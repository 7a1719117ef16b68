package handshakes

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Action says what a handshake is about, in AWS's words.
type Action string

// The actions that muster's handshakes have.
const (
	Invite                 Action = "INVITE"
	EnableAllFeatures      Action = "ENABLE_ALL_FEATURES"
	ApproveAllFeatures     Action = "APPROVE_ALL_FEATURES"
	TransferResponsibility Action = "TRANSFER_RESPONSIBILITY"
)

// State is a handshake's state in AWS's words.
type State string

// The states of a handshake. Open is never stored: it is what a request for
// all features is in once everybody has consented.
const (
	Requested State = "REQUESTED"
	Open      State = "OPEN"
	Canceled  State = "CANCELED"
	Accepted  State = "ACCEPTED"
	Declined  State = "DECLINED"
	Expired   State = "EXPIRED"
)

// Handshake is an offer of an organization to one recipient.
type Handshake struct {
	ID string
	// Org sent it, and Management was its management account.
	Org        directory.OrganizationID
	Management arn.AccountID
	Action     Action
	State      State
	// Account or Email is the recipient, as the sender named it.
	Account arn.AccountID
	Email   string
	// Parent is the handshake that an approval belongs to.
	Parent string
	// Transfer is what a TRANSFER_RESPONSIBILITY handshake offers.
	Transfer string
	Notes    string
	// Tags are put on what comes of it.
	Tags        map[string]string
	RequestedAt time.Time
	ExpiresAt   time.Time
	// FinishedAt is zero while an answer is awaited.
	FinishedAt time.Time
}

// Pending reports whether the handshake awaits an answer at a time.
func (h Handshake) Pending(now time.Time) bool {
	return h.State == Requested && now.Before(h.ExpiresAt)
}

// Place is the handshake's place in lists.
func (h Handshake) Place() Place { return Place{h.RequestedAt, h.ID} }

const handshakeColumns = `h.id, h.org, h.management, h.action, h.state, h.account, h.email, h.parent, h.transfer,
	h.notes, h.tags, h.requested_at, h.expires_at, h.finished_at`

func scanHandshake(scan func(...any) error) (Handshake, error) {
	var h Handshake
	var tags string
	var requested, expires, finished int64
	err := scan(&h.ID, &h.Org, &h.Management, &h.Action, &h.State, &h.Account, &h.Email, &h.Parent, &h.Transfer,
		&h.Notes, &tags, &requested, &expires, &finished)
	if err != nil {
		return h, err
	}
	h.RequestedAt, h.ExpiresAt, h.FinishedAt = store.TimeOrNever(requested), store.TimeOrNever(expires), store.TimeOrNever(finished)
	h.Tags, err = readTags(tags)
	return h, err
}

// Insert adds handshakes; store.ErrConflict when an id is taken.
func Insert(ctx context.Context, tx *store.Tx, list ...Handshake) error {
	rows := make([][]any, 0, len(list))
	for _, h := range list {
		tags, err := tagsText(h.Tags)
		if err != nil {
			return err
		}
		rows = append(rows, []any{
			h.ID, h.Org, h.Management, h.Action, h.State, h.Account, h.Email, directory.EmailKey(h.Email), h.Parent,
			h.Transfer, h.Notes, tags, store.MicrosOrNever(h.RequestedAt), store.MicrosOrNever(h.ExpiresAt), store.MicrosOrNever(h.FinishedAt),
		})
	}
	columns := []string{
		"id", "org", "management", "action", "state", "account", "email", "email_key", "parent",
		"transfer", "notes", "tags", "requested_at", "expires_at", "finished_at",
	}
	n, err := tx.InsertRows(ctx, "handshakes", columns, rows, "ON CONFLICT DO NOTHING")
	if err == nil && n < int64(len(list)) {
		return store.ErrConflict
	}
	return err
}

// Lookup returns the handshake of an id.
func Lookup(ctx context.Context, tx *store.Tx, id string) (Handshake, error) {
	row := tx.QueryRow(ctx, `SELECT `+handshakeColumns+` FROM handshakes h WHERE h.id = $1`, id)
	return scanHandshake(func(dest ...any) error { return store.One(row, dest...) })
}

// Finish ends a handshake in a state.
func Finish(ctx context.Context, tx *store.Tx, id string, state State, now time.Time) error {
	return store.Affected(tx.Exec(ctx, `UPDATE handshakes SET state = $2, finished_at = $3 WHERE id = $1`, id, state, store.MicrosOrNever(now)))
}

// FinishApprovals ends the unanswered approvals of a handshake.
func FinishApprovals(ctx context.Context, tx *store.Tx, parent string, state State, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE handshakes SET state = $2, finished_at = $3 WHERE parent = $1 AND state = $4`,
		parent, state, store.MicrosOrNever(now), Requested)
	return err
}

// CancelApprovals ends the unanswered approvals that an account owes.
func CancelApprovals(ctx context.Context, tx *store.Tx, org directory.OrganizationID, account arn.AccountID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE handshakes SET state = $4, finished_at = $5
		WHERE org = $1 AND account = $2 AND action = $6 AND state = $3`,
		org, account, Requested, Canceled, store.MicrosOrNever(now), ApproveAllFeatures)
	return err
}

// Forget deletes a handshake with its approvals, and the transfer that it
// offered unless that came about.
func Forget(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM responsibility_transfers WHERE handshake = $1 AND status NOT IN ($2, $3)`,
		id, TransferAccepted, TransferWithdrawn); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM handshakes WHERE id = $1 OR parent = $1`, id)
	return err
}
