package code

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// JobFirst asks for the first scan of a project; the payload names its
// resource. The scan desk asks for it, where the project is to be scanned.
const JobFirst = "code.first"

// Cause is why a scan is made.
type Cause string

// The causes.
const (
	Initial  Cause = "INITIAL"
	Asked    Cause = "ON_DEMAND"
	Periodic Cause = "PERIODIC"
	Pushed   Cause = "PUSH"
)

// ScanStatus is how a scan stands, in Inspector's words.
type ScanStatus string

// The statuses.
const (
	Running    ScanStatus = "IN_PROGRESS"
	Successful ScanStatus = "SUCCESSFUL"
	Failed     ScanStatus = "FAILED"
	Skipped    ScanStatus = "SKIPPED"
)

// Scan is one scan of a project.
type Scan struct {
	At
	// ID is a UUID.
	ID      string
	Project string
	Cause   Cause
	Status  ScanStatus
	Reason  string
	// Commit is what was scanned, "" where it did not come to that.
	Commit               string
	CreatedAt, UpdatedAt time.Time
}

const scanColumns = `account, region, id, project, cause, status, reason, commit_id, created_at, updated_at`

func scanScan(s store.Scanner) (c Scan, err error) {
	var created, updated int64
	err = s.Scan(&c.Account, &c.Region, &c.ID, &c.Project, &c.Cause, &c.Status, &c.Reason, &c.Commit, &created, &updated)
	c.CreatedAt, c.UpdatedAt = store.Time(created), store.Time(updated)
	return c, err
}

// InsertScan stores a new scan. Those of the account that ended before the time
// given go.
func InsertScan(ctx context.Context, tx *store.Tx, s Scan, before time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO code_scans (`+scanColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.Account, s.Region, s.ID, s.Project, s.Cause, s.Status, s.Reason, s.Commit, store.Micros(s.CreatedAt), store.Micros(s.UpdatedAt))
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM code_scans WHERE account = $1 AND region = $2 AND updated_at < $3`, s.Account, s.Region, store.Micros(before))
	}
	return err
}

// EndScan notes how a scan ended.
func EndScan(ctx context.Context, tx *store.Tx, s Scan) error {
	_, err := tx.Exec(ctx, `UPDATE code_scans SET status = $4, reason = $5, commit_id = $6, updated_at = $7 WHERE account = $1 AND region = $2 AND id = $3`,
		s.Account, s.Region, s.ID, s.Status, s.Reason, s.Commit, store.Micros(s.UpdatedAt))
	return err
}

// LookupScan returns a scan, or store.ErrNotFound.
func LookupScan(ctx context.Context, tx *store.Tx, at At, id string) (Scan, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+scanColumns+` FROM code_scans WHERE account = $1 AND region = $2 AND id = $3`,
		at.Account, at.Region, id), scanScan)
}

// RunningScan returns the scan of a project that has not ended, or
// store.ErrNotFound.
func RunningScan(ctx context.Context, tx *store.Tx, at At, project string) (Scan, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+scanColumns+` FROM code_scans
		WHERE account = $1 AND region = $2 AND project = $3 AND status = 'IN_PROGRESS' ORDER BY created_at LIMIT 1`, at.Account, at.Region, project), scanScan)
}

// CountScans counts the scans of accounts in a Region that went well from a
// time on.
func CountScans(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, from time.Time) (map[arn.AccountID]int64, error) {
	var w store.Where
	w.Add("status = 'SUCCESSFUL'")
	w.Add("region = ?", region)
	w.Add("updated_at >= ?", store.Micros(from))
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT account, COUNT(*) FROM code_scans`+w.SQL()+` GROUP BY account`, w.Args()...)
	counts := map[arn.AccountID]int64{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var id arn.AccountID
		var n int64
		err := s.Scan(&id, &n)
		counts[id] = n
		return struct{}{}, err
	})
	return counts, err
}
