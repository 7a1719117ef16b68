package providers

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
	"muster/internal/webidentity"
)

// IAM's quotas for OpenID Connect providers.
const (
	maxClients     = 100
	maxThumbprints = 5
)

// oidc are the settings of an OpenID Connect provider.
type oidc struct {
	// URL is where it is, without the scheme.
	URL         string   `json:"url"`
	Clients     []string `json:"clients"`
	Thumbprints []string `json:"thumbprints"`
	// Plain says that the URL's scheme is http.
	Plain bool `json:"plain,omitempty"`
}

// Trust is whose tokens a provider's account believes.
func Trust(p identity.Provider) (webidentity.Trust, error) {
	o, err := decode[oidc](p)
	scheme := "https://"
	if o.Plain {
		scheme = "http://"
	}
	return webidentity.Trust{Issuer: scheme + o.URL, Clients: o.Clients, Thumbprints: o.Thumbprints}, err
}

func (o *oidc) check() error {
	switch {
	case len(o.Clients) > maxClients:
		return desk.Quota("ClientIdsPerOpenIdConnectProvider", maxClients)
	case len(o.Thumbprints) > maxThumbprints:
		return desk.Invalid("Thumbprint list must contain fewer than 5 entries.")
	}
	return nil
}

// CreateOpenIDConnectProvider adds a provider. Its certificates are not
// fetched: a provider without thumbprints has none.
func (r *Room) CreateOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.CreateOpenIDConnectProviderInput) (*api.CreateOpenIDConnectProviderOutput, error) {
	name, ok := NameOf(in.Url)
	if !ok {
		return nil, desk.Invalid("Invalid Open ID Connect Provider URL")
	}
	settings := oidc{URL: strings.TrimPrefix(strings.TrimPrefix(in.Url, "https://"), "http://"), Thumbprints: in.ThumbprintList, Plain: strings.HasPrefix(in.Url, "http://")}
	for _, id := range in.ClientIDList {
		settings.add(id)
	}
	if err := settings.check(); err != nil {
		return nil, err
	}
	p := identity.Provider{
		Account: call.Account(), Kind: identity.OIDC, Name: name, ID: desk.NewUniqueID("OIDC"), CreatedAt: call.Time,
	}
	var err error
	if p.Settings, err = encode(settings); err != nil {
		return nil, err
	}
	err = r.create(ctx, call, p, in.Tags, "Provider with url "+in.Url+" already exists.", "OpenIdConnectProvidersPerAccount")
	return &api.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: new(string(p.ARN())), Tags: in.Tags}, err
}

// NameOf is an OpenID Connect provider's name in its ARN: its URL without
// scheme and query.
func NameOf(rawURL string) (string, bool) {
	at, err := url.Parse(rawURL)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || at.User != nil || at.Fragment != "" {
		return "", false
	}
	return at.Host + at.EscapedPath(), true
}

// add adds a client, once.
func (o *oidc) add(client string) {
	if !slices.Contains(o.Clients, client) {
		o.Clients = append(o.Clients, client)
	}
}

// GetOpenIDConnectProvider describes a provider.
func (r *Room) GetOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.GetOpenIDConnectProviderInput) (*api.GetOpenIDConnectProviderOutput, error) {
	return read(ctx, r, call, identity.OIDC, in.OpenIDConnectProviderArn, func(p identity.Provider, o oidc, tags []api.Tag) *api.GetOpenIDConnectProviderOutput {
		return &api.GetOpenIDConnectProviderOutput{
			Url: &o.URL, ClientIDList: append([]string{}, o.Clients...), ThumbprintList: append([]string{}, o.Thumbprints...),
			CreateDate: new(desk.Seconds(p.CreatedAt)), Tags: tags,
		}
	})
}

// ListOpenIDConnectProviders lists the account's providers.
func (r *Room) ListOpenIDConnectProviders(ctx context.Context, call *awsmodel.Call, _ *api.ListOpenIDConnectProvidersInput) (*api.ListOpenIDConnectProvidersOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListOpenIDConnectProvidersOutput, error) {
		all, err := identity.Providers(ctx, tx, call.Account(), identity.OIDC)
		out := &api.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []api.OpenIDConnectProviderListEntry{}}
		for _, p := range all {
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, api.OpenIDConnectProviderListEntry{Arn: new(string(p.ARN()))})
		}
		return out, err
	})
}

// UpdateOpenIDConnectProviderThumbprint replaces a provider's thumbprints.
func (r *Room) UpdateOpenIDConnectProviderThumbprint(ctx context.Context, call *awsmodel.Call, in *api.UpdateOpenIDConnectProviderThumbprintInput) (*api.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	return &api.UpdateOpenIDConnectProviderThumbprintOutput{}, r.changeOIDC(ctx, call, in.OpenIDConnectProviderArn, func(o *oidc) { o.Thumbprints = in.ThumbprintList })
}

// AddClientIDToOpenIDConnectProvider adds a client; one that is there already
// is no error.
func (r *Room) AddClientIDToOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.AddClientIDToOpenIDConnectProviderInput) (*api.AddClientIDToOpenIDConnectProviderOutput, error) {
	return &api.AddClientIDToOpenIDConnectProviderOutput{}, r.changeOIDC(ctx, call, in.OpenIDConnectProviderArn, func(o *oidc) { o.add(in.ClientID) })
}

// RemoveClientIDFromOpenIDConnectProvider removes a client; one that is not
// there is no error.
func (r *Room) RemoveClientIDFromOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.RemoveClientIDFromOpenIDConnectProviderInput) (*api.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	return &api.RemoveClientIDFromOpenIDConnectProviderOutput{}, r.changeOIDC(ctx, call, in.OpenIDConnectProviderArn, func(o *oidc) {
		o.Clients = slices.DeleteFunc(o.Clients, func(id string) bool { return id == in.ClientID })
	})
}

func (r *Room) changeOIDC(ctx context.Context, call *awsmodel.Call, name string, fn func(*oidc)) error {
	return change(ctx, r, call, identity.OIDC, name, func(_ *identity.Provider, o *oidc) error {
		fn(o)
		return o.check()
	})
}

// DeleteOpenIDConnectProvider deletes a provider; one that is not there is no
// error.
func (r *Room) DeleteOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.DeleteOpenIDConnectProviderInput) (*api.DeleteOpenIDConnectProviderOutput, error) {
	err := r.remove(ctx, call, identity.OIDC, in.OpenIDConnectProviderArn)
	if _, missing := errors.AsType[*api.NoSuchEntityException](err); missing {
		err = nil
	}
	return &api.DeleteOpenIDConnectProviderOutput{}, err
}

// TagOpenIDConnectProvider sets tags of a provider.
func (r *Room) TagOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.TagOpenIDConnectProviderInput) (*api.TagOpenIDConnectProviderOutput, error) {
	return &api.TagOpenIDConnectProviderOutput{}, r.desk.Tag(ctx, call, ownerOf(identity.OIDC), in.OpenIDConnectProviderArn, in.Tags)
}

// UntagOpenIDConnectProvider removes tags of a provider.
func (r *Room) UntagOpenIDConnectProvider(ctx context.Context, call *awsmodel.Call, in *api.UntagOpenIDConnectProviderInput) (*api.UntagOpenIDConnectProviderOutput, error) {
	return &api.UntagOpenIDConnectProviderOutput{}, r.desk.Untag(ctx, call, ownerOf(identity.OIDC), in.OpenIDConnectProviderArn, in.TagKeys)
}

// ListOpenIDConnectProviderTags lists a provider's tags.
func (r *Room) ListOpenIDConnectProviderTags(ctx context.Context, call *awsmodel.Call, in *api.ListOpenIDConnectProviderTagsInput) (*api.ListOpenIDConnectProviderTagsOutput, error) {
	p, err := r.desk.NewPage(call, "ListOpenIDConnectProviderTags", in.OpenIDConnectProviderArn, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListOpenIDConnectProviderTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = r.desk.ListTags(ctx, p, ownerOf(identity.OIDC), in.OpenIDConnectProviderArn)
	return out, err
}
