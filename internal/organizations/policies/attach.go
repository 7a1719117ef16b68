package policies

import (
	"context"
	"errors"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/orgpolicy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// AttachPolicy attaches a policy to a root, unit or account, at a cost that
// does not depend on how much is below it.
func (s *Service) AttachPolicy(ctx context.Context, call *awsmodel.Call, in *api.AttachPolicyInput) (*api.AttachPolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.AttachPolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "AttachPolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := lookup(ctx, tx, m, in.PolicyId)
		if err != nil {
			return nil, err
		}
		if err := s.attachable(ctx, tx, m, p, in.TargetId); err != nil {
			return nil, err
		}
		if p.managed {
			err = policies.EndExemption(ctx, tx, m.Org, p.ID, in.TargetId)
		} else {
			a := policies.Attachment{Policy: p.ID, Target: in.TargetId, AttachedAt: call.Time}
			err = policies.Attach(ctx, tx, m.Org, p.Type, a)
		}
		if err != nil {
			return nil, err
		}
		return &api.AttachPolicyOutput{}, s.desk.PolicyChanged(ctx, tx, m.Org, p.Type, in.TargetId, call.Time)
	})
}

// attachable refuses what keeps a policy from being attached.
func (s *Service) attachable(ctx context.Context, tx *store.Tx, m organizations.Membership, p held, target string) error {
	if err := organizations.TargetExists(ctx, tx, m, target); err != nil {
		return err
	}
	if err := inUse(ctx, tx, m.Org, p.Type); err != nil {
		return err
	}
	there, err := attached(ctx, tx, m, p, target)
	if err != nil {
		return err
	}
	if there {
		return duplicateAttachment()
	}
	n, err := count(ctx, tx, m, p.Type, target)
	if err == nil && n >= s.mayAttach(p.Type) {
		err = tooManyAttachments()
	}
	return err
}

// inUse refuses a policy type that is not enabled, or about to change.
func inUse(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string) error {
	t, err := directory.LookupPolicyType(ctx, tx, org, policyType)
	if err != nil {
		return refusal.Missing(err, policyTypeNotEnabled())
	}
	if t.Status != directory.PolicyTypeEnabled {
		return policyChangesInProgress()
	}
	return nil
}

// settled refuses a policy type that is about to change.
func settled(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string) error {
	err := inUse(ctx, tx, org, policyType)
	if _, disabled := errors.AsType[*api.PolicyTypeNotEnabledException](err); disabled {
		return nil
	}
	return err
}

// attached reports whether a policy is attached to a target itself. AWS's own
// are attached to everything that is not exempt, while their type has effect.
func attached(ctx context.Context, tx *store.Tx, m organizations.Membership, p held, target string) (bool, error) {
	if !p.managed {
		return policies.Attached(ctx, tx, m.Org, p.ID, target)
	}
	on, err := enforced(ctx, tx, m.Org, p.Type)
	if err != nil || !on {
		return false, err
	}
	out, err := policies.Exempted(ctx, tx, m.Org, p.ID, target)
	return !out, err
}

// managedAt returns AWS's own policy of a type where it is attached.
func managedAt(ctx context.Context, tx *store.Tx, m organizations.Membership, policyType, target string) ([]held, error) {
	p, ok := orgpolicy.ManagedOfType(policyType)
	if !ok {
		return nil, nil
	}
	there, err := attached(ctx, tx, m, managed(m, p), target)
	if err != nil || !there {
		return nil, err
	}
	return []held{managed(m, p)}, nil
}

// count counts the policies of a type that are attached to a target.
func count(ctx context.Context, tx *store.Tx, m organizations.Membership, policyType, target string) (int, error) {
	n, err := policies.CountAttachedTo(ctx, tx, m.Org, policyType, target)
	if err != nil {
		return 0, err
	}
	aws, err := managedAt(ctx, tx, m, policyType, target)
	return n + len(aws), err
}

// DetachPolicy ends an attachment.
func (s *Service) DetachPolicy(ctx context.Context, call *awsmodel.Call, in *api.DetachPolicyInput) (*api.DetachPolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DetachPolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DetachPolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := lookup(ctx, tx, m, in.PolicyId)
		if err != nil {
			return nil, err
		}
		if err := detachable(ctx, tx, m, p, in.TargetId); err != nil {
			return nil, err
		}
		if p.managed {
			err = policies.Exempt(ctx, tx, m.Org, p.Type, p.ID, in.TargetId)
		} else {
			err = policies.Detach(ctx, tx, m.Org, p.ID, in.TargetId)
		}
		if err != nil {
			return nil, err
		}
		return &api.DetachPolicyOutput{}, s.desk.PolicyChanged(ctx, tx, m.Org, p.Type, in.TargetId, call.Time)
	})
}

// detachable refuses what keeps a policy from being detached. What a service
// control policy is attached to must keep one.
func detachable(ctx context.Context, tx *store.Tx, m organizations.Membership, p held, target string) error {
	if err := organizations.TargetExists(ctx, tx, m, target); err != nil {
		return err
	}
	if err := settled(ctx, tx, m.Org, p.Type); err != nil {
		return err
	}
	there, err := attached(ctx, tx, m, p, target)
	switch {
	case err != nil:
		return err
	case !there:
		return policyNotAttached()
	case p.fixed:
		return nonDetachablePolicy()
	case p.Type != orgpolicy.ServiceControl:
		return nil
	}
	n, err := count(ctx, tx, m, p.Type, target)
	if err == nil && n <= 1 {
		err = tooFewAttachments()
	}
	return err
}

// ListPoliciesForTarget lists the policies of a type that are attached to a
// root, unit or account itself, by id.
func (s *Service) ListPoliciesForTarget(ctx context.Context, call *awsmodel.Call, in *api.ListPoliciesForTargetInput) (*api.ListPoliciesForTargetOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListPoliciesForTargetOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "ListPoliciesForTarget", in)
		if err != nil {
			return nil, err
		}
		query := []string{in.TargetId, string(in.Filter)}
		l, err := s.desk.OpenList(call, "ListPoliciesForTarget", query, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if err := organizations.TargetExists(ctx, tx, m, in.TargetId); err != nil {
			return nil, err
		}
		read, err := policies.AttachedPolicies(ctx, tx, m.Org, string(in.Filter), in.TargetId, l.After(), l.Ask())
		if err != nil {
			return nil, err
		}
		aws, err := managedAt(ctx, tx, m, string(in.Filter), in.TargetId)
		if err != nil {
			return nil, err
		}
		var out api.ListPoliciesForTargetOutput
		out.Policies, out.NextToken = page(m, l, read, aws)
		return &out, nil
	})
}

// ListTargetsForPolicy lists what a policy is attached to: accounts, then
// units, then the root, which is the order of their ids.
func (s *Service) ListTargetsForPolicy(ctx context.Context, call *awsmodel.Call, in *api.ListTargetsForPolicyInput) (*api.ListTargetsForPolicyOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListTargetsForPolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "ListTargetsForPolicy", in)
		if err != nil {
			return nil, err
		}
		l, err := s.desk.OpenList(call, "ListTargetsForPolicy", in.PolicyId, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		p, err := lookup(ctx, tx, m, in.PolicyId)
		if err != nil {
			return nil, err
		}
		read, err := targets(ctx, tx, m, p, l)
		if err != nil {
			return nil, err
		}
		var out api.ListTargetsForPolicyOutput
		out.Targets, out.NextToken = organizations.Cut(l, read, func(t api.PolicyTargetSummary) string { return *t.TargetId },
			func(t api.PolicyTargetSummary) api.PolicyTargetSummary { return t })
		return &out, nil
	})
}

// targets reads one page of what a policy is attached to.
func targets(ctx context.Context, tx *store.Tx, m organizations.Membership, p held, l organizations.Listing) ([]api.PolicyTargetSummary, error) {
	ids, err := targetIDs(ctx, tx, m, p, l)
	if err != nil {
		return nil, err
	}
	list := make([]api.PolicyTargetSummary, 0, len(ids))
	for _, id := range ids[:min(len(ids), l.Ask())] {
		t, err := organizations.TargetSummary(ctx, tx, m, id)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

func targetIDs(ctx context.Context, tx *store.Tx, m organizations.Membership, p held, l organizations.Listing) ([]string, error) {
	if !p.managed {
		return policies.Targets(ctx, tx, m.Org, p.ID, l.After(), l.Ask())
	}
	on, err := enforced(ctx, tx, m.Org, p.Type)
	if err != nil || !on {
		return nil, err
	}
	ids, err := policies.NotExempted(ctx, tx, m.Org, p.ID, l.After(), l.Ask())
	if err != nil || m.Root <= l.After() {
		return ids, err
	}
	out, err := policies.Exempted(ctx, tx, m.Org, p.ID, m.Root)
	if err == nil && !out {
		ids = append(ids, m.Root)
	}
	return ids, err
}
