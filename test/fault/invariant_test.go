package fault

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/findings"
	"muster/internal/store/identity"
)

// dump is everything that the store holds, a text per table.
func (w *world) dump() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	w.must(w.store.View(w.t.Context(), func(tx *store.Tx) error {
		names := `SELECT name FROM sqlite_master WHERE type = 'table'`
		if tx.Engine() == store.PostgreSQL {
			names = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
		}
		rows, err := tx.Query(w.t.Context(), names)
		tables, err := store.All(rows, err, store.Text)
		if err != nil {
			return err
		}
		for _, table := range tables {
			if table == "lane_catalog" {
				continue // It is locked and never filled.
			}
			if out[table], err = dumpTable(w.t.Context(), tx, table); err != nil {
				return fmt.Errorf("dump %s: %w", table, err)
			}
		}
		return nil
	}))
	return out
}

func dumpTable(ctx context.Context, tx *store.Tx, table string) (string, error) {
	rows, err := tx.Query(ctx, `SELECT * FROM `+table+` ORDER BY 1, 2`)
	lines, err := store.All(rows, err, func(rows *sql.Rows) (string, error) {
		columns, err := rows.Columns()
		if err != nil {
			return "", err
		}
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		err = rows.Scan(into...)
		return fmt.Sprintf("%q", values), err
	})
	return strings.Join(lines, "\n"), err
}

// invariants hold after anything that fails.
func (w *world) invariants() {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.store.View(ctx, func(tx *store.Tx) error {
		wrong, err := findings.VerifyCounts(ctx, tx)
		if err != nil {
			return err
		}
		for _, text := range wrong {
			w.t.Errorf("count of findings: %s", text)
		}
		if err := w.membersAreCounted(ctx, tx); err != nil {
			return err
		}
		return w.accountsAreWhole(ctx, tx)
	}))
}

func (w *world) membersAreCounted(ctx context.Context, tx *store.Tx) error {
	kept, err := activation.CountMembers(ctx, tx, w.accounts["audit"], region)
	if err != nil {
		return err
	}
	list, err := activation.MembersPage(ctx, tx, w.accounts["audit"], region, "", 100)
	if err == nil && kept != len(list) {
		w.t.Errorf("%d members are kept as count of %d", kept, len(list))
	}
	return err
}

// accountsAreWhole: every account but the first is in the organization and can
// be entered by its access role.
func (w *world) accountsAreWhole(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, `SELECT id FROM accounts`)
	ids, err := store.All(rows, err, store.Text)
	if err != nil {
		return err
	}
	for _, id := range ids {
		account := arn.AccountID(id)
		if account == w.accounts["management"] {
			continue
		}
		if _, err := directory.OrganizationOf(ctx, tx, account); err != nil {
			w.t.Errorf("account %s belongs to no organization: %v", id, err)
		}
		if _, err := identity.RoleByName(ctx, tx, account, "OrganizationAccountAccessRole"); err != nil {
			w.t.Errorf("account %s cannot be entered: %v", id, err)
		}
	}
	return nil
}

// found lists the findings as "vulnerability status".
func (w *world) found() string {
	w.t.Helper()
	var list []string
	w.must(w.store.View(w.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(w.t.Context(), `SELECT vulnerability_id || ' ' || status FROM findings ORDER BY 1`)
		list, err = store.All(rows, err, store.Text)
		return err
	}))
	return strings.Join(list, ", ")
}
