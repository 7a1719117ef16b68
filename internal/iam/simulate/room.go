// Package simulate is IAM's room for "what if": whether policies would allow
// actions, decided by the very evaluator that decides requests, and which
// condition keys they ask for.
package simulate

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/policy"
)

// Options are the room's parts.
type Options struct {
	Desk    *desk.Desk
	Managed *managed.Set
	// Describe gives the condition keys that describe a principal.
	Describe func(context.Context, arn.Principal) (policy.Context, error)
	// Controls gives the service control policies of an account by level; nil
	// means that there are none.
	Controls func(context.Context, arn.AccountID) ([][]*policy.Document, error)
}

// Room answers simulations.
type Room struct {
	Options
	// everything is a policy that allows everything: the others decide.
	everything *policy.Document
}

// New returns the room.
func New(o Options) *Room {
	r := &Room{Options: o}
	if o.Managed != nil {
		r.everything = o.Managed.Get("arn:aws:iam::aws:policy/AdministratorAccess").Parsed
	}
	return r
}

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.SimulateCustomPolicy = r.SimulateCustomPolicy
	h.SimulatePrincipalPolicy = r.SimulatePrincipalPolicy
	h.GetContextKeysForCustomPolicy = r.GetContextKeysForCustomPolicy
	h.GetContextKeysForPrincipalPolicy = r.GetContextKeysForPrincipalPolicy
}

// SimulateCustomPolicy decides by the policies given alone.
func (r *Room) SimulateCustomPolicy(_ context.Context, call *awsmodel.Call, in *api.SimulateCustomPolicyInput) (*api.SimulateCustomPolicyOutput, error) {
	out, err := r.custom(call, in)
	if err != nil {
		return nil, err
	}
	return &api.SimulateCustomPolicyOutput{EvaluationResults: out.results, IsTruncated: out.more, Marker: out.marker}, nil
}

func (r *Room) custom(call *awsmodel.Call, in *api.SimulateCustomPolicyInput) (answer, error) {
	w := wish{
		actions: in.ActionNames, resources: in.ResourceArns, resourcePolicy: in.ResourcePolicy, owner: in.ResourceOwner,
		boundaries: in.PermissionsBoundaryPolicyInputList, caller: in.CallerArn, entries: in.ContextEntries,
	}
	p, err := r.Desk.NewPage(call, "SimulateCustomPolicy", []any{in.PolicyInputList, w.query()}, in.Marker, in.MaxItems)
	if err != nil {
		return answer{}, err
	}
	s := scene{principal: arn.Principal{Kind: arn.User, Account: call.Account()}, context: policy.Context{}, names: sources{}}
	if err := s.add("PolicyInputList", in.PolicyInputList); err != nil {
		return answer{}, err
	}
	return r.run(&p, &s, w)
}

// SimulatePrincipalPolicy decides by what a user, group or role carries, and
// by the policies given.
func (r *Room) SimulatePrincipalPolicy(ctx context.Context, call *awsmodel.Call, in *api.SimulatePrincipalPolicyInput) (*api.SimulatePrincipalPolicyOutput, error) {
	out, err := r.principal(ctx, call, in)
	if err != nil {
		return nil, err
	}
	return &api.SimulatePrincipalPolicyOutput{EvaluationResults: out.results, IsTruncated: out.more, Marker: out.marker}, nil
}

func (r *Room) principal(ctx context.Context, call *awsmodel.Call, in *api.SimulatePrincipalPolicyInput) (answer, error) {
	w := wish{
		actions: in.ActionNames, resources: in.ResourceArns, resourcePolicy: in.ResourcePolicy, owner: in.ResourceOwner,
		boundaries: in.PermissionsBoundaryPolicyInputList, caller: in.CallerArn, entries: in.ContextEntries,
	}
	p, err := r.Desk.NewPage(call, "SimulatePrincipalPolicy", []any{in.PolicySourceArn, in.PolicyInputList, w.query()}, in.Marker, in.MaxItems)
	if err != nil {
		return answer{}, err
	}
	s, err := r.sceneOf(ctx, call.Account(), in.PolicySourceArn)
	if err != nil {
		return answer{}, err
	}
	if err := s.add("PolicyInputList", in.PolicyInputList); err != nil {
		return answer{}, err
	}
	return r.run(&p, s, w)
}

// GetContextKeysForCustomPolicy lists the condition keys that policies, of
// whatever kind, ask for.
func (r *Room) GetContextKeysForCustomPolicy(_ context.Context, _ *awsmodel.Call, in *api.GetContextKeysForCustomPolicyInput) (*api.GetContextKeysForCustomPolicyOutput, error) {
	docs, err := ofAnyKind(in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return &api.GetContextKeysForCustomPolicyOutput{ContextKeyNames: keys(docs)}, nil
}

// GetContextKeysForPrincipalPolicy lists the condition keys that the policies
// of a user, group or role, and those given, ask for.
func (r *Room) GetContextKeysForPrincipalPolicy(ctx context.Context, call *awsmodel.Call, in *api.GetContextKeysForPrincipalPolicyInput) (*api.GetContextKeysForPrincipalPolicyOutput, error) {
	docs, err := ofAnyKind(in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	s, err := r.sceneOf(ctx, call.Account(), in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	return &api.GetContextKeysForPrincipalPolicyOutput{ContextKeyNames: keys(append(s.policies.Identity, docs...))}, nil
}

func keys(docs []*policy.Document) []string {
	return append([]string{}, policy.ContextKeys(docs...)...)
}
