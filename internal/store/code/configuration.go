package code

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// All is the scope of configurations for every project there is and will be.
const All = "ALL"

// Body is what a configuration says, in Inspector's words.
type Body struct {
	Categories []string `json:"categories"`
	// Frequency is WEEKLY, MONTHLY, NEVER or empty.
	Frequency  string   `json:"frequency,omitempty"`
	Expression string   `json:"expression,omitempty"`
	Events     []string `json:"events,omitempty"`
}

// Configuration says how projects are scanned.
type Configuration struct {
	At
	ID, Name string
	// Owner is the account itself, or the organization whose accounts the
	// configuration is for.
	Owner string
	Body  Body
	// Scope is All, or empty for the projects that it is associated with.
	Scope                string
	Tags                 map[string]string
	CreatedAt, UpdatedAt time.Time
}

// ARN names the configuration.
func (c *Configuration) ARN() arn.ARN {
	return arn.New("inspector2", c.Region, c.Account, "owner/"+c.Owner+"/codesecurity-configuration/"+c.ID)
}

// Organization reports whether it is for an organization's accounts.
func (c *Configuration) Organization() bool { return c.Owner != string(c.Account) }

const configurationColumns = `account, region, id, name, owner, body, scope, tags, created_at, updated_at`

func scanConfiguration(s store.Scanner) (c Configuration, err error) {
	var body, tags string
	var created, updated int64
	err = s.Scan(&c.Account, &c.Region, &c.ID, &c.Name, &c.Owner, &body, &c.Scope, &tags, &created, &updated)
	if err != nil {
		return c, err
	}
	c.CreatedAt, c.UpdatedAt = store.Time(created), store.Time(updated)
	if err := decode("code scan configuration", body, &c.Body); err != nil {
		return c, err
	}
	return c, decode("tags of a code scan configuration", tags, &c.Tags)
}

// InsertConfiguration stores a new configuration; store.ErrConflict when its
// name is taken.
func InsertConfiguration(ctx context.Context, tx *store.Tx, c Configuration) error {
	body, err := encode(c.Body)
	if err != nil {
		return err
	}
	tags, err := encode(c.Tags)
	if err != nil {
		return err
	}
	return tx.InsertNew(ctx, `INSERT INTO code_configurations (`+configurationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.Account, c.Region, c.ID, c.Name, c.Owner, body, c.Scope, tags, store.Micros(c.CreatedAt), store.Micros(c.UpdatedAt))
}

// UpdateConfiguration replaces what a configuration says, and its tags.
func UpdateConfiguration(ctx context.Context, tx *store.Tx, c Configuration) error {
	body, err := encode(c.Body)
	if err != nil {
		return err
	}
	tags, err := encode(c.Tags)
	if err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `UPDATE code_configurations SET body = $4, tags = $5, updated_at = $6 WHERE account = $1 AND region = $2 AND id = $3`,
		c.Account, c.Region, c.ID, body, tags, store.Micros(c.UpdatedAt)))
}

// LookupConfiguration returns a configuration, or store.ErrNotFound.
func LookupConfiguration(ctx context.Context, tx *store.Tx, at At, id string) (Configuration, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+configurationColumns+` FROM code_configurations
		WHERE account = $1 AND region = $2 AND id = $3`, at.Account, at.Region, id), scanConfiguration)
}

// ConfigurationNamed returns the configuration of a name, or
// store.ErrNotFound.
func ConfigurationNamed(ctx context.Context, tx *store.Tx, at At, name string) (Configuration, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+configurationColumns+` FROM code_configurations
		WHERE account = $1 AND region = $2 AND name = $3`, at.Account, at.Region, name), scanConfiguration)
}

// Configurations lists up to limit configurations of an account, and those for
// its organization ("" for none), by id, after the one given.
func Configurations(ctx context.Context, tx *store.Tx, at At, organization, after string, limit int) ([]Configuration, error) {
	rows, err := tx.Query(ctx, `SELECT `+configurationColumns+` FROM code_configurations
		WHERE region = $2 AND (account = $1 OR owner = $3) AND id > $4 ORDER BY id LIMIT $5`, at.Account, at.Region, organization, after, limit)
	return store.ReadAll(rows, err, scanConfiguration)
}

// CountConfigurations counts an account's configurations in a Region.
func CountConfigurations(ctx context.Context, tx *store.Tx, at At) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM code_configurations WHERE account = $1 AND region = $2`, at.Account, at.Region), store.ScanCount)
}

// DeleteConfiguration forgets a configuration and its associations.
func DeleteConfiguration(ctx context.Context, tx *store.Tx, at At, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM code_associations WHERE holder = $1 AND region = $2 AND configuration = $3`, at.Account, at.Region, id)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM code_configurations WHERE account = $1 AND region = $2 AND id = $3`, at.Account, at.Region, id)
	}
	return err
}

// Association connects a project with a configuration.
type Association struct {
	// At is the project's.
	At
	Project string
	// Holder is the account that has the configuration.
	Holder        arn.AccountID
	Configuration string
}

// Associate stores an association, and reports whether it is new.
func Associate(ctx context.Context, tx *store.Tx, a Association) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO code_associations (account, region, project, holder, configuration) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region, configuration, project) DO NOTHING`, a.Account, a.Region, a.Project, a.Holder, a.Configuration)
	return n > 0, err
}

// Disassociate ends an association, and reports whether there was one.
func Disassociate(ctx context.Context, tx *store.Tx, a Association) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM code_associations WHERE account = $1 AND region = $2 AND project = $3 AND configuration = $4`,
		a.Account, a.Region, a.Project, a.Configuration)
	return n > 0, err
}

// AssociationsWith lists up to limit projects of an account that are
// associated with a configuration, by id, after the one given.
func AssociationsWith(ctx context.Context, tx *store.Tx, at At, configuration, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT project FROM code_associations
		WHERE account = $1 AND region = $2 AND configuration = $3 AND project > $4 ORDER BY project LIMIT $5`, at.Account, at.Region, configuration, after, limit)
	return store.ReadAll(rows, err, store.ScanText)
}

// AssociatedWith lists the configurations of a project.
func AssociatedWith(ctx context.Context, tx *store.Tx, at At, project string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT configuration FROM code_associations
		WHERE account = $1 AND region = $2 AND project = $3 ORDER BY configuration`, at.Account, at.Region, project)
	return store.ReadAll(rows, err, store.ScanText)
}
