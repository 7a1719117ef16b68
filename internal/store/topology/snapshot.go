// Package topology remembers what accounts tell of their networks: the facts
// in force of an account in a Region, uploads that are not complete, and what
// was worked out about instances.
//
// Facts are stored once, by the digest of what they say, so that telling the
// same again costs nothing and two accounts that see the same network share it.
// Functions take the transaction they work in and decide nothing.
package topology

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Source is who told the facts.
type Source string

// The sources.
const (
	Upload    Source = "UPLOAD"
	Collected Source = "COLLECTOR"
)

// Snapshot is what is known of the facts of an account in a Region.
type Snapshot struct {
	Account arn.AccountID
	Region  arn.Region
	// Digest names the facts; empty where none came yet.
	Digest string
	Source Source
	// FirstAt is when the account first told anything, StoredAt when it told
	// this, CollectedAt when it last told so, AnalysedAt when the findings
	// were last worked out.
	FirstAt, StoredAt, CollectedAt, AnalysedAt time.Time
	// Size is that of the stored facts, in bytes.
	Size                        int64
	VPCs, Interfaces, Instances int64
	// Failure is the coverage reason of the last attempt to look, empty where
	// it worked; FailureText says more.
	FailedAt             time.Time
	Failure, FailureText string
}

const snapshotColumns = `account, region, digest, source, first_at, stored_at, collected_at, analysed_at, size, vpcs, interfaces, instances,
	failed_at, failure, failure_text`

func scanSnapshot(s store.Scanner) (Snapshot, error) {
	var n Snapshot
	var first, stored, collected, analysed, failed int64
	err := s.Scan(&n.Account, &n.Region, &n.Digest, &n.Source, &first, &stored, &collected, &analysed, &n.Size, &n.VPCs, &n.Interfaces,
		&n.Instances, &failed, &n.Failure, &n.FailureText)
	n.FirstAt, n.StoredAt, n.CollectedAt = store.Time(first), store.Time(stored), store.Time(collected)
	n.AnalysedAt, n.FailedAt = store.Time(analysed), store.Time(failed)
	return n, err
}

// LookupSnapshot returns the snapshot of an account in a Region, or
// store.ErrNotFound.
func LookupSnapshot(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Snapshot, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+snapshotColumns+` FROM network_snapshots WHERE account = $1 AND region = $2`,
		account, region), scanSnapshot)
}

// PutSnapshot stores a snapshot.
func PutSnapshot(ctx context.Context, tx *store.Tx, n *Snapshot) error {
	_, err := tx.Exec(ctx, `INSERT INTO network_snapshots (`+snapshotColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (account, region) DO UPDATE SET digest = excluded.digest, source = excluded.source, first_at = excluded.first_at,
		stored_at = excluded.stored_at, collected_at = excluded.collected_at, analysed_at = excluded.analysed_at, size = excluded.size,
		vpcs = excluded.vpcs, interfaces = excluded.interfaces, instances = excluded.instances,
		failed_at = excluded.failed_at, failure = excluded.failure, failure_text = excluded.failure_text`,
		n.Account, n.Region, n.Digest, n.Source, store.Micros(n.FirstAt), store.Micros(n.StoredAt), store.Micros(n.CollectedAt),
		store.Micros(n.AnalysedAt), n.Size, n.VPCs, n.Interfaces, n.Instances, store.Micros(n.FailedAt), n.Failure, n.FailureText)
	if err != nil {
		return fmt.Errorf("network facts of %s in %s: %w", n.Account, n.Region, err)
	}
	return nil
}

// DeleteSnapshot forgets the facts of an account in a Region.
func DeleteSnapshot(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM network_snapshots WHERE account = $1 AND region = $2`, account, region))
}

// Unit is the accounts whose networks are looked at together: those of an
// organization, or the one account that is in none.
type Unit struct {
	Organization directory.OrganizationID `json:"organization,omitempty"`
	Account      arn.AccountID            `json:"account,omitempty"`
}

// Where makes it a scope of accounts.
func (u Unit) Where(w *store.Where, column string) {
	if u.Organization == "" {
		w.Add(column+" = ?", u.Account)
		return
	}
	w.Add(column+" IN (SELECT account FROM organization_accounts WHERE org = ?)", u.Organization)
}

// Scope adds the condition that the account in a column is one of those meant.
type Scope interface {
	Where(w *store.Where, column string)
}

// Snapshots lists the snapshots of the accounts of a scope in all Regions, the
// one that told first at the head.
func Snapshots(ctx context.Context, tx *store.Tx, scope Scope) ([]Snapshot, error) {
	var w store.Where
	scope.Where(&w, "account")
	rows, err := tx.Query(ctx, `SELECT `+snapshotColumns+` FROM network_snapshots`+w.SQL()+` ORDER BY first_at, account, region`, w.Args()...)
	return store.ReadAll(rows, err, scanSnapshot)
}

// SnapshotsPage lists up to limit snapshots of the accounts of a scope in a
// Region, by account, after the one given.
func SnapshotsPage(ctx context.Context, tx *store.Tx, scope Scope, region arn.Region, after arn.AccountID, limit int) ([]Snapshot, error) {
	var w store.Where
	scope.Where(&w, "account")
	w.Add("region = ?", region)
	w.Add("account > ?", after)
	rows, err := tx.Query(ctx, `SELECT `+snapshotColumns+` FROM network_snapshots`+w.SQL()+` ORDER BY account LIMIT `+w.Arg(limit), w.Args()...)
	return store.ReadAll(rows, err, scanSnapshot)
}

// Analysed notes when the findings of a snapshot were worked out, unless other
// facts came meanwhile.
func Analysed(ctx context.Context, tx *store.Tx, n *Snapshot, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE network_snapshots SET analysed_at = $4 WHERE account = $1 AND region = $2 AND digest = $3`,
		n.Account, n.Region, n.Digest, store.Micros(at))
	return err
}
