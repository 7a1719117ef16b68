package inspector_test

import (
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// BenchmarkSwitchOrganizationOn associates and enables the members of an
// organization through the operations, a hundred accounts a call where that is
// possible, and lets every transition end. members/s is the figure to compare
// with ten thousand in ten seconds.
func BenchmarkSwitchOrganizationOn(b *testing.B) {
	const accounts = 1000
	for name, open := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				c := newClock()
				w := newWorld(b, storetest.Open(b, open(b), store.Options{Now: c.Now}), c, nil)
				ids := w.populate(accounts)
				b.StartTimer()
				w.switchOn(ids)
			}
			b.ReportMetric(float64(b.N*accounts)/b.Elapsed().Seconds(), "members/s")
		})
	}
}

// populate makes an organization with an administrator and many accounts.
func (w *world) populate(accounts int) (ids []string) {
	ctx := w.t.Context()
	w.organize("management", api.OrganizationFeatureSetAll)
	w.create("management", "audit")
	w.must(w.store.Update(ctx, func(tx *store.Tx) error {
		ids = nil
		o, err := directory.OrganizationOf(ctx, tx, w.byName["management"])
		for i := range accounts {
			id := arn.AccountID(fmt.Sprintf("%012d", 100_000_000_000+i))
			ids = append(ids, string(id))
			if err == nil {
				_, err = organizations.RootAccount(ctx, tx, id, fmt.Sprintf("%d@example.com", i), "member", time.Now())
			}
			if err == nil {
				err = directory.AddMember(ctx, tx, o.ID, id, o.Root, directory.Created, time.Now())
			}
		}
		return err
	}))
	_, err := w.do("management", "us-east-1", "EnableDelegatedAdminAccount", &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: w.id("audit")})
	w.must(err)
	return ids
}

func (w *world) switchOn(ids []string) {
	ctx := w.t.Context()
	for _, id := range ids {
		_, err := w.desk.AssociateMember(ctx, w.call("audit", "us-east-1"), &inspector2.AssociateMemberInput{AccountId: id})
		w.must(err)
	}
	types := []inspector2.ResourceScanType{inspector2.ResourceScanTypeEc2, inspector2.ResourceScanTypeEcr}
	for len(ids) > 0 {
		n := min(100, len(ids))
		_, err := w.desk.Enable(ctx, w.call("audit", "us-east-1"), &inspector2.EnableInput{AccountIds: ids[:n], ResourceTypes: types})
		w.must(err)
		ids = ids[n:]
	}
	w.settle()
}
