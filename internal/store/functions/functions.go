// Package functions remembers the serverless functions that users upload, the
// versions of their layers, and archives on their way.
package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// Owner is an account in a Region.
type Owner struct {
	Account arn.AccountID
	Region  arn.Region
}

// Function is a stored function.
type Function struct {
	Owner
	Name     string
	Resource finding.Resource
	// Content is what its code holds without its layers, as the desk packs it.
	Content []byte
	// Size is the archive's in bytes, Packages the number of items in Content.
	Size, Packages int64
}

const columns = `account, region, name, resource, content, size, packages`

func scanFunction(s store.Scanner) (f Function, err error) {
	var resource string
	err = s.Scan(&f.Account, &f.Region, &f.Name, &resource, &f.Content, &f.Size, &f.Packages)
	if err == nil {
		err = json.Unmarshal([]byte(resource), &f.Resource)
	}
	return f, err
}

// Lookup returns a function, or store.ErrNotFound.
func Lookup(ctx context.Context, tx *store.Tx, at Owner, name string) (Function, error) {
	f, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+columns+` FROM functions WHERE account = $1 AND region = $2 AND name = $3`,
		at.Account, at.Region, name), scanFunction)
	if err != nil {
		return f, fmt.Errorf("function %s: %w", name, err)
	}
	return f, nil
}

// List lists up to limit functions by name after the one given, without their
// content.
func List(ctx context.Context, tx *store.Tx, at Owner, after string, limit int) ([]Function, error) {
	rows, err := tx.Query(ctx, `SELECT account, region, name, resource, NULL, size, packages FROM functions
		WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4`, at.Account, at.Region, after, limit)
	list, err := store.ReadAll(rows, err, scanFunction)
	if err != nil {
		return nil, fmt.Errorf("functions: %w", err)
	}
	return list, nil
}

// Put stores a function, new or known.
func Put(ctx context.Context, tx *store.Tx, f Function) error {
	resource, err := json.Marshal(f.Resource)
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO functions (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (account, region, name) DO UPDATE SET resource = excluded.resource, content = excluded.content,
				size = excluded.size, packages = excluded.packages`,
			f.Account, f.Region, f.Name, string(resource), f.Content, f.Size, f.Packages)
	}
	if err != nil {
		return fmt.Errorf("function %s: %w", f.Name, err)
	}
	return nil
}

// Delete forgets a function.
func Delete(ctx context.Context, tx *store.Tx, at Owner, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM functions WHERE account = $1 AND region = $2 AND name = $3`, at.Account, at.Region, name)
	if err != nil {
		return fmt.Errorf("function %s: %w", name, err)
	}
	return nil
}

// Layer is a stored version of a layer.
type Layer struct {
	Owner
	Name    string
	Version int64
	// Digest is the SHA-256 of the archive in base64.
	Digest         string
	Content        []byte
	Size, Packages int64
	CreatedAt      time.Time
}

const layerColumns = `account, region, name, version, digest, content, size, packages, created_at`

func scanLayer(s store.Scanner) (l Layer, err error) {
	var created int64
	err = s.Scan(&l.Account, &l.Region, &l.Name, &l.Version, &l.Digest, &l.Content, &l.Size, &l.Packages, &created)
	l.CreatedAt = store.Time(created)
	return l, err
}

// LookupLayer returns a version of a layer, or store.ErrNotFound.
func LookupLayer(ctx context.Context, tx *store.Tx, at Owner, name string, version int64) (Layer, error) {
	l, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+layerColumns+` FROM function_layers
		WHERE account = $1 AND region = $2 AND name = $3 AND version = $4 AND NOT deleted`, at.Account, at.Region, name, version), scanLayer)
	if err != nil {
		return l, fmt.Errorf("layer %s:%d: %w", name, version, err)
	}
	return l, nil
}

// Layers lists up to limit versions of layers by name and version after those
// given, without their content.
func Layers(ctx context.Context, tx *store.Tx, at Owner, name string, version int64, limit int) ([]Layer, error) {
	rows, err := tx.Query(ctx, `SELECT account, region, name, version, digest, NULL, size, packages, created_at FROM function_layers
		WHERE account = $1 AND region = $2 AND (name, version) > ($3, $4) AND NOT deleted ORDER BY name, version LIMIT $5`,
		at.Account, at.Region, name, version, limit)
	list, err := store.ReadAll(rows, err, scanLayer)
	if err != nil {
		return nil, fmt.Errorf("layers: %w", err)
	}
	return list, nil
}

// AddLayer stores the next version of a layer and returns its number.
func AddLayer(ctx context.Context, tx *store.Tx, l Layer) (int64, error) {
	err := store.One(tx.QueryRow(ctx, `SELECT COALESCE(MAX(version), 0) + 1 FROM function_layers
		WHERE account = $1 AND region = $2 AND name = $3`, l.Account, l.Region, l.Name), &l.Version)
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO function_layers (`+layerColumns+`, deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, FALSE)`,
			l.Account, l.Region, l.Name, l.Version, l.Digest, l.Content, l.Size, l.Packages, store.Micros(l.CreatedAt))
	}
	if err != nil {
		return 0, fmt.Errorf("layer %s: %w", l.Name, err)
	}
	return l.Version, nil
}

// DeleteLayer forgets a version of a layer, and reports whether it was there.
// Functions that were given it keep it.
func DeleteLayer(ctx context.Context, tx *store.Tx, at Owner, name string, version int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE function_layers SET deleted = TRUE, content = $5
		WHERE account = $1 AND region = $2 AND name = $3 AND version = $4 AND NOT deleted`, at.Account, at.Region, name, version, []byte{})
	if err != nil {
		return false, fmt.Errorf("layer %s:%d: %w", name, version, err)
	}
	return n > 0, nil
}
