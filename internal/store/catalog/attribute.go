package catalog

import (
	"context"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
)

// Platform is the attribute of a resource's operating system, which finding
// filters do not ask for.
const Platform criteria.Attribute = "platform"

// Attributes that only coverage filters ask for.
const (
	imagePulledAt       criteria.Attribute = "imagePulledAt"
	repositoryVisible   criteria.Attribute = "codeRepositoryProviderTypeVisibility"
	lastScannedCommitID criteria.Attribute = "lastScannedCommitId"
)

// putAttributes stores what filters can ask of a resource.
func putAttributes(ctx context.Context, tx *store.Tx, r *Resource) error {
	for _, table := range []string{"resource_attributes", "resource_tags"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account = $1 AND resource = $2`, r.Account, r.Number); err != nil {
			return err
		}
	}
	var tags [][]any
	for k, v := range r.Tags {
		tags = append(tags, []any{string(r.Account), r.Number, k, v})
	}
	if _, err := tx.InsertRows(ctx, "resource_tags", []string{"account", "resource", "key", "value"}, tags, ""); err != nil {
		return err
	}
	_, err := tx.InsertRows(ctx, "resource_attributes", []string{"account", "resource", "name", "value", "number"}, attributeRows(r), "")
	return err
}

func attributeRows(r *Resource) [][]any {
	var rows [][]any
	add := func(a criteria.Attribute, value string, number any) {
		rows = append(rows, []any{string(r.Account), r.Number, string(a), value, number})
	}
	for a, values := range criteria.ResourceTexts(&r.Resource) {
		for _, v := range values {
			add(a, v, nil)
		}
	}
	for a, t := range criteria.ResourceTimes(&r.Resource) {
		add(a, "", float64(t.UnixMicro()))
	}
	for a, n := range criteria.ResourceNumbers(&r.Resource) {
		add(a, "", n)
	}
	coverageAttributes(&r.Resource, add)
	return rows
}

func coverageAttributes(r *finding.Resource, add func(criteria.Attribute, string, any)) {
	if p := r.Platform(); p != "" {
		add(Platform, p, nil)
	}
	if i := r.Image; i != nil && !i.PulledAt.IsZero() {
		add(imagePulledAt, "", float64(i.PulledAt.UnixMicro()))
	}
	if c := r.Code; c != nil && c.Visibility != "" {
		add(repositoryVisible, c.Visibility, nil)
	}
	if c := r.Code; c != nil && c.CommitID != "" {
		add(lastScannedCommitID, c.CommitID, nil)
	}
}
