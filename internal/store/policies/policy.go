package policies

import (
	"context"
	"time"

	"muster/internal/store"
)

// Policy is a policy that an organization has made.
type Policy struct {
	Org         OrganizationID
	ID          string
	Type        string
	Name        string
	Description string
	Content     string
	UpdatedAt   time.Time
}

const policyColumns = `p.org, p.id, p.type, p.name, p.description, p.content, p.updated_at`

func scanPolicy(s store.Scanner) (Policy, error) {
	var p Policy
	var updated int64
	err := s.Scan(&p.Org, &p.ID, &p.Type, &p.Name, &p.Description, &p.Content, &updated)
	p.UpdatedAt = store.Time(updated)
	return p, err
}

// Insert adds a policy.
func Insert(ctx context.Context, tx *store.Tx, p Policy) error {
	return tx.InsertNew(ctx, `INSERT INTO policies (org, id, type, name, description, content, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		p.Org, p.ID, p.Type, p.Name, p.Description, p.Content, store.Micros(p.UpdatedAt))
}

// Update writes a policy's name, description, content and date.
func Update(ctx context.Context, tx *store.Tx, p Policy) error {
	return store.Affected(tx.Exec(ctx, `UPDATE policies SET name = $3, description = $4, content = $5, updated_at = $6
		WHERE org = $1 AND id = $2`, p.Org, p.ID, p.Name, p.Description, p.Content, store.Micros(p.UpdatedAt)))
}

// Delete deletes a policy; its attachments are the caller's business.
func Delete(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM policies WHERE org = $1 AND id = $2`, org, id))
}

// Lookup returns the policy of an id.
func Lookup(ctx context.Context, tx *store.Tx, org OrganizationID, id string) (Policy, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+policyColumns+` FROM policies p WHERE p.org = $1 AND p.id = $2`, org, id), scanPolicy)
}

// Named returns the policy of a name within a type.
func Named(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, name string) (Policy, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+policyColumns+` FROM policies p
		WHERE p.org = $1 AND p.type = $2 AND p.name = $3`, org, policyType, name), scanPolicy)
}

// OfType returns up to limit policies of a type after an id.
func OfType(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, after string, limit int) ([]Policy, error) {
	rows, err := tx.Query(ctx, `SELECT `+policyColumns+` FROM policies p
		WHERE p.org = $1 AND p.type = $2 AND p.id > $3 ORDER BY p.id LIMIT $4`, org, policyType, after, limit)
	return store.ReadAll(rows, err, scanPolicy)
}

// Count counts an organization's policies of a type.
func Count(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM policies WHERE org = $1 AND type = $2`, org, policyType), store.ScanCount)
}

// DeleteOrganization deletes everything an organization has here.
func DeleteOrganization(ctx context.Context, tx *store.Tx, org OrganizationID) error {
	for _, q := range []string{
		`DELETE FROM policies WHERE org = $1`,
		`DELETE FROM policy_attachments WHERE org = $1`,
		`DELETE FROM policy_exemptions WHERE org = $1`,
		`DELETE FROM organization_resource_policies WHERE org = $1`,
	} {
		if _, err := tx.Exec(ctx, q, org); err != nil {
			return err
		}
	}
	return nil
}
