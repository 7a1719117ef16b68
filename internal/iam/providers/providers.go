// Package providers is IAM's room for identity providers, OpenID Connect and
// SAML, which infrastructure code sets up beside roles that trust them. Tokens
// of the former are taken (package federation); of the latter no assertions are.
package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// maxProviders is how many providers of one kind an account may have.
const maxProviders = 100

// Room answers the operations on identity providers.
type Room struct{ desk *desk.Desk }

// New returns the room.
func New(d *desk.Desk) *Room { return &Room{d} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.CreateOpenIDConnectProvider = r.CreateOpenIDConnectProvider
	h.GetOpenIDConnectProvider = r.GetOpenIDConnectProvider
	h.ListOpenIDConnectProviders = r.ListOpenIDConnectProviders
	h.UpdateOpenIDConnectProviderThumbprint = r.UpdateOpenIDConnectProviderThumbprint
	h.AddClientIDToOpenIDConnectProvider = r.AddClientIDToOpenIDConnectProvider
	h.RemoveClientIDFromOpenIDConnectProvider = r.RemoveClientIDFromOpenIDConnectProvider
	h.DeleteOpenIDConnectProvider = r.DeleteOpenIDConnectProvider
	h.TagOpenIDConnectProvider = r.TagOpenIDConnectProvider
	h.UntagOpenIDConnectProvider = r.UntagOpenIDConnectProvider
	h.ListOpenIDConnectProviderTags = r.ListOpenIDConnectProviderTags
	h.CreateSAMLProvider = r.CreateSAMLProvider
	h.GetSAMLProvider = r.GetSAMLProvider
	h.ListSAMLProviders = r.ListSAMLProviders
	h.UpdateSAMLProvider = r.UpdateSAMLProvider
	h.DeleteSAMLProvider = r.DeleteSAMLProvider
	h.TagSAMLProvider = r.TagSAMLProvider
	h.UntagSAMLProvider = r.UntagSAMLProvider
	h.ListSAMLProviderTags = r.ListSAMLProviderTags
}

// find finds a provider of a kind by its ARN.
func find(ctx context.Context, tx *store.Tx, account arn.AccountID, kind identity.ProviderKind, name string) (identity.Provider, error) {
	unknown := "OpenIDConnect Provider not found for arn %s"
	if kind == identity.SAML {
		unknown = "Manifest not found for arn %s"
	}
	parts, err := arn.Parse(arn.ARN(name))
	rest, ok := strings.CutPrefix(parts.Resource, string(kind)+"/")
	if err != nil || !ok || parts.Service != "iam" {
		return identity.Provider{}, desk.Invalid("Invalid ARN: %s", name)
	}
	if parts.Account != account {
		return identity.Provider{}, desk.NoSuch(store.ErrNotFound, unknown, name)
	}
	p, err := identity.ProviderByName(ctx, tx, account, kind, rest)
	return p, desk.NoSuch(err, unknown, name)
}

// ownerOf finds who bears the tags of a provider of a kind.
func ownerOf(kind identity.ProviderKind) desk.OwnerFinder {
	return func(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Owner, error) {
		p, err := find(ctx, tx, account, kind, name)
		return p.Owner(), err
	}
}

// read runs fn on a provider with its settings and tags.
func read[S, T any](ctx context.Context, r *Room, call *awsmodel.Call, kind identity.ProviderKind, name string, fn func(identity.Provider, S, []api.Tag) T) (T, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (T, error) {
		var none T
		p, err := find(ctx, tx, call.Account(), kind, name)
		if err != nil {
			return none, err
		}
		settings, err := decode[S](p)
		if err != nil {
			return none, err
		}
		tags, err := identity.Tags(ctx, tx, p.Owner())
		return fn(p, settings, desk.AllTagShapes(tags)), err
	})
}

// change runs fn on a provider and its settings and stores what it makes of
// them.
func change[S any](ctx context.Context, r *Room, call *awsmodel.Call, kind identity.ProviderKind, name string, fn func(*identity.Provider, *S) error) error {
	_, err := desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (struct{}, error) {
		p, err := find(ctx, tx, call.Account(), kind, name)
		if err != nil {
			return struct{}{}, err
		}
		settings, err := decode[S](p)
		if err != nil {
			return struct{}{}, err
		}
		if err := fn(&p, &settings); err != nil {
			return struct{}{}, err
		}
		if p.Settings, err = encode(settings); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, identity.UpdateProvider(ctx, tx, p)
	})
	return err
}

// decode reads the settings of a provider, as its kind has them.
func decode[S any](p identity.Provider) (settings S, err error) {
	if err = json.Unmarshal([]byte(p.Settings), &settings); err != nil {
		err = fmt.Errorf("settings of %s: %w", p.ARN(), err)
	}
	return settings, err
}

func encode(settings any) (string, error) {
	text, err := json.Marshal(settings)
	return string(text), err
}

// create adds a provider that is new, within the quota.
func (r *Room) create(ctx context.Context, call *awsmodel.Call, p identity.Provider, tags []api.Tag, taken, quota string) error {
	if err := desk.CheckTags(tags); err != nil {
		return err
	}
	_, err := desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (struct{}, error) {
		_, err := identity.ProviderByName(ctx, tx, p.Account, p.Kind, p.Name)
		if err := desk.MustBeNew(err, "%s", taken); err != nil {
			return struct{}{}, err
		}
		all, err := identity.Providers(ctx, tx, p.Account, p.Kind)
		if err != nil {
			return struct{}{}, err
		}
		if len(all) >= maxProviders {
			return struct{}{}, desk.Quota(quota, maxProviders)
		}
		if err := identity.InsertProvider(ctx, tx, p); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, desk.PutTags(ctx, tx, p.Owner(), tags)
	})
	return err
}

// remove deletes a provider. Roles that trust it are left as they are.
func (r *Room) remove(ctx context.Context, call *awsmodel.Call, kind identity.ProviderKind, name string) error {
	_, err := desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (struct{}, error) {
		p, err := find(ctx, tx, call.Account(), kind, name)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, identity.DeleteProvider(ctx, tx, p)
	})
	return err
}
