package policies

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// PutResourcePolicy sets the policy by which the management account lets
// members manage policies. Tags are for its creation only.
func (s *Service) PutResourcePolicy(ctx context.Context, call *awsmodel.Call, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.PutResourcePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "PutResourcePolicy", in)
		if err != nil {
			return nil, err
		}
		if !m.AllFeatures() {
			return nil, refusal.NotAllFeatures()
		}
		if err := checkResourcePolicy(ctx, tx, m, in.Content); err != nil {
			return nil, err
		}
		p, err := policies.LookupResourcePolicy(ctx, tx, m.Org)
		switch {
		case errors.Is(err, store.ErrNotFound):
			p.ID = organizations.NewID("rp-")
		case err != nil:
			return nil, err
		case len(in.Tags) > 0:
			return nil, tagsOfExisting()
		}
		if err := s.desk.CheckTags(in.Tags); err != nil {
			return nil, err
		}
		p.Content = in.Content
		if err := policies.PutResourcePolicy(ctx, tx, m.Org, p); err != nil {
			return nil, err
		}
		return &api.PutResourcePolicyOutput{ResourcePolicy: resourceOutput(m, p)},
			s.desk.PutTags(ctx, tx, m.Org, p.ID, in.Tags)
	})
}

func resourceOutput(m organizations.Membership, p policies.ResourcePolicy) *api.ResourcePolicy {
	resource := arn.New("organizations", "", m.Management, "resourcepolicy/"+string(m.Org)+"/"+p.ID)
	return &api.ResourcePolicy{
		Content:               new(p.Content),
		ResourcePolicySummary: &api.ResourcePolicySummary{Id: new(p.ID), Arn: new(string(resource))},
	}
}

// DescribeResourcePolicy returns the organization's resource policy.
func (s *Service) DescribeResourcePolicy(ctx context.Context, call *awsmodel.Call, in *api.DescribeResourcePolicyInput) (*api.DescribeResourcePolicyOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeResourcePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DescribeResourcePolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := policies.LookupResourcePolicy(ctx, tx, m.Org)
		if err != nil {
			return nil, refusal.Missing(err, resourcePolicyNotFound())
		}
		return &api.DescribeResourcePolicyOutput{ResourcePolicy: resourceOutput(m, p)}, nil
	})
}

// DeleteResourcePolicy ends all that the resource policy allowed.
func (s *Service) DeleteResourcePolicy(ctx context.Context, call *awsmodel.Call, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DeleteResourcePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DeleteResourcePolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := policies.LookupResourcePolicy(ctx, tx, m.Org)
		if err != nil {
			return nil, refusal.Missing(err, resourcePolicyNotFound())
		}
		if err := directory.DeleteTags(ctx, tx, m.Org, p.ID); err != nil {
			return nil, err
		}
		return &api.DeleteResourcePolicyOutput{}, policies.DeleteResourcePolicy(ctx, tx, m.Org)
	})
}

// checkResourcePolicy refuses a document that cannot delegate what it says:
// only members can be given, and only operations on policies and tags, and
// what delegated administrators may read.
func checkResourcePolicy(ctx context.Context, tx *store.Tx, m organizations.Membership, content string) error {
	if _, err := policy.Parse(content, policy.Resource); err != nil {
		if strings.Contains(err.Error(), "principal") {
			return invalidPrincipal()
		}
		return invalidResourcePolicy(err.Error())
	}
	list, err := statements(content)
	if err != nil {
		return invalidResourcePolicy("its statements cannot be read.")
	}
	for _, st := range list {
		for _, check := range []func() error{
			func() error { return st.checkPrincipal(ctx, tx, m) },
			st.checkActions,
			func() error { return st.checkResources(m) },
			st.checkPolicyTypes,
		} {
			if err := check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st statement) checkPrincipal(ctx context.Context, tx *store.Tx, m organizations.Membership) error {
	if st.NotPrincipal != nil {
		return invalidPrincipal()
	}
	if st.everyone() {
		return nil
	}
	var named map[string]texts
	if json.Unmarshal(st.Principal, &named) != nil || len(named) != 1 || len(named["AWS"]) == 0 {
		return invalidPrincipal()
	}
	for _, who := range named["AWS"] {
		account := arn.AccountID(who)
		if parts, err := arn.Parse(arn.ARN(who)); err == nil {
			account = parts.Account
		}
		if _, err := directory.LookupMember(ctx, tx, m.Org, account); err != nil {
			return refusal.Missing(err, invalidPrincipal())
		}
	}
	return nil
}

// checkActions wants every operation that an action stands for to be one that
// can be delegated, and at least one.
func (st statement) checkActions() error {
	if st.NotAction != nil {
		return unsupportedAction()
	}
	operations := api.Handlers{}.Operations()
	for _, action := range st.Action {
		service, name, _ := strings.Cut(strings.ToLower(action), ":")
		found := false
		for _, op := range operations {
			if service != "organizations" || !matches(name, strings.ToLower(op.Name)) {
				continue
			}
			if !organizations.Delegable(op.Name) {
				return unsupportedAction()
			}
			found = true
		}
		if !found {
			return unsupportedAction()
		}
	}
	return nil
}

// matches compares a text with a pattern of stars and question marks. Neither
// holds what else path.Match knows.
func matches(pattern, text string) bool {
	if strings.ContainsAny(pattern, `[\`) {
		return false
	}
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// checkResources wants resources of this organization, or all.
func (st statement) checkResources(m organizations.Membership) error {
	if st.NotResource != nil {
		return unsupportedResource()
	}
	for _, resource := range st.Resource {
		if resource == "*" {
			continue
		}
		parts := strings.SplitN(resource, ":", 6)
		if len(parts) < 6 || parts[2] != "organizations" || !matches(parts[3], "") ||
			parts[4] != "aws" && !matches(parts[4], string(m.Management)) {
			return unsupportedResource()
		}
		kind, _, _ := strings.Cut(parts[5], "/")
		if !supportedKind(kind) {
			return unsupportedResource()
		}
	}
	return nil
}

func supportedKind(pattern string) bool {
	for _, kind := range []string{"account", "ou", "policy", "resourcepolicy", "root"} {
		if matches(pattern, kind) {
			return true
		}
	}
	return false
}

// checkPolicyTypes wants the values of organizations:PolicyType to be types.
func (st statement) checkPolicyTypes() error {
	for _, keys := range st.Condition {
		for key, values := range keys {
			if !strings.EqualFold(key, "organizations:PolicyType") {
				continue
			}
			var list texts
			if json.Unmarshal(values, &list) != nil {
				return unsupportedPolicyType()
			}
			for _, v := range list {
				if !someType(v) {
					return unsupportedPolicyType()
				}
			}
		}
	}
	return nil
}

func someType(pattern string) bool {
	for _, known := range policyTypes {
		if matches(pattern, string(known)) {
			return true
		}
	}
	return false
}
