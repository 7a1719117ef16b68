package simulate

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/iam/desk"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// entity is the user, group or role whose policies are simulated.
type entity struct {
	kind, name string
	identity.Owner
	arn arn.ARN
	// boundary is the ARN of its permissions boundary, or empty.
	boundary string
	// service says that the role is a service's, whom no organization
	// restricts.
	service bool
}

// sceneOf is a user, group or role with all it carries.
func (r *Room) sceneOf(ctx context.Context, account arn.AccountID, written string) (*scene, error) {
	var s *scene
	var e entity
	err := r.Desk.Store.View(ctx, func(tx *store.Tx) (err error) {
		s = &scene{names: sources{}, context: policy.Context{}}
		if e, err = find(ctx, tx, account, written); err != nil {
			return err
		}
		return r.collect(ctx, tx, s, e)
	})
	if err != nil {
		return nil, err
	}
	s.principal = e.principal()
	if e.kind != "group" {
		if s.context, err = r.Describe(ctx, s.principal); err != nil {
			return nil, fmt.Errorf("describe %s: %w", e.arn, err)
		}
	}
	if r.Controls != nil && !e.service {
		s.policies.Control, err = r.Controls(ctx, account)
	}
	return s, err
}

func (e *entity) principal() arn.Principal {
	switch e.kind {
	case "user":
		return arn.Principal{Kind: arn.User, Account: e.Account, ARN: e.arn, ID: e.ID}
	case "role":
		p := session(e.Account, e.name, "simulation", e.arn)
		p.ID = e.ID + ":simulation"
		return p
	}
	return arn.Principal{Kind: arn.User, Account: e.Account} // somebody of the group
}

// find finds who an ARN names.
func find(ctx context.Context, tx *store.Tx, account arn.AccountID, written string) (entity, error) {
	parts, err := arn.Parse(arn.ARN(written))
	kind, rest, _ := strings.Cut(parts.Resource, "/")
	if err != nil || parts.Service != "iam" || rest == "" || kind != "user" && kind != "group" && kind != "role" {
		return entity{}, desk.Invalid("Invalid Entity Arn: %s does not clearly define entity type and name.", written)
	}
	e := entity{kind: kind, name: rest[strings.LastIndexByte(rest, '/')+1:]}
	switch kind {
	case "user":
		var u identity.User
		u, err = identity.UserByName(ctx, tx, account, e.name)
		e.name, e.Owner, e.arn, e.boundary = u.Name, u.Owner(), u.ARN(), u.Boundary
	case "group":
		var g identity.Group
		g, err = identity.GroupByName(ctx, tx, account, e.name)
		e.name, e.Owner, e.arn = g.Name, g.Owner(), g.ARN()
	case "role":
		var role identity.Role
		role, err = identity.RoleByName(ctx, tx, account, e.name)
		e.name, e.Owner, e.arn, e.boundary, e.service = role.Name, role.Owner(), role.ARN(), role.Boundary, role.Service != ""
	}
	if err == nil && string(e.arn) != written {
		err = store.ErrNotFound
	}
	return e, desk.NoSuch(err, "The %s with name %s cannot be found.", kind, rest[strings.LastIndexByte(rest, '/')+1:])
}

// collect reads what an entity and its groups carry.
func (r *Room) collect(ctx context.Context, tx *store.Tx, s *scene, e entity) error {
	bearers := []entity{e}
	if e.kind == "user" {
		groups, err := identity.GroupsOfUser(ctx, tx, e.Account, e.ID, "", maxGroups)
		if err != nil {
			return err
		}
		for _, g := range groups {
			bearers = append(bearers, entity{kind: "group", name: g.Name, Owner: g.Owner()})
		}
	}
	for _, b := range bearers {
		if err := r.collectOf(ctx, tx, s, b); err != nil {
			return fmt.Errorf("policies of %s %s: %w", b.kind, b.name, err)
		}
	}
	if e.boundary == "" {
		return nil
	}
	doc, err := r.attached(ctx, tx, s, e.Account, arn.ARN(e.boundary))
	s.policies.Boundary = []*policy.Document{doc}
	return err
}

// Above the quotas, so that nothing is left out.
const (
	maxGroups   = 1000
	maxPolicies = 1000
)

func (r *Room) collectOf(ctx context.Context, tx *store.Tx, s *scene, b entity) error {
	names, err := identity.InlineNames(ctx, tx, b.Owner, "", maxPolicies)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := identity.Inline(ctx, tx, b.Owner, name)
		if err != nil {
			return err
		}
		doc, err := policy.Parse(text, policy.Identity)
		if err != nil {
			return err
		}
		s.names[doc] = source{b.kind + "_" + b.name + "_" + name, iamPolicy}
		s.policies.Identity = append(s.policies.Identity, doc)
	}
	attached, err := identity.Attached(ctx, tx, b.Owner, "", maxPolicies)
	for _, a := range attached {
		if err != nil {
			return err
		}
		var doc *policy.Document
		doc, err = r.attached(ctx, tx, s, b.Account, a)
		s.policies.Identity = append(s.policies.Identity, doc)
	}
	return err
}

// attached is the document of a managed policy, AWS's or the account's.
func (r *Room) attached(ctx context.Context, tx *store.Tx, s *scene, account arn.AccountID, a arn.ARN) (*policy.Document, error) {
	_, name := desk.PathAndName(a)
	if m := r.Managed.Get(a); m != nil {
		s.names[m.Parsed] = source{name, iamPolicy}
		return m.Parsed, nil
	}
	p, err := identity.PolicyByARN(ctx, tx, account, a)
	if err != nil {
		return nil, err
	}
	doc, err := policy.Parse(p.Document, policy.Identity)
	if err == nil {
		s.names[doc] = source{name, iamPolicy}
	}
	return doc, err
}
