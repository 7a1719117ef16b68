// Package audit remembers what callers changed, or tried to change.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Event is one call.
type Event struct {
	// ID rises with time; Put gives one to an event without.
	ID            string
	Account       arn.AccountID
	Time          time.Time
	Region        arn.Region
	Principal     arn.ARN
	PrincipalType string
	// Service and Operation are as IAM's actions name them.
	Service, Operation string
	// Resources are what the request names: ARNs, ids, names.
	Resources []string
	// ErrorCode and Error are empty where the call succeeded.
	ErrorCode, Error    string
	SourceIP, UserAgent string
	Request             string
	// Parameters are the request as JSON, with secrets hidden.
	Parameters string
}

// Put stores an event, or how one that is stored ended.
func Put(ctx context.Context, tx *store.Tx, e *Event) error {
	if e.ID == "" {
		e.ID = tx.NewID()
	}
	if e.Resources == nil {
		e.Resources = []string{}
	}
	resources, err := json.Marshal(e.Resources)
	if err != nil {
		return fmt.Errorf("audit event %s: %w", e.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO audit_events (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (account, id) DO UPDATE SET error_code = excluded.error_code, error = excluded.error`,
		e.Account, e.ID, store.Micros(e.Time), e.Region, e.Principal, e.PrincipalType, e.Service, e.Operation, string(resources),
		e.ErrorCode, e.Error, e.SourceIP, e.UserAgent, e.Request, e.Parameters)
	if err != nil {
		return fmt.Errorf("audit event %s: %w", e.ID, err)
	}
	return nil
}

const columns = `account, id, time, region, principal, principal_type, service, operation, resources, error_code, error, source_ip, user_agent, request, parameters`

func scan(s store.Scanner) (e Event, err error) {
	var at int64
	var resources string
	err = s.Scan(&e.Account, &e.ID, &at, &e.Region, &e.Principal, &e.PrincipalType, &e.Service, &e.Operation, &resources,
		&e.ErrorCode, &e.Error, &e.SourceIP, &e.UserAgent, &e.Request, &e.Parameters)
	if err != nil {
		return e, err
	}
	e.Time = store.Time(at)
	return e, json.Unmarshal([]byte(resources), &e.Resources)
}

// Query asks for events, the newest first. Empty members restrict nothing.
type Query struct {
	// Account is whose events are meant; with Organization those of all its
	// accounts are.
	Account                                                   arn.AccountID
	Organization                                              directory.OrganizationID
	Region                                                    arn.Region
	Principal                                                 arn.ARN
	Service, Operation, Resource, ErrorCode, Request, Outcome string
	Start, End                                                time.Time
	// Before is the id that the page before ended with.
	Before string
	Limit  int
}

// Success and Failure are the values of Query.Outcome.
const (
	Success = "SUCCESS"
	Failure = "FAILURE"
)

// lookedAtOnce is how many events a query looks at, so that one that matches
// little does not walk through all of them.
const lookedAtOnce = 5000

// List returns up to q.Limit events, and where to go on: "" at the end. A page
// can be short, or empty, and not the last.
func List(ctx context.Context, tx *store.Tx, q Query) (list []Event, next string, err error) {
	var w store.Where
	if q.Organization != "" {
		w.Add("account IN (SELECT account FROM organization_accounts WHERE org = ?)", q.Organization)
	} else {
		w.Add("account = ?", q.Account)
	}
	if q.Before != "" {
		w.Add("id < ?", q.Before)
	}
	if !q.End.IsZero() {
		w.Add("id < ?", store.FirstID(q.End.Add(time.Second)))
	}
	if !q.Start.IsZero() {
		w.Add("id >= ?", store.FirstID(q.Start.Add(-time.Hour)))
	}
	part := `SELECT ` + columns + ` FROM audit_events` + w.SQL() + ` ORDER BY id DESC LIMIT ` + w.Arg(lookedAtOnce)
	var seen int
	var last string
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(id), '') FROM (`+part+`) p`, w.Args()...), &seen, &last)
	if err != nil {
		return nil, "", fmt.Errorf("audit events: %w", err)
	}
	var f store.Where
	for _, v := range w.Args() {
		f.Arg(v)
	}
	q.restrict(&f)
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM (`+part+`) p`+f.SQL()+` ORDER BY id DESC LIMIT `+f.Arg(q.Limit), f.Args()...)
	list, err = store.ReadAll(rows, err, scan)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("audit events: %w", err)
	case len(list) == q.Limit:
		next = list[len(list)-1].ID
	case seen == lookedAtOnce:
		next = last
	}
	return list, next, nil
}

// restrict adds what does not lead to events but is asked of them.
func (q *Query) restrict(w *store.Where) {
	for _, c := range []struct{ column, value string }{
		{"region", string(q.Region)}, {"principal", string(q.Principal)}, {"service", q.Service}, {"operation", q.Operation},
		{"error_code", q.ErrorCode}, {"request", q.Request},
	} {
		if c.value != "" {
			w.Add(c.column+" = ?", c.value)
		}
	}
	if q.Resource != "" {
		quoted, _ := json.Marshal(q.Resource) // A string always has a JSON form.
		w.Add(`resources LIKE ? ESCAPE '!'`, "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(string(quoted))+"%")
	}
	switch q.Outcome {
	case Success:
		w.Add("error_code = ''")
	case Failure:
		w.Add("error_code <> ''")
	}
	if !q.Start.IsZero() {
		w.Add("time >= ?", store.Micros(q.Start))
	}
	if !q.End.IsZero() {
		w.Add("time <= ?", store.Micros(q.End))
	}
}

// Drop forgets up to limit events from before the time given.
func Drop(ctx context.Context, tx *store.Tx, before time.Time, limit int) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM audit_events WHERE (account, id) IN (SELECT account, id FROM audit_events WHERE id < $1 ORDER BY id LIMIT $2)`,
		store.FirstID(before), limit)
	if err != nil {
		return 0, fmt.Errorf("forget audit events: %w", err)
	}
	return n, nil
}
