package iam

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/iam/recall"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// Bearer is what a principal carries into a decision.
type Bearer struct {
	// Policies has the layers Identity, Boundary and Session.
	Policies policy.Policies
	// Context has the condition keys that describe the principal.
	Context policy.Context
	// Usable is false when the principal's account is suspended or closed.
	Usable bool
	// Organization is the principal's organization, with an empty ID when its
	// account stands alone.
	Organization directory.Organization
	// Name is the user's or role's name, empty for the root user.
	Name string
}

// Bearer returns what a principal carries. It returns store.ErrNotFound when
// the user, role or account has gone since the principal signed.
func (k *Keys) Bearer(ctx context.Context, p arn.Principal) (Bearer, error) {
	b, err := k.bearer(ctx, p.Account, OwnerOf(p))
	if err != nil {
		return Bearer{}, err
	}
	out := Bearer{
		Policies: policy.Policies{Identity: b.identity, Boundary: b.boundary},
		Context:  describe(p, b), Usable: b.usable, Organization: b.organization, Name: b.name,
	}
	if p.Kind == arn.FederatedUser {
		// Without a session policy it may nothing; with one, no more than the
		// user behind it, or anything where that is the root user.
		out.Policies.Session = []*policy.Document{}
		if p.Session.Owner == "" {
			out.Policies.Identity = []*policy.Document{k.managed.Get(administratorAccess).Parsed}
		}
	}
	if p.SessionPolicy != "" {
		doc, err := recall.Get(k.cache, p.Account, "policy "+p.SessionPolicy, func() (*policy.Document, error) {
			return policy.Parse(p.SessionPolicy, policy.Identity)
		})
		if err != nil {
			return Bearer{}, fmt.Errorf("session policy of %s: %w", p.ARN, err)
		}
		out.Policies.Session = []*policy.Document{doc}
	}
	return out, nil
}

// OwnerOf is the unique id of the user or role behind a principal, empty for
// the root user.
func OwnerOf(p arn.Principal) string {
	switch {
	case p.Session != nil:
		return p.Session.Owner
	case p.Kind == arn.RootUser:
		return ""
	}
	owner, _, _ := strings.Cut(p.ID, ":")
	return owner
}

// describe gives the condition keys of a principal.
func describe(p arn.Principal, b *bearer) policy.Context {
	c := policy.Context{}
	c.Set("aws:PrincipalAccount", string(p.Account))
	c.Set("aws:PrincipalARN", string(p.ARN))
	c.Set("aws:PrincipalIsAWSService", "false")
	c.Set("aws:userid", p.ID)
	switch p.Kind {
	case arn.RootUser:
		c.Set("aws:PrincipalType", "Account")
	case arn.User:
		c.Set("aws:PrincipalType", "User")
		c.Set("aws:username", b.name)
	case arn.AssumedRole:
		c.Set("aws:PrincipalType", "AssumedRole")
		c.Set("aws:PrincipalARN", string(p.RoleARN))
	case arn.FederatedUser:
		c.Set("aws:PrincipalType", "FederatedUser")
	}
	c.SetNonEmpty("aws:PrincipalOrgID", string(b.organization.ID))
	c.SetNonEmpty("aws:PrincipalOrgPaths", b.orgPath)
	for _, t := range b.tags {
		c.Set("aws:PrincipalTag/"+t.Name, t.Value)
	}
	if p.Session != nil {
		describeSession(c, p.Session)
	}
	return c
}

// describeSession gives the condition keys of temporary credentials. That of a
// second factor is absent for long-term keys, as in AWS. A session's tags count
// before its role's.
func describeSession(c policy.Context, s *arn.Session) {
	c.Set("aws:MultiFactorAuthPresent", strconv.FormatBool(s.Factor))
	c.Set("aws:TokenIssueTime", s.IssuedAt.Format(time.RFC3339))
	c.SetNonEmpty("aws:SourceIdentity", s.SourceIdentity)
	for name, value := range s.Tags {
		c.Set("aws:PrincipalTag/"+name, value)
	}
	if s.Origin == arn.FromAssumeRoot {
		c.Set("aws:AssumedRoot", "true")
	}
}

// bearer is a user, role or root user as the cache holds it.
type bearer struct {
	// principal is the root user, the user, or (Kind User, with the role's
	// own ARN and unique id) the role before a session names it.
	principal    arn.Principal
	role         bool
	name         string
	usable       bool
	organization directory.Organization
	// orgPath is where the account hangs, such as "o-x/r-y/ou-y-a/".
	orgPath            string
	identity, boundary []*policy.Document
	tags               []identity.Tag
}

func (k *Keys) bearer(ctx context.Context, account arn.AccountID, owner string) (*bearer, error) {
	return recall.Get(k.cache, account, "bearer "+owner, func() (*bearer, error) {
		var b *bearer
		err := k.store.View(ctx, func(tx *store.Tx) (err error) {
			b, err = k.readBearer(ctx, tx, account, owner)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("bearer %s of account %s: %w", owner, account, err)
		}
		return b, nil
	})
}

func (k *Keys) readBearer(ctx context.Context, tx *store.Tx, account arn.AccountID, owner string) (*bearer, error) {
	a, err := directory.LookupAccount(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	b := &bearer{usable: a.State == directory.Active || a.State == directory.PendingActivation}
	if err := b.readOrganization(ctx, tx, account); err != nil {
		return nil, err
	}
	boundary := arn.ARN("")
	switch {
	case owner == "":
		b.principal = arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root(), ID: string(account)}
		return b, nil
	case strings.HasPrefix(owner, rolePrefix):
		r, err := identity.RoleByID(ctx, tx, account, owner)
		if err != nil {
			return nil, err
		}
		b.role, b.name, boundary = true, r.Name, arn.ARN(r.Boundary)
		b.principal = arn.Principal{Kind: arn.User, Account: account, ARN: r.ARN(), ID: r.ID}
	default:
		u, err := identity.UserByID(ctx, tx, account, owner)
		if err != nil {
			return nil, err
		}
		b.name, boundary = u.Name, arn.ARN(u.Boundary)
		b.principal = arn.Principal{Kind: arn.User, Account: account, ARN: u.ARN(), ID: u.ID}
	}
	return b, k.readPolicies(ctx, tx, b, identity.Owner{Account: account, ID: owner}, boundary)
}

func (b *bearer) readOrganization(ctx context.Context, tx *store.Tx, account arn.AccountID) (err error) {
	b.organization, err = directory.OrganizationOf(ctx, tx, account)
	if err != nil {
		return desk.IgnoreMissing(err)
	}
	m, err := directory.LookupMember(ctx, tx, b.organization.ID, account)
	b.orgPath = strings.TrimSuffix(m.Path, string(account)+"/")
	return desk.IgnoreMissing(err)
}

func (k *Keys) readPolicies(ctx context.Context, tx *store.Tx, b *bearer, o identity.Owner, boundary arn.ARN) (err error) {
	if b.tags, err = identity.Tags(ctx, tx, o); err != nil {
		return err
	}
	carried, err := identity.Carry(ctx, tx, o)
	if err != nil {
		return err
	}
	for _, text := range carried.Inline {
		doc, err := policy.Parse(text, policy.Identity)
		if err != nil {
			return fmt.Errorf("inline policy: %w", err)
		}
		b.identity = append(b.identity, doc)
	}
	for _, a := range carried.Attached {
		doc, err := k.parseAttached(a, carried.Documents[a])
		if err != nil {
			return err
		}
		b.identity = append(b.identity, doc)
	}
	if boundary == "" {
		return nil
	}
	doc, err := k.readBoundary(ctx, tx, o.Account, boundary)
	b.boundary = []*policy.Document{doc}
	return err
}

func (k *Keys) readBoundary(ctx context.Context, tx *store.Tx, account arn.AccountID, boundary arn.ARN) (*policy.Document, error) {
	text := ""
	if !managed.IsManaged(boundary) {
		p, err := identity.PolicyByARN(ctx, tx, account, boundary)
		if err != nil {
			// Not %w: its absence must not read as the absence of the user.
			return nil, fmt.Errorf("permissions boundary %s: %v", boundary, err)
		}
		text = p.Document
	}
	return k.parseAttached(boundary, text)
}

// parseAttached returns the document of a managed policy: AWS's own, or the
// account's with the text given.
func (k *Keys) parseAttached(a arn.ARN, text string) (*policy.Document, error) {
	if p := k.managed.Get(a); p != nil {
		return p.Parsed, nil
	}
	doc, err := policy.Parse(text, policy.Identity)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", a, err)
	}
	return doc, nil
}
