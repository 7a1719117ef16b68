package survey

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/groups"
)

// Tally is what accounts have of ACTIVE findings in a Region.
type Tally struct{ Accounts, Findings, Critical, High, Exploitable, Fixable int64 }

// Plus is the sum of two.
func (t Tally) Plus(u Tally) Tally {
	return Tally{t.Accounts + u.Accounts, t.Findings + u.Findings, t.Critical + u.Critical, t.High + u.High, t.Exploitable + u.Exploitable, t.Fixable + u.Fixable}
}

// Scope adds the condition that the account in a column is one the caller may
// see.
type Scope interface {
	Where(w *store.Where, column string)
}

// TalliesByParent adds up what the accounts of a scope have that stand directly
// under the same root or unit.
func TalliesByParent(ctx context.Context, tx *store.Tx, org directory.OrganizationID, scope Scope, region arn.Region) (map[string]Tally, error) {
	var w store.Where
	of := `g.account = m.account AND g.region = ` + w.Arg(region) + ` AND g.kind = ` + w.Arg(groups.Account)
	w.Add("m.org = ?", org)
	scope.Where(&w, "m.account")
	sum := func(column string) string { return `, CAST(COALESCE(SUM(g.` + column + `), 0) AS BIGINT)` }
	rows, err := tx.Query(ctx, `SELECT m.parent, COUNT(*)`+sum("findings")+sum("critical")+sum("high")+sum("exploitable")+sum("fixable")+`
		FROM organization_accounts m LEFT JOIN finding_groups g ON `+of+w.SQL()+` GROUP BY m.parent`, w.Args()...)
	tallies := map[string]Tally{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (parent string, err error) {
		var t Tally
		err = s.Scan(&parent, &t.Accounts, &t.Findings, &t.Critical, &t.High, &t.Exploitable, &t.Fixable)
		tallies[parent] = t
		return parent, err
	})
	if err != nil {
		return nil, fmt.Errorf("add findings of units up: %w", err)
	}
	return tallies, nil
}
