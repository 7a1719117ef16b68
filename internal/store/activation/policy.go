package activation

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Policies returns what the organization's policy says of the accounts named,
// in its stored form; accounts without an effective policy are not in the map.
func Policies(ctx context.Context, tx *store.Tx, accounts []arn.AccountID) (map[arn.AccountID]string, error) {
	var w store.Where
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT account, policy FROM inspector_policies`+w.SQL(), w.Args()...)
	found := map[arn.AccountID]string{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (a arn.AccountID, err error) {
		var text string
		err = s.Scan(&a, &text)
		found[a] = text
		return a, err
	})
	return found, err
}

// PutPolicies sets what an organization's policy says of accounts.
func PutPolicies(ctx context.Context, tx *store.Tx, org directory.OrganizationID, policies map[arn.AccountID]string) error {
	rows := make([][]any, 0, len(policies))
	for account, text := range policies {
		rows = append(rows, []any{string(account), string(org), text})
	}
	_, err := tx.InsertRows(ctx, "inspector_policies", []string{"account", "org", "policy"}, rows,
		`ON CONFLICT (account) DO UPDATE SET org = excluded.org, policy = excluded.policy`)
	return err
}

// DeletePolicies forgets the policies of accounts, those that have one.
func DeletePolicies(ctx context.Context, tx *store.Tx, accounts []arn.AccountID) error {
	if len(accounts) == 0 {
		return nil
	}
	var w store.Where
	store.In(&w, "account", accounts...)
	_, err := tx.Exec(ctx, `DELETE FROM inspector_policies`+w.SQL(), w.Args()...)
	return err
}

// HasPolicies reports whether any account of an organization is under a
// policy.
func HasPolicies(ctx context.Context, tx *store.Tx, org directory.OrganizationID) (bool, error) {
	n, err := store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM inspector_policies WHERE org = $1 LIMIT 1) p`, org), store.ScanCount)
	return n > 0, err
}

// OrganizationsWithPolicies lists the organizations that have accounts under a
// policy.
func OrganizationsWithPolicies(ctx context.Context, tx *store.Tx) ([]directory.OrganizationID, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT org FROM inspector_policies ORDER BY org`)
	return store.ReadAll(rows, err, func(s store.Scanner) (o directory.OrganizationID, err error) {
		err = s.Scan(&o)
		return o, err
	})
}
