package identity

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
)

// Summary counts an account's entities.
type Summary struct {
	Users, Groups, Roles, Policies, RootKeys int
	// Versions counts the versions of policies, Profiles the instance profiles,
	// Providers the identity providers.
	Versions, Profiles, Providers int
}

// Count counts what an account has.
func Count(ctx context.Context, tx *store.Tx, account arn.AccountID) (Summary, error) {
	var s Summary
	err := store.One(tx.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM iam_users WHERE account = $1),
		(SELECT count(*) FROM iam_groups WHERE account = $1),
		(SELECT count(*) FROM iam_roles WHERE account = $1),
		(SELECT count(*) FROM iam_policies WHERE account = $1),
		(SELECT count(*) FROM iam_access_keys WHERE account = $1 AND owner = ''),
		(SELECT count(*) FROM iam_policy_versions WHERE account = $1),
		(SELECT count(*) FROM iam_instance_profiles WHERE account = $1),
		(SELECT count(*) FROM iam_providers WHERE account = $1)`, account),
		&s.Users, &s.Groups, &s.Roles, &s.Policies, &s.RootKeys, &s.Versions, &s.Profiles, &s.Providers)
	return s, err
}
