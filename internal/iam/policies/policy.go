// Package policies is IAM's room for managed policies: customers' with their
// versions, and AWS's own.
package policies

import (
	"context"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// CreatePolicy creates a managed policy.
func (r *Room) CreatePolicy(ctx context.Context, call *awsmodel.Call, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	if err := desk.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	if _, err := desk.ParsePolicy(in.PolicyDocument, policy.Managed); err != nil {
		return nil, err
	}
	if desk.PolicySize(in.PolicyDocument) > MaxSize {
		return nil, desk.Quota("PolicySize", MaxSize)
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.CreatePolicyOutput, error) {
		p := identity.Policy{
			Account: call.Account(), Name: in.PolicyName, Path: desk.Value(in.Path, "/"), ID: desk.NewUniqueID(idPrefix),
			Description: desk.Value(in.Description, ""), Document: in.PolicyDocument, CreatedAt: call.Time, UpdatedAt: call.Time,
		}
		if err := checkNewPolicy(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := identity.InsertPolicy(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := desk.PutTags(ctx, tx, p.Owner(), in.Tags); err != nil {
			return nil, err
		}
		p.Version = 1
		out := Shape(p, Use{})
		out.Tags, out.Description = in.Tags, nil
		return &api.CreatePolicyOutput{Policy: &out}, nil
	})
}

func checkNewPolicy(ctx context.Context, tx *store.Tx, p identity.Policy) error {
	_, err := identity.PolicyByName(ctx, tx, p.Account, p.Name)
	if err := desk.MustBeNew(err, "A policy called %s already exists. Duplicate names are not allowed.", p.Name); err != nil {
		return err
	}
	n, err := identity.Count(ctx, tx, p.Account)
	if err == nil && n.Policies >= MaxPolicies {
		return desk.Quota("PoliciesPerAccount", MaxPolicies)
	}
	return err
}

// GetPolicy describes a managed policy.
func (r *Room) GetPolicy(ctx context.Context, call *awsmodel.Call, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.GetPolicyOutput, error) {
		uses, err := Uses(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		if m := r.managed.Get(arn.ARN(in.PolicyArn)); m != nil {
			out := ManagedShape(m, uses[m.ARN])
			out.Description, out.Tags = desk.Optional(m.Description), []api.Tag{}
			return &api.GetPolicyOutput{Policy: &out}, nil
		}
		p, err := identity.PolicyByARN(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, desk.NoSuch(err, "Policy %s was not found.", in.PolicyArn)
		}
		tags, err := identity.Tags(ctx, tx, p.Owner())
		out := Shape(p, uses[p.ARN()])
		out.Tags = desk.AllTagShapes(tags)
		return &api.GetPolicyOutput{Policy: &out}, err
	})
}

// ListPolicies lists the account's and AWS's managed policies by name.
func (r *Room) ListPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	p, err := r.desk.NewPage(call, "ListPolicies",
		[]any{in.Scope, desk.Value(in.OnlyAttached, false), desk.Value(in.PathPrefix, ""), in.PolicyUsageFilter}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListPoliciesOutput, error) {
		all, err := r.allPolicies(ctx, tx, call.Account(), in)
		out := &api.ListPoliciesOutput{}
		out.Policies, out.IsTruncated, out.Marker = desk.Slice(&p, all)
		return out, err
	})
}

// allPolicies collects what ListPolicies' filters leave. An account has some
// hundred policies at most, so they are filtered in memory.
func (r *Room) allPolicies(ctx context.Context, tx *store.Tx, account arn.AccountID, in *api.ListPoliciesInput) ([]api.Policy, error) {
	uses, err := Uses(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	all := []api.Policy{}
	if in.Scope != api.PolicyScopeTypeAws {
		own, err := identity.Policies(ctx, tx, account, desk.Value(in.PathPrefix, ""), "", MaxPolicies)
		if err != nil {
			return nil, err
		}
		for _, p := range own {
			all = append(all, Shape(p, uses[p.ARN()]))
		}
	}
	if in.Scope != api.PolicyScopeTypeLocal {
		for _, m := range r.managed.All() {
			if desk.UnderPath(m.Path, in.PathPrefix) {
				all = append(all, ManagedShape(m, uses[m.ARN]))
			}
		}
	}
	all = slices.DeleteFunc(all, func(p api.Policy) bool { return !wantedUse(in, uses[arn.ARN(*p.Arn)]) })
	for i := range all {
		all[i].Description = nil // which ListPolicies leaves out
	}
	return all, nil
}

func wantedUse(in *api.ListPoliciesInput, use Use) bool {
	switch in.PolicyUsageFilter {
	case api.PolicyUsageTypePermissionsBoundary:
		return use.Boundary > 0
	case api.PolicyUsageTypePermissionsPolicy:
		return use.Attached > 0
	}
	return !desk.Value(in.OnlyAttached, false) || use.Attached > 0
}

// DeletePolicy deletes a managed policy that nobody carries any more.
func (r *Room) DeletePolicy(ctx context.Context, call *awsmodel.Call, in *api.DeletePolicyInput) (*api.DeletePolicyOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeletePolicyOutput, error) {
		p, err := own(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, err
		}
		uses, err := Uses(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		if uses[p.ARN()] != (Use{}) {
			return nil, desk.Conflict("Cannot delete a policy attached to entities.")
		}
		versions, err := identity.PolicyVersions(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if len(versions) > 1 {
			return nil, desk.Conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		return &api.DeletePolicyOutput{}, identity.DeletePolicy(ctx, tx, p)
	})
}

// Use counts who carries a policy and who is bound by it.
type Use struct{ Attached, Boundary int }

// Uses counts for all policies in use.
func Uses(ctx context.Context, tx *store.Tx, account arn.AccountID) (map[arn.ARN]Use, error) {
	attached, err := identity.AttachmentCounts(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	bounding, err := identity.BoundaryCounts(ctx, tx, account)
	uses := map[arn.ARN]Use{}
	for a, n := range attached {
		uses[a] = Use{Attached: n, Boundary: bounding[a]}
	}
	for a, n := range bounding {
		uses[a] = Use{Attached: attached[a], Boundary: n}
	}
	return uses, err
}

// Shape is a customer's policy as IAM shows it.
func Shape(p identity.Policy, use Use) api.Policy {
	return api.Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: new(string(p.ARN())), Path: &p.Path, DefaultVersionId: new(versionID(p.Version)),
		AttachmentCount: new(int32(use.Attached)), PermissionsBoundaryUsageCount: new(int32(use.Boundary)), IsAttachable: new(true),
		Description: desk.Optional(p.Description), CreateDate: new(desk.Seconds(p.CreatedAt)), UpdateDate: new(desk.Seconds(p.UpdatedAt)),
	}
}

// ManagedShape is an AWS-managed policy as IAM shows it.
func ManagedShape(m *managed.Policy, use Use) api.Policy {
	return api.Policy{
		PolicyName: &m.Name, PolicyId: &m.ID, Arn: new(string(m.ARN)), Path: &m.Path, DefaultVersionId: &m.Version,
		AttachmentCount: new(int32(use.Attached)), PermissionsBoundaryUsageCount: new(int32(use.Boundary)), IsAttachable: new(true),
		CreateDate: &m.Created, UpdateDate: &m.Created,
	}
}
