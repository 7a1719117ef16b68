package activation

import (
	"context"
	"fmt"

	"muster/internal/store"
)

// VerifyMembers counts the associated members of every administrator anew and
// describes where the kept number differs; nil means nowhere. With mend, what
// was counted is kept from now on.
func VerifyMembers(ctx context.Context, tx *store.Tx, mend bool) (wrong []string, err error) {
	const counting = `SELECT administrator, region, COUNT(*) AS members FROM inspector_members WHERE ` + associated + ` GROUP BY administrator, region`
	rows, err := tx.Query(ctx, `SELECT administrator, region, CAST(SUM(counted) AS BIGINT), CAST(SUM(kept) AS BIGINT) FROM (
			SELECT administrator, region, members AS counted, 0 AS kept FROM (`+counting+`) c
			UNION ALL SELECT administrator, region, 0, members FROM inspector_member_counts) b
		GROUP BY administrator, region HAVING SUM(counted) <> SUM(kept) ORDER BY administrator, region`)
	wrong, err = store.ReadAll(rows, err, func(s store.Scanner) (string, error) {
		var administrator, region string
		var counted, kept int64
		err := s.Scan(&administrator, &region, &counted, &kept)
		return fmt.Sprintf("members of %s in %s: counted %d, kept %d", administrator, region, counted, kept), err
	})
	if err != nil {
		return nil, fmt.Errorf("count members: %w", err)
	}
	if !mend || len(wrong) == 0 {
		return wrong, nil
	}
	for _, statement := range []string{`DELETE FROM inspector_member_counts`, `INSERT INTO inspector_member_counts (administrator, region, members) ` + counting} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("recount members: %w", err)
		}
	}
	return wrong, nil
}
