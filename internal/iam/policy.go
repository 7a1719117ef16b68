package iam

import (
	"context"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/managed"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// onlyVersion is the version of customers' policies: they have one.
const onlyVersion = "v1"

// pathAndName splits a policy's ARN.
func pathAndName(a arn.ARN) (path, name string) {
	_, rest, _ := strings.Cut(string(a), ":policy/")
	slash := strings.LastIndexByte(rest, '/')
	return "/" + rest[:slash+1], rest[slash+1:]
}

func underPath(path string, prefix *string) bool {
	return prefix == nil || strings.HasPrefix(path, *prefix)
}

// CreatePolicy creates a managed policy.
func (s *Service) CreatePolicy(ctx context.Context, call *awsmodel.Call, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if _, err := parsePolicy(in.PolicyDocument, policy.Identity); err != nil {
		return nil, err
	}
	if policySize(in.PolicyDocument) > maxManagedPolicySize {
		return nil, quota("PolicySize", maxManagedPolicySize)
	}
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.CreatePolicyOutput, error) {
		p := identity.Policy{
			Account: call.Account(), Name: in.PolicyName, Path: value(in.Path, "/"), ID: newUniqueID(policyPrefix),
			Description: value(in.Description, ""), Document: in.PolicyDocument, CreatedAt: call.Time, UpdatedAt: call.Time,
		}
		if err := checkNewPolicy(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := identity.InsertPolicy(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := putTags(ctx, tx, p.Owner(), in.Tags); err != nil {
			return nil, err
		}
		out := policyShape(p, policyUse{})
		out.Tags, out.Description = in.Tags, nil
		return &api.CreatePolicyOutput{Policy: &out}, nil
	})
}

func checkNewPolicy(ctx context.Context, tx *store.Tx, p identity.Policy) error {
	_, err := identity.PolicyByName(ctx, tx, p.Account, p.Name)
	if err := mustBeNew(err, "A policy called %s already exists. Duplicate names are not allowed.", p.Name); err != nil {
		return err
	}
	n, err := identity.Count(ctx, tx, p.Account)
	if err == nil && n.Policies >= maxPolicies {
		return quota("PoliciesPerAccount", maxPolicies)
	}
	return err
}

// GetPolicy describes a managed policy.
func (s *Service) GetPolicy(ctx context.Context, call *awsmodel.Call, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.GetPolicyOutput, error) {
		uses, err := policyUses(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		if m := s.managed.Get(arn.ARN(in.PolicyArn)); m != nil {
			out := managedShape(m, uses[m.ARN])
			out.Description = optional(m.Description)
			return &api.GetPolicyOutput{Policy: &out}, nil
		}
		p, err := identity.PolicyByARN(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, noSuch(err, "Policy %s was not found.", in.PolicyArn)
		}
		tags, err := identity.Tags(ctx, tx, p.Owner())
		out := policyShape(p, uses[p.ARN()])
		out.Tags = tagShapes(tags)
		return &api.GetPolicyOutput{Policy: &out}, err
	})
}

// GetPolicyVersion returns a managed policy's document.
func (s *Service) GetPolicyVersion(ctx context.Context, call *awsmodel.Call, in *api.GetPolicyVersionInput) (*api.GetPolicyVersionOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.GetPolicyVersionOutput, error) {
		v, err := s.policyVersion(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, err
		}
		if *v.VersionId != in.VersionId {
			return nil, noSuch(store.ErrNotFound, "Policy %s version %s does not exist or is not attachable.", in.PolicyArn, in.VersionId)
		}
		return &api.GetPolicyVersionOutput{PolicyVersion: &v}, nil
	})
}

// ListPolicyVersions lists the one version that a policy has.
func (s *Service) ListPolicyVersions(ctx context.Context, call *awsmodel.Call, in *api.ListPolicyVersionsInput) (*api.ListPolicyVersionsOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.ListPolicyVersionsOutput, error) {
		v, err := s.policyVersion(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		v.Document = nil
		return &api.ListPolicyVersionsOutput{Versions: []api.PolicyVersion{v}, IsTruncated: new(false)}, err
	})
}

func (s *Service) policyVersion(ctx context.Context, tx *store.Tx, account arn.AccountID, a arn.ARN) (api.PolicyVersion, error) {
	v := api.PolicyVersion{VersionId: new(onlyVersion), IsDefaultVersion: new(true)}
	if m := s.managed.Get(a); m != nil {
		v.VersionId, v.Document, v.CreateDate = &m.Version, new(encoded(m.Document)), &m.Created
		return v, nil
	}
	p, err := identity.PolicyByARN(ctx, tx, account, a)
	v.Document, v.CreateDate = new(encoded(p.Document)), new(seconds(p.UpdatedAt))
	return v, noSuch(err, "Policy %s was not found.", a)
}

// ListPolicies lists the account's and AWS's managed policies by name.
func (s *Service) ListPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	p, err := s.newPage(call, "ListPolicies",
		[]any{in.Scope, value(in.OnlyAttached, false), value(in.PathPrefix, ""), in.PolicyUsageFilter}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.ListPoliciesOutput, error) {
		all, err := s.allPolicies(ctx, tx, call.Account(), in)
		out := &api.ListPoliciesOutput{}
		out.Policies, out.IsTruncated, out.Marker = slice(&p, all)
		return out, err
	})
}

// allPolicies collects what ListPolicies' filters leave. An account has some
// hundred policies at most, so they are filtered in memory.
func (s *Service) allPolicies(ctx context.Context, tx *store.Tx, account arn.AccountID, in *api.ListPoliciesInput) ([]api.Policy, error) {
	uses, err := policyUses(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	all := []api.Policy{}
	if in.Scope != api.PolicyScopeTypeAws {
		own, err := identity.Policies(ctx, tx, account, value(in.PathPrefix, ""), "", maxPolicies)
		if err != nil {
			return nil, err
		}
		for _, p := range own {
			all = append(all, policyShape(p, uses[p.ARN()]))
		}
	}
	if in.Scope != api.PolicyScopeTypeLocal {
		for _, m := range s.managed.All() {
			if underPath(m.Path, in.PathPrefix) {
				all = append(all, managedShape(m, uses[m.ARN]))
			}
		}
	}
	all = slices.DeleteFunc(all, func(p api.Policy) bool { return !wantedUse(in, uses[arn.ARN(*p.Arn)]) })
	for i := range all {
		all[i].Description = nil // which ListPolicies leaves out
	}
	return all, nil
}

func wantedUse(in *api.ListPoliciesInput, use policyUse) bool {
	switch in.PolicyUsageFilter {
	case api.PolicyUsageTypePermissionsBoundary:
		return use.boundary > 0
	case api.PolicyUsageTypePermissionsPolicy:
		return use.attached > 0
	}
	return !value(in.OnlyAttached, false) || use.attached > 0
}

// DeletePolicy deletes a managed policy that nobody carries any more.
func (s *Service) DeletePolicy(ctx context.Context, call *awsmodel.Call, in *api.DeletePolicyInput) (*api.DeletePolicyOutput, error) {
	if managed.IsManaged(arn.ARN(in.PolicyArn)) {
		return nil, &awsmodel.Fault{Code: "AccessDenied", Message: "Policy " + in.PolicyArn + " is managed by AWS and cannot be deleted.", Status: 403}
	}
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.DeletePolicyOutput, error) {
		p, err := identity.PolicyByARN(ctx, tx, call.Account(), arn.ARN(in.PolicyArn))
		if err != nil {
			return nil, noSuch(err, "Policy %s was not found.", in.PolicyArn)
		}
		uses, err := policyUses(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		if uses[p.ARN()] != (policyUse{}) {
			return nil, conflict("Cannot delete a policy attached to entities.")
		}
		if err := identity.DeleteTags(ctx, tx, p.Owner()); err != nil {
			return nil, err
		}
		return &api.DeletePolicyOutput{}, identity.DeletePolicy(ctx, tx, p)
	})
}

// policyUse counts who carries a policy and who is bound by it.
type policyUse struct{ attached, boundary int }

func policyUses(ctx context.Context, tx *store.Tx, account arn.AccountID) (map[arn.ARN]policyUse, error) {
	attached, err := identity.AttachmentCounts(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	bounding, err := identity.BoundaryCounts(ctx, tx, account)
	uses := map[arn.ARN]policyUse{}
	for a, n := range attached {
		uses[a] = policyUse{attached: n, boundary: bounding[a]}
	}
	for a, n := range bounding {
		uses[a] = policyUse{attached: attached[a], boundary: n}
	}
	return uses, err
}

func policyShape(p identity.Policy, use policyUse) api.Policy {
	return api.Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: new(string(p.ARN())), Path: &p.Path, DefaultVersionId: new(onlyVersion),
		AttachmentCount: new(int32(use.attached)), PermissionsBoundaryUsageCount: new(int32(use.boundary)), IsAttachable: new(true),
		Description: optional(p.Description), CreateDate: new(seconds(p.CreatedAt)), UpdateDate: new(seconds(p.UpdatedAt)),
	}
}

func managedShape(m *managed.Policy, use policyUse) api.Policy {
	return api.Policy{
		PolicyName: &m.Name, PolicyId: &m.ID, Arn: new(string(m.ARN)), Path: &m.Path, DefaultVersionId: &m.Version,
		AttachmentCount: new(int32(use.attached)), PermissionsBoundaryUsageCount: new(int32(use.boundary)), IsAttachable: new(true),
		CreateDate: &m.Created, UpdateDate: &m.Created,
	}
}
