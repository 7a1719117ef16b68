package handshakes

import (
	"context"
	"errors"
	"strings"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// show is a handshake in AWS's shape.
func (s *Service) show(ctx context.Context, tx *store.Tx, h handshakes.Handshake, now time.Time) (*api.Handshake, error) {
	state, err := s.state(ctx, tx, h, now)
	if err != nil {
		return nil, err
	}
	resources, err := resourcesOf(ctx, tx, h)
	if err != nil {
		return nil, err
	}
	return &api.Handshake{
		Id: new(h.ID), Arn: new(string(arnOf(h))),
		Action: api.ActionType(h.Action), State: api.HandshakeState(state),
		RequestedTimestamp: new(h.RequestedAt), ExpirationTimestamp: new(h.ExpiresAt),
		Parties: parties(h), Resources: resources,
	}, nil
}

func arnOf(h handshakes.Handshake) arn.ARN {
	return arn.New("organizations", "", h.Management, "handshake/"+string(h.Org)+"/"+strings.ToLower(string(h.Action))+"/"+h.ID)
}

// ARNOf is the ARN of a handshake, which policies name; store.ErrNotFound when
// there is none of this id.
func ARNOf(ctx context.Context, tx *store.Tx, id string) (arn.ARN, error) {
	h, err := handshakes.Lookup(ctx, tx, id)
	return arnOf(h), err
}

// parties are the organization and the recipient as it was named. A request
// for all features is the organization's own.
func parties(h handshakes.Handshake) []api.HandshakeParty {
	list := []api.HandshakeParty{{Id: string(h.Org), Type: api.HandshakePartyTypeOrganization}}
	switch {
	case h.Action == handshakes.EnableAllFeatures:
	case h.Account != "":
		list = append(list, api.HandshakeParty{Id: string(h.Account), Type: api.HandshakePartyTypeAccount})
	default:
		list = append(list, api.HandshakeParty{Id: h.Email, Type: api.HandshakePartyTypeEmail})
	}
	return list
}

func resource(kind api.HandshakeResourceType, value string, inside ...api.HandshakeResource) api.HandshakeResource {
	return api.HandshakeResource{Type: kind, Value: new(value), Resources: inside}
}

// resourcesOf say more about a handshake, for the recipient above all.
func resourcesOf(ctx context.Context, tx *store.Tx, h handshakes.Handshake) ([]api.HandshakeResource, error) {
	var about []api.HandshakeResource
	var err error
	switch h.Action {
	case handshakes.EnableAllFeatures:
		return []api.HandshakeResource{resource(api.HandshakeResourceTypeOrganization, string(h.Org))}, nil
	case handshakes.TransferResponsibility:
		about, err = transferResources(ctx, tx, h)
	default:
		about, err = organizationResources(ctx, tx, h)
	}
	if err != nil {
		return nil, err
	}
	if h.Account != "" {
		about = append(about, resource(api.HandshakeResourceTypeAccount, string(h.Account)))
	} else {
		about = append(about, resource(api.HandshakeResourceTypeEmail, h.Email))
	}
	if h.Notes != "" {
		about = append(about, resource(api.HandshakeResourceTypeNotes, h.Notes))
	}
	if h.Parent != "" {
		about = append(about, resource(api.HandshakeResourceTypeParentHandshake, h.Parent))
	}
	return about, nil
}

// organizationResources say which organization it is and what it may do with
// its members today; nothing more of one that is gone.
func organizationResources(ctx context.Context, tx *store.Tx, h handshakes.Handshake) ([]api.HandshakeResource, error) {
	management, err := directory.LookupAccount(ctx, tx, h.Management)
	if err != nil {
		return nil, err
	}
	inside := []api.HandshakeResource{
		resource(api.HandshakeResourceTypeMasterEmail, management.Email),
		resource(api.HandshakeResourceTypeMasterName, management.Name),
	}
	o, err := directory.LookupOrganization(ctx, tx, h.Org)
	if err == nil {
		inside = append(inside, resource(api.HandshakeResourceTypeOrganizationFeatureSet, string(o.FeatureSet)))
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return []api.HandshakeResource{resource(api.HandshakeResourceTypeOrganization, string(h.Org), inside...)}, nil
}

// transferResources say who would take on what, and when.
func transferResources(ctx context.Context, tx *store.Tx, h handshakes.Handshake) ([]api.HandshakeResource, error) {
	management, err := directory.LookupAccount(ctx, tx, h.Management)
	if err != nil {
		return nil, err
	}
	t, err := handshakes.LookupTransfer(ctx, tx, h.Transfer)
	if err != nil {
		return nil, err
	}
	return []api.HandshakeResource{
		resource(api.HandshakeResourceTypeOrganization, string(h.Org)),
		resource(api.HandshakeResourceTypeManagementAccount, string(h.Management),
			resource(api.HandshakeResourceTypeManagementEmail, management.Email),
			resource(api.HandshakeResourceTypeManagementName, management.Name)),
		resource(api.HandshakeResourceTypeResponsibilityTransfer, t.ID,
			resource(api.HandshakeResourceTypeTransferType, t.Type),
			resource(api.HandshakeResourceTypeTransferStartTimestamp, t.StartAt.Format(time.RFC3339))),
	}, nil
}
