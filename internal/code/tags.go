package code

import (
	"context"
	"errors"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector/tagging"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// Holders keep the tags of what the desk has, by kind.
func Holders() map[tagging.Kind]tagging.Holder {
	return map[tagging.Kind]tagging.Holder{
		tagging.CodeSecurityIntegration: integrations{}, tagging.CodeSecurityConfiguration: configurations{},
	}
}

type integrations struct{}

func lookupNamed(ctx context.Context, tx *store.Tx, n tagging.Name) (cellar.Integration, error) {
	i, err := cellar.LookupIntegration(ctx, tx, cellar.At{Account: n.Account, Region: n.Region}, n.ID)
	if err == nil && !i.Kind.Forge() {
		err = store.ErrNotFound
	}
	return i, err
}

// Tags implements tagging.Holder.
func (integrations) Tags(ctx context.Context, tx *store.Tx, n tagging.Name) (map[string]string, error) {
	i, err := lookupNamed(ctx, tx, n)
	return i.Tags, err
}

// SetTags implements tagging.Holder.
func (integrations) SetTags(ctx context.Context, tx *store.Tx, n tagging.Name, tags map[string]string) error {
	i, err := lookupNamed(ctx, tx, n)
	if err != nil {
		return err
	}
	i.Tags = tags
	return cellar.UpdateIntegration(ctx, tx, i)
}

type configurations struct{}

// Tags implements tagging.Holder.
func (configurations) Tags(ctx context.Context, tx *store.Tx, n tagging.Name) (map[string]string, error) {
	c, err := cellar.LookupConfiguration(ctx, tx, cellar.At{Account: n.Account, Region: n.Region}, n.ID)
	if err == nil && c.Owner != n.Owner {
		err = store.ErrNotFound
	}
	return c.Tags, err
}

// SetTags implements tagging.Holder. Configurations of an organization cannot
// be tagged (scanning specification 13).
func (configurations) SetTags(ctx context.Context, tx *store.Tx, n tagging.Name, tags map[string]string) error {
	c, err := cellar.LookupConfiguration(ctx, tx, cellar.At{Account: n.Account, Region: n.Region}, n.ID)
	if errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && c.Organization() {
		err = &inspector2.BadRequestException{Message: "A configuration of the level ORGANIZATION cannot have tags."}
	}
	if err != nil {
		return err
	}
	c.Tags = tags
	return cellar.UpdateConfiguration(ctx, tx, c)
}
