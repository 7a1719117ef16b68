package rollout

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	rollouts "muster/internal/store/rollout"
	"muster/internal/store/survey"
)

// administered is the organization whose delegated administrator the account
// is in one of the Regions, or empty.
func administered(ctx context.Context, tx *store.Tx, account arn.AccountID, parts []rollouts.Region) (directory.OrganizationID, error) {
	for _, part := range parts {
		scope, err := inspector.VisibleAccounts(ctx, tx, account, part.Region)
		if err != nil || scope.Administrator {
			return scope.Organization, err
		}
	}
	return "", nil
}

// selected finds the accounts that a target means, in ascending order. What
// its members say is joined by "and"; accounts that are not active are meant
// only when they are named, by id or state.
func selected(ctx context.Context, tx *store.Tx, caller arn.AccountID, org directory.OrganizationID, target *muster.RolloutTarget) ([]arn.AccountID, error) {
	if target == nil {
		target = &muster.RolloutTarget{}
	}
	if only(target) && len(target.AccountIds) > 0 {
		// Taken at their word: one that is not ours fails by itself.
		ids := make([]arn.AccountID, len(target.AccountIds))
		for i, id := range target.AccountIds {
			ids[i] = arn.AccountID(id)
		}
		slices.Sort(ids)
		return slices.Compact(ids), nil
	}
	if org == "" {
		if only(target) {
			return []arn.AccountID{caller}, nil
		}
		return nil, denied("Invoking account is not the delegated admin account: it reaches no other account")
	}
	f, err := newFilter(ctx, tx, org, target)
	if err != nil {
		return nil, err
	}
	var ids []arn.AccountID
	for account, err := range organizations.AccountsOf(ctx, tx, org) {
		if err != nil {
			return nil, err
		}
		if f.matches(account) {
			ids = append(ids, account.ID)
		}
	}
	if len(ids) == 0 {
		return nil, invalid("No account of the organization matches the target.")
	}
	return ids, nil
}

// only reports whether a target says nothing but ids.
func only(t *muster.RolloutTarget) bool {
	return len(t.ParentIds) == 0 && t.NamePattern == nil && len(t.States) == 0 && len(t.Tags) == 0
}

// filter is a target made ready to compare accounts with.
type filter struct {
	ids     map[arn.AccountID]bool
	parents []string
	pattern []rune
	states  []directory.State
	tagged  []map[arn.AccountID]bool
}

func newFilter(ctx context.Context, tx *store.Tx, org directory.OrganizationID, t *muster.RolloutTarget) (filter, error) {
	f := filter{parents: t.ParentIds, states: []directory.State{directory.Active}}
	if len(t.AccountIds) > 0 {
		f.ids = map[arn.AccountID]bool{}
		for _, id := range t.AccountIds {
			f.ids[arn.AccountID(id)] = true
		}
	}
	if t.NamePattern != nil {
		f.pattern = fold(*t.NamePattern)
	}
	if len(t.States) > 0 {
		f.states = nil
		for _, state := range t.States {
			f.states = append(f.states, directory.State(state))
		}
	}
	for key, value := range t.Tags {
		tagged, err := survey.Tagged(ctx, tx, org, directory.Tag{Key: key, Value: value})
		if err != nil {
			return f, err
		}
		f.tagged = append(f.tagged, tagged)
	}
	return f, parentsExist(ctx, tx, org, t.ParentIds)
}

func parentsExist(ctx context.Context, tx *store.Tx, org directory.OrganizationID, parents []string) error {
	o, err := directory.LookupOrganization(ctx, tx, org)
	if err != nil {
		return err
	}
	for _, id := range parents {
		if id == o.Root {
			continue
		}
		_, err := directory.LookupUnit(ctx, tx, org, id)
		if errors.Is(err, store.ErrNotFound) {
			return invalidField("target.parentIds", "There is no root or unit %s in the organization.", id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *filter) matches(a organizations.Account) bool {
	if f.ids != nil && !f.ids[a.ID] || !slices.Contains(f.states, a.State) {
		return false
	}
	for _, tagged := range f.tagged {
		if !tagged[a.ID] {
			return false
		}
	}
	// A unit holds what lies below it, too: the path names all.
	under := func(parent string) bool { return strings.Contains(a.Path, "/"+parent+"/") }
	if len(f.parents) > 0 && !slices.ContainsFunc(f.parents, under) {
		return false
	}
	return f.pattern == nil || wildcard(f.pattern, fold(a.Name))
}

func fold(s string) []rune {
	list := []rune(s)
	for i, r := range list {
		list[i] = unicode.ToLower(r)
	}
	return list
}

// wildcard compares a text with a pattern in which * stands for any
// characters and ? for one. It goes back to the last star only, so its time is
// bounded by the product of the lengths.
func wildcard(pattern, text []rune) bool {
	p, star, mark := 0, -1, 0
	for t := 0; t < len(text); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
