// Package code remembers source code: the integrations through which accounts
// reach it, the projects found there, how they are to be scanned, and scans.
//
// Functions take the transaction they work in and decide nothing.
package code

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// At is an account in a Region.
type At struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
}

// Kind says what an integration leads to.
type Kind string

// The kinds. The last two are muster's own: each leads to one project.
const (
	GitHub Kind = "GITHUB"
	GitLab Kind = "GITLAB_SELF_MANAGED"
	Git    Kind = "GIT"
	Upload Kind = "UPLOAD"
)

// Forge reports whether an integration of the kind finds projects by itself.
func (k Kind) Forge() bool { return k == GitHub || k == GitLab }

// Status is how an integration stands, in Inspector's words.
type Status string

// The statuses.
const (
	Pending    Status = "PENDING"
	InProgress Status = "IN_PROGRESS"
	Active     Status = "ACTIVE"
	Inactive   Status = "INACTIVE"
	Disabling  Status = "DISABLING"
)

// Integration is an account's way to source code.
type Integration struct {
	At
	ID string
	// Name is unique in the account and Region.
	Name string
	Kind Kind
	// URL is the instance's, or the repository's; empty for uploads.
	URL    string
	Status Status
	Reason string
	// Secret is sealed; nil for none.
	Secret []byte
	// Token is the SHA-256 of what notices carry.
	Token []byte
	// Installation is the number of the GitHub App's installation, by which
	// GitHub says whom a notice is for; empty for other kinds and until then.
	Installation         string
	Tags                 map[string]string
	CreatedAt, UpdatedAt time.Time
	// CheckedAt is when it was last used, zero for never.
	CheckedAt time.Time
}

// ARN names the integration.
func (i *Integration) ARN() arn.ARN {
	return arn.New("inspector2", i.Region, i.Account, "codesecurity-integration/"+i.ID)
}

const integrationColumns = `account, region, id, name, type, url, status, reason, secret, token, tags, created_at, updated_at, checked_at, installation`

func scanIntegration(s store.Scanner) (i Integration, err error) {
	var tags string
	var created, updated, checked int64
	err = s.Scan(&i.Account, &i.Region, &i.ID, &i.Name, &i.Kind, &i.URL, &i.Status, &i.Reason, &i.Secret, &i.Token, &tags, &created, &updated, &checked, &i.Installation)
	if err != nil {
		return i, err
	}
	i.CreatedAt, i.UpdatedAt, i.CheckedAt = store.Time(created), store.Time(updated), store.TimeOrNever(checked)
	return i, decode("tags of a code integration", tags, &i.Tags)
}

// InsertIntegration stores a new integration; store.ErrConflict when its name
// is taken.
func InsertIntegration(ctx context.Context, tx *store.Tx, i Integration) error {
	tags, err := encode(i.Tags)
	if err != nil {
		return err
	}
	return tx.InsertNew(ctx, `INSERT INTO code_integrations (`+integrationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		i.Account, i.Region, i.ID, i.Name, i.Kind, i.URL, i.Status, i.Reason, i.Secret, i.Token, tags,
		store.Micros(i.CreatedAt), store.Micros(i.UpdatedAt), store.MicrosOrNever(i.CheckedAt), i.Installation)
}

// UpdateIntegration replaces what changes about an integration.
func UpdateIntegration(ctx context.Context, tx *store.Tx, i Integration) error {
	tags, err := encode(i.Tags)
	if err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `UPDATE code_integrations SET status = $4, reason = $5, secret = $6, token = $7, tags = $8, updated_at = $9, checked_at = $10, installation = $11
		WHERE account = $1 AND region = $2 AND id = $3`,
		i.Account, i.Region, i.ID, i.Status, i.Reason, i.Secret, i.Token, tags, store.Micros(i.UpdatedAt), store.MicrosOrNever(i.CheckedAt), i.Installation))
}

// LookupIntegration returns an integration, or store.ErrNotFound.
func LookupIntegration(ctx context.Context, tx *store.Tx, at At, id string) (Integration, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+integrationColumns+` FROM code_integrations
		WHERE account = $1 AND region = $2 AND id = $3`, at.Account, at.Region, id), scanIntegration)
}

// InstalledIntegrations lists the integrations, of any account and Region,
// that use an installation of the GitHub App. GitHub knows nothing else of
// whom its notices are for.
func InstalledIntegrations(ctx context.Context, tx *store.Tx, installation string) ([]Integration, error) {
	rows, err := tx.Query(ctx, `SELECT `+integrationColumns+` FROM code_integrations
		WHERE installation = $1 AND installation <> '' ORDER BY account, region, id`, installation)
	return store.ReadAll(rows, err, scanIntegration)
}

// IntegrationNamed returns the integration of a name, or store.ErrNotFound.
func IntegrationNamed(ctx context.Context, tx *store.Tx, at At, name string) (Integration, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+integrationColumns+` FROM code_integrations
		WHERE account = $1 AND region = $2 AND name = $3`, at.Account, at.Region, name), scanIntegration)
}

// Integrations lists up to limit integrations by id, after the one given:
// those with forges, or muster's own.
func Integrations(ctx context.Context, tx *store.Tx, at At, forges bool, after string, limit int) ([]Integration, error) {
	kinds := []any{GitHub, GitLab}
	if !forges {
		kinds = []any{Git, Upload}
	}
	rows, err := tx.Query(ctx, `SELECT `+integrationColumns+` FROM code_integrations
		WHERE account = $1 AND region = $2 AND id > $3 AND type IN ($5, $6) ORDER BY id LIMIT $4`, append([]any{at.Account, at.Region, after, limit}, kinds...)...)
	return store.ReadAll(rows, err, scanIntegration)
}

// CountIntegrations counts an account's integrations in a Region.
func CountIntegrations(ctx context.Context, tx *store.Tx, at At) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM code_integrations WHERE account = $1 AND region = $2`, at.Account, at.Region), store.ScanCount)
}

// DeleteIntegration forgets an integration.
func DeleteIntegration(ctx context.Context, tx *store.Tx, at At, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM code_integrations WHERE account = $1 AND region = $2 AND id = $3`, at.Account, at.Region, id)
	return err
}

// encode writes a value that is kept as JSON.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// decode reads it; empty text changes nothing.
func decode(what, text string, into any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("stored %s: %w", what, err)
	}
	return nil
}
