package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"muster/internal/arn"
	"muster/internal/iam/recall"
	"muster/internal/organizations"
	"muster/internal/orgpolicy"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// Controls says which service control policies bear on an account. It
// remembers for a second what it has read, so that judging a request seldom
// asks the database, and as an observer of organizations forgets at once what
// this process changes. It is safe for concurrent use.
type Controls struct {
	organizations.Deaf
	store *store.Store
	// cache remembers, by account, where it is, and, by organization, what its
	// root and units hand down; own what is attached to accounts.
	cache, own *recall.Cache
	// generation numbers what was read of roots and units.
	generation atomic.Uint64
}

var _ organizations.Observer = (*Controls)(nil)

// NewControls returns the policies kept in a store; now is the clock by which
// memories age.
func NewControls(st *store.Store, now func() time.Time) *Controls {
	return &Controls{store: st, cache: recall.New(now), own: recall.New(now)}
}

// handed is what a root or unit hands down: documents by level. No levels mean
// that there is nothing to obey.
type handed struct {
	levels     [][]*policy.Document
	generation uint64
}

// attachedTo is what is attached to an account itself. It is read anew with
// every generation of what is handed down, because a change far above may
// concern it, such as another content of a policy with many targets.
type attachedTo struct {
	documents  []*policy.Document
	generation uint64
}

// place is where an account is; without Org it stands alone.
type place struct {
	directory.Organization
	parent string
}

// Of returns the policies that bear on an account by level: root, each unit,
// the account itself. Every level must allow. It returns nil when none do: for
// accounts that stand alone, for management accounts, and while the policy
// type is not enabled.
func (c *Controls) Of(ctx context.Context, account arn.AccountID) ([][]*policy.Document, error) {
	p, err := recall.Get(c.cache, account, "place", func() (place, error) { return c.place(ctx, account) })
	if err != nil || p.ID == "" || p.Management == account {
		return nil, err
	}
	above, err := recall.Get(c.cache, memory(p.ID), "under "+p.parent, func() (handed, error) { return c.above(ctx, p) })
	if err != nil || above.levels == nil {
		return nil, err
	}
	itself, err := c.itself(ctx, p, account, above.generation)
	if err != nil {
		return nil, fmt.Errorf("service control policies of %s: %w", account, err)
	}
	return append(slices.Clip(above.levels), itself), nil
}

// itself returns what is attached to an account, not older than a generation.
func (c *Controls) itself(ctx context.Context, p place, account arn.AccountID, generation uint64) ([]*policy.Document, error) {
	read := func() (attachedTo, error) {
		a := attachedTo{generation: generation}
		err := c.store.View(ctx, func(tx *store.Tx) (err error) {
			a.documents, err = c.at(ctx, tx, p.ID, string(account))
			return err
		})
		return a, err
	}
	a, err := recall.Get(c.own, account, "", read)
	if err == nil && a.generation < generation {
		c.own.Forget(account)
		a, err = recall.Get(c.own, account, "", read)
	}
	return a.documents, err
}

// memory is the key of what belongs to a whole organization. Ids of
// organizations and of accounts are never the same.
func memory(org organizations.OrganizationID) arn.AccountID { return arn.AccountID(org) }

func (c *Controls) place(ctx context.Context, account arn.AccountID) (place, error) {
	var p place
	err := c.store.View(ctx, func(tx *store.Tx) error {
		p = place{}
		o, err := directory.OrganizationOf(ctx, tx, account)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := directory.LookupMember(ctx, tx, o.ID, account)
		p = place{o, a.Parent}
		return err
	})
	if err != nil {
		return place{}, fmt.Errorf("organization of %s: %w", account, err)
	}
	return p, nil
}

// above reads what a root or unit and all above it hand down.
func (c *Controls) above(ctx context.Context, p place) (handed, error) {
	out := handed{generation: c.generation.Add(1)}
	err := c.store.View(ctx, func(tx *store.Tx) error {
		out.levels = nil
		on, err := enforced(ctx, tx, p.ID, orgpolicy.ServiceControl)
		if err != nil || !on {
			return err
		}
		for id := p.parent; ; {
			documents, err := c.at(ctx, tx, p.ID, id)
			if err != nil {
				return err
			}
			out.levels = append(out.levels, documents)
			if id == p.Root {
				break
			}
			u, err := directory.LookupUnit(ctx, tx, p.ID, id)
			if err != nil {
				return fmt.Errorf("unit %s: %w", id, err)
			}
			id = u.Parent
		}
		slices.Reverse(out.levels)
		return nil
	})
	if err != nil {
		return handed{}, fmt.Errorf("service control policies of %s: %w", p.parent, err)
	}
	return out, nil
}

// at reads the policies that are attached to one target itself. The list is
// never nil.
func (c *Controls) at(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, target string) ([]*policy.Document, error) {
	list := []*policy.Document{}
	out, err := policies.Exempted(ctx, tx, org, orgpolicy.FullAccess, target)
	if err != nil {
		return nil, err
	}
	if aws, _ := orgpolicy.ManagedPolicy(orgpolicy.FullAccess); !out {
		d, err := c.parsed(org, policies.Policy{ID: aws.ID, Content: aws.Content})
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	own, err := policies.AttachedPolicies(ctx, tx, org, orgpolicy.ServiceControl, target, "", maxAttached)
	if err != nil {
		return nil, err
	}
	for _, p := range own {
		d, err := c.parsed(org, p)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// maxAttached is more than a target may have by any limit.
const maxAttached = 1000

// parsed parses a policy once as long as it is in use and stays the same.
func (c *Controls) parsed(org organizations.OrganizationID, p policies.Policy) (*policy.Document, error) {
	key := "policy " + p.ID + " " + strconv.FormatInt(p.UpdatedAt.UnixMicro(), 10)
	return recall.Get(c.cache, memory(org), key, func() (*policy.Document, error) {
		d, err := policy.Parse(p.Content, policy.Control)
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.ID, err)
		}
		return d, nil
	})
}

func (c *Controls) forget(account arn.AccountID) {
	c.cache.Forget(account)
	c.own.Forget(account)
}

// EffectivePolicyChanged forgets the service control policies of an account, or
// of the whole organization.
func (c *Controls) EffectivePolicyChanged(_ context.Context, tx *store.Tx, org organizations.OrganizationID, policyType string, scope organizations.Scope, _ time.Time) error {
	if policyType != orgpolicy.ServiceControl {
		return nil
	}
	tx.AfterCommit(func() {
		if scope.Kind == organizations.ScopeAccount {
			c.forget(arn.AccountID(scope.ID))
		} else {
			c.cache.Forget(memory(org))
		}
	})
	return nil
}

// AccountJoined forgets that the account stood alone.
func (c *Controls) AccountJoined(_ context.Context, tx *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ time.Time) error {
	tx.AfterCommit(func() { c.forget(account) })
	return nil
}

// AccountLeft forgets where the account was.
func (c *Controls) AccountLeft(_ context.Context, tx *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ time.Time) error {
	tx.AfterCommit(func() { c.forget(account) })
	return nil
}
