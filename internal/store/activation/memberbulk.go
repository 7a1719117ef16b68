package activation

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
)

// PutMembers sets relationships of one administrator in one Region with few
// statements. Each account is named once.
func PutMembers(ctx context.Context, tx *store.Tx, members []Member) error {
	if len(members) == 0 {
		return nil
	}
	first, ids := members[0], make([]arn.AccountID, len(members))
	for i, m := range members {
		ids[i] = m.Account
	}
	had, err := LookupMembers(ctx, tx, first.Administrator, first.Region, ids)
	if err != nil {
		return err
	}
	rows, change := make([][]any, len(members)), 0
	for i, m := range members {
		rows[i] = []any{string(m.Administrator), string(m.Region), string(m.Account), string(m.Relationship), store.Micros(m.UpdatedAt)}
		change += number(m.Relationship) - number(had[m.Account].Relationship)
	}
	_, err = tx.InsertRows(ctx, "inspector_members", []string{"administrator", "region", "account", "relationship", "updated_at"}, rows,
		`ON CONFLICT (administrator, region, account) DO UPDATE
		SET relationship = excluded.relationship, updated_at = excluded.updated_at`)
	if err != nil || change == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inspector_member_counts (administrator, region, members) VALUES ($1, $2, $3)
		ON CONFLICT (administrator, region) DO UPDATE
		SET members = inspector_member_counts.members + excluded.members`, first.Administrator, first.Region, change)
	return err
}

// number is how many members a relationship counts for.
func number(r Relationship) int {
	if r.Associated() {
		return 1
	}
	return 0
}
