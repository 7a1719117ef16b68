package activation

import (
	"context"
	"database/sql"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Standing is how an account stands to its organization's delegated
// administrator in a Region.
type Standing struct {
	Organization directory.OrganizationID
	Management   arn.AccountID
	// Administrator is the delegated administrator, or "".
	Administrator arn.AccountID
	// Associated members are administered; the administrator itself is none.
	Associated bool
}

// StandingOf returns an account's standing, or store.ErrNotFound when it
// belongs to no organization. Every call of Inspector asks for it, so it is
// one statement.
func StandingOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Standing, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT o.id, o.management, d.account, CASE WHEN m.account <> d.account AND m.`+associated+` THEN TRUE ELSE FALSE END
		FROM organization_accounts a JOIN organizations o ON o.id = a.org
		LEFT JOIN inspector_designations d ON d.org = o.id AND d.region = $2 AND d.status = 'ENABLED'
		LEFT JOIN inspector_members m ON m.administrator = d.account AND m.region = d.region AND m.account = a.account
		WHERE a.account = $1`, account, region), scanStanding)
}

func scanStanding(s store.Scanner) (st Standing, err error) {
	var administrator sql.NullString
	err = s.Scan(&st.Organization, &st.Management, &administrator, &st.Associated)
	st.Administrator = arn.AccountID(administrator.String)
	return st, err
}
