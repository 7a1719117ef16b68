package findings

import (
	"context"
	"crypto/sha256"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/filters"
)

// Write is a change to the finding of a resource.
type Write struct {
	// Resource is the number of the finding's resource.
	Resource int64
	finding.Change
}

// findingColumns are all columns of a finding, in the order of findingRow.
func findingColumns() []string {
	return []string{
		"account", "region", "id", "resource", "content", "resource_type", "type", "status", "severity", "title",
		"first_observed_at", "last_observed_at", "updated_at", "closed_at", "cause", "expires_at",
		"fix", "exploit", "score", "epss", "vulnerability_id", "source", "vendor_severity",
		"protocol", "port_begin", "port_end", "component_type", "detector_name", "code_path",
		"pushed_at", "repository", "registry",
	}
}

// severityColumn and scoreColumn are places in a row.
const (
	severityColumn = 8
	scoreColumn    = 18
)

func findingRow(resource, content int64, f *finding.Finding) []any {
	row := []any{
		string(f.Account), string(f.Region), f.ID(), resource, content, string(f.Resource.Type), string(f.Type), string(f.Status),
		f.Severity.Rank(), f.Title,
		store.Micros(f.FirstObservedAt), store.Micros(f.LastObservedAt), store.Micros(f.UpdatedAt), store.Micros(f.ClosedAt),
		string(f.Cause), store.Micros(f.ExpiresAt()),
		text(string(f.Fix)), text(string(f.Exploit)), nil, number(f.EPSS),
	}
	if f.Score != nil {
		row[scoreColumn] = f.Score.Value
	}
	return append(append(row, detailColumns(f)...), sortColumns(&f.Resource)...)
}

func detailColumns(f *finding.Finding) []any {
	columns := make([]any, 9)
	if p := f.Package; p != nil {
		columns[0], columns[1], columns[2] = text(p.VulnerabilityID), text(p.Source), text(p.VendorSeverity)
	}
	if n := f.Network; n != nil {
		columns[3], columns[4], columns[5] = text(n.Protocol), n.Begin, n.End
		if len(n.Path) > 0 {
			columns[6] = text(n.Path[0].Type)
		}
	}
	if c := f.Code; c != nil {
		columns[7], columns[8] = text(c.DetectorName), text(c.Path)
	}
	return columns
}

func sortColumns(r *finding.Resource) []any {
	columns := make([]any, 3)
	if i := r.Image; i != nil {
		if !i.PushedAt.IsZero() {
			columns[0] = i.PushedAt.UnixMicro()
		}
		columns[1], columns[2] = text(i.Repository), text(i.Registry)
	}
	return columns
}

// Apply stores the changes with their history, keeps the counts, and drops
// contents that nothing has any more. The changes are of different findings.
func Apply(ctx context.Context, tx *store.Tx, writes []Write) error {
	if len(writes) == 0 {
		return nil
	}
	replaced, err := contentsOf(ctx, tx, writes)
	if err != nil {
		return err
	}
	rows, err := findingRows(ctx, tx, writes, replaced)
	if err != nil {
		return err
	}
	if err := PutRows(ctx, tx, rows); err != nil {
		return err
	}
	effects, err := effectsOf(ctx, tx, writes)
	if err != nil {
		return err
	}
	if err := record(ctx, tx, writes); err != nil {
		return err
	}
	if err := filters.CountEffects(ctx, tx, effects); err != nil {
		return err
	}
	if err := count(ctx, tx, writes); err != nil {
		return err
	}
	return dropContents(ctx, tx, replaced)
}

// PutRows writes rows of findings, in the place of those that are there.
func PutRows(ctx context.Context, tx *store.Tx, rows [][]any) error {
	columns := findingColumns()
	suffix := `ON CONFLICT (account, region, id) DO UPDATE SET `
	for i, c := range columns[3:] {
		if i > 0 {
			suffix += ", "
		}
		suffix += c + " = excluded." + c
	}
	if _, err := tx.InsertRows(ctx, "findings", columns, rows, suffix); err != nil {
		return err
	}
	return widenBands(ctx, tx, rows)
}

// findingRows makes the rows of the changed findings. Contents that are still
// in use leave the set of the replaced ones.
func findingRows(ctx context.Context, tx *store.Tx, writes []Write, replaced map[int64]bool) ([][]any, error) {
	contents := make([]content, len(writes))
	made := map[finding.Content]content{}
	for i := range writes {
		of := &writes[i].After.Content
		c, ok := made[*of]
		if !ok {
			var err error
			if c, err = newContent(of); err != nil {
				return nil, err
			}
			made[*of] = c
		}
		contents[i] = c
	}
	var ids map[[sha256.Size]byte]int64
	ids, err := putContents(ctx, tx, contents)
	if err != nil {
		return nil, err
	}
	rows := make([][]any, len(writes))
	for i, w := range writes {
		id := ids[contents[i].digest]
		delete(replaced, id)
		rows[i] = findingRow(w.Resource, id, &w.After)
	}
	return rows, nil
}

// contentsOf returns the contents that the findings had before.
func contentsOf(ctx context.Context, tx *store.Tx, writes []Write) (map[int64]bool, error) {
	var rows [][]any
	for i := range writes {
		if w := &writes[i]; w.Before.Status != "" {
			rows = append(rows, []any{string(w.After.Account), string(w.After.Region), w.After.ID()})
		}
	}
	found := map[int64]bool{}
	err := chunks(rows, func(part [][]any) error {
		var w store.Where
		store.InRows(&w, "(account, region, id)", part...)
		list, err := tx.Query(ctx, `SELECT content FROM findings`+w.SQL(), w.Args()...)
		_, err = store.ReadAll(list, err, func(s store.Scanner) (id int64, err error) {
			err = s.Scan(&id)
			found[id] = true
			return id, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("contents of findings: %w", err)
	}
	return found, nil
}

// record adds to the findings' histories.
func record(ctx context.Context, tx *store.Tx, writes []Write) error {
	var rows [][]any
	for _, w := range writes {
		if w.Kind == finding.Refreshed {
			continue
		}
		f := &w.After
		rows = append(rows, []any{string(f.Account), string(f.Region), f.ID(), tx.NewID(), store.Micros(f.UpdatedAt),
			string(w.Kind), string(w.Before.Status), string(f.Status), w.Why, w.Rule})
	}
	_, err := tx.InsertRows(ctx, "finding_history",
		[]string{"account", "region", "finding", "entry", "at", "kind", "before", "after", "why", "rule"}, rows, "")
	return err
}

// Entry is one line of a finding's history.
type Entry struct {
	finding.Kind
	// At is in microseconds since 1970.
	At            int64
	Before, After finding.Status
	Why           string
}

// History returns what happened to a finding, oldest first.
func History(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) ([]Entry, error) {
	rows, err := tx.Query(ctx, `SELECT kind, at, before, after, why FROM finding_history
		WHERE account = $1 AND region = $2 AND finding = $3 ORDER BY at, entry`, account, region, id)
	return store.ReadAll(rows, err, func(s store.Scanner) (e Entry, err error) {
		err = s.Scan(&e.Kind, &e.At, &e.Before, &e.After, &e.Why)
		return e, err
	})
}
