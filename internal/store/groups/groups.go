// Package groups remembers how many ACTIVE findings there are in each group
// that an aggregation can ask for: per title, package, machine and so on,
// always within an account. The counts change in the transaction that changes
// findings, by what it adds and takes away, so a page of an aggregation is a
// walk along an index however many findings there are.
//
// A group without findings has no row.
package groups

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/store"
)

// Kind is what findings are grouped by. Sliced makes one that counts only a
// part of them.
type Kind string

// The kinds.
const (
	Account       Kind = "account"
	Type          Kind = "type"
	AMI           Kind = "ami"
	Instance      Kind = "instance"
	Image         Kind = "image"
	Layer         Kind = "layer"
	Repository    Kind = "repository"
	Package       Kind = "package"
	Title         Kind = "title"
	Function      Kind = "function"
	FunctionLayer Kind = "function layer"
	Project       Kind = "project"
)

// Sliced is the kind that counts only findings of a type, of resources of a
// type, or both; "" stands for any.
func (k Kind) Sliced(findingType, resourceType string) Kind {
	if findingType == "" && resourceType == "" {
		return k
	}
	return k + "|" + Kind(findingType) + "|" + Kind(resourceType)
}

// Key names a group.
type Key struct {
	Account arn.AccountID
	Region  arn.Region
	Kind    Kind
	// Keys are up to three texts; the rest is "".
	Keys [3]string
	// Resource is the number of the resource that the group is or is part of,
	// else 0. It follows from the keys.
	Resource int64
}

// Counts are the numbers of a group, or what is added to them.
type Counts struct {
	Findings, Critical, High, Medium, Exploitable, Fixable int64
	// Extra is the kind's own number.
	Extra int64
}

// Plus is the sum of two.
func (c Counts) Plus(d Counts) Counts {
	return Counts{c.Findings + d.Findings, c.Critical + d.Critical, c.High + d.High, c.Medium + d.Medium,
		c.Exploitable + d.Exploitable, c.Fixable + d.Fixable, c.Extra + d.Extra}
}

// Times is n times the counts.
func (c Counts) Times(n int64) Counts {
	return Counts{n * c.Findings, n * c.Critical, n * c.High, n * c.Medium, n * c.Exploitable, n * c.Fixable, n * c.Extra}
}

// Columns are all columns, those of a Key before those of Counts.
const Columns = `account, region, kind, k1, k2, k3, resource, findings, critical, high, medium, exploitable, fixable, extra`

// Scan reads a row of Columns.
func Scan(s store.Scanner) (k Key, c Counts, err error) {
	err = s.Scan(&k.Account, &k.Region, &k.Kind, &k.Keys[0], &k.Keys[1], &k.Keys[2], &k.Resource,
		&c.Findings, &c.Critical, &c.High, &c.Medium, &c.Exploitable, &c.Fixable, &c.Extra)
	return k, c, err
}

// Add adds to the counts of groups and forgets the groups that become empty.
func Add(ctx context.Context, tx *store.Tx, deltas map[Key]Counts) error {
	rows := make([][]any, 0, len(deltas))
	emptied := map[arn.Region]map[arn.AccountID]bool{}
	for k, c := range deltas {
		if c == (Counts{}) {
			continue
		}
		if c.Findings < 0 {
			if emptied[k.Region] == nil {
				emptied[k.Region] = map[arn.AccountID]bool{}
			}
			emptied[k.Region][k.Account] = true
		}
		rows = append(rows, row(k, c))
	}
	if err := put(ctx, tx, rows); err != nil {
		return err
	}
	for region, accounts := range emptied {
		for part := range slices.Chunk(slices.Sorted(maps.Keys(accounts)), atOnce) {
			if err := forgetEmpty(ctx, tx, region, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// atOnce bounds the accounts that one statement names.
const atOnce = 500

func forgetEmpty(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID) error {
	var w store.Where
	store.In(&w, "account", accounts...)
	w.Add("region = ?", region)
	w.Add("findings = 0")
	if _, err := tx.Exec(ctx, `DELETE FROM finding_groups`+w.SQL(), w.Args()...); err != nil {
		return fmt.Errorf("forget empty groups of %d accounts: %w", len(accounts), err)
	}
	return nil
}

func row(k Key, c Counts) []any {
	return []any{string(k.Account), string(k.Region), string(k.Kind), k.Keys[0], k.Keys[1], k.Keys[2], k.Resource,
		c.Findings, c.Critical, c.High, c.Medium, c.Exploitable, c.Fixable, c.Extra}
}

func put(ctx context.Context, tx *store.Tx, rows [][]any) error {
	_, err := tx.InsertRows(ctx, "finding_groups", []string{"account", "region", "kind", "k1", "k2", "k3", "resource",
		"findings", "critical", "high", "medium", "exploitable", "fixable", "extra"}, rows,
		`ON CONFLICT (account, region, kind, k1, k2, k3) DO UPDATE SET
			findings = finding_groups.findings + excluded.findings, critical = finding_groups.critical + excluded.critical,
			high = finding_groups.high + excluded.high, medium = finding_groups.medium + excluded.medium,
			exploitable = finding_groups.exploitable + excluded.exploitable, fixable = finding_groups.fixable + excluded.fixable,
			extra = finding_groups.extra + excluded.extra`)
	return err
}

// OfResources returns the counts of the groups that are one of the resources,
// by its number. Parts of resources are left out.
func OfResources(ctx context.Context, tx *store.Tx, numbers []int64) (map[int64]Counts, error) {
	found := map[int64]Counts{}
	for len(numbers) > 0 {
		part := numbers[:min(len(numbers), 500)]
		numbers = numbers[len(part):]
		var w store.Where
		store.In(&w, "resource", part...)
		w.Add(`resource > 0`)
		store.In(&w, "kind", Instance, Image, Function, Project)
		rows, err := tx.Query(ctx, `SELECT `+Columns+` FROM finding_groups`+w.SQL(), w.Args()...)
		_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
			k, c, err := Scan(s)
			found[k.Resource] = c
			return struct{}{}, err
		})
		if err != nil {
			return nil, fmt.Errorf("counts of resources: %w", err)
		}
	}
	return found, nil
}

// Moved follows a resource that now counts in another group of a kind than
// before: machines of an AMI, for example. An empty key stands for no group.
func Moved(ctx context.Context, tx *store.Tx, of Key, before, after string) error {
	if before == after {
		return nil
	}
	counts, err := OfResources(ctx, tx, []int64{of.Resource})
	if err != nil {
		return err
	}
	c := counts[of.Resource]
	if c.Findings == 0 {
		return nil
	}
	c.Extra = 1 // The resource itself.
	of.Resource = 0
	deltas := map[Key]Counts{}
	if before != "" {
		of.Keys = [3]string{before}
		deltas[of] = c.Times(-1)
	}
	if after != "" {
		of.Keys = [3]string{after}
		deltas[of] = c
	}
	return Add(ctx, tx, deltas)
}
