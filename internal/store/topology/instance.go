package topology

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
)

// Instance is what can be reached of an instance.
type Instance struct {
	Account arn.AccountID
	Region  arn.Region
	ID      string
	// Reach is how far away those are who can reach it; Path says how, where
	// that is the internet.
	Reach finding.Reach
	Path  string
	// Findings are those that the instance shall have.
	Findings []finding.Content
	// Details is a digest of what the facts tell of the instance itself.
	Details string
	Coverage
}

// Coverage says whether and how the network of an instance is looked at.
type Coverage struct {
	Covered bool
	// Status and Reason are Inspector's words.
	Status, Reason string
}

const instanceColumns = `account, region, id, reach, path, findings, details, covered, status, reason`

func scanInstance(s store.Scanner) (Instance, error) {
	var n Instance
	var body string
	if err := s.Scan(&n.Account, &n.Region, &n.ID, &n.Reach, &n.Path, &body, &n.Details, &n.Covered, &n.Status, &n.Reason); err != nil {
		return n, err
	}
	if err := json.Unmarshal([]byte(body), &n.Findings); err != nil {
		return n, fmt.Errorf("network findings of %s: %w", n.ID, err)
	}
	return n, nil
}

// LookupInstance returns what is known of an instance, or store.ErrNotFound.
func LookupInstance(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Instance, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+instanceColumns+` FROM network_instances WHERE account = $1 AND region = $2 AND id = $3`,
		account, region, id), scanInstance)
}

// InstancesAt returns what is known of the instances with the ids, which are of
// the accounts of the same places in the list. Those that nothing is known of are
// left out.
func InstancesAt(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, ids []string) ([]Instance, error) {
	rows := make([][]any, len(ids))
	for i := range ids {
		rows[i] = []any{string(accounts[i]), string(region), ids[i]}
	}
	var list []Instance
	for part := range slices.Chunk(rows, atOnce) {
		var w store.Where
		store.InRows(&w, "(account, region, id)", part...)
		found, err := tx.Query(ctx, `SELECT `+instanceColumns+` FROM network_instances`+w.SQL(), w.Args()...)
		some, err := store.ReadAll(found, err, scanInstance)
		if err != nil {
			return nil, fmt.Errorf("look instances' networks up: %w", err)
		}
		list = append(list, some...)
	}
	return list, nil
}

// atOnce bounds the instances that one statement names.
const atOnce = 500

// Instances lists up to limit instances of an account in a Region by id, after
// the one given.
func Instances(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after string, limit int) ([]Instance, error) {
	rows, err := tx.Query(ctx, `SELECT `+instanceColumns+` FROM network_instances
		WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4`, account, region, after, limit)
	return store.ReadAll(rows, err, scanInstance)
}

// PutInstances stores what was worked out of instances; how they are covered
// stays.
func PutInstances(ctx context.Context, tx *store.Tx, list []Instance) error {
	var rows [][]any
	for i := range list {
		n := &list[i]
		body, err := json.Marshal(n.Findings)
		if err != nil {
			return fmt.Errorf("network findings of %s: %w", n.ID, err)
		}
		rows = append(rows, []any{string(n.Account), string(n.Region), n.ID, string(n.Reach), n.Path, string(body), n.Details, false, "", ""})
	}
	_, err := tx.InsertRows(ctx, "network_instances",
		[]string{"account", "region", "id", "reach", "path", "findings", "details", "covered", "status", "reason"}, rows,
		`ON CONFLICT (account, region, id) DO UPDATE SET reach = excluded.reach, path = excluded.path, findings = excluded.findings,
			details = excluded.details`)
	return err
}

// DropInstances forgets instances.
func DropInstances(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var w store.Where
	w.Add("account = ?", account)
	w.Add("region = ?", region)
	store.In(&w, "id", ids...)
	_, err := tx.Exec(ctx, `DELETE FROM network_instances`+w.SQL(), w.Args()...)
	return err
}

// SetCoverage stores how the network of an instance is covered, where that
// changes.
func SetCoverage(ctx context.Context, tx *store.Tx, n *Instance, c Coverage) error {
	if n.Coverage == c {
		return nil
	}
	n.Coverage = c
	_, err := tx.Exec(ctx, `UPDATE network_instances SET covered = $4, status = $5, reason = $6 WHERE account = $1 AND region = $2 AND id = $3`,
		n.Account, n.Region, n.ID, c.Covered, c.Status, c.Reason)
	return err
}

// UncoverAll takes the instances of an account in a Region out of coverage.
func UncoverAll(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	_, err := tx.Exec(ctx, `UPDATE network_instances SET covered = FALSE, status = '', reason = '' WHERE account = $1 AND region = $2 AND covered`,
		account, region)
	return err
}

// Regions lists where accounts of a scope have instances that something is
// known of.
func Regions(ctx context.Context, tx *store.Tx, scope Scope) ([]Place, error) {
	var w store.Where
	scope.Where(&w, "account")
	rows, err := tx.Query(ctx, `SELECT DISTINCT account, region FROM network_instances`+w.SQL(), w.Args()...)
	return store.ReadAll(rows, err, func(s store.Scanner) (p Place, err error) {
		err = s.Scan(&p.Account, &p.Region)
		return p, err
	})
}

// Place is an account in a Region.
type Place struct {
	Account arn.AccountID
	Region  arn.Region
}
