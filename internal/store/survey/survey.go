// Package survey asks the questions about a whole organization that no desk's
// own tables answer alone: who is not a member yet, whose scan types are off,
// what hangs. Every question is a statement or two whatever the size of the
// organization; nothing is written here.
package survey

import (
	"context"
	"database/sql"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// States returns the states of those of the accounts that belong to an
// organization.
func States(ctx context.Context, tx *store.Tx, org directory.OrganizationID, accounts []arn.AccountID) (map[arn.AccountID]directory.State, error) {
	var w store.Where
	w.Add("m.org = ?", org)
	store.In(&w, "m.account", accounts...)
	rows, err := tx.Query(ctx, `SELECT m.account, a.state FROM organization_accounts m JOIN accounts a ON a.id = m.account`+w.SQL(), w.Args()...)
	type pair struct {
		account arn.AccountID
		state   directory.State
	}
	list, err := store.All(rows, err, func(r *sql.Rows) (p pair, err error) {
		err = r.Scan(&p.account, &p.state)
		return p, err
	})
	states := make(map[arn.AccountID]directory.State, len(list))
	for _, p := range list {
		states[p.account] = p.state
	}
	return states, err
}

// Tagged returns the accounts of an organization that carry a tag.
func Tagged(ctx context.Context, tx *store.Tx, org directory.OrganizationID, tag directory.Tag) (map[arn.AccountID]bool, error) {
	rows, err := tx.Query(ctx, `SELECT resource FROM directory_tags WHERE org = $1 AND tag_key = $2 AND value = $3`, org, tag.Key, tag.Value)
	return store.Set[arn.AccountID](rows, err)
}
