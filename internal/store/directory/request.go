package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// RequestState is how far the creation of an account has come.
type RequestState string

// The states of a request.
const (
	InProgress RequestState = "IN_PROGRESS"
	Succeeded  RequestState = "SUCCEEDED"
	Failed     RequestState = "FAILED"
)

// GovCloudPair marks a request for a pair of accounts that is in progress.
const GovCloudPair = "requested"

// Request is a request to create an account.
type Request struct {
	Org      OrganizationID
	ID       string
	Email    string
	Name     string
	RoleName string
	// Tags are put on the account once it exists.
	Tags  map[string]string
	State RequestState
	// Account is the new account of a request that succeeded.
	Account arn.AccountID
	// FailureReason is AWS's word, of a request that failed or must fail.
	FailureReason string
	// GovCloud is empty but for requests for a pair of accounts: GovCloudPair
	// first, then the id of the half in the other partition.
	GovCloud    string
	RequestedAt time.Time
	// CompletedAt is zero while the request is in progress.
	CompletedAt time.Time
}

const requestColumns = `org, id, email, name, role_name, tags, state, account, failure_reason, requested_at, completed_at, govcloud`

func scanRequest(s store.Scanner) (Request, error) {
	var r Request
	var tags string
	var requested, completed int64
	err := s.Scan(&r.Org, &r.ID, &r.Email, &r.Name, &r.RoleName, &tags, &r.State, &r.Account, &r.FailureReason,
		&requested, &completed, &r.GovCloud)
	if err != nil {
		return r, err
	}
	r.RequestedAt, r.CompletedAt = store.TimeOrNever(requested), store.TimeOrNever(completed)
	if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
		return r, fmt.Errorf("tags of account request %s: %w", r.ID, err)
	}
	return r, nil
}

// InsertRequest adds a request.
func InsertRequest(ctx context.Context, tx *store.Tx, r Request) error {
	tags, err := json.Marshal(r.Tags)
	if err != nil {
		return err
	}
	return tx.InsertNew(ctx, `INSERT INTO account_requests (`+requestColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.Org, r.ID, r.Email, r.Name, r.RoleName, string(tags), r.State, r.Account, r.FailureReason,
		store.MicrosOrNever(r.RequestedAt), store.MicrosOrNever(r.CompletedAt), r.GovCloud)
}

// LookupRequest returns the request of an id.
func LookupRequest(ctx context.Context, tx *store.Tx, org OrganizationID, id string) (Request, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+requestColumns+` FROM account_requests WHERE org = $1 AND id = $2`, org, id),
		scanRequest)
}

// Requests returns up to limit requests after another one, oldest first, of
// the given states or, without any, of all.
func Requests(ctx context.Context, tx *store.Tx, org OrganizationID, states []RequestState, after Request, limit int) ([]Request, error) {
	wanted := func(s RequestState) RequestState {
		if len(states) == 0 || slices.Contains(states, s) {
			return s
		}
		return ""
	}
	rows, err := tx.Query(ctx, `SELECT `+requestColumns+` FROM account_requests
		WHERE org = $1 AND state IN ($2, $3, $4) AND (requested_at, id) > ($5, $6) ORDER BY requested_at, id LIMIT $7`,
		org, wanted(InProgress), wanted(Succeeded), wanted(Failed), store.MicrosOrNever(after.RequestedAt), after.ID, limit)
	return store.ReadAll(rows, err, scanRequest)
}

// RunningRequests returns up to limit requests that are in progress, oldest
// first.
func RunningRequests(ctx context.Context, tx *store.Tx, org OrganizationID, limit int) ([]Request, error) {
	rows, err := tx.Query(ctx, `SELECT `+requestColumns+` FROM account_requests
		WHERE org = $1 AND state = $2 ORDER BY requested_at, id LIMIT $3`, org, InProgress, limit)
	return store.ReadAll(rows, err, scanRequest)
}

// CountRequests counts an organization's requests in a state.
func CountRequests(ctx context.Context, tx *store.Tx, org OrganizationID, state RequestState) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM account_requests WHERE org = $1 AND state = $2`, org, state),
		store.ScanCount)
}

// GovCloudTaken reports whether an id is an account's half in GovCloud.
func GovCloudTaken(ctx context.Context, tx *store.Tx, id arn.AccountID) (bool, error) {
	n, err := store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM account_requests WHERE govcloud = $1`, id), store.ScanCount)
	return n > 0, err
}

// FinishRequest writes how a request ended: State, Account, FailureReason,
// GovCloud and CompletedAt.
func FinishRequest(ctx context.Context, tx *store.Tx, r Request) error {
	return store.Affected(tx.Exec(ctx, `UPDATE account_requests SET state = $3, account = $4, failure_reason = $5, completed_at = $6, govcloud = $7
		WHERE org = $1 AND id = $2`, r.Org, r.ID, r.State, r.Account, r.FailureReason, store.MicrosOrNever(r.CompletedAt), r.GovCloud))
}
