package iam

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// mustBeNew takes the error of a lookup: not found is good.
func mustBeNew(err error, format string, args ...any) error {
	if err == nil {
		return exists(format, args...)
	}
	return ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func accountOf(ctx context.Context, tx *store.Tx, id arn.AccountID) (directory.Account, error) {
	a, err := directory.LookupAccount(ctx, tx, id)
	if err != nil {
		return a, fmt.Errorf("account %s: %w", id, err)
	}
	return a, nil
}

// checkBare refuses to delete what still carries policies.
func checkBare(ctx context.Context, tx *store.Tx, o identity.Owner) error {
	attached, err := identity.Attached(ctx, tx, o, "", 1)
	if err != nil {
		return err
	}
	if len(attached) > 0 {
		return conflict("Cannot delete entity, must detach all policies first.")
	}
	inline, err := identity.InlineNames(ctx, tx, o, "", 1)
	if err != nil {
		return err
	}
	if len(inline) > 0 {
		return conflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// checkTags refuses keys that differ in case only, and AWS's own.
func checkTags(tags []api.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := identity.Key(t.Key)
		if len(key) >= 4 && key[:4] == "aws:" {
			return invalid("Tag keys beginning with aws: are reserved for AWS.")
		}
		if seen[key] {
			return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
	}
	return nil
}
