package identity

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// AccountsWithRole returns those of the accounts that have a role of a name.
func AccountsWithRole(ctx context.Context, tx *store.Tx, accounts []arn.AccountID, name string) (map[arn.AccountID]bool, error) {
	var w store.Where
	store.In(&w, "account", accounts...)
	w.Add("name_key = ?", Key(name))
	rows, err := tx.Query(ctx, `SELECT account FROM iam_roles`+w.SQL(), w.Args()...)
	list, err := store.All(rows, err, store.Text)
	found := make(map[arn.AccountID]bool, len(list))
	for _, account := range list {
		found[arn.AccountID(account)] = true
	}
	return found, err
}

// InsertRoles adds new roles, one policy attached to each, with few statements.
func InsertRoles(ctx context.Context, tx *store.Tx, roles []Role, policy arn.ARN) error {
	rows, attachments := make([][]any, len(roles)), make([][]any, len(roles))
	for i, r := range roles {
		rows[i] = []any{string(r.Account), Key(r.Name), r.Name, r.Path, r.ID, r.Trust, r.Description,
			int64(r.MaxSession / time.Second), r.Boundary, r.Service, store.Micros(r.CreatedAt), int64(0), ""}
		attachments[i] = []any{string(r.Account), r.ID, string(policy)}
	}
	_, err := tx.InsertRows(ctx, "iam_roles", []string{"account", "name_key", "name", "path", "id", "trust", "description",
		"max_session", "boundary", "service", "created_at", "last_used_at", "last_used_region"}, rows, "")
	if err != nil {
		return err
	}
	_, err = tx.InsertRows(ctx, "iam_attachments", []string{"account", "owner", "policy"}, attachments, "")
	return err
}
