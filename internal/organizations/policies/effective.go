package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/organizations"
	"muster/internal/orgpolicy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// EffectiveContent returns what the policies of a management policy type mean
// for one account, as a JSON object without operators. The error is
// store.ErrNotFound when nothing applies: the account stands alone, the type is
// not enabled, or no policy is attached to the account or above it.
func EffectiveContent(ctx context.Context, tx *store.Tx, account arn.AccountID, policyType string) (json.RawMessage, error) {
	o, err := directory.OrganizationOf(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	e, err := effective(ctx, tx, o, policyType)
	if err != nil {
		return nil, err
	}
	return e.Of(ctx, tx, account)
}

// Effective works out the effective policies of a type for the accounts of one
// organization. It reads what is attached to units once, so that going through
// thousands of accounts costs little more than reading the accounts. It
// belongs to one transaction.
type Effective struct {
	organization directory.Organization
	policyType   string
	enabled      bool
	// attached are all attachments by target; nil means that they are read
	// one target at a time.
	attached  map[string][]policies.Attachment
	documents map[string]document
	parents   map[string]inherited
}

// document is a stored policy, parsed.
type document struct {
	orgpolicy.Policy
	updated time.Time
}

// inherited is what the policies of a root, unit or account and of all above
// it mean.
type inherited struct {
	orgpolicy.Effective
	content json.RawMessage
	// updated is when the youngest of the policies was updated or attached.
	updated time.Time
}

// NewEffective returns an Effective for many accounts of an organization.
func NewEffective(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string) (*Effective, error) {
	o, err := directory.LookupOrganization(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	e, err := effective(ctx, tx, o, policyType)
	if err != nil || !e.enabled {
		return e, err
	}
	list, err := policies.Attachments(ctx, tx, org, policyType)
	if err != nil {
		return nil, err
	}
	e.attached = map[string][]policies.Attachment{}
	for _, a := range list {
		e.attached[a.Target] = append(e.attached[a.Target], a)
	}
	return e, nil
}

// effective returns an Effective for few accounts.
func effective(ctx context.Context, tx *store.Tx, o directory.Organization, policyType string) (*Effective, error) {
	enabled, err := enforced(ctx, tx, o.ID, policyType)
	return &Effective{
		organization: o, policyType: policyType, enabled: enabled,
		documents: map[string]document{}, parents: map[string]inherited{},
	}, err
}

// enforced reports whether the policies of a type have an effect: from when
// the type has been enabled until it has been disabled.
func enforced(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string) (bool, error) {
	t, err := directory.LookupPolicyType(ctx, tx, org, policyType)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && t.Status != directory.PendingEnable, err
}

// Of is EffectiveContent for an account of the organization.
func (e *Effective) Of(ctx context.Context, tx *store.Tx, account arn.AccountID) (json.RawMessage, error) {
	in, err := e.of(ctx, tx, account)
	return in.content, err
}

func (e *Effective) of(ctx context.Context, tx *store.Tx, account arn.AccountID) (inherited, error) {
	if !e.enabled {
		return inherited{}, store.ErrNotFound
	}
	a, err := directory.LookupMember(ctx, tx, e.organization.ID, account)
	if err != nil {
		return inherited{}, err
	}
	return e.member(ctx, tx, a)
}

// OfMember is Of for an account that has been read.
func (e *Effective) OfMember(ctx context.Context, tx *store.Tx, a organizations.Account) (json.RawMessage, error) {
	in, err := e.member(ctx, tx, a)
	return in.content, err
}

func (e *Effective) member(ctx context.Context, tx *store.Tx, a organizations.Account) (inherited, error) {
	if !e.enabled {
		return inherited{}, store.ErrNotFound
	}
	above, err := e.at(ctx, tx, a.Parent)
	if err != nil {
		return inherited{}, err
	}
	in, err := e.below(ctx, tx, above, string(a.ID))
	if err == nil && !in.Found() {
		err = store.ErrNotFound
	}
	return in, err
}

// at is what a root or unit hands down.
func (e *Effective) at(ctx context.Context, tx *store.Tx, id string) (inherited, error) {
	if in, ok := e.parents[id]; ok {
		return in, nil
	}
	var above inherited
	if id != e.organization.Root {
		u, err := directory.LookupUnit(ctx, tx, e.organization.ID, id)
		if err != nil {
			return inherited{}, fmt.Errorf("unit %s: %w", id, err)
		}
		if above, err = e.at(ctx, tx, u.Parent); err != nil {
			return inherited{}, err
		}
	}
	in, err := e.below(ctx, tx, above, id)
	if err == nil {
		e.parents[id] = in
	}
	return in, err
}

// below adds what is attached to one target itself.
func (e *Effective) below(ctx context.Context, tx *store.Tx, above inherited, target string) (inherited, error) {
	list := e.attached[target]
	if e.attached == nil {
		var err error
		if list, err = policies.AttachedTo(ctx, tx, e.organization.ID, e.policyType, target); err != nil {
			return inherited{}, err
		}
	}
	if len(list) == 0 {
		return above, nil
	}
	in := inherited{updated: above.updated}
	level := make([]orgpolicy.Policy, 0, len(list))
	for _, a := range list {
		d, err := e.document(ctx, tx, a.Policy)
		if err != nil {
			return inherited{}, err
		}
		level = append(level, d.Policy)
		in.updated = latest(in.updated, a.AttachedAt, d.updated)
	}
	in.Effective = above.Merge(level)
	in.content = in.Content()
	return in, nil
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func (e *Effective) document(ctx context.Context, tx *store.Tx, id string) (document, error) {
	if d, ok := e.documents[id]; ok {
		return d, nil
	}
	p, err := policies.Lookup(ctx, tx, e.organization.ID, id)
	if err != nil {
		return document{}, fmt.Errorf("policy %s: %w", id, err)
	}
	parsed, err := orgpolicy.Parse(p.Content)
	if err != nil {
		return document{}, fmt.Errorf("policy %s: %w", id, err)
	}
	d := document{orgpolicy.Policy{ID: id, Document: parsed}, p.UpdatedAt}
	e.documents[id] = d
	return d, nil
}
