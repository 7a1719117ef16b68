package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
	"muster/internal/worker"
)

// settleJob ends the pending status of a policy type.
const settleJob = "organizations.settle-policy-type"

// pending is the payload of settleJob: a policy type of an organization.
type pending struct {
	Org organizations.OrganizationID
	ID  string
}

// Jobs returns the handlers of this part's jobs by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{settleJob: func(ctx context.Context, job store.Job) error {
		var about pending
		if err := json.Unmarshal(job.Payload, &about); err != nil {
			return fmt.Errorf("payload of %s: %w", job.Kind, err)
		}
		return s.store.Update(ctx, func(tx *store.Tx) error { return s.settle(ctx, tx, about.Org, about.ID) })
	}}
}

// EnablePolicyType begins to use a policy type in the root.
func (s *Service) EnablePolicyType(ctx context.Context, call *awsmodel.Call, in *api.EnablePolicyTypeInput) (*api.EnablePolicyTypeOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.EnablePolicyTypeOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "EnablePolicyType", in)
		if err != nil {
			return nil, err
		}
		if err := enablable(ctx, tx, m, in.RootId, in.PolicyType); err != nil {
			return nil, err
		}
		root, err := s.change(ctx, tx, call, m, in.PolicyType, directory.PendingEnable)
		return &api.EnablePolicyTypeOutput{Root: root}, err
	})
}

// enablable refuses what keeps a policy type from being enabled.
func enablable(ctx context.Context, tx *store.Tx, m organizations.Membership, root string, policyType api.PolicyType) error {
	if root != m.Root {
		return rootNotFound()
	}
	if !m.AllFeatures() {
		return policyTypeNotAvailable()
	}
	now, err := directory.LookupPolicyType(ctx, tx, m.Org, string(policyType))
	switch {
	case err == nil && now.Status == directory.PendingDisable:
		return policyChangesInProgress()
	case err == nil:
		return policyTypeAlreadyEnabled()
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	trusted, err := organizations.PolicyTypeTrusted(ctx, tx, m.Org, policyType)
	if err == nil && !trusted {
		err = serviceAccessNotEnabled()
	}
	return err
}

// DisablePolicyType begins to stop the use of a policy type in the root. The
// end of it detaches the type's policies from everything and deletes none.
func (s *Service) DisablePolicyType(ctx context.Context, call *awsmodel.Call, in *api.DisablePolicyTypeInput) (*api.DisablePolicyTypeOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DisablePolicyTypeOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DisablePolicyType", in)
		if err != nil {
			return nil, err
		}
		if in.RootId != m.Root {
			return nil, rootNotFound()
		}
		if err := inUse(ctx, tx, m.Org, string(in.PolicyType)); err != nil {
			return nil, err
		}
		root, err := s.change(ctx, tx, call, m, in.PolicyType, directory.PendingDisable)
		return &api.DisablePolicyTypeOutput{Root: root}, err
	})
}

// change writes a pending status, which a job settles, and shows the root.
func (s *Service) change(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m organizations.Membership, policyType api.PolicyType, status directory.PolicyTypeStatus) (*api.Root, error) {
	p := directory.PolicyType{Type: string(policyType), Status: status}
	if err := directory.PutPolicyType(ctx, tx, m.Org, p); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(pending{m.Org, p.Type})
	if err != nil {
		return nil, err
	}
	err = tx.Enqueue(ctx, store.Job{
		Kind: settleJob, Key: string(m.Org) + "/" + p.Type, Account: string(m.Management),
		Payload: payload, RunAt: call.Time.Add(s.transition + s.delay("POLICY_TYPE", m.Management, "")),
	})
	if err != nil {
		return nil, err
	}
	root, err := organizations.RootSummary(ctx, tx, m)
	return &root, err
}

// settle ends a pending status and finds nothing to do when it is run again.
func (s *Service) settle(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string) error {
	p, err := directory.LookupPolicyType(ctx, tx, org, policyType)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case p.Status == directory.PendingDisable:
		err = errors.Join(policies.DetachType(ctx, tx, org, policyType), directory.DeletePolicyType(ctx, tx, org, policyType))
	case p.Status == directory.PendingEnable:
		p.Status = directory.PolicyTypeEnabled
		err = directory.PutPolicyType(ctx, tx, org, p)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	o, err := directory.LookupOrganization(ctx, tx, org)
	if err != nil {
		return err
	}
	return s.desk.PolicyChanged(ctx, tx, org, policyType, o.Root, s.now())
}
