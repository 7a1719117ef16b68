package delegation

import (
	"context"
	"errors"
	"strings"

	"muster/internal/arn"
	"muster/internal/orgpolicy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// ResourceOf returns the ARN of what an id names, existing or not, and of a
// policy its type.
func ResourceOf(ctx context.Context, tx *store.Tx, o directory.Organization, id string) (resource arn.ARN, policyType string, err error) {
	if resource, ok := TargetARN(o, id); ok {
		return resource, "", nil
	}
	policyType, err = typeOfPolicy(ctx, tx, o, id)
	return PolicyARN(o, policyType, id), policyType, err
}

// TargetARN is the ARN of a root, unit, account, resource policy or transfer of
// responsibility by its id, existing or not; false for ids of other kinds, such
// as those of policies. A transfer's direction depends on who looks at it and
// is left open.
func TargetARN(o directory.Organization, id string) (arn.ARN, bool) {
	kind := ""
	switch {
	case arn.AccountID(id).Valid():
		kind = "account"
	case strings.HasPrefix(id, "r-"):
		kind = "root"
	case strings.HasPrefix(id, "ou-"):
		kind = "ou"
	case strings.HasPrefix(id, "rp-"):
		kind = "resourcepolicy"
	case strings.HasPrefix(id, "rt-"):
		id = "billing/*/" + id
		kind = "transfer"
	default:
		return "", false
	}
	return arn.New("organizations", "", o.Management, kind+"/"+string(o.ID)+"/"+id), true
}

func typeOfPolicy(ctx context.Context, tx *store.Tx, o directory.Organization, id string) (string, error) {
	if own, ok := orgpolicy.ManagedPolicy(id); ok {
		return own.Type, nil
	}
	p, err := policies.Lookup(ctx, tx, o.ID, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Type, err
}

// PolicyARN is the ARN of a policy: AWS's own belong to no organization.
func PolicyARN(o directory.Organization, policyType, id string) arn.ARN {
	kind := strings.ToLower(policyType)
	if _, ok := orgpolicy.ManagedPolicy(id); ok {
		return arn.ARN("arn:aws:organizations::aws:policy/" + kind + "/" + id)
	}
	return arn.New("organizations", "", o.Management, "policy/"+string(o.ID)+"/"+kind+"/"+id)
}
