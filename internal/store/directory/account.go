package directory

import (
	"context"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// State is an account's state in AWS's words.
type State string

// The states of an account.
const (
	PendingActivation State = "PENDING_ACTIVATION"
	Active            State = "ACTIVE"
	Suspended         State = "SUSPENDED"
	PendingClosure    State = "PENDING_CLOSURE"
	Closed            State = "CLOSED"
)

// Account is an account, in an organization or not.
type Account struct {
	ID        arn.AccountID
	Email     string
	Name      string
	State     State
	CreatedAt time.Time
	// ClosedAt is when the closure was asked for; zero for open accounts.
	ClosedAt time.Time
}

const accountColumns = `a.id, a.email, a.name, a.state, a.created_at, a.closed_at`

func scanAccount(s store.Scanner) (Account, error) {
	var a Account
	var created, closed int64
	err := s.Scan(&a.ID, &a.Email, &a.Name, &a.State, &created, &closed)
	a.CreatedAt, a.ClosedAt = store.TimeOrNever(created), store.TimeOrNever(closed)
	return a, err
}

// EmailKey is the form in which addresses are compared: in lower case.
func EmailKey(email string) string { return strings.ToLower(email) }

// InsertAccount adds an account.
func InsertAccount(ctx context.Context, tx *store.Tx, a Account) error {
	return tx.InsertNew(ctx, `INSERT INTO accounts (id, email, email_key, name, state, created_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.ID, a.Email, EmailKey(a.Email), a.Name, a.State, store.MicrosOrNever(a.CreatedAt), store.MicrosOrNever(a.ClosedAt))
}

// LookupAccount returns the account of an id.
func LookupAccount(ctx context.Context, tx *store.Tx, id arn.AccountID) (Account, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.id = $1`, id), scanAccount)
}

// AccountByEmail returns the account of an address, in any case of letters.
func AccountByEmail(ctx context.Context, tx *store.Tx, email string) (Account, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.email_key = $1`,
		EmailKey(email)), scanAccount)
}

// SetState changes an account's state; closedAt is zero unless it closes.
func SetState(ctx context.Context, tx *store.Tx, id arn.AccountID, state State, closedAt time.Time) error {
	return store.Affected(tx.Exec(ctx, `UPDATE accounts SET state = $2, closed_at = $3 WHERE id = $1`,
		id, state, store.MicrosOrNever(closedAt)))
}
