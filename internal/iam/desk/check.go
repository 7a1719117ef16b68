package desk

import (
	"context"
	"errors"

	api "muster/internal/awsmodel/iam"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// MustBeNew takes the error of a lookup: not found is good.
func MustBeNew(err error, format string, args ...any) error {
	if err == nil {
		return Exists(format, args...)
	}
	return IgnoreMissing(err)
}

// IgnoreMissing drops the error of a lookup that found nothing.
func IgnoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// CheckBare refuses to delete what still carries policies.
func CheckBare(ctx context.Context, tx *store.Tx, o identity.Owner) error {
	attached, err := identity.Attached(ctx, tx, o, "", 1)
	if err != nil {
		return err
	}
	if len(attached) > 0 {
		return Conflict("Cannot delete entity, must detach all policies first.")
	}
	inline, err := identity.InlineNames(ctx, tx, o, "", 1)
	if err != nil {
		return err
	}
	if len(inline) > 0 {
		return Conflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// CheckTags refuses keys that differ in case only, and AWS's own.
func CheckTags(tags []api.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := identity.Key(t.Key)
		if len(key) >= 4 && key[:4] == "aws:" {
			return Invalid("Tag keys beginning with aws: are reserved for AWS.")
		}
		if seen[key] {
			return Invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[key] = true
	}
	return nil
}
