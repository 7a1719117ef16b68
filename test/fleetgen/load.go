package fleetgen

import (
	"context"
	"encoding/json"
	"errors"
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
	// SQLite knows the function on connections that are opened from now on.
	registerFindingID()
	st, err := store.Open(ctx, to.URL, store.Options{})
	if err != nil {
		return err
	}
	to.Store = st
	return errors.Join(s.loadRest(ctx, to, first), st.Close())
}

func (s Shape) loadRest(ctx context.Context, to Target, first []int) error {
	tables := []string{"findings", "finding_history", "finding_groups", "resources", "resource_attributes", "resource_tags", "resource_inventories"}
	return bulktest.Load(ctx, to.Store, to.URL, tables, func(l *bulktest.Loader) error {
		if err := s.copyRest(ctx, to, l, first); err != nil {
			return err
		}
		if err := s.recount(ctx, l); err != nil {
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
