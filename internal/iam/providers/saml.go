package providers

import (
	"context"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/extract/bounded"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

const (
	maxPrivateKeys = 2 // per provider
	// validYears is how long metadata count that do not say themselves.
	validYears = 100
)

// saml are the settings of a SAML provider. Its private keys decrypt
// assertions, of which there are none here: only that they exist is kept.
type saml struct {
	ValidUntil time.Time                       `json:"validUntil"`
	Encryption api.AssertionEncryptionModeType `json:"encryption,omitempty"`
	Keys       []samlKey                       `json:"keys,omitempty"`
}

type samlKey struct {
	ID      string    `json:"id"`
	AddedAt time.Time `json:"addedAt"`
}

// CreateSAMLProvider adds a provider by its metadata.
func (r *Room) CreateSAMLProvider(ctx context.Context, call *awsmodel.Call, in *api.CreateSAMLProviderInput) (*api.CreateSAMLProviderOutput, error) {
	settings := saml{Encryption: in.AssertionEncryptionMode}
	var err error
	if settings.ValidUntil, err = validUntil(in.SAMLMetadataDocument, call.Time); err != nil {
		return nil, err
	}
	if err := settings.addKey(in.AddPrivateKey, call.Time); err != nil {
		return nil, err
	}
	p := identity.Provider{
		Account: call.Account(), Kind: identity.SAML, Name: in.Name, ID: desk.NewUniqueID("SAMLP"),
		Document: in.SAMLMetadataDocument, CreatedAt: call.Time,
	}
	if p.Settings, err = encode(settings); err != nil {
		return nil, err
	}
	err = r.create(ctx, call, p, in.Tags, "SAMLProvider with name "+in.Name+" already exists.", "SAMLProvidersPerAccount")
	return &api.CreateSAMLProviderOutput{SAMLProviderArn: new(string(p.ARN())), Tags: in.Tags}, err
}

// validUntil checks that metadata are a SAML entity's and says how long they
// count.
func validUntil(metadata string, now time.Time) (time.Time, error) {
	unreadable := desk.Invalid("Could not parse metadata")
	until := now.AddDate(validYears, 0, 0)
	d := bounded.XML(xml.NewDecoder(strings.NewReader(metadata)))
	for root := true; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && !root {
			return until, nil
		}
		if err != nil {
			return until, unreadable
		}
		start, ok := t.(xml.StartElement)
		if !ok || !root {
			continue
		}
		root = false
		if start.Name.Local != "EntityDescriptor" {
			return until, unreadable
		}
		for _, a := range start.Attr {
			if a.Name.Local != "validUntil" {
				continue
			}
			if until, err = time.Parse(time.RFC3339, a.Value); err != nil {
				return until, unreadable
			}
		}
	}
}

// addKey notes a private key, given in PEM.
func (s *saml) addKey(key *string, now time.Time) error {
	if key == nil {
		return nil
	}
	if block, _ := pem.Decode([]byte(*key)); block == nil || !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return desk.Invalid("The private key is not valid.")
	}
	if len(s.Keys) >= maxPrivateKeys {
		return desk.Quota("PrivateKeysPerSAMLProvider", maxPrivateKeys)
	}
	s.Keys = append(s.Keys, samlKey{ID: desk.NewUniqueID("SAMLK"), AddedAt: now})
	return nil
}

func (s *saml) removeKey(id string) error {
	i := slices.IndexFunc(s.Keys, func(k samlKey) bool { return k.ID == id })
	if i < 0 {
		return desk.NoSuch(store.ErrNotFound, "Private key %s not found.", id)
	}
	s.Keys = slices.Delete(s.Keys, i, i+1)
	return nil
}

// GetSAMLProvider describes a provider with its metadata.
func (r *Room) GetSAMLProvider(ctx context.Context, call *awsmodel.Call, in *api.GetSAMLProviderInput) (*api.GetSAMLProviderOutput, error) {
	return read(ctx, r, call, identity.SAML, in.SAMLProviderArn, func(p identity.Provider, s saml, tags []api.Tag) *api.GetSAMLProviderOutput {
		out := &api.GetSAMLProviderOutput{
			SAMLProviderUUID: &p.ID, SAMLMetadataDocument: &p.Document, CreateDate: new(desk.Seconds(p.CreatedAt)),
			ValidUntil: new(desk.Seconds(s.ValidUntil)), Tags: tags, AssertionEncryptionMode: s.Encryption,
		}
		for _, k := range s.Keys {
			out.PrivateKeyList = append(out.PrivateKeyList, api.SAMLPrivateKey{KeyId: new(k.ID), Timestamp: new(desk.Seconds(k.AddedAt))})
		}
		return out
	})
}

// ListSAMLProviders lists the account's providers.
func (r *Room) ListSAMLProviders(ctx context.Context, call *awsmodel.Call, _ *api.ListSAMLProvidersInput) (*api.ListSAMLProvidersOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListSAMLProvidersOutput, error) {
		all, err := identity.Providers(ctx, tx, call.Account(), identity.SAML)
		out := &api.ListSAMLProvidersOutput{SAMLProviderList: []api.SAMLProviderListEntry{}}
		for _, p := range all {
			if err != nil {
				return nil, err
			}
			var s saml
			s, err = decode[saml](p)
			out.SAMLProviderList = append(out.SAMLProviderList, api.SAMLProviderListEntry{
				Arn: new(string(p.ARN())), ValidUntil: new(desk.Seconds(s.ValidUntil)), CreateDate: new(desk.Seconds(p.CreatedAt)),
			})
		}
		return out, err
	})
}

// UpdateSAMLProvider changes what is given of a provider.
func (r *Room) UpdateSAMLProvider(ctx context.Context, call *awsmodel.Call, in *api.UpdateSAMLProviderInput) (*api.UpdateSAMLProviderOutput, error) {
	err := change(ctx, r, call, identity.SAML, in.SAMLProviderArn, func(p *identity.Provider, s *saml) (err error) {
		if in.SAMLMetadataDocument != nil {
			p.Document = *in.SAMLMetadataDocument
			if s.ValidUntil, err = validUntil(p.Document, call.Time); err != nil {
				return err
			}
		}
		if in.AssertionEncryptionMode != "" {
			s.Encryption = in.AssertionEncryptionMode
		}
		if in.RemovePrivateKey != nil {
			if err := s.removeKey(*in.RemovePrivateKey); err != nil {
				return err
			}
		}
		return s.addKey(in.AddPrivateKey, call.Time)
	})
	return &api.UpdateSAMLProviderOutput{SAMLProviderArn: &in.SAMLProviderArn}, err
}

// DeleteSAMLProvider deletes a provider.
func (r *Room) DeleteSAMLProvider(ctx context.Context, call *awsmodel.Call, in *api.DeleteSAMLProviderInput) (*api.DeleteSAMLProviderOutput, error) {
	return &api.DeleteSAMLProviderOutput{}, r.remove(ctx, call, identity.SAML, in.SAMLProviderArn)
}

// TagSAMLProvider sets tags of a provider.
func (r *Room) TagSAMLProvider(ctx context.Context, call *awsmodel.Call, in *api.TagSAMLProviderInput) (*api.TagSAMLProviderOutput, error) {
	return &api.TagSAMLProviderOutput{}, r.desk.Tag(ctx, call, ownerOf(identity.SAML), in.SAMLProviderArn, in.Tags)
}

// UntagSAMLProvider removes tags of a provider.
func (r *Room) UntagSAMLProvider(ctx context.Context, call *awsmodel.Call, in *api.UntagSAMLProviderInput) (*api.UntagSAMLProviderOutput, error) {
	return &api.UntagSAMLProviderOutput{}, r.desk.Untag(ctx, call, ownerOf(identity.SAML), in.SAMLProviderArn, in.TagKeys)
}

// ListSAMLProviderTags lists a provider's tags.
func (r *Room) ListSAMLProviderTags(ctx context.Context, call *awsmodel.Call, in *api.ListSAMLProviderTagsInput) (*api.ListSAMLProviderTagsOutput, error) {
	p, err := r.desk.NewPage(call, "ListSAMLProviderTags", in.SAMLProviderArn, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListSAMLProviderTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = r.desk.ListTags(ctx, p, ownerOf(identity.SAML), in.SAMLProviderArn)
	return out, err
}
