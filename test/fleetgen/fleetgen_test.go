package fleetgen_test

import (
	"strings"
	"testing"

	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
	"muster/test/fleetgen"
)

// TestShapes holds a fleet to what it promises.
func TestShapes(t *testing.T) {
	s := fleetgen.Usual(5000)
	machines, owners := map[int]int{}, map[string]int{}
	for n := range s.Resources {
		r := s.Resource(n)
		machines[r.Inventory]++
		owners[string(r.Account)]++
	}
	if len(machines) != s.Inventories || len(owners) < s.Accounts*9/10 {
		t.Errorf("%d of %d inventories and %d of %d accounts are used", len(machines), s.Inventories, len(owners), s.Accounts)
	}
	if most := machines[0]; most < 10*s.Resources/s.Inventories {
		t.Errorf("the most popular inventory is on %d machines of %d", most, s.Resources)
	}
	a, b := s.Inventory(7, false), s.Inventory(7, true)
	if a.Hash() != s.Inventory(7, false).Hash() || len(b.Items) != len(a.Items)+1 {
		t.Error("an inventory is another one the second time")
	}
	if v := a.Violations(inventory.DefaultLimits(), 3); v != nil {
		t.Error(v)
	}
}

// TestLoadedIsScanned loads a fleet and scans all of it: nothing may change.
func TestLoadedIsScanned(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := fleetgen.Shape{Accounts: 7, Resources: 60, Inventories: 6, Packages: 60, Affected: 9, OneIn: 9, Seed: 3}
		c := configOf(t, url, t.TempDir())
		st := storetest.Open(t, url, store.Options{})
		if err := s.Organize(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(c.Feeds, "2.0.0", fleetgen.Epoch); err != nil {
			t.Fatal(err)
		}
		running := start(t, c)
		if err := s.Load(t.Context(), fleetgen.Target{Store: st, URL: url, Settle: running.Settle}); err != nil {
			t.Fatal(err)
		}
		before := state(t, st)
		if n := strings.Count(before, fleetgen.SpecialCVE); n == 0 || n > s.Affected {
			t.Errorf("%d machines are affected, expected up to %d", n, s.Affected)
		}
		if err := s.Rescan(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		if err := running.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := state(t, st); after != before {
			t.Errorf("loaded\n%s\nscanned\n%s", before, after)
		}
	})
}

// state is every finding in words, and what is wrong with the counts.
func state(t *testing.T, st *store.Store) string {
	t.Helper()
	var b strings.Builder
	err := st.View(t.Context(), func(tx *store.Tx) error {
		wrong, err := findings.VerifyCounts(t.Context(), tx)
		if err != nil || wrong != nil {
			t.Error(wrong, err)
		}
		if wrong, err = catalog.VerifyCoverage(t.Context(), tx); err != nil || wrong != nil {
			t.Error(wrong, err)
		}
		list, _, err := findings.List(t.Context(), tx, findings.Query{Scope: everyone{}, Region: fleetgen.Region, Field: findings.ByAccount, Limit: 100_000})
		for _, f := range list {
			b.WriteString(strings.Join([]string{f.ID(), f.Resource.ID, f.Title, string(f.Status), string(f.Severity)}, " ") + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// everyone is the scope of all accounts.
type everyone struct{}

func (everyone) Where(*store.Where, string) {}
