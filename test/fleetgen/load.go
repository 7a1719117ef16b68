package fleetgen

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/organizations"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/bulktest"
	"muster/internal/store/catalog"
	"muster/internal/store/directory"
	"muster/internal/store/findings"
)

// Target is where a fleet goes: a store whose server runs, with the fleet's
// advisories in service.
type Target struct {
	Store *store.Store
	URL   string
	// Settle waits until no scan is due or under way.
	Settle func(context.Context) error
	// Progress is told what happens; nil means silence.
	Progress func(format string, args ...any)
}

func (t Target) say(format string, args ...any) {
	if t.Progress != nil {
		t.Progress(format, args...)
	}
}

// Organize stores an organization whose members are all associated with the
// delegated administrator Audit and scan instances.
func (s Shape) Organize(ctx context.Context, st *store.Store) error {
	const org directory.OrganizationID = "o-fleetofall1"
	accounts := []arn.AccountID{Management, Audit}
	for n := range s.Accounts {
		accounts = append(accounts, Member(n))
	}
	err := st.Update(ctx, func(tx *store.Tx) error {
		err := directory.InsertOrganization(ctx, tx, directory.Organization{ID: org, Management: Management, FeatureSet: "ALL", Root: "r-root", CreatedAt: Epoch})
		if err != nil {
			return err
		}
		return activation.InsertDesignation(ctx, tx, activation.Designation{Org: org, Region: Region, Account: Audit, Status: activation.Designated, DesignatedAt: Epoch})
	})
	for part := range slices.Chunk(accounts, 100) {
		if err != nil {
			return err
		}
		err = st.Update(ctx, func(tx *store.Tx) error {
			for _, a := range part {
				if err := join(ctx, tx, org, a); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

func join(ctx context.Context, tx *store.Tx, org directory.OrganizationID, a arn.AccountID) error {
	if _, err := organizations.RootAccount(ctx, tx, a, string(a)+"@example.com", "account", Epoch); err != nil {
		return err
	}
	if err := directory.AddMember(ctx, tx, org, a, "r-root", directory.Created, Epoch); err != nil {
		return err
	}
	on := activation.Scan{Account: a, Region: Region, Type: activation.EC2, Status: activation.Enabled, ChangedAt: Epoch, FirstEnabledAt: Epoch}
	if err := activation.PutScans(ctx, tx, []activation.Scan{on}); err != nil || a == Management || a == Audit {
		return err
	}
	return activation.PutMember(ctx, tx, activation.Member{Administrator: Audit, Region: Region, Account: a, Relationship: activation.Associated, UpdatedAt: Epoch})
}

// Load stores the fleet's machines. One machine per inventory is scanned; the
// others, which have what it has, get what it got.
func (s Shape) Load(ctx context.Context, to Target) error {
	first, err := s.placeFirst(ctx, to)
	if err != nil {
		return fmt.Errorf("first machine of each inventory: %w", err)
	}
	to.say("%d inventories stored", len(first))
	if err := to.Settle(ctx); err != nil {
		return err
	}
	to.say("their machines scanned")
	tables := []string{"findings", "finding_history", "finding_groups", "resources", "resource_attributes", "resource_tags", "resource_inventories"}
	return bulktest.Load(ctx, to.Store, to.URL, tables, func(l *bulktest.Loader) error {
		if err := s.copyRest(ctx, to, l, first); err != nil {
			return err
		}
		if err := l.Flush(ctx); err != nil {
			return err
		}
		to.say("%d machines stored", s.Resources)
		if err := s.recount(ctx, to.Store); err != nil {
			return fmt.Errorf("count: %w", err)
		}
		to.say("counted; the indexes follow")
		return nil
	})
}

// placeFirst stores the inventories with one machine each, and asks for their
// scans. It returns the machines by inventory.
func (s Shape) placeFirst(ctx context.Context, to Target) ([]int, error) {
	first := make([]int, s.Inventories)
	for i := range first {
		first[i] = -1
	}
	for n := range s.Resources {
		if inv := s.Resource(n).Inventory; first[inv] < 0 {
			first[inv] = n
		}
	}
	special := s.affected()
	for part := range slices.Chunk(first, 25) {
		err := to.Store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
			for _, n := range part {
				r := s.Resource(n)
				if err := r.place(ctx, tx, s.Inventory(r.Inventory, special[r.Inventory])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return first, nil
}

func (r Resource) details(platform string) finding.Resource {
	return finding.Resource{Type: finding.Instance, ID: r.ID, Tags: map[string]string{"Name": r.ID}, Instance: &finding.InstanceDetails{ImageID: r.AMI, Platform: platform}}
}

func (r Resource) place(ctx context.Context, tx *store.Tx, inv *inventory.Inventory) error {
	hash := inv.Hash()
	id, err := catalog.PutInventory(ctx, tx, inv, hash, Epoch)
	if err != nil {
		return err
	}
	stored, err := catalog.PutResource(ctx, tx, r.Account, Region, r.details(inv.OS.Platform), Epoch)
	if err != nil {
		return err
	}
	now := time.Now()
	if err := catalog.SetInventory(ctx, tx, &stored, id, hash, now, now); err != nil {
		return err
	}
	at := scan.Target{Account: r.Account, Region: Region, Type: finding.Instance, ID: r.ID}
	body, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: scan.JobResource, Key: r.ID, Account: string(r.Account), Region: string(Region), Payload: body})
}

// model is what is stored of a scanned machine, table by table.
type model struct {
	resource finding.Resource
	tables   []rows
	// contents are what its findings say, by their ids.
	contents map[string]*finding.Content
}

// rows are rows of a table that hang on a resource.
type rows struct {
	table   string
	columns []string
	list    [][]any
}

// readModel reads what was stored of a machine.
func (s Shape) readModel(ctx context.Context, tx *store.Tx, r Resource) (*model, error) {
	stored, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: r.Account, Region: Region, Type: finding.Instance, ID: r.ID})
	if err != nil {
		return nil, err
	}
	m := &model{resource: stored.Resource, contents: map[string]*finding.Content{}}
	list, err := findings.OfResource(ctx, tx, stored.Number)
	if err != nil {
		return nil, err
	}
	for i := range list {
		m.contents[list[i].ID()] = &list[i].Content
	}
	for _, q := range []struct{ table, query string }{
		{"resources", `SELECT * FROM resources WHERE number = $1`},
		{"resource_attributes", `SELECT * FROM resource_attributes WHERE resource = $1 AND account = $2`},
		{"resource_tags", `SELECT * FROM resource_tags WHERE resource = $1 AND account = $2`},
		{"resource_inventories", `SELECT * FROM resource_inventories WHERE resource = $1 AND account = $2`},
		{"findings", `SELECT * FROM findings WHERE resource = $1 AND account = $2`},
		{"finding_history", `SELECT h.* FROM findings f JOIN finding_history h ON h.account = f.account AND h.region = f.region AND h.finding = f.id
			WHERE f.resource = $1 AND f.account = $2`},
	} {
		args := []any{stored.Number, string(r.Account)}
		if q.table == "resources" {
			args = args[:1]
		}
		columns, list, err := bulktest.Rows(ctx, tx, q.query, args...)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", q.table, r.ID, err)
		}
		m.tables = append(m.tables, rows{q.table, columns, list})
	}
	return m, nil
}

// copyRest gives every machine that was not scanned what the one of its
// inventory got.
func (s Shape) copyRest(ctx context.Context, to Target, l *bulktest.Loader, first []int) error {
	models := make([]*model, len(first))
	for part := range slices.Chunk(first, 500) {
		err := to.Store.View(ctx, func(tx *store.Tx) error {
			for _, n := range part {
				r := s.Resource(n)
				m, err := s.readModel(ctx, tx, r)
				if err != nil {
					return err
				}
				models[r.Inventory] = m
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for n := range s.Resources {
		r := s.Resource(n)
		if first[r.Inventory] == n {
			continue
		}
		if err := models[r.Inventory].copyTo(ctx, l, r, firstNumber+int64(n)); err != nil {
			return err
		}
	}
	return nil
}

// firstNumber is below all numbers that a store gives.
const firstNumber = 1 << 40

func (m *model) copyTo(ctx context.Context, l *bulktest.Loader, r Resource, number int64) error {
	details := m.resource
	details.ID, details.Tags = r.ID, map[string]string{"Name": r.ID}
	body, err := json.Marshal(details)
	if err != nil {
		return err
	}
	ids := make(map[string]string, len(m.contents))
	for id, c := range m.contents {
		ids[id] = finding.ID(r.Account, Region, r.ID, c)
	}
	for _, t := range m.tables {
		for _, from := range t.list {
			row := slices.Clone(from)
			for i, column := range t.columns {
				switch {
				case column == "account":
					row[i] = string(r.Account)
				case column == "resource", t.table == "resources" && column == "number":
					row[i] = number
				case t.table == "resources" && column == "id", t.table == "resource_tags" && column == "value":
					row[i] = r.ID
				case column == "details":
					row[i] = string(body)
				case t.table == "findings" && column == "id", column == "finding":
					old, _ := from[i].(string)
					row[i] = ids[old]
				}
			}
			if err := l.Add(ctx, t.table, t.columns, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// recount makes the kept counts of all accounts.
func (s Shape) recount(ctx context.Context, st *store.Store) error {
	if err := st.Update(ctx, func(tx *store.Tx) error { return catalog.RecountCoverage(ctx, tx) }); err != nil {
		return err
	}
	for from := 0; from < s.Accounts; from += 20 {
		err := st.Update(ctx, func(tx *store.Tx) error {
			for n := from; n < min(s.Accounts, from+20); n++ {
				if err := findings.Recount(ctx, tx, findings.Place{Account: Member(n), Region: Region}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
