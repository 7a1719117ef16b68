package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// ProviderKind is a kind of identity provider, as in its ARN.
type ProviderKind string

// The kinds of identity providers.
const (
	OIDC ProviderKind = "oidc-provider"
	SAML ProviderKind = "saml-provider"
)

// Provider is an identity provider that an account trusts.
type Provider struct {
	Account arn.AccountID
	Kind    ProviderKind
	Name    string
	// ID is the unique id, which tags refer to.
	ID string
	// Settings are what the kind says about it, as JSON.
	Settings string
	// Document is the metadata of a SAML provider.
	Document  string
	CreatedAt time.Time
}

// ARN names the provider.
func (p Provider) ARN() arn.ARN { return arn.New("iam", "", p.Account, string(p.Kind)+"/"+p.Name) }

// Owner is the provider as a bearer of tags.
func (p Provider) Owner() Owner { return Owner{p.Account, p.ID} }

func scanProvider(s store.Scanner) (Provider, error) {
	var p Provider
	var created int64
	err := s.Scan(&p.Account, &p.Kind, &p.Name, &p.ID, &p.Settings, &p.Document, &created)
	p.CreatedAt = store.Time(created)
	return p, err
}

// InsertProvider adds a provider.
func InsertProvider(ctx context.Context, tx *store.Tx, p Provider) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_providers (account, kind, name, id, settings, document, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, p.Account, p.Kind, p.Name, p.ID, p.Settings, p.Document, store.Micros(p.CreatedAt))
	return err
}

// ProviderByName finds a provider of a kind.
func ProviderByName(ctx context.Context, tx *store.Tx, account arn.AccountID, kind ProviderKind, name string) (Provider, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT account, kind, name, id, settings, document, created_at FROM iam_providers
		WHERE account = $1 AND kind = $2 AND name = $3`, account, kind, name), scanProvider)
}

// Providers lists the providers of a kind by name, without their documents.
func Providers(ctx context.Context, tx *store.Tx, account arn.AccountID, kind ProviderKind) ([]Provider, error) {
	rows, err := tx.Query(ctx, `SELECT account, kind, name, id, settings, '', created_at FROM iam_providers
		WHERE account = $1 AND kind = $2 ORDER BY name`, account, kind)
	return store.All(rows, err, func(r *sql.Rows) (Provider, error) { return scanProvider(r) })
}

// AccountsOfProvider lists the accounts that have a provider of a name.
func AccountsOfProvider(ctx context.Context, tx *store.Tx, kind ProviderKind, name string) ([]arn.AccountID, error) {
	rows, err := tx.Query(ctx, `SELECT account FROM iam_providers WHERE kind = $1 AND name = $2 ORDER BY account`, kind, name)
	return store.All(rows, err, func(r *sql.Rows) (id arn.AccountID, err error) { return id, r.Scan(&id) })
}

// UpdateProvider replaces a provider's settings and document.
func UpdateProvider(ctx context.Context, tx *store.Tx, p Provider) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_providers SET settings = $4, document = $5 WHERE account = $1 AND kind = $2 AND name = $3`,
		p.Account, p.Kind, p.Name, p.Settings, p.Document))
}

// DeleteProvider removes a provider with its tags.
func DeleteProvider(ctx context.Context, tx *store.Tx, p Provider) error {
	if err := DeleteTags(ctx, tx, p.Owner()); err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_providers WHERE account = $1 AND kind = $2 AND name = $3`, p.Account, p.Kind, p.Name))
}
