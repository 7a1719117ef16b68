package policies

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

func versionID(number int) string { return "v" + strconv.Itoa(number) }

// version finds a version of a policy by its id, such as v2.
func version(ctx context.Context, tx *store.Tx, p identity.Policy, id string) (identity.PolicyVersion, error) {
	number, err := strconv.Atoi(strings.TrimPrefix(id, "v"))
	if err != nil || versionID(number) != id {
		return identity.PolicyVersion{}, noSuchVersion(store.ErrNotFound, p.ARN(), id)
	}
	v, err := identity.PolicyVersionByNumber(ctx, tx, p, number)
	return v, noSuchVersion(err, p.ARN(), id)
}

func noSuchVersion(err error, a arn.ARN, id string) error {
	return desk.NoSuch(err, "Policy %s version %s does not exist or is not attachable.", a, id)
}

// CreatePolicyVersion gives a policy a further version.
func (r *Room) CreatePolicyVersion(ctx context.Context, call *awsmodel.Call, in *api.CreatePolicyVersionInput) (*api.CreatePolicyVersionOutput, error) {
	if _, err := desk.ParsePolicy(in.PolicyDocument, policy.Managed); err != nil {
		return nil, err
	}
	if desk.PolicySize(in.PolicyDocument) > MaxSize {
		return nil, desk.Quota("PolicySize", MaxSize)
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.CreatePolicyVersionOutput, error) {
		p, err := own(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, err
		}
		have, err := identity.PolicyVersions(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if len(have) >= MaxVersions {
			return nil, &api.LimitExceededException{Message: "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."}
		}
		v, err := identity.AddPolicyVersion(ctx, tx, p, in.PolicyDocument, call.Time)
		if err != nil {
			return nil, err
		}
		isDefault := desk.Value(in.SetAsDefault, false)
		if isDefault {
			err = identity.SetDefaultVersion(ctx, tx, p, v, call.Time)
		}
		return &api.CreatePolicyVersionOutput{PolicyVersion: &api.PolicyVersion{
			VersionId: new(versionID(v.Number)), IsDefaultVersion: &isDefault, CreateDate: new(desk.Seconds(v.CreatedAt)),
		}}, err
	})
}

// GetPolicyVersion returns a version with its document.
func (r *Room) GetPolicyVersion(ctx context.Context, call *awsmodel.Call, in *api.GetPolicyVersionInput) (*api.GetPolicyVersionOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.GetPolicyVersionOutput, error) {
		all, err := r.versions(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(v api.PolicyVersion) bool { return *v.VersionId == in.VersionId })
		if i < 0 {
			return nil, noSuchVersion(store.ErrNotFound, arn.ARN(in.PolicyArn), in.VersionId)
		}
		return &api.GetPolicyVersionOutput{PolicyVersion: &all[i]}, nil
	})
}

// ListPolicyVersions lists versions without their documents, the newest first.
func (r *Room) ListPolicyVersions(ctx context.Context, call *awsmodel.Call, in *api.ListPolicyVersionsInput) (*api.ListPolicyVersionsOutput, error) {
	p, err := r.desk.NewPage(call, "ListPolicyVersions", in.PolicyArn, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListPolicyVersionsOutput, error) {
		all, err := r.versions(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, err
		}
		for i := range all {
			all[i].Document = nil
		}
		out := &api.ListPolicyVersionsOutput{}
		out.Versions, out.IsTruncated, out.Marker = desk.Slice(&p, all)
		return out, nil
	})
}

// versions are all versions of a policy; of AWS's own there is one.
func (r *Room) versions(ctx context.Context, tx *store.Tx, account arn.AccountID, a arn.ARN) ([]api.PolicyVersion, error) {
	if m := r.managed.Get(a); m != nil {
		return []api.PolicyVersion{ManagedVersion(m)}, nil
	}
	p, err := identity.PolicyByARN(ctx, tx, account, a)
	if err != nil {
		return nil, desk.NoSuch(err, "Policy %s was not found.", a)
	}
	return Versions(ctx, tx, p)
}

// ManagedVersion is the one version of an AWS-managed policy.
func ManagedVersion(m *managed.Policy) api.PolicyVersion {
	return api.PolicyVersion{VersionId: &m.Version, Document: new(desk.Encoded(m.Document)), CreateDate: &m.Created, IsDefaultVersion: new(true)}
}

// Versions are the versions of a customer's policy with their documents, the
// newest first.
func Versions(ctx context.Context, tx *store.Tx, p identity.Policy) ([]api.PolicyVersion, error) {
	list, err := identity.PolicyVersions(ctx, tx, p)
	out := []api.PolicyVersion{}
	for _, v := range list {
		out = append(out, api.PolicyVersion{
			VersionId: new(versionID(v.Number)), Document: new(desk.Encoded(v.Document)),
			CreateDate: new(desk.Seconds(v.CreatedAt)), IsDefaultVersion: new(v.Number == p.Version),
		})
	}
	return out, err
}

// SetDefaultPolicyVersion makes a version the one that counts.
func (r *Room) SetDefaultPolicyVersion(ctx context.Context, call *awsmodel.Call, in *api.SetDefaultPolicyVersionInput) (*api.SetDefaultPolicyVersionOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.SetDefaultPolicyVersionOutput, error) {
		p, v, err := ownVersion(ctx, tx, call.Account(), in.PolicyArn, in.VersionId)
		if err != nil {
			return nil, err
		}
		return &api.SetDefaultPolicyVersionOutput{}, identity.SetDefaultVersion(ctx, tx, p, v, call.Time)
	})
}

// DeletePolicyVersion deletes a version that is not the default.
func (r *Room) DeletePolicyVersion(ctx context.Context, call *awsmodel.Call, in *api.DeletePolicyVersionInput) (*api.DeletePolicyVersionOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeletePolicyVersionOutput, error) {
		p, v, err := ownVersion(ctx, tx, call.Account(), in.PolicyArn, in.VersionId)
		if err != nil {
			return nil, err
		}
		if v.Number == p.Version {
			return nil, desk.Conflict("Cannot delete the default version of a policy.")
		}
		return &api.DeletePolicyVersionOutput{}, identity.DeletePolicyVersion(ctx, tx, p, v.Number)
	})
}

func ownVersion(ctx context.Context, tx *store.Tx, account arn.AccountID, policyARN, id string) (identity.Policy, identity.PolicyVersion, error) {
	p, err := own(ctx, tx, account, arn.ARN(policyARN))
	if err != nil {
		return p, identity.PolicyVersion{}, err
	}
	v, err := version(ctx, tx, p, id)
	return p, v, err
}
