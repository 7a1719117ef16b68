package findings

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/groups"
)

// Place is an account in a Region.
type Place struct {
	Account arn.AccountID
	Region  arn.Region
}

// Places lists the accounts with findings or counts of findings, in a Region
// each. It reads the key of every finding.
func Places(ctx context.Context, tx *store.Tx) ([]Place, error) {
	rows, err := tx.Query(ctx, `SELECT account, region FROM findings UNION SELECT account, region FROM finding_counts
		UNION SELECT account, region FROM finding_groups ORDER BY account, region`)
	return store.ReadAll(rows, err, func(s store.Scanner) (p Place, err error) {
		err = s.Scan(&p.Account, &p.Region)
		return p, err
	})
}

// VerifyCounts compares all kept counts with the findings and describes every
// difference; nil means they agree. It reads every finding.
func VerifyCounts(ctx context.Context, tx *store.Tx) ([]string, error) {
	list, err := Places(ctx, tx)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, p := range list {
		found, err := Verify(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, found...)
	}
	return wrong, nil
}

// Verify compares the counts kept for a place with its findings and describes
// every difference; nil means they agree.
func Verify(ctx context.Context, tx *store.Tx, at Place) ([]string, error) {
	kept, err := readCounts(ctx, tx, at, `SELECT account, region, status, type, resource_type, severity, total, exploitable, fixable
		FROM finding_counts WHERE account = $1 AND region = $2 AND (total <> 0 OR exploitable <> 0 OR fixable <> 0)`)
	if err != nil {
		return nil, err
	}
	counted, err := countBuckets(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	wrong := differences(kept, counted)
	grouped, err := countGroups(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	keptGroups, err := readGroups(ctx, tx, at)
	return append(wrong, differences(keptGroups, grouped)...), err
}

// Recount replaces the counts kept for a place by what its findings come to.
func Recount(ctx context.Context, tx *store.Tx, at Place) error {
	buckets, err := countBuckets(ctx, tx, at)
	if err != nil {
		return err
	}
	grouped, err := countGroups(ctx, tx, at)
	if err != nil {
		return err
	}
	for _, table := range []string{"finding_counts", "finding_groups"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account = $1 AND region = $2`, at.Account, at.Region); err != nil {
			return fmt.Errorf("forget counts of %s: %w", at.Account, err)
		}
	}
	if err := addCounts(ctx, tx, buckets); err != nil {
		return err
	}
	return groups.Add(ctx, tx, grouped)
}

// differences describes where kept numbers are not what was counted.
func differences[K, V comparable](kept, counted map[K]V) (wrong []string) {
	for k, v := range counted {
		if was, found := kept[k]; !found || was != v {
			wrong = append(wrong, fmt.Sprintf("%+v: counted %+v, kept %+v", k, v, was))
		}
	}
	for k, v := range kept {
		if _, found := counted[k]; !found {
			wrong = append(wrong, fmt.Sprintf("%+v: counted nothing, kept %+v", k, v))
		}
	}
	return wrong
}

func countBuckets(ctx context.Context, tx *store.Tx, at Place) (map[bucket]tally, error) {
	return readCounts(ctx, tx, at, `SELECT account, region, status, type, resource_type, severity, COUNT(*),
		SUM(CASE WHEN exploit = 'YES' THEN 1 ELSE 0 END), SUM(CASE WHEN fix = 'YES' THEN 1 ELSE 0 END)
		FROM findings WHERE account = $1 AND region = $2 GROUP BY account, region, status, type, resource_type, severity`)
}

func readCounts(ctx context.Context, tx *store.Tx, at Place, query string) (map[bucket]tally, error) {
	found := map[bucket]tally{}
	rows, err := tx.Query(ctx, query, at.Account, at.Region)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (b bucket, err error) {
		var t tally
		err = s.Scan(&b.Account, &b.Region, &b.Status, &b.Type, &b.ResourceType, &b.Severity, &t.total, &t.exploitable, &t.fixable)
		found[b] = t
		return b, err
	})
	return found, err
}

func readGroups(ctx context.Context, tx *store.Tx, at Place) (map[groups.Key]groups.Counts, error) {
	found := map[groups.Key]groups.Counts{}
	rows, err := tx.Query(ctx, `SELECT `+groups.Columns+` FROM finding_groups WHERE account = $1 AND region = $2`, at.Account, at.Region)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		k, c, err := groups.Scan(s)
		found[k] = c
		return struct{}{}, err
	})
	return found, err
}

// Where makes a Place a Scope.
func (p Place) Where(w *store.Where, column string) { w.Add(column+" = ?", p.Account) }

// countGroups counts the ACTIVE findings of a place by every grouping, by
// queries that share nothing with how changes are counted.
func countGroups(ctx context.Context, tx *store.Tx, at Place) (map[groups.Key]groups.Counts, error) {
	found := map[groups.Key]groups.Counts{}
	for _, g := range []Grouping{PerAMI, PerInstance, PerImage, PerLayer, PerRepository, PerPackage, PerTitle, PerFunction, PerFuncLayer, PerProject} {
		var w store.Where
		a := &Aggregation{Grouping: g, Scope: at, Region: at.Region}
		rows, err := tx.Query(ctx, `SELECT account, k1, k2, k3, number, findings, critical, high, medium, exploitable, fixable, extra
			FROM (`+countedGroups(&w, a)+`) g`, w.Args()...)
		list, err := store.ReadAll(rows, err, func(s store.Scanner) (Group, error) { return scanGroup(s, ByAll) })
		if err != nil {
			return nil, fmt.Errorf("count findings by %s: %w", g, err)
		}
		for i := range list {
			k := groups.Key{Account: at.Account, Region: at.Region, Kind: kindOf(g), Keys: list[i].Keys, Resource: list[i].number}
			found[k] = list[i].counts()
		}
	}
	return found, countSlices(ctx, tx, at, found)
}

func (g *Group) counts() groups.Counts {
	return groups.Counts{Findings: g.All, Critical: g.Critical, High: g.High, Medium: g.Medium, Exploitable: g.Exploitable, Fixable: g.Fixable, Extra: g.Extra}
}

// countSlices counts by account and type, with their parts.
func countSlices(ctx context.Context, tx *store.Tx, at Place, found map[groups.Key]groups.Counts) error {
	rows, err := tx.Query(ctx, `SELECT f.account, f.type, f.resource_type, '', 0, `+sums+`, 0 FROM findings f
		WHERE f.account = $1 AND f.region = $2 AND f.status = $3 GROUP BY f.account, f.type, f.resource_type`, at.Account, at.Region, finding.Active)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (Group, error) { return scanGroup(s, ByAll) })
	if err != nil {
		return fmt.Errorf("count findings by type: %w", err)
	}
	for i := range list {
		kind, on := list[i].Keys[0], list[i].Keys[1]
		add := func(k groups.Kind, key string) {
			at := groups.Key{Account: at.Account, Region: at.Region, Kind: k, Keys: [3]string{key}}
			found[at] = found[at].Plus(list[i].counts())
		}
		add(groups.Account, "")
		add(groups.Account.Sliced(kind, ""), "")
		add(groups.Account.Sliced("", on), "")
		add(groups.Account.Sliced(kind, on), "")
		add(groups.Type, kind)
		add(groups.Type.Sliced("", on), kind)
	}
	return nil
}

// unusedContents are the contents that no finding has.
const unusedContents = `SELECT c.id FROM contents c WHERE NOT EXISTS (SELECT 1 FROM findings f WHERE f.content = c.id)`

// VerifyContents looks for findings without content or resource and for
// contents without findings, and describes them; nil means there are none.
func VerifyContents(ctx context.Context, tx *store.Tx) (wrong []string, err error) {
	for _, q := range []struct{ what, query string }{
		{"finding %s has no content", `SELECT f.id FROM findings f WHERE NOT EXISTS (SELECT 1 FROM contents c WHERE c.id = f.content)`},
		{"finding %s has no resource", `SELECT f.id FROM findings f WHERE NOT EXISTS (SELECT 1 FROM resources r WHERE r.number = f.resource)`},
		{"content %s belongs to no finding", unusedContents},
	} {
		rows, err := tx.Query(ctx, q.query)
		list, err := store.ReadAll(rows, err, store.ScanText)
		if err != nil {
			return nil, fmt.Errorf("verify contents: %w", err)
		}
		for _, id := range list {
			wrong = append(wrong, fmt.Sprintf(q.what, id))
		}
	}
	return wrong, nil
}

// DropUnused forgets the contents that no finding has.
func DropUnused(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, unusedContents)
	ids := map[int64]bool{}
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (id int64, err error) {
		err = s.Scan(&id)
		ids[id] = true
		return id, err
	})
	if err != nil {
		return fmt.Errorf("contents without findings: %w", err)
	}
	return dropContents(ctx, tx, ids)
}
