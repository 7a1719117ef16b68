package organizations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/orgpolicy"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// verdict is what an organization's resource policy says to a request.
type verdict int

const (
	silent verdict = iota
	allowed
	denied
)

// delegates asks the organization's resource policy whether a delegated
// administrator may do what a request asks for. The administrator's own
// policies were asked by the access desk. Without a resource policy, and
// without an input that says what it is about, the answer is silence.
func delegates(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m Membership, op string, in any) (verdict, error) {
	stored, err := policies.LookupResourcePolicy(ctx, tx, m.Org)
	if errors.Is(err, store.ErrNotFound) || err == nil && in == nil {
		return silent, nil
	}
	if err != nil {
		return silent, err
	}
	doc, err := policy.Parse(stored.Content, policy.Resource)
	if err != nil {
		return silent, fmt.Errorf("resource policy of %s: %w", m.Org, err)
	}
	about, err := describe(ctx, tx, m, in)
	if err != nil {
		return silent, err
	}
	actions := []string{"organizations:" + op}
	if strings.HasPrefix(op, "Create") && len(about.tags) > 0 {
		actions = append(actions, "organizations:TagResource")
	}
	return about.ask(doc, call, m, actions), nil
}

// request is what somebody asks for, in the terms of policies.
type request struct {
	resources  []arn.ARN
	policyType string
	tags       []api.Tag
	tagKeys    []string
	// owned are the tags of the resource.
	owned []directory.Tag
}

// ask evaluates every action on every resource: all must be allowed, one
// denial is enough.
func (r request) ask(doc *policy.Document, call *awsmodel.Call, m Membership, actions []string) verdict {
	everything, err := policy.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, policy.Identity)
	if err != nil {
		return denied
	}
	all := policy.Policies{Identity: []*policy.Document{everything}, Resource: doc, ResourceAccount: m.Management}
	conditions, answer := r.conditions(call, m), allowed
	for _, action := range actions {
		for _, resource := range r.resources {
			d := all.Evaluate(policy.Request{Principal: call.Principal, Action: action, Resource: string(resource), Context: conditions})
			if d.Explicit {
				return denied
			}
			if !d.Allowed {
				answer = silent
			}
		}
	}
	return answer
}

func (r request) conditions(call *awsmodel.Call, m Membership) policy.Context {
	c := policy.Context{}
	who := call.Principal.ARN
	if call.Principal.RoleARN != "" {
		who = call.Principal.RoleARN
	}
	c.Set("aws:PrincipalAccount", string(call.Principal.Account))
	c.Set("aws:PrincipalARN", string(who))
	c.Set("aws:PrincipalOrgID", string(m.Org))
	c.SetNonEmpty("aws:SourceIp", call.SourceIP)
	c.SetNonEmpty("aws:RequestedRegion", string(call.Region))
	c.Set("aws:SecureTransport", fmt.Sprint(call.Secure))
	c.Set("aws:CurrentTime", call.Time.UTC().Format(time.RFC3339))
	c.Set("aws:EpochTime", fmt.Sprint(call.Time.Unix()))
	c.SetNonEmpty("organizations:PolicyType", r.policyType)
	keys := r.tagKeys
	for _, t := range r.tags {
		c.Set("aws:RequestTag/"+t.Key, t.Value)
		keys = append(keys, t.Key)
	}
	c.Set("aws:TagKeys", keys...)
	for _, t := range r.owned {
		c.Set("aws:ResourceTag/"+t.Key, t.Value)
	}
	return c
}

// describe says what a request is about.
func describe(ctx context.Context, tx *store.Tx, m Membership, in any) (request, error) {
	var r request
	var ids []string
	switch in := in.(type) {
	case *api.CreatePolicyInput:
		r.policyType, r.tags = string(in.Type), in.Tags
		r.resources = []arn.ARN{PolicyARN(m.Org, m.Management, r.policyType, "*")}
	case *api.UpdatePolicyInput:
		ids = []string{in.PolicyId}
	case *api.DeletePolicyInput:
		ids = []string{in.PolicyId}
	case *api.DescribePolicyInput:
		ids = []string{in.PolicyId}
	case *api.ListTargetsForPolicyInput:
		ids = []string{in.PolicyId}
	case *api.AttachPolicyInput:
		ids = []string{in.PolicyId, in.TargetId}
	case *api.DetachPolicyInput:
		ids = []string{in.PolicyId, in.TargetId}
	case *api.EnablePolicyTypeInput:
		r.policyType, ids = string(in.PolicyType), []string{in.RootId}
	case *api.DisablePolicyTypeInput:
		r.policyType, ids = string(in.PolicyType), []string{in.RootId}
	case *api.ListPoliciesInput:
		r.policyType = string(in.Filter)
	case *api.ListPoliciesForTargetInput:
		r.policyType, ids = string(in.Filter), []string{in.TargetId}
	case *api.TagResourceInput:
		r.tags, ids = in.Tags, []string{in.ResourceId}
	case *api.UntagResourceInput:
		r.tagKeys, ids = in.TagKeys, []string{in.ResourceId}
	case *api.ListTagsForResourceInput:
		ids = []string{in.ResourceId}
	}
	for _, id := range ids {
		if err := r.add(ctx, tx, m, id); err != nil {
			return r, err
		}
	}
	if r.resources == nil {
		r.resources = []arn.ARN{"*"}
	}
	return r, nil
}

// add adds something named by its id. A policy that does not exist is of no
// type, so that only what speaks of all policies applies.
func (r *request) add(ctx context.Context, tx *store.Tx, m Membership, id string) error {
	resource, policyType, err := ResourceOf(ctx, tx, m.Org, m.Management, id)
	if err != nil {
		return err
	}
	r.resources = append(r.resources, resource)
	if policyType != "" {
		r.policyType = policyType
	}
	owned, err := directory.Tags(ctx, tx, m.Org, id)
	r.owned = append(r.owned, owned...)
	return err
}

// ResourceOf returns the ARN of what an id names, existing or not, and of a
// policy its type.
func ResourceOf(ctx context.Context, tx *store.Tx, org OrganizationID, management arn.AccountID, id string) (resource arn.ARN, policyType string, err error) {
	if resource, ok := TargetARN(org, management, id); ok {
		return resource, "", nil
	}
	policyType, err = typeOfPolicy(ctx, tx, org, id)
	return PolicyARN(org, management, policyType, id), policyType, err
}

// TargetARN is the ARN of a root, unit, account, resource policy or transfer of
// responsibility by its id, existing or not; false for ids of other kinds, such
// as those of policies. A transfer's direction depends on who looks at it and
// is left open.
func TargetARN(org OrganizationID, management arn.AccountID, id string) (arn.ARN, bool) {
	kind := ""
	switch {
	case isAccount(id):
		kind = "account"
	case isRoot(id):
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
	return arn.New("organizations", "", management, kind+"/"+string(org)+"/"+id), true
}

func typeOfPolicy(ctx context.Context, tx *store.Tx, org OrganizationID, id string) (string, error) {
	if own, ok := orgpolicy.ManagedPolicy(id); ok {
		return own.Type, nil
	}
	p, err := policies.Lookup(ctx, tx, org, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Type, err
}

// PolicyARN is the ARN of a policy: AWS's own belong to no organization.
func PolicyARN(org OrganizationID, management arn.AccountID, policyType, id string) arn.ARN {
	kind := strings.ToLower(policyType)
	if _, ok := orgpolicy.ManagedPolicy(id); ok {
		return arn.ARN("arn:aws:organizations::aws:policy/" + kind + "/" + id)
	}
	return arn.New("organizations", "", management, "policy/"+string(org)+"/"+kind+"/"+id)
}
