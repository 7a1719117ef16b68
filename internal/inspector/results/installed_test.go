package results_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

// installs stores an instance with packages, each "name version path".
func installs(ctx context.Context, tx *store.Tx, account arn.AccountID, id string, now time.Time, packages ...string) error {
	r, err := catalog.PutResource(ctx, tx, account, "us-east-1", finding.Resource{Type: finding.Instance, ID: id, Instance: &finding.InstanceDetails{}}, now)
	if err == nil {
		err = catalog.SetCoverage(ctx, tx, &r, catalog.Coverage{Covered: true, ScanType: "PACKAGE", Status: "ACTIVE", Reason: "SUCCESSFUL"}, now)
	}
	if err != nil {
		return err
	}
	inv := inventory.Inventory{OS: inventory.OS{ID: "debian", VersionID: "12"}}
	for _, p := range packages {
		f := strings.Fields(p)
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: "Maven", Name: f[0], Version: f[1], Manager: "JAR"}, Path: f[2]})
	}
	inv.Sort()
	hash := fmt.Sprintf("%064x", now.UnixNano())
	number, err := catalog.PutInventory(ctx, tx, &inv, hash, now)
	if err == nil {
		err = catalog.SetInventory(ctx, tx, &r, number, hash, now, now)
	}
	return err
}

const logger = "org.apache.logging.log4j:log4j-core"

// stock stores three machines of two accounts; of the packages, one version
// has a vulnerability.
func stock(t *testing.T, st *store.Store, now time.Time) {
	t.Helper()
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		ctx := t.Context()
		err := errors.Join(
			installs(ctx, tx, "111111111111", "i-1", now, logger+" 2.14.1 /srv/a.jar", logger+" 2.14.1 /srv/b.jar", "org.example:other 1.0 /srv/c.jar"),
			installs(ctx, tx, "111111111111", "i-2", now.Add(1), logger+" 2.25.0 /srv/a.jar"),
			installs(ctx, tx, "222222222222", "i-3", now.Add(2), logger+" 2.14.1 /srv/a.jar", "100%_sure 1 /srv/d.jar"))
		if err != nil {
			return err
		}
		list, _, err := catalog.Installations(ctx, tx, catalog.InstalledQuery{Single: "222222222222", Region: "us-east-1", Name: "LOG4J", Limit: 5})
		if err != nil || len(list) != 1 {
			return fmt.Errorf("the member has %v: %w", list, err)
		}
		return catalog.SetMatches(ctx, tx, 1, []catalog.Matched{{Component: list[0].ID, Matches: []catalog.Match{{Component: list[0].ID, Vulnerability: "CVE-2021-44228", Body: "{}"}}}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// post writes the postings, which come some time after the inventories.
func post(t *testing.T, st *store.Store) {
	t.Helper()
	if err := st.Update(t.Context(), func(tx *store.Tx) error { _, err := catalog.PostInventories(t.Context(), tx, 100); return err }); err != nil {
		t.Fatal(err)
	}
}

func TestComponentsAreFoundWhereverTheyAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		desk := newDesk(t, st)
		stock(t, st, now)
		for range 2 { // before there are postings, and after
			for _, test := range []struct {
				account           arn.AccountID
				name, version, of string
				want              string
			}{
				{"111111111111", "log4j", "", "", "2.14.1 i-1 [CVE-2021-44228], 2.25.0 i-2 []"},
				{"111111111111", "Log4J-Core", "2.25.0", "", "2.25.0 i-2 []"},
				{"111111111111", "log4j", "", "Maven", "2.14.1 i-1 [CVE-2021-44228], 2.25.0 i-2 []"},
				{"111111111111", "log4j", "", "npm", ""},
				{"111111111111", "org.", "", "", "2.14.1 i-1 [CVE-2021-44228], 2.25.0 i-2 [], 1.0 i-1 []"},
				{"222222222222", "log4j", "", "", "2.14.1 i-3 [CVE-2021-44228]"},
				{"222222222222", "0%_", "", "", "1 i-3 []"},
				{"222222222222", "%", "2.14.1", "", ""},
				{"333333333333", "log4j", "", "", ""},
			} {
				in := &muster.SearchComponentsInput{Name: test.name, MaxResults: new(int32(1))}
				if test.version != "" {
					in.Version = &test.version
				}
				if test.of != "" {
					in.Ecosystem = &test.of
				}
				var got []string
				for pages := 0; pages == 0 || in.NextToken != nil; pages++ {
					out, err := desk.SearchComponents(t.Context(), &awsmodel.Call{Principal: arn.Principal{Account: test.account}, Region: "us-east-1", Time: now}, in)
					if err != nil {
						t.Fatal(err)
					}
					for _, c := range out.Components {
						got = append(got, fmt.Sprint(c.Version, " ", c.ResourceId, " ", c.VulnerabilityIds))
					}
					in.NextToken = out.NextToken
				}
				slices.Sort(got)
				want := strings.FieldsFunc(test.want, func(r rune) bool { return r == ',' })
				for i := range want {
					want[i] = strings.TrimSpace(want[i])
				}
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s asks for %q %q: %q, want %q", test.account, test.name, test.version, got, want)
				}
			}
			post(t, st)
		}
	})
}

func TestPackagesOfAResource(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		desk := newDesk(t, st)
		stock(t, st, now)
		call := &awsmodel.Call{Principal: arn.Principal{Account: "111111111111"}, Region: "us-east-1", Time: now}
		for _, test := range []struct {
			text       *string
			vulnerable *bool
			want       []string
		}{
			{nil, nil, []string{"/srv/a.jar 1", "/srv/b.jar 1", "/srv/c.jar 0"}},
			{nil, new(true), []string{"/srv/a.jar 1", "/srv/b.jar 1"}},
			{new("OTHER"), nil, []string{"/srv/c.jar 0"}},
			{new("b.jar"), new(true), []string{"/srv/b.jar 1"}},
			{new("nothing"), nil, nil},
		} {
			in := &muster.ListResourcePackagesInput{AccountId: "111111111111", ResourceId: "i-1", Text: test.text, Vulnerable: test.vulnerable, MaxResults: new(int32(2))}
			var got []string
			for pages := 0; pages == 0 || in.NextToken != nil; pages++ {
				out, err := desk.ListResourcePackages(t.Context(), call, in)
				if err != nil {
					t.Fatal(err)
				}
				if int(out.TotalCount) != len(test.want) {
					t.Errorf("%d are told, want %d", out.TotalCount, len(test.want))
				}
				for _, p := range out.Packages {
					got = append(got, fmt.Sprint(*p.Path, " ", len(p.VulnerabilityIds)))
					if p.Name == logger && p.Purl != "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1" {
						t.Errorf("%s is told as %s", p.Name, p.Purl)
					}
				}
				in.NextToken = out.NextToken
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		}
		denied, missing := &muster.AccessDeniedException{}, &muster.ResourceNotFoundException{}
		if _, err := desk.ListResourcePackages(t.Context(), call, &muster.ListResourcePackagesInput{AccountId: "222222222222", ResourceId: "i-3"}); !errors.As(err, &denied) {
			t.Errorf("another account's packages: %v", err)
		}
		if _, err := desk.ListResourcePackages(t.Context(), call, &muster.ListResourcePackagesInput{AccountId: "111111111111", ResourceId: "i-3"}); !errors.As(err, &missing) {
			t.Errorf("a resource that is not there: %v", err)
		}
	})
}
