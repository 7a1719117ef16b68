// Package rootaccess is IAM's room for an organization's hold on its members'
// root users: the features that allow it, and who may use them.
package rootaccess

import (
	"context"
	"errors"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// servicePrincipal is IAM in the eyes of Organizations.
const servicePrincipal = "iam.amazonaws.com"

// Room answers the operations on the features.
type Room struct{ desk *desk.Desk }

// New returns the room.
func New(d *desk.Desk) *Room { return &Room{d} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.ListOrganizationsFeatures = r.ListOrganizationsFeatures
	h.EnableOrganizationsRootSessions = r.EnableOrganizationsRootSessions
	h.DisableOrganizationsRootSessions = r.DisableOrganizationsRootSessions
	h.EnableOrganizationsRootCredentialsManagement = r.EnableOrganizationsRootCredentialsManagement
	h.DisableOrganizationsRootCredentialsManagement = r.DisableOrganizationsRootCredentialsManagement
}

// The refusals.
var (
	errNoOrganization = &api.OrganizationNotFoundException{Message: "The account is not a member of an organization."}
	errNotManagement  = &api.CallerIsNotManagementAccountException{Message: "The calling account is not the management account of its organization."}
	errNotAdmin       = &api.AccountNotManagementOrDelegatedAdministratorException{Message: "The calling account is neither the management account nor a delegated administrator for IAM."}
	errNotAllFeatures = &api.OrganizationNotInAllFeaturesModeException{Message: "The organization does not have all features enabled."}
	errNoAccess       = &api.ServiceAccessNotEnabledException{Message: "Trusted access is not enabled for iam.amazonaws.com in the organization."}
)

// standing is the place of an account with regard to IAM in its organization.
type standing struct {
	directory.Organization
	management, administrator, trusted bool
}

func standingOf(ctx context.Context, tx *store.Tx, account arn.AccountID) (standing, error) {
	var s standing
	var err error
	if s.Organization, err = directory.OrganizationOf(ctx, tx, account); err != nil {
		return s, err
	}
	s.management = s.Management == account
	_, err = directory.LookupTrustedService(ctx, tx, s.ID, servicePrincipal)
	s.trusted = err == nil
	if err := desk.IgnoreMissing(err); err != nil {
		return s, err
	}
	admins, err := directory.DelegationsTo(ctx, tx, s.ID, servicePrincipal)
	s.administrator = slices.ContainsFunc(admins, func(d directory.Delegation) bool { return d.Account == account })
	return s, err
}

// of is the standing of an account that may use the operations; with
// onlyManagement a delegated administrator may not.
func of(ctx context.Context, tx *store.Tx, account arn.AccountID, onlyManagement bool) (standing, error) {
	s, err := standingOf(ctx, tx, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return s, errNoOrganization
	case err != nil:
		return s, err
	case onlyManagement && !s.management:
		return s, errNotManagement
	case !s.management && !s.administrator:
		return s, errNotAdmin
	case s.FeatureSet != directory.AllFeatures:
		return s, errNotAllFeatures
	case !s.trusted:
		return s, errNoAccess
	}
	return s, nil
}

// state is an organization's id and its features.
type state struct {
	id       *string
	features []api.FeatureType
}

func read(ctx context.Context, tx *store.Tx, s standing) (state, error) {
	names, err := identity.Features(ctx, tx, string(s.ID))
	out := state{id: new(string(s.ID)), features: []api.FeatureType{}}
	for _, name := range names {
		out.features = append(out.features, api.FeatureType(name))
	}
	return out, err
}

// ListOrganizationsFeatures lists the features that are on.
func (r *Room) ListOrganizationsFeatures(ctx context.Context, call *awsmodel.Call, _ *api.ListOrganizationsFeaturesInput) (*api.ListOrganizationsFeaturesOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListOrganizationsFeaturesOutput, error) {
		s, err := of(ctx, tx, call.Account(), false)
		if err != nil {
			return nil, err
		}
		now, err := read(ctx, tx, s)
		return &api.ListOrganizationsFeaturesOutput{OrganizationId: now.id, EnabledFeatures: now.features}, err
	})
}

// set switches a feature on or off.
func (r *Room) set(ctx context.Context, call *awsmodel.Call, feature api.FeatureType, on bool) (state, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (state, error) {
		s, err := of(ctx, tx, call.Account(), on)
		if err != nil {
			return state{}, err
		}
		if on {
			err = identity.PutFeature(ctx, tx, string(s.ID), string(feature), call.Time)
		} else {
			err = identity.DeleteFeature(ctx, tx, string(s.ID), string(feature))
		}
		if err != nil {
			return state{}, err
		}
		return read(ctx, tx, s)
	})
}

// EnableOrganizationsRootSessions lets the organization begin root sessions in
// its members.
func (r *Room) EnableOrganizationsRootSessions(ctx context.Context, call *awsmodel.Call, _ *api.EnableOrganizationsRootSessionsInput) (*api.EnableOrganizationsRootSessionsOutput, error) {
	now, err := r.set(ctx, call, api.FeatureTypeRootSessions, true)
	return &api.EnableOrganizationsRootSessionsOutput{OrganizationId: now.id, EnabledFeatures: now.features}, err
}

// DisableOrganizationsRootSessions ends what EnableOrganizationsRootSessions
// began; sessions that run go on to their end.
func (r *Room) DisableOrganizationsRootSessions(ctx context.Context, call *awsmodel.Call, _ *api.DisableOrganizationsRootSessionsInput) (*api.DisableOrganizationsRootSessionsOutput, error) {
	now, err := r.set(ctx, call, api.FeatureTypeRootSessions, false)
	return &api.DisableOrganizationsRootSessionsOutput{OrganizationId: now.id, EnabledFeatures: now.features}, err
}

// EnableOrganizationsRootCredentialsManagement lets the organization manage its
// members' root credentials.
func (r *Room) EnableOrganizationsRootCredentialsManagement(ctx context.Context, call *awsmodel.Call, _ *api.EnableOrganizationsRootCredentialsManagementInput) (*api.EnableOrganizationsRootCredentialsManagementOutput, error) {
	now, err := r.set(ctx, call, api.FeatureTypeRootCredentialsManagement, true)
	return &api.EnableOrganizationsRootCredentialsManagementOutput{OrganizationId: now.id, EnabledFeatures: now.features}, err
}

// DisableOrganizationsRootCredentialsManagement ends what
// EnableOrganizationsRootCredentialsManagement began.
func (r *Room) DisableOrganizationsRootCredentialsManagement(ctx context.Context, call *awsmodel.Call, _ *api.DisableOrganizationsRootCredentialsManagementInput) (*api.DisableOrganizationsRootCredentialsManagementOutput, error) {
	now, err := r.set(ctx, call, api.FeatureTypeRootCredentialsManagement, false)
	return &api.DisableOrganizationsRootCredentialsManagementOutput{OrganizationId: now.id, EnabledFeatures: now.features}, err
}

// May reports whether an account may do a task as the root user of another:
// the organization must have switched on root sessions, or for tasks on
// credentials their management, and the other be a member that can act.
func May(ctx context.Context, tx *store.Tx, caller, target arn.AccountID, task string) (bool, error) {
	s, err := of(ctx, tx, caller, false)
	var refusal awsmodel.Error
	if errors.As(err, &refusal) || target == s.Management {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m, err := directory.LookupMember(ctx, tx, s.ID, target)
	if err != nil || m.State != directory.Active {
		return false, desk.IgnoreMissing(err)
	}
	features, err := identity.Features(ctx, tx, string(s.ID))
	credentials := strings.HasPrefix(task, "IAM") && slices.Contains(features, string(api.FeatureTypeRootCredentialsManagement))
	return credentials || slices.Contains(features, string(api.FeatureTypeRootSessions)), err
}
