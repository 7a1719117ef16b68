package activation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

const (
	region = arn.Region("eu-west-1")
	other  = arn.Region("us-east-1")
	admin  = arn.AccountID("222222222222")
	org    = directory.OrganizationID("o-example111")
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func account(n int) arn.AccountID { return arn.AccountID(fmt.Sprintf("%012d", n)) }

// in runs fn in a transaction that must succeed.
func in(t *testing.T, s *store.Store, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func TestDesignations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := LookupDesignation(ctx, tx, org, region); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("before: %v, want not found", err)
			}
			d := Designation{Org: org, Region: region, Account: admin, Status: Designated, DesignatedAt: noon}
			if err := InsertDesignation(ctx, tx, d); err != nil {
				return err
			}
			got, err := LookupDesignation(ctx, tx, org, region)
			if err != nil || got != d {
				t.Errorf("got %+v, %v, want %+v", got, err, d)
			}
			if err := SetDesignationStatus(ctx, tx, org, region, Removing); err != nil {
				return err
			}
			list, err := Designations(ctx, tx, org)
			if err != nil || len(list) != 1 || list[0].Status != Removing {
				t.Errorf("list %+v, %v", list, err)
			}
			if err := DeleteDesignation(ctx, tx, org, region); err != nil {
				return err
			}
			if err := DeleteDesignation(ctx, tx, org, region); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("second delete: %v, want not found", err)
			}
			return nil
		})
	})
}

// TestMembersByRelationship: which relationships let an administrator act, in
// every query that asks.
func TestMembersByRelationship(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		relationships := []Relationship{SettingUp, Associated, Removed, AccountSuspended, Gone}
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, r := range relationships {
				m := Member{Administrator: admin, Region: region, Account: account(i), Relationship: r, UpdatedAt: noon}
				if err := PutMember(ctx, tx, m); err != nil {
					return err
				}
				m.Region, m.Relationship = other, Associated
				if err := PutMember(ctx, tx, m); err != nil {
					return err
				}
			}
			want := []arn.AccountID{account(0), account(1), account(3)}
			page, err := MembersPage(ctx, tx, admin, region, "", 10)
			if err != nil {
				return err
			}
			if got := accounts(page); !slices.Equal(got, want) {
				t.Errorf("members %v, want %v", got, want)
			}
			if page, err = MembersPage(ctx, tx, admin, region, account(0), 1); err != nil || len(page) != 1 || page[0].Account != account(1) {
				t.Errorf("second page %v, %v", page, err)
			}
			if n, err := CountMembers(ctx, tx, admin, region); err != nil || n != 3 {
				t.Errorf("counted: %d, %v", n, err)
			}
			if list, err := RelationsPage(ctx, tx, admin, region, account(3), 9); err != nil || len(list) != 1 || list[0].Relationship != Gone {
				t.Errorf("relations after the suspended one: %v, %v", list, err)
			}
			if list, err := RelationsOf(ctx, tx, account(2)); err != nil || len(list) != 2 {
				t.Errorf("relations of one account: %v, %v", list, err)
			}
			some, err := LookupMembers(ctx, tx, admin, region, []arn.AccountID{account(2), account(9)})
			if err != nil || len(some) != 1 || some[account(2)].Relationship != Removed {
				t.Errorf("looked up %v, %v", some, err)
			}
			for i, r := range relationships {
				if r.Associated() != slices.Contains(want, account(i)) {
					t.Errorf("%s associated: %t", r, r.Associated())
				}
			}
			return nil
		})
	})
}

// TestCountOfMembers: the number follows every change of a relationship.
func TestCountOfMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			m := Member{Administrator: admin, Region: region, Account: account(1), UpdatedAt: noon}
			for _, step := range []struct {
				to   Relationship
				want int
			}{
				{Removed, 0}, {SettingUp, 1}, {SettingUp, 1}, {Associated, 1}, {AccountSuspended, 1},
				{Gone, 0}, {Removed, 0}, {Associated, 1},
			} {
				m.Relationship = step.to
				if err := PutMember(ctx, tx, m); err != nil {
					return err
				}
				if n, err := CountMembers(ctx, tx, admin, region); err != nil || n != step.want {
					t.Errorf("after %s: %d, %v, want %d", step.to, n, err, step.want)
				}
			}
			if err := DeleteMember(ctx, tx, m); err != nil {
				return err
			}
			if n, err := CountMembers(ctx, tx, admin, region); err != nil || n != 0 {
				t.Errorf("after deletion: %d, %v, want 0", n, err)
			}
			if err := DeleteMember(ctx, tx, m); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("second deletion: %v, want not found", err)
			}
			return nil
		})
	})
}

// TestSettingUpEndsWithTime: members are set up when their time has come.
func TestSettingUpEndsWithTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := OldestInSetup(ctx, tx, admin, region); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("nobody in setup: %v, want not found", err)
			}
			for i, at := range []time.Time{noon, noon.Add(time.Minute), noon.Add(2 * time.Minute)} {
				m := Member{Administrator: admin, Region: region, Account: account(i), Relationship: SettingUp, UpdatedAt: at}
				if err := PutMember(ctx, tx, m); err != nil {
					return err
				}
			}
			if err := SetUpMembers(ctx, tx, admin, region, noon.Add(time.Minute), noon.Add(time.Hour)); err != nil {
				return err
			}
			for i, want := range []Relationship{Associated, Associated, SettingUp} {
				if m, err := LookupMember(ctx, tx, admin, region, account(i)); err != nil || m.Relationship != want {
					t.Errorf("member %d: %+v, %v, want %s", i, m, err, want)
				}
			}
			if at, err := OldestInSetup(ctx, tx, admin, region); err != nil || !at.Equal(noon.Add(2*time.Minute)) {
				t.Errorf("oldest in setup: %s, %v", at, err)
			}
			return nil
		})
	})
}

func accounts(list []Member) (ids []arn.AccountID) {
	for _, m := range list {
		ids = append(ids, m.Account)
	}
	return ids
}

// TestAdministratorOf: a relationship counts only within the organization and
// while its administrator is designated.
func TestAdministratorOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			ask := func(want arn.AccountID) {
				t.Helper()
				got, err := AdministratorOf(ctx, tx, account(1), region)
				if got != want || (want == "") != errors.Is(err, store.ErrNotFound) {
					t.Errorf("administrator %q, %v, want %q", got, err, want)
				}
			}
			ask("")
			m := Member{Administrator: admin, Region: region, Account: account(1), Relationship: Associated, UpdatedAt: noon}
			if err := PutMember(ctx, tx, m); err != nil {
				return err
			}
			if err := directory.AddMember(ctx, tx, org, account(1), "r-1", directory.Created, noon); err != nil {
				return err
			}
			ask("")
			d := Designation{Org: org, Region: region, Account: admin, Status: Designated, DesignatedAt: noon}
			if err := InsertDesignation(ctx, tx, d); err != nil {
				return err
			}
			ask(admin)
			if err := SetDesignationStatus(ctx, tx, org, region, Removing); err != nil {
				return err
			}
			ask("")
			if err := SetDesignationStatus(ctx, tx, org, region, Designated); err != nil {
				return err
			}
			if err := directory.RemoveMember(ctx, tx, org, account(1)); err != nil {
				return err
			}
			ask("")
			return DeleteMember(ctx, tx, m)
		})
	})
}

// TestScopeInSQL: the condition lets through exactly the scope's accounts.
func TestScopeInSQL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, r := range []Relationship{SettingUp, Associated, Removed} {
				if err := PutMember(ctx, tx, Member{Administrator: admin, Region: region, Account: account(i), Relationship: r}); err != nil {
					return err
				}
			}
			var scans []Scan
			for _, a := range []arn.AccountID{account(0), account(1), account(2), account(3), admin} {
				scans = append(scans, Scan{Account: a, Region: region, Type: EC2, Status: Enabled, ChangedAt: noon})
			}
			if err := PutScans(ctx, tx, scans); err != nil {
				return err
			}
			visible := func(scope Scope) []string {
				var w store.Where
				w.Add("region = ?", region)
				scope.Where(&w, "account")
				rows, err := tx.Query(ctx, `SELECT account FROM inspector_scans`+w.SQL()+` ORDER BY account`, w.Args()...)
				list, err := store.All(rows, err, store.Text)
				if err != nil {
					t.Fatal(err)
				}
				return list
			}
			asAdmin := Scope{Own: admin, Region: region, Administrator: true, Organization: org}
			if got, want := visible(asAdmin), []string{string(account(0)), string(account(1)), string(admin)}; !slices.Equal(got, want) {
				t.Errorf("administrator sees %v, want %v", got, want)
			}
			elsewhere := asAdmin
			elsewhere.Region = other
			if got, want := visible(elsewhere), []string{string(admin)}; !slices.Equal(got, want) {
				t.Errorf("in another Region it sees %v, want %v", got, want)
			}
			if got, want := visible(Scope{Own: account(1), Region: region}), []string{string(account(1))}; !slices.Equal(got, want) {
				t.Errorf("a member sees %v, want %v", got, want)
			}
			return nil
		})
	})
}

func TestScans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			scan := Scan{Account: account(1), Region: region, Type: ECR, Status: Enabling, ChangedAt: noon, FirstEnabledAt: noon}
			lambda := scan
			lambda.Type, lambda.Status = Lambda, Enabled
			if err := PutScans(ctx, tx, []Scan{scan, lambda}); err != nil {
				return err
			}
			scan.Status, scan.ChangedAt = Enabled, noon.Add(time.Second)
			if err := PutScans(ctx, tx, []Scan{scan}); err != nil {
				return err
			}
			got, err := ScansOf(ctx, tx, account(1), region)
			if err != nil || len(got) != 2 || got[ECR] != scan || got[Lambda] != lambda {
				t.Errorf("scans %+v, %v", got, err)
			}
			types, err := EnabledTypes(ctx, tx, account(1), region)
			if err != nil || !slices.Equal(types, []ScanType{ECR, Lambda}) {
				t.Errorf("enabled %v, %v", types, err)
			}
			many, err := LookupScans(ctx, tx, region, []arn.AccountID{account(1), account(2)})
			if err != nil || len(many) != 2 || many[account(2)].Account() != Disabled || many[account(1)].Account() != Enabled {
				t.Errorf("looked up %v, %v", many, err)
			}
			everywhere, err := ScansEverywhere(ctx, tx, account(1))
			if err != nil || len(everywhere) != 1 || !everywhere[region].Active() {
				t.Errorf("everywhere %v, %v", everywhere, err)
			}
			return PutScans(ctx, tx, nil)
		})
	})
}

func TestAccountStatus(t *testing.T) {
	for _, c := range []struct {
		types []Status
		want  Status
	}{
		{nil, Disabled},
		{[]Status{Disabled}, Disabled},
		{[]Status{Disabled, Disabling}, Disabling},
		{[]Status{Disabling, Enabling}, Enabling},
		{[]Status{Enabling, Enabled, Disabling}, Enabled},
		{[]Status{Enabled, Suspended}, Suspended},
		{[]Status{Suspended, Suspending}, Suspending},
	} {
		scans := Scans{}
		for i, status := range c.types {
			scans[ScanTypes()[i]] = Scan{Status: status}
		}
		if got := scans.Account(); got != c.want {
			t.Errorf("%v sum up to %s, want %s", c.types, got, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			if a, err := LookupAutoEnable(ctx, tx, admin, region); err != nil || a != (AutoEnable{}) {
				t.Errorf("automatic enabling at first: %+v, %v", a, err)
			}
			auto := AutoEnable{EC2: true, Lambda: true, LambdaCode: true}
			if err := PutAutoEnable(ctx, tx, admin, region, AutoEnable{ECR: true}); err != nil {
				return err
			}
			if err := PutAutoEnable(ctx, tx, admin, region, auto); err != nil {
				return err
			}
			if a, err := LookupAutoEnable(ctx, tx, admin, region); err != nil || a != auto {
				t.Errorf("automatic enabling %+v, %v", a, err)
			}
			if err := ResetAutoEnable(ctx, tx, admin, region); err != nil {
				return err
			}
			c := Configuration{RescanDuration: "DAYS_30", ECRUpdatedAt: noon, ScanMode: "EC2_HYBRID"}
			if err := PutConfiguration(ctx, tx, admin, region, c); err != nil {
				return err
			}
			if got, err := LookupConfiguration(ctx, tx, admin, region); err != nil || got != c {
				t.Errorf("configuration %+v, %v", got, err)
			}
			if err := DeleteConfiguration(ctx, tx, admin, region); err != nil {
				return err
			}
			if _, err := LookupConfiguration(ctx, tx, admin, region); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("deleted configuration: %v", err)
			}
			if d, err := LookupDeepInspection(ctx, tx, admin, region); err != nil || !d.Activated || d.PackagePaths != nil {
				t.Errorf("deep inspection at first: %+v, %v", d, err)
			}
			d := DeepInspection{PackagePaths: []string{"/opt/a"}, OrganizationPaths: []string{"/srv", "/opt"}}
			if err := PutDeepInspection(ctx, tx, admin, region, d); err != nil {
				return err
			}
			got, err := LookupDeepInspection(ctx, tx, admin, region)
			if err != nil || got.Activated || !slices.Equal(got.PackagePaths, d.PackagePaths) || !slices.Equal(got.OrganizationPaths, d.OrganizationPaths) {
				t.Errorf("deep inspection %+v, %v", got, err)
			}
			return DeleteDeepInspection(ctx, tx, admin, region)
		})
	})
}

func TestClientTokensExpire(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		in(t, s, func(ctx context.Context, tx *store.Tx) error {
			kept := ClientToken{Account: admin, Region: region, Operation: "Enable", Token: "a", Request: "1", Reply: "{}", ExpiresAt: noon.Add(time.Hour)}
			if err := PutClientToken(ctx, tx, kept, noon); err != nil {
				return err
			}
			if got, err := LookupClientToken(ctx, tx, admin, region, "Enable", "a", noon); err != nil || got != kept {
				t.Errorf("token %+v, %v", got, err)
			}
			if _, err := LookupClientToken(ctx, tx, admin, region, "Enable", "a", kept.ExpiresAt); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("expired token: %v", err)
			}
			if _, err := LookupClientToken(ctx, tx, admin, other, "Enable", "a", noon); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("token in another Region: %v", err)
			}
			// The same token again, after its day: the old row makes room.
			return PutClientToken(ctx, tx, kept, kept.ExpiresAt)
		})
	})
}
