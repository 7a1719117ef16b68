// Package delegation is what an organization's resource policy gives to
// members, and the terms in which policies speak of organizations: ARNs and
// condition keys.
package delegation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// Verdict is what an organization's resource policy says to a request.
type Verdict int

// The verdicts.
const (
	Silent Verdict = iota
	Allowed
	Denied
)

// Ask asks the organization's resource policy whether a member may do what a
// request asks for. The member's own policies were asked by the access desk.
// Without a resource policy the answer is silence.
func Ask(ctx context.Context, tx *store.Tx, call *awsmodel.Call, o directory.Organization, op string, in any) (Verdict, error) {
	stored, err := policies.LookupResourcePolicy(ctx, tx, o.ID)
	if errors.Is(err, store.ErrNotFound) {
		return Silent, nil
	}
	if err != nil {
		return Silent, err
	}
	doc, err := policy.Parse(stored.Content, policy.Resource)
	if err != nil {
		return Silent, fmt.Errorf("resource policy of %s: %w", o.ID, err)
	}
	about, err := describe(ctx, tx, o, in)
	if err != nil {
		return Silent, err
	}
	actions := []string{"organizations:" + op}
	if strings.HasPrefix(op, "Create") && len(about.tags) > 0 {
		actions = append(actions, "organizations:TagResource")
	}
	return about.ask(doc, call, o, actions), nil
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
func (r request) ask(doc *policy.Document, call *awsmodel.Call, o directory.Organization, actions []string) Verdict {
	everything, err := policy.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, policy.Identity)
	if err != nil {
		return Denied
	}
	all := policy.Policies{Identity: []*policy.Document{everything}, Resource: doc, ResourceAccount: o.Management}
	conditions, answer := r.conditions(call, o), Allowed
	for _, action := range actions {
		for _, resource := range r.resources {
			d := all.Evaluate(policy.Request{Principal: call.Principal, Action: action, Resource: string(resource), Context: conditions})
			if d.Explicit {
				return Denied
			}
			if !d.Allowed {
				answer = Silent
			}
		}
	}
	return answer
}

func (r request) conditions(call *awsmodel.Call, o directory.Organization) policy.Context {
	c := policy.Context{}
	who := call.Principal.ARN
	if call.Principal.RoleARN != "" {
		who = call.Principal.RoleARN
	}
	c.Set("aws:PrincipalAccount", string(call.Principal.Account))
	c.Set("aws:PrincipalARN", string(who))
	c.Set("aws:PrincipalOrgID", string(o.ID))
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
func describe(ctx context.Context, tx *store.Tx, o directory.Organization, in any) (request, error) {
	var r request
	var ids []string
	switch in := in.(type) {
	case *api.CreatePolicyInput:
		r.policyType, r.tags = string(in.Type), in.Tags
		r.resources = []arn.ARN{PolicyARN(o, r.policyType, "*")}
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
	case *api.DescribeAccountInput:
		ids = []string{in.AccountId}
	case *api.DescribeOrganizationalUnitInput:
		ids = []string{in.OrganizationalUnitId}
	case *api.ListParentsInput:
		ids = []string{in.ChildId}
	case *api.ListChildrenInput:
		ids = []string{in.ParentId}
	case *api.ListAccountsForParentInput:
		ids = []string{in.ParentId}
	case *api.ListOrganizationalUnitsForParentInput:
		ids = []string{in.ParentId}
	}
	for _, id := range ids {
		if err := r.add(ctx, tx, o, id); err != nil {
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
func (r *request) add(ctx context.Context, tx *store.Tx, o directory.Organization, id string) error {
	resource, policyType, err := ResourceOf(ctx, tx, o, id)
	if err != nil {
		return err
	}
	r.resources = append(r.resources, resource)
	if policyType != "" {
		r.policyType = policyType
	}
	owned, err := directory.Tags(ctx, tx, o.ID, id)
	r.owned = append(r.owned, owned...)
	return err
}
