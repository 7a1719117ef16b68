// Package report is IAM's room for what auditors read: everything that the
// account's identities carry, and the report of its credentials.
package report

import (
	"context"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/iam/policies"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// Room answers the reports.
type Room struct {
	desk    *desk.Desk
	managed *managed.Set
}

// New returns the room.
func New(d *desk.Desk, set *managed.Set) *Room { return &Room{d, set} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.GetAccountAuthorizationDetails = r.GetAccountAuthorizationDetails
	h.GenerateCredentialReport = r.GenerateCredentialReport
	h.GetCredentialReport = r.GetCredentialReport
}

// chapter is a part of the details, in the order in which they come.
type chapter struct {
	kind api.EntityType
	// add adds up to limit items after a cursor and returns the cursor of the
	// last item of each.
	add func(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int, out *api.GetAccountAuthorizationDetailsOutput) ([]string, error)
}

func (r *Room) chapters() []chapter {
	return []chapter{
		{api.EntityTypeUser, users}, {api.EntityTypeGroup, groups}, {api.EntityTypeRole, r.roles},
		{api.EntityTypeLocalManagedPolicy, localPolicies}, {api.EntityTypeAWSManagedPolicy, r.managedPolicies},
	}
}

// GetAccountAuthorizationDetails describes users, groups, roles, the account's
// managed policies, and those of AWS that are in use.
func (r *Room) GetAccountAuthorizationDetails(ctx context.Context, call *awsmodel.Call, in *api.GetAccountAuthorizationDetailsInput) (*api.GetAccountAuthorizationDetailsOutput, error) {
	p, err := r.desk.NewPage(call, "GetAccountAuthorizationDetails", in.Filter, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.GetAccountAuthorizationDetailsOutput, error) {
		return r.details(ctx, tx, &p, in.Filter)
	})
}

// details fills a page. Its cursor is a chapter's kind and the place in it.
func (r *Room) details(ctx context.Context, tx *store.Tx, p *desk.Page, filter []api.EntityType) (*api.GetAccountAuthorizationDetailsOutput, error) {
	out := &api.GetAccountAuthorizationDetailsOutput{
		UserDetailList: []api.UserDetail{}, GroupDetailList: []api.GroupDetail{}, RoleDetailList: []api.RoleDetail{}, Policies: []api.ManagedPolicyDetail{},
	}
	from, after, _ := strings.Cut(p.After, "/")
	all := r.chapters()
	start := max(0, slices.IndexFunc(all, func(c chapter) bool { return string(c.kind) == from }))
	left := p.Limit
	for _, c := range all[start:] {
		if filter != nil && !slices.Contains(filter, c.kind) {
			continue
		}
		if string(c.kind) != from {
			after = ""
		}
		shown, err := c.add(ctx, tx, p.Call.Account(), after, left, out)
		if err != nil {
			return nil, err
		}
		if left -= len(shown); left == 0 {
			p.End(string(c.kind)+"/"+shown[len(shown)-1], &out.IsTruncated, &out.Marker)
			return out, nil
		}
	}
	out.IsTruncated = new(false)
	return out, nil
}

// carried is what a user, group or role carries.
func carried(ctx context.Context, tx *store.Tx, o identity.Owner) ([]api.PolicyDetail, []api.AttachedPolicy, error) {
	inline, attached := []api.PolicyDetail{}, []api.AttachedPolicy{}
	names, err := identity.InlineNames(ctx, tx, o, "", everything)
	for _, name := range names {
		if err != nil {
			return nil, nil, err
		}
		var text string
		text, err = identity.Inline(ctx, tx, o, name)
		inline = append(inline, api.PolicyDetail{PolicyName: new(name), PolicyDocument: new(desk.Encoded(text))})
	}
	if err != nil {
		return nil, nil, err
	}
	list, err := identity.Attached(ctx, tx, o, "", everything)
	for _, a := range list {
		_, name := desk.PathAndName(a)
		attached = append(attached, api.AttachedPolicy{PolicyName: &name, PolicyArn: new(string(a))})
	}
	return inline, attached, err
}

// everything is above all quotas.
const everything = 10_000

func localPolicies(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int, out *api.GetAccountAuthorizationDetailsOutput) ([]string, error) {
	list, err := identity.Policies(ctx, tx, account, "", after, limit)
	if err != nil {
		return nil, err
	}
	uses, err := policies.Uses(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	var shown []string
	for _, p := range list {
		versions, err := policies.Versions(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		out.Policies = append(out.Policies, policyDetail(policies.Shape(p, uses[p.ARN()]), versions))
		shown = append(shown, identity.Key(p.Name))
	}
	return shown, nil
}

// managedPolicies adds AWS's policies that somebody carries or is bound by.
func (r *Room) managedPolicies(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int, out *api.GetAccountAuthorizationDetailsOutput) ([]string, error) {
	uses, err := policies.Uses(ctx, tx, account)
	var shown []string
	for _, m := range r.managed.All() {
		key := identity.Key(m.Name)
		if use := uses[m.ARN]; use != (policies.Use{}) && key > after && len(shown) < limit {
			out.Policies = append(out.Policies, policyDetail(policies.ManagedShape(m, use), []api.PolicyVersion{policies.ManagedVersion(m)}))
			shown = append(shown, key)
		}
	}
	return shown, err
}

func policyDetail(p api.Policy, versions []api.PolicyVersion) api.ManagedPolicyDetail {
	return api.ManagedPolicyDetail{
		PolicyName: p.PolicyName, PolicyId: p.PolicyId, Arn: p.Arn, Path: p.Path, DefaultVersionId: p.DefaultVersionId,
		AttachmentCount: p.AttachmentCount, PermissionsBoundaryUsageCount: p.PermissionsBoundaryUsageCount, IsAttachable: p.IsAttachable,
		Description: p.Description, CreateDate: p.CreateDate, UpdateDate: p.UpdateDate, PolicyVersionList: versions,
	}
}
