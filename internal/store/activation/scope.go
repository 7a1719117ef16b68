package activation

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Scope is the accounts whose data somebody may see in a Region: the own one
// and, for a delegated administrator, the associated members. Members are
// never listed in Go: an organization has up to 10,000, so Where says them in
// SQL.
type Scope struct {
	Own    arn.AccountID
	Region arn.Region
	// Administrator is true when Own is the delegated administrator here.
	Administrator bool
	// Organization is Own's organization, or "".
	Organization directory.OrganizationID
}

// Where adds the condition that the account in a column lies in the scope.
func (s Scope) Where(w *store.Where, column string) {
	if !s.Administrator {
		w.Add(column+" = ?", s.Own)
		return
	}
	w.Add(`(`+column+` = ? OR `+column+` IN (SELECT account FROM inspector_members
		WHERE administrator = ? AND region = ? AND `+associated+`))`, s.Own, s.Own, s.Region)
}

// Sees reports whether the scope holds an account.
func (s Scope) Sees(ctx context.Context, tx *store.Tx, account arn.AccountID) (bool, error) {
	if account == s.Own || !s.Administrator {
		return account == s.Own, nil
	}
	var w store.Where
	s.Where(&w, "m.account")
	w.Add("m.administrator = ?", s.Own)
	w.Add("m.region = ?", s.Region)
	w.Add("m.account = ?", account)
	var n int
	err := store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM inspector_members m`+w.SQL(), w.Args()...), &n)
	return n > 0, err
}
