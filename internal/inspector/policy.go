package inspector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/inspector/enforcement"
	"muster/internal/organizations"
	"muster/internal/organizations/policies"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/settings"
)

// What INSPECTOR_POLICY wants is kept per account and carried out where
// something changes that it depends on: at once for one account, by a job that
// goes through the organization for all others. The job begins anew when it is
// killed; what is as it should be costs it nothing but looking.

const inspectorPolicy = "INSPECTOR_POLICY"

// reachSetting remembers for which Regions and how many members policies were
// carried out.
const reachSetting = "inspector.policy-reach"

// EffectivePolicyChanged follows the policies that are about Inspector.
func (s *Service) EffectivePolicyChanged(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string, scope organizations.Scope, now time.Time) error {
	switch {
	case policyType != inspectorPolicy:
		return nil
	case scope.Kind == organizations.ScopeAccount:
		return s.enforceOn(ctx, tx, org, arn.AccountID(scope.ID), now)
	}
	return enqueuePolicy(ctx, tx, org, now)
}

func enqueuePolicy(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, now time.Time) error {
	return tx.Enqueue(ctx, store.Job{Kind: jobPolicy, Key: string(org), Payload: []byte(org), RunAt: now})
}

// CatchUp asks for policies to be carried out in Regions, and for members, that
// the installation had no room for when it ran before. It is called when a
// process starts.
func (s *Service) CatchUp(ctx context.Context) error {
	names := make([]string, len(s.config.Regions))
	for i, r := range s.config.Regions {
		names[i] = string(r)
	}
	slices.Sort(names)
	reach, now := fmt.Sprintf("%s members=%d", strings.Join(names, ","), s.config.MemberLimit), s.config.Now().UTC()
	return s.store.Update(ctx, func(tx *store.Tx) error {
		former, err := settings.Get(ctx, tx, reachSetting)
		if err := ignore(err, store.ErrNotFound); err != nil || former == reach {
			return err
		}
		list, err := activation.OrganizationsWithPolicies(ctx, tx)
		if err != nil {
			return err
		}
		for _, org := range list {
			if err := enqueuePolicy(ctx, tx, org, now); err != nil {
				return err
			}
		}
		return settings.Put(ctx, tx, reachSetting, reach, now)
	})
}

// enforce is the handler of jobPolicy.
func (s *Service) enforce(ctx context.Context, job store.Job) error {
	org := organizations.OrganizationID(job.Payload)
	for after, done := arn.AccountID(""), false; !done; {
		var last arn.AccountID
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			last, done, err = s.enforceSome(ctx, tx, org, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("enforce the Inspector policies of %s: %w", org, err)
		}
		after = last
	}
	return nil
}

// enforceSome carries policies out for some accounts after one.
func (s *Service) enforceSome(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, after arn.AccountID) (last arn.AccountID, done bool, err error) {
	effective, err := policies.NewEffective(ctx, tx, org, inspectorPolicy)
	if err != nil {
		return "", true, ignore(err, store.ErrNotFound) // The organization is gone.
	}
	list, err := directory.Members(ctx, tx, org, after, batchSize)
	if err != nil || len(list) == 0 {
		return "", true, err
	}
	var r enforcement.Reader
	wanted, active := map[arn.AccountID]enforcement.Policy{}, map[arn.AccountID]enforcement.Policy{}
	for _, a := range list {
		content, err := effective.OfMember(ctx, tx, a)
		if errors.Is(err, store.ErrNotFound) {
			wanted[a.ID] = nil
			continue
		}
		if err == nil {
			wanted[a.ID], err = r.Read(string(content))
		}
		if err != nil {
			return "", false, err
		}
		if a.State == directory.Active {
			active[a.ID] = wanted[a.ID]
		}
	}
	if err := remember(ctx, tx, org, wanted); err != nil {
		return "", false, err
	}
	return list[len(list)-1].ID, len(list) < batchSize, s.carryOut(ctx, tx, org, active, s.config.Regions, s.config.Now().UTC())
}

// remember stores the policies of accounts, nil where there is none.
func remember(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, wanted map[arn.AccountID]enforcement.Policy) error {
	texts := map[arn.AccountID]string{}
	var none []arn.AccountID
	for account, p := range wanted {
		if p == nil {
			none = append(none, account)
			continue
		}
		text, err := p.Encode()
		if err != nil {
			return err
		}
		texts[account] = text
	}
	if err := activation.PutPolicies(ctx, tx, org, texts); err != nil {
		return err
	}
	return activation.DeletePolicies(ctx, tx, none)
}

// enforceOn brings one account to what its policy wants.
func (s *Service) enforceOn(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, now time.Time) error {
	content, err := policies.EffectiveContent(ctx, tx, account, inspectorPolicy)
	if errors.Is(err, store.ErrNotFound) {
		return activation.DeletePolicies(ctx, tx, []arn.AccountID{account})
	}
	if err != nil {
		return err
	}
	p, err := enforcement.Read(content)
	if err != nil {
		return err
	}
	one := map[arn.AccountID]enforcement.Policy{account: p}
	if err := remember(ctx, tx, org, one); err != nil {
		return err
	}
	return s.carryOutActive(ctx, tx, org, one, s.config.Regions, now)
}

// policiesOf reads what is remembered of accounts; those without a policy are
// not in the map.
func policiesOf(ctx context.Context, tx *store.Tx, accounts []arn.AccountID) (map[arn.AccountID]enforcement.Policy, error) {
	texts, err := activation.Policies(ctx, tx, accounts)
	if err != nil {
		return nil, err
	}
	decoded, of := map[string]enforcement.Policy{}, make(map[arn.AccountID]enforcement.Policy, len(texts))
	for account, text := range texts {
		p, ok := decoded[text]
		if !ok {
			if p, err = enforcement.Decode(text); err != nil {
				return nil, err
			}
			decoded[text] = p
		}
		of[account] = p
	}
	return of, nil
}

// refuseCovered refuses to let a member go whose scanning a policy decides.
func refuseCovered(ctx context.Context, tx *store.Tx, m activation.Member) error {
	p, err := PolicyOf(ctx, tx, m.Account)
	if err == nil && p.Covers(m.Region) {
		err = invalid("Account %s is covered by an organization policy and cannot be disassociated.", m.Account)
	}
	return err
}
