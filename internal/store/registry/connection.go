package registry

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// State is how the last visit to a registry went.
type State string

// The states of a connection.
const (
	// Untried connections have not been used yet.
	Untried State = "PENDING"
	// Working ones answered the last time.
	Working State = "CONNECTED"
	// Failing ones did not; Message says why.
	Failing State = "FAILED"
)

// Connection is an account's access to a registry.
type Connection struct {
	Account arn.AccountID
	Region  arn.Region
	ID      string
	// Name is unique in the account and Region.
	Name string
	// URL is the registry's address: scheme and host.
	URL string
	// Prefix is put before the registry's names of repositories.
	Prefix string
	// Repositories are those to look at when polling; none means the
	// registry's catalogue.
	Repositories []string
	User         string
	// Secret is the password, sealed for the connection; nil without one.
	Secret []byte
	// Token is the SHA-256 of what notifications carry.
	Token []byte
	// PollEvery is 0 where the registry is not polled.
	PollEvery            time.Duration
	CreatedAt, UpdatedAt time.Time
	State                State
	Message              string
	// CheckedAt is when the registry was last visited, NotifiedAt about when
	// it last told something; zero for never.
	CheckedAt, NotifiedAt time.Time
}

const connectionColumns = `account, region, id, name, url, prefix, repositories, username, secret, token, poll_every, created_at, updated_at, ` +
	`state, message, checked_at, notified_at`

func scanConnection(s store.Scanner) (c Connection, err error) {
	var repositories string
	var poll, created, updated, checked, notified int64
	err = s.Scan(&c.Account, &c.Region, &c.ID, &c.Name, &c.URL, &c.Prefix, &repositories, &c.User, &c.Secret, &c.Token, &poll, &created, &updated,
		&c.State, &c.Message, &checked, &notified)
	if err != nil {
		return c, err
	}
	c.PollEvery = time.Duration(poll) * time.Microsecond
	c.CreatedAt, c.UpdatedAt, c.CheckedAt, c.NotifiedAt = store.TimeOrNever(created), store.TimeOrNever(updated), store.TimeOrNever(checked), store.TimeOrNever(notified)
	return c, decode("repositories of connection", repositories, &c.Repositories)
}

// InsertConnection stores a new connection; store.ErrConflict when its name is
// taken.
func InsertConnection(ctx context.Context, tx *store.Tx, c Connection) error {
	repositories, err := encode(c.Repositories)
	if err != nil {
		return err
	}
	return tx.InsertNew(ctx, `INSERT INTO registry_connections (`+connectionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		c.Account, c.Region, c.ID, c.Name, c.URL, c.Prefix, repositories, c.User, c.Secret, c.Token, c.PollEvery.Microseconds(),
		store.MicrosOrNever(c.CreatedAt), store.MicrosOrNever(c.UpdatedAt), c.State, c.Message, store.MicrosOrNever(c.CheckedAt), store.MicrosOrNever(c.NotifiedAt))
}

// UpdateConnection replaces what people decide about a connection.
func UpdateConnection(ctx context.Context, tx *store.Tx, c Connection) error {
	repositories, err := encode(c.Repositories)
	if err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `UPDATE registry_connections SET name = $4, repositories = $5, username = $6, secret = $7, token = $8,
		poll_every = $9, updated_at = $10, state = $11, message = $12 WHERE account = $1 AND region = $2 AND id = $3`,
		c.Account, c.Region, c.ID, c.Name, repositories, c.User, c.Secret, c.Token, c.PollEvery.Microseconds(), store.MicrosOrNever(c.UpdatedAt), c.State, c.Message))
}

// Visited notes how a visit went.
func Visited(ctx context.Context, tx *store.Tx, c *Connection, state State, message string, now time.Time) error {
	c.State, c.Message, c.CheckedAt = state, message, now
	_, err := tx.Exec(ctx, `UPDATE registry_connections SET state = $4, message = $5, checked_at = $6
		WHERE account = $1 AND region = $2 AND id = $3`, c.Account, c.Region, c.ID, state, message, store.MicrosOrNever(now))
	return err
}

// Notified notes that the registry told something.
func Notified(ctx context.Context, tx *store.Tx, c *Connection, now time.Time) error {
	c.NotifiedAt = now
	_, err := tx.Exec(ctx, `UPDATE registry_connections SET notified_at = $4 WHERE account = $1 AND region = $2 AND id = $3`,
		c.Account, c.Region, c.ID, store.MicrosOrNever(now))
	return err
}

// LookupConnection returns a connection, or store.ErrNotFound.
func LookupConnection(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Connection, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+connectionColumns+` FROM registry_connections
		WHERE account = $1 AND region = $2 AND id = $3`, account, region, id), scanConnection)
}

// ConnectionNamed returns the connection of a name, or store.ErrNotFound.
func ConnectionNamed(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string) (Connection, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+connectionColumns+` FROM registry_connections
		WHERE account = $1 AND region = $2 AND name = $3`, account, region, name), scanConnection)
}

// Connections lists up to limit connections by id, after the one given.
func Connections(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after string, limit int) ([]Connection, error) {
	rows, err := tx.Query(ctx, `SELECT `+connectionColumns+` FROM registry_connections
		WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4`, account, region, after, limit)
	return store.ReadAll(rows, err, scanConnection)
}

// CountConnections counts an account's connections in a Region.
func CountConnections(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM registry_connections WHERE account = $1 AND region = $2`, account, region), store.ScanCount)
}

// DeleteConnection forgets a connection.
func DeleteConnection(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM registry_connections WHERE account = $1 AND region = $2 AND id = $3`, account, region, id))
}
