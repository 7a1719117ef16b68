package policies

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// IAM's quotas for managed policies.
const (
	// MaxPolicies is how many an account may have.
	MaxPolicies = 1500
	// MaxVersions is how many versions a policy may have.
	MaxVersions = 5
	// MaxSize counts characters, white space left out.
	MaxSize = 6144
)

// idPrefix begins the unique ids of policies.
const idPrefix = "ANPA"

// Room answers the operations on managed policies.
type Room struct {
	desk    *desk.Desk
	managed *managed.Set
}

// New returns the room.
func New(d *desk.Desk, set *managed.Set) *Room { return &Room{d, set} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.CreatePolicy = r.CreatePolicy
	h.GetPolicy = r.GetPolicy
	h.ListPolicies = r.ListPolicies
	h.DeletePolicy = r.DeletePolicy
	h.ListEntitiesForPolicy = r.ListEntitiesForPolicy
	h.CreatePolicyVersion = r.CreatePolicyVersion
	h.GetPolicyVersion = r.GetPolicyVersion
	h.ListPolicyVersions = r.ListPolicyVersions
	h.SetDefaultPolicyVersion = r.SetDefaultPolicyVersion
	h.DeletePolicyVersion = r.DeletePolicyVersion
	h.TagPolicy = r.TagPolicy
	h.UntagPolicy = r.UntagPolicy
	h.ListPolicyTags = r.ListPolicyTags
}

// own finds a customer's policy that the account may change.
func own(ctx context.Context, tx *store.Tx, account arn.AccountID, a arn.ARN) (identity.Policy, error) {
	if managed.IsManaged(a) {
		return identity.Policy{}, &awsmodel.Fault{Code: "AccessDenied", Message: "Policy " + string(a) + " is managed by AWS and cannot be changed.", Status: 403}
	}
	p, err := identity.PolicyByARN(ctx, tx, account, a)
	return p, desk.NoSuch(err, "Policy %s was not found.", a)
}

func owner(ctx context.Context, tx *store.Tx, account arn.AccountID, a string) (identity.Owner, error) {
	p, err := own(ctx, tx, account, arn.ARN(a))
	return p.Owner(), err
}

// TagPolicy sets tags of a policy.
func (r *Room) TagPolicy(ctx context.Context, call *awsmodel.Call, in *api.TagPolicyInput) (*api.TagPolicyOutput, error) {
	return &api.TagPolicyOutput{}, r.desk.Tag(ctx, call, owner, in.PolicyArn, in.Tags)
}

// UntagPolicy removes tags of a policy.
func (r *Room) UntagPolicy(ctx context.Context, call *awsmodel.Call, in *api.UntagPolicyInput) (*api.UntagPolicyOutput, error) {
	return &api.UntagPolicyOutput{}, r.desk.Untag(ctx, call, owner, in.PolicyArn, in.TagKeys)
}

// ListPolicyTags lists a policy's tags. AWS's own policies have none.
func (r *Room) ListPolicyTags(ctx context.Context, call *awsmodel.Call, in *api.ListPolicyTagsInput) (*api.ListPolicyTagsOutput, error) {
	p, err := r.desk.NewPage(call, "ListPolicyTags", in.PolicyArn, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	if r.managed.Get(arn.ARN(in.PolicyArn)) != nil {
		return &api.ListPolicyTagsOutput{Tags: []api.Tag{}, IsTruncated: new(false)}, nil
	}
	out := &api.ListPolicyTagsOutput{}
	find := func(ctx context.Context, tx *store.Tx, account arn.AccountID, a string) (identity.Owner, error) {
		p, err := identity.PolicyByARN(ctx, tx, account, arn.ARN(a))
		return p.Owner(), desk.NoSuch(err, "Policy %s was not found.", a)
	}
	out.Tags, out.IsTruncated, out.Marker, err = r.desk.ListTags(ctx, p, find, in.PolicyArn)
	return out, err
}
