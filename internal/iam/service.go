package iam

import (
	"context"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/account"
	"muster/internal/iam/desk"
	"muster/internal/iam/logins"
	"muster/internal/iam/managed"
	"muster/internal/iam/policies"
	"muster/internal/iam/profiles"
	"muster/internal/iam/providers"
	"muster/internal/iam/report"
	"muster/internal/iam/rootaccess"
	"muster/internal/iam/simulate"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// Pager seals and opens markers; see desk.Pager.
type Pager = desk.Pager

// RoleUsage names what still uses a service-linked role in one Region.
type RoleUsage = identity.RoleUsage

// Usage tells whether a service still needs its role in an account. An empty
// answer means that the role may go.
type Usage interface {
	InUse(ctx context.Context, tx *store.Tx, account arn.AccountID, servicePrincipal string) ([]RoleUsage, error)
}

// Options configure a Service.
type Options struct {
	// Pages seals markers; required.
	Pages Pager
	// Controls gives the service control policies of an account by level, for
	// simulations; nil means that there are none.
	Controls func(ctx context.Context, account arn.AccountID) ([][]*policy.Document, error)
	// Usage is asked before a service-linked role is deleted; nil means that
	// no service uses any.
	Usage Usage
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	store   *store.Store
	desk    *desk.Desk
	keys    *Keys
	managed *managed.Set
	usage   Usage
	// controls is Options.Controls.
	controls func(context.Context, arn.AccountID) ([][]*policy.Document, error)
}

// New returns the desk that changes what keys answers from.
func New(keys *Keys, opts Options) *Service {
	return &Service{
		store: keys.store, keys: keys, managed: keys.managed, usage: opts.Usage, controls: opts.Controls,
		desk: &desk.Desk{Store: keys.store, Pages: opts.Pages, Changed: keys.Forget, Uses: keys.unstored},
	}
}

// Logins is how people sign in to the console.
func (s *Service) Logins() *logins.Room { return logins.New(s.desk, s.keys.keyring) }

// Handlers lists the operations that muster implements.
func (s *Service) Handlers() api.Handlers {
	h := api.Handlers{
		GetAccountSummary:             s.GetAccountSummary,
		CreateServiceLinkedRole:       s.CreateServiceLinkedRole,
		DeleteServiceLinkedRole:       s.DeleteServiceLinkedRole,
		CreateAccessKey:               s.CreateAccessKey,
		ListAccessKeys:                s.ListAccessKeys,
		UpdateAccessKey:               s.UpdateAccessKey,
		DeleteAccessKey:               s.DeleteAccessKey,
		GetAccessKeyLastUsed:          s.GetAccessKeyLastUsed,
		CreateGroup:                   s.CreateGroup,
		GetGroup:                      s.GetGroup,
		ListGroups:                    s.ListGroups,
		ListGroupsForUser:             s.ListGroupsForUser,
		DeleteGroup:                   s.DeleteGroup,
		AddUserToGroup:                s.AddUserToGroup,
		RemoveUserFromGroup:           s.RemoveUserFromGroup,
		PutUserPermissionsBoundary:    s.PutUserPermissionsBoundary,
		DeleteUserPermissionsBoundary: s.DeleteUserPermissionsBoundary,
		PutRolePermissionsBoundary:    s.PutRolePermissionsBoundary,
		DeleteRolePermissionsBoundary: s.DeleteRolePermissionsBoundary,
	}
	h.GetServiceLinkedRoleDeletionStatus = s.GetServiceLinkedRoleDeletionStatus
	account.New(s.desk).Handle(&h)
	s.Logins().Handle(&h)
	policies.New(s.desk, s.managed).Handle(&h)
	profiles.New(s.desk).Handle(&h)
	providers.New(s.desk).Handle(&h)
	report.New(s.desk, s.managed).Handle(&h)
	rootaccess.New(s.desk).Handle(&h)
	simulate.New(simulate.Options{Desk: s.desk, Managed: s.managed, Describe: s.describe, Controls: s.controls}).Handle(&h)
	s.userHandlers(&h)
	s.roleHandlers(&h)
	s.groupPolicyHandlers(&h)
	return h
}

func (s *Service) userHandlers(h *api.Handlers) {
	h.CreateUser = s.CreateUser
	h.GetUser = s.GetUser
	h.ListUsers = s.ListUsers
	h.UpdateUser = s.UpdateUser
	h.DeleteUser = s.DeleteUser
	h.TagUser = s.TagUser
	h.UntagUser = s.UntagUser
	h.ListUserTags = s.ListUserTags
	h.PutUserPolicy = s.PutUserPolicy
	h.GetUserPolicy = s.GetUserPolicy
	h.ListUserPolicies = s.ListUserPolicies
	h.DeleteUserPolicy = s.DeleteUserPolicy
	h.AttachUserPolicy = s.AttachUserPolicy
	h.DetachUserPolicy = s.DetachUserPolicy
	h.ListAttachedUserPolicies = s.ListAttachedUserPolicies
}

func (s *Service) roleHandlers(h *api.Handlers) {
	h.CreateRole = s.CreateRole
	h.GetRole = s.GetRole
	h.ListRoles = s.ListRoles
	h.UpdateRole = s.UpdateRole
	h.UpdateRoleDescription = s.UpdateRoleDescription
	h.UpdateAssumeRolePolicy = s.UpdateAssumeRolePolicy
	h.DeleteRole = s.DeleteRole
	h.TagRole = s.TagRole
	h.UntagRole = s.UntagRole
	h.ListRoleTags = s.ListRoleTags
	h.PutRolePolicy = s.PutRolePolicy
	h.GetRolePolicy = s.GetRolePolicy
	h.ListRolePolicies = s.ListRolePolicies
	h.DeleteRolePolicy = s.DeleteRolePolicy
	h.AttachRolePolicy = s.AttachRolePolicy
	h.DetachRolePolicy = s.DetachRolePolicy
	h.ListAttachedRolePolicies = s.ListAttachedRolePolicies
}

func (s *Service) groupPolicyHandlers(h *api.Handlers) {
	h.UpdateGroup = s.UpdateGroup
	h.PutGroupPolicy = s.PutGroupPolicy
	h.GetGroupPolicy = s.GetGroupPolicy
	h.ListGroupPolicies = s.ListGroupPolicies
	h.DeleteGroupPolicy = s.DeleteGroupPolicy
	h.AttachGroupPolicy = s.AttachGroupPolicy
	h.DetachGroupPolicy = s.DetachGroupPolicy
	h.ListAttachedGroupPolicies = s.ListAttachedGroupPolicies
}

// describe gives the condition keys that describe a principal.
func (s *Service) describe(ctx context.Context, p arn.Principal) (policy.Context, error) {
	b, err := s.keys.Bearer(ctx, p)
	return b.Context, err
}

// view runs fn on a snapshot and returns what it returns.
func view[T any](ctx context.Context, s *Service, fn func(*store.Tx) (T, error)) (T, error) {
	return desk.View(ctx, s.desk, fn)
}

// update runs fn in a transaction that changes an account, and makes the
// change count for the next request.
func update[T any](ctx context.Context, s *Service, account arn.AccountID, fn func(*store.Tx) (T, error)) (T, error) {
	return desk.Update(ctx, s.desk, account, fn)
}
