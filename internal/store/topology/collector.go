package topology

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// CollectorID names a collector within an account and Region.
type CollectorID string

// CollectorRef names a collector.
type CollectorRef struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
	ID      CollectorID   `json:"id"`
}

func (r CollectorRef) String() string {
	return string(r.Account) + "/" + string(r.Region) + "/" + string(r.ID)
}

// Target is an account to look at; As is its id in AWS where that is another.
type Target struct {
	Account arn.AccountID `json:"account"`
	As      arn.AccountID `json:"as,omitempty"`
}

// CollectorSpec is what people decide about a collector.
type CollectorSpec struct {
	Regions []arn.Region `json:"regions"`
	// Targets are the accounts to look at; none means all that the collector's
	// account sees.
	Targets []Target `json:"targets,omitempty"`
	// Role is assumed in each account.
	Role       string `json:"role"`
	ExternalID string `json:"externalId"`
	// KeyID is the access key that roles are assumed with, "" for the server's
	// own credentials.
	KeyID string `json:"keyId,omitempty"`
	// Every is the time between two rounds.
	Every time.Duration `json:"every"`
}

// Collector looks at the networks of accounts.
type Collector struct {
	CollectorRef
	Name string
	CollectorSpec
	// Secret is the sealed secret access key; nil without one.
	Secret               []byte
	CreatedAt, UpdatedAt time.Time
	// StartedAt is when the last round began, zero for never; Message says
	// what kept it from beginning.
	StartedAt time.Time
	Message   string
}

const collectorColumns = `account, region, id, name, spec, secret, created_at, updated_at, started_at, message`

func scanCollector(s store.Scanner) (c Collector, err error) {
	var spec string
	var created, updated, started int64
	if err := s.Scan(&c.Account, &c.Region, &c.ID, &c.Name, &spec, &c.Secret, &created, &updated, &started, &c.Message); err != nil {
		return c, err
	}
	c.CreatedAt, c.UpdatedAt, c.StartedAt = store.TimeOrNever(created), store.TimeOrNever(updated), store.TimeOrNever(started)
	if err := json.Unmarshal([]byte(spec), &c.CollectorSpec); err != nil {
		return c, fmt.Errorf("collector %s: %w", c.CollectorRef, err)
	}
	return c, nil
}

// PutCollector stores a collector, or what people changed about it;
// store.ErrConflict when its name is another's.
func PutCollector(ctx context.Context, tx *store.Tx, c *Collector) error {
	spec, err := json.Marshal(&c.CollectorSpec)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO network_collectors (`+collectorColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (account, region, id) DO UPDATE SET name = excluded.name, spec = excluded.spec, secret = excluded.secret, updated_at = excluded.updated_at`,
		c.Account, c.Region, c.ID, c.Name, string(spec), c.Secret, store.MicrosOrNever(c.CreatedAt), store.MicrosOrNever(c.UpdatedAt),
		store.MicrosOrNever(c.StartedAt), c.Message)
	return err
}

// LookupCollector returns a collector, or store.ErrNotFound.
func LookupCollector(ctx context.Context, tx *store.Tx, r CollectorRef) (Collector, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+collectorColumns+` FROM network_collectors WHERE account = $1 AND region = $2 AND id = $3`,
		r.Account, r.Region, r.ID), scanCollector)
}

// CollectorNamed returns the collector of a name, or store.ErrNotFound.
func CollectorNamed(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string) (Collector, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+collectorColumns+` FROM network_collectors WHERE account = $1 AND region = $2 AND name = $3`,
		account, region, name), scanCollector)
}

// Collectors lists up to limit collectors of an account in a Region by id, after
// the one given.
func Collectors(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after CollectorID, limit int) ([]Collector, error) {
	rows, err := tx.Query(ctx, `SELECT `+collectorColumns+` FROM network_collectors WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4`,
		account, region, after, limit)
	return store.ReadAll(rows, err, scanCollector)
}

// CollectorStarted notes that a round began, or why it did not.
func CollectorStarted(ctx context.Context, tx *store.Tx, r CollectorRef, message string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE network_collectors SET started_at = $4, message = $5 WHERE account = $1 AND region = $2 AND id = $3`,
		r.Account, r.Region, r.ID, store.MicrosOrNever(now), message)
	return err
}

// DeleteCollector forgets a collector, or returns store.ErrNotFound.
func DeleteCollector(ctx context.Context, tx *store.Tx, r CollectorRef) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM network_collectors WHERE account = $1 AND region = $2 AND id = $3`, r.Account, r.Region, r.ID))
}
