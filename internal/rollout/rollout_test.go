package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/rollout"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

var (
	ec2, lambda, code = muster.ResourceTypeEc2, muster.ResourceTypeLambda, muster.ResourceTypeLambdaCode
	enable, disable   = muster.RolloutActionEnable, muster.RolloutActionDisable
)

// TestAWholeOrganization: one call associates and enables everybody, and what
// cannot be done fails alone: a type, an account, a Region.
func TestAWholeOrganization(t *testing.T) {
	each(t, "one two three asleep", func(t *testing.T, w *world) {
		w.update(func(ctx context.Context, tx *store.Tx) error {
			return directory.SetState(ctx, tx, w.ids["asleep"], directory.Suspended, time.Time{})
		})
		r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{code, ec2}, AllRegions: new(true)})
		same(t, parts(r), `
			COMPLETED_WITH_FAILURES 5 accounts
			ap-northeast-1 REFUSED 0+0 ACCESS_DENIED Invoking account is not the delegated admin account in ap-northeast-1
			eu-west-1 COMPLETED_WITH_FAILURES 0+5
			us-east-1 COMPLETED_WITH_FAILURES 0+5`)
		same(t, w.results(r, muster.ListRolloutResultsInput{Region: new(here), MaxResults: new(int32(2))}), `
			us-east-1 management association STARTED | EC2 STARTED now ENABLED | LAMBDA_CODE FAILED VALIDATION_FAILED now DISABLED
			us-east-1 audit | EC2 STARTED now ENABLED | LAMBDA_CODE FAILED VALIDATION_FAILED now DISABLED
			us-east-1 one association STARTED | EC2 STARTED now ENABLED | LAMBDA_CODE FAILED VALIDATION_FAILED now DISABLED
			us-east-1 two association STARTED | EC2 STARTED now ENABLED | LAMBDA_CODE FAILED VALIDATION_FAILED now DISABLED
			us-east-1 three association STARTED | EC2 STARTED now ENABLED | LAMBDA_CODE FAILED VALIDATION_FAILED now DISABLED`)

		again := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{code, lambda, ec2}})
		same(t, parts(again), `
			SUCCEEDED 5 accounts
			us-east-1 SUCCEEDED 5+0`)
		same(t, w.results(again, muster.ListRolloutResultsInput{AccountId: new(string(w.ids["two"]))}),
			`us-east-1 two | EC2 UNCHANGED now ENABLED | LAMBDA STARTED now ENABLED | LAMBDA_CODE STARTED now ENABLED`)
		members, err := w.work.ListMembers(t.Context(), w.call("audit", here), &inspector2.ListMembersInput{})
		w.must(err)
		if len(members.Members) != 4 || members.Members[0].RelationshipStatus != inspector2.RelationshipStatusEnabled {
			t.Errorf("members %+v", members.Members)
		}

		// Off again: the administrator cannot go while it has members, and
		// that is nobody else's failure.
		off := w.start(muster.StartRolloutInput{Action: disable, ResourceTypes: []muster.ResourceType{ec2, lambda, code}})
		same(t, w.results(off, muster.ListRolloutResultsInput{OnlyFailed: new(true)}),
			`us-east-1 audit | LAMBDA_CODE STARTED now DISABLED | LAMBDA STARTED now DISABLED | EC2 FAILED DISASSOCIATE_ALL_MEMBERS now ENABLED`)
		if off.Regions[0].Succeeded != 4 {
			t.Errorf("off: %s", parts(off))
		}
	})
}

// TestTargets: what the members of a target say is joined by "and".
func TestTargets(t *testing.T) {
	each(t, "web-1 Web-2 db-1", func(t *testing.T, w *world) {
		outer := w.unit(w.org.Root, "outer")
		inner := w.unit(outer, "inner")
		w.join(outer, "outside")
		w.join(inner, "inside", "web-inside", "closed")
		w.update(func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				directory.SetState(ctx, tx, w.ids["closed"], directory.Suspended, time.Time{}),
				directory.PutTag(ctx, tx, w.org.ID, string(w.ids["db-1"]), directory.Tag{Key: "env", Value: "prod"}),
				directory.PutTag(ctx, tx, w.org.ID, string(w.ids["inside"]), directory.Tag{Key: "env", Value: "prod"}),
				directory.PutTag(ctx, tx, w.org.ID, string(w.ids["web-1"]), directory.Tag{Key: "env", Value: "test"}))
		})
		id := func(name string) string { return string(w.ids[name]) }
		for _, c := range []struct {
			target *muster.RolloutTarget
			want   string
		}{
			{nil, "management audit web-1 Web-2 db-1 outside inside web-inside"},
			{&muster.RolloutTarget{ParentIds: []string{outer}}, "outside inside web-inside"},
			{&muster.RolloutTarget{ParentIds: []string{inner}}, "inside web-inside"},
			{&muster.RolloutTarget{ParentIds: []string{w.org.Root}, NamePattern: new("*1")}, "web-1 db-1"},
			{&muster.RolloutTarget{NamePattern: new("WEB-?")}, "web-1 Web-2"},
			{&muster.RolloutTarget{Tags: map[string]string{"env": "prod"}}, "db-1 inside"},
			{&muster.RolloutTarget{Tags: map[string]string{"env": "prod"}, ParentIds: []string{inner, outer}}, "inside"},
			{&muster.RolloutTarget{States: []muster.AccountState{muster.AccountStateSuspended}}, "closed"},
			{&muster.RolloutTarget{AccountIds: []string{id("web-1"), id("web-1"), "999999999999", id("closed")}}, "web-1 closed 999999999999"},
			{&muster.RolloutTarget{AccountIds: []string{id("web-1"), id("inside")}, NamePattern: new("in*")}, "inside"},
		} {
			r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}, Target: c.target})
			var names []string
			for line := range strings.Lines(w.results(r, muster.ListRolloutResultsInput{})) {
				names = append(names, strings.Fields(line)[1])
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%+v: got %s, want %s", c.target, got, c.want)
			}
		}
		r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}, Target: &muster.RolloutTarget{AccountIds: []string{"999999999999", id("closed")}}})
		same(t, w.results(r, muster.ListRolloutResultsInput{}), `
			us-east-1 closed association FAILED ACCOUNT_IS_ISOLATED
			us-east-1 999999999999 RESOURCE_NOT_FOUND`)
	})
}

// TestRefusals: what makes no sense, or is not the caller's to ask.
func TestRefusals(t *testing.T) {
	each(t, "one", func(t *testing.T, w *world) {
		types := []muster.ResourceType{ec2}
		others := &muster.RolloutTarget{AccountIds: []string{string(w.ids["audit"])}}
		for _, c := range []struct {
			who  string
			in   muster.StartRolloutInput
			want string
		}{
			{"audit", muster.StartRolloutInput{Regions: []string{"mars-1"}}, "ValidationException: Region mars-1 is not one of this installation."},
			{"audit", muster.StartRolloutInput{Regions: []string{here}, AllRegions: new(true)}, "ValidationException: Give regions or allRegions, not both."},
			{"audit", muster.StartRolloutInput{Action: disable, Associate: new(true)}, "ValidationException: Switching scan types off associates no account: associate needs the action ENABLE."},
			{"audit", muster.StartRolloutInput{Target: &muster.RolloutTarget{ParentIds: []string{"ou-none-12345678"}}}, "ValidationException: There is no root or unit ou-none-12345678 in the organization."},
			{"audit", muster.StartRolloutInput{Target: &muster.RolloutTarget{NamePattern: new("nobody")}}, "ValidationException: No account of the organization matches the target."},
			{"audit", muster.StartRolloutInput{Regions: []string{elsewhere}, Target: others}, ""},
			{"audit", muster.StartRolloutInput{Regions: []string{elsewhere}}, ""},
			{"management", muster.StartRolloutInput{Target: others}, "AccessDeniedException: Invoking account is not the delegated admin account in us-east-1"},
			{"management", muster.StartRolloutInput{Target: &muster.RolloutTarget{NamePattern: new("*")}}, "AccessDeniedException: Invoking account is not the delegated admin account: it reaches no other account"},
			{"alone", muster.StartRolloutInput{Target: others}, "AccessDeniedException: Invoking account is not the delegated admin account in us-east-1"},
			{"alone", muster.StartRolloutInput{AllRegions: new(true)}, ""},
			{"one", muster.StartRolloutInput{}, ""},
		} {
			c.in.ResourceTypes = types
			if c.in.Action == "" {
				c.in.Action = enable
			}
			_, err := w.desk.StartRollout(t.Context(), w.call(c.who, here), &c.in)
			if err == nil != (c.want == "") || err != nil && err.Error() != c.want {
				t.Errorf("%s %+v: %v, want %s", c.who, c.in, err, c.want)
			}
		}
		w.run(w.desk)
		// A member switches itself on, and not off.
		w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: types})
		_, err := w.desk.StartRollout(t.Context(), w.call("one", here), &muster.StartRolloutInput{Action: disable, ResourceTypes: types})
		if err == nil || !strings.Contains(err.Error(), "is not authorized to disable itself.") {
			t.Errorf("a member's own end: %v", err)
		}
		// IAM forbids one by one, so it forbids in bulk: everywhere, or in a Region.
		w.access["inspector2:AssociateMember"] = "*"
		if _, err = w.desk.StartRollout(t.Context(), w.call("audit", here), &muster.StartRolloutInput{Action: enable, ResourceTypes: types}); err == nil ||
			!strings.Contains(err.Error(), "not authorized to perform: inspector2:AssociateMember on arn:aws:inspector2:us-east-1:") {
			t.Errorf("without permission: %v", err)
		}
		w.access["inspector2:AssociateMember"] = there
		r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: types, Regions: []string{here, there, here}})
		if len(r.Regions) != 2 || r.Regions[0].Status != muster.RolloutRegionStatusRefused || r.Regions[1].Status != muster.RolloutRegionStatusSucceeded {
			t.Errorf("got %s", parts(r))
		}
		// Nobody sees another account's orders.
		_, err = w.desk.GetRollout(t.Context(), w.call("one", here), &muster.GetRolloutInput{RolloutId: r.RolloutId})
		_, err2 := w.desk.ListRolloutResults(t.Context(), w.call("one", here), &muster.ListRolloutResultsInput{RolloutId: r.RolloutId})
		_, err3 := w.desk.CancelRollout(t.Context(), w.call("one", here), &muster.CancelRolloutInput{RolloutId: r.RolloutId})
		for _, err := range []error{err, err2, err3} {
			if _, ok := errors.AsType[*muster.ResourceNotFoundException](err); !ok {
				t.Errorf("another's order: %v", err)
			}
		}
	})
}

// breaking fails its second portion, as a process that dies does.
type breaking struct {
	rollout.Inspector
	portions *int
}

func (b breaking) Bulk(ctx context.Context, tx *store.Tx, order inspector.Bulk, accounts []arn.AccountID, now time.Time) ([]inspector.BulkResult, error) {
	if *b.portions++; *b.portions == 2 {
		return nil, errors.New("the power fails")
	}
	return b.Inspector.Bulk(ctx, tx, order, accounts, now)
}

// TestAKilledRolloutGoesOn where it was, and every account is done once.
func TestAKilledRolloutGoesOn(t *testing.T) {
	each(t, "a b c d e f", func(t *testing.T, w *world) {
		w.desk = w.with(breaking{w.work, new(int)}, 3)
		out, err := w.desk.StartRollout(t.Context(), w.call("audit", here), &muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}})
		w.must(err)
		jobs, err := w.store.Claim(t.Context(), "rollout.run", 10, time.Minute)
		w.must(err)
		if len(jobs) != 1 || w.desk.Jobs()["rollout.run"](t.Context(), jobs[0]) == nil {
			t.Fatalf("%d jobs, none of which failed", len(jobs))
		}
		half, err := w.desk.GetRollout(t.Context(), w.call("audit", here), &muster.GetRolloutInput{RolloutId: out.Rollout.RolloutId})
		w.must(err)
		same(t, parts(half.Rollout), "IN_PROGRESS 8 accounts\nus-east-1 IN_PROGRESS 3+0")
		w.must(w.desk.Jobs()["rollout.run"](t.Context(), jobs[0]))
		got, err := w.desk.GetRollout(t.Context(), w.call("audit", here), &muster.GetRolloutInput{RolloutId: out.Rollout.RolloutId})
		w.must(err)
		same(t, parts(got.Rollout), "SUCCEEDED 8 accounts\nus-east-1 SUCCEEDED 8+0")
		if n := len(strings.Split(w.results(got.Rollout, muster.ListRolloutResultsInput{}), "\n")); n != 8 {
			t.Errorf("%d results", n)
		}
	})
}

// TestRepeatedCanceledAndForgotten is the life of orders beside their work.
func TestRepeatedCanceledAndForgotten(t *testing.T) {
	each(t, "one", func(t *testing.T, w *world) {
		order := muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}, ClientToken: new("token")}
		first, again := w.start(order), w.start(order)
		if first.RolloutId != again.RolloutId {
			t.Error("a repeated order is another one")
		}
		order.ResourceTypes = []muster.ResourceType{lambda}
		if _, err := w.desk.StartRollout(t.Context(), w.call("audit", here), &order); err == nil || err.Error() != "ValidationException: The clientToken has been used with another request." {
			t.Errorf("the token of another order: %v", err)
		}
		order.ClientToken = nil
		out, err := w.desk.StartRollout(t.Context(), w.call("audit", here), &order)
		w.must(err)
		canceled, err := w.desk.CancelRollout(t.Context(), w.call("audit", here), &muster.CancelRolloutInput{RolloutId: out.Rollout.RolloutId})
		w.must(err)
		same(t, parts(canceled.Rollout), "CANCELED 3 accounts\nus-east-1 CANCELED 0+0")
		w.run(w.desk)
		if _, err := w.desk.CancelRollout(t.Context(), w.call("audit", here), &muster.CancelRolloutInput{RolloutId: out.Rollout.RolloutId}); err == nil || err.Error() != "ConflictException: The rollout has ended." {
			t.Errorf("canceled twice: %v", err)
		}
		if w.results(canceled.Rollout, muster.ListRolloutResultsInput{}) != "" {
			t.Error("a canceled order was carried out")
		}
		list := func() (ids []string) {
			in := muster.ListRolloutsInput{MaxResults: new(int32(1))}
			for {
				page, err := w.desk.ListRollouts(t.Context(), w.call("audit", here), &in)
				w.must(err)
				for _, r := range page.Rollouts {
					ids = append(ids, r.RolloutId)
				}
				if in.NextToken = page.NextToken; in.NextToken == nil {
					return ids
				}
			}
		}
		if got := list(); !slices.Equal(got, []string{canceled.Rollout.RolloutId, first.RolloutId}) {
			t.Errorf("listed %v", got)
		}
		for range 20 {
			_, err = w.desk.StartRollout(t.Context(), w.call("audit", here), &order)
			w.must(err)
		}
		if _, err := w.desk.StartRollout(t.Context(), w.call("audit", here), &order); err == nil || !strings.HasPrefix(err.Error(), "ConflictException: 20 rollouts of this account are in progress.") {
			t.Errorf("too many at once: %v", err)
		}
	})
}

// TestOldOrdersAreForgotten after thirty days, by the job that the end asked
// for.
func TestOldOrdersAreForgotten(t *testing.T) {
	each(t, "one", func(t *testing.T, w *world) {
		r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}, AllRegions: new(true)})
		w.now = w.now.Add(31 * 24 * time.Hour)
		w.run(w.desk)
		if _, err := w.desk.GetRollout(t.Context(), w.call("audit", here), &muster.GetRolloutInput{RolloutId: r.RolloutId}); err == nil {
			t.Error("the order is remembered after thirty days")
		}
	})
}

// TestTheMemberLimitHolds: who finds no room is told, the others are members.
func TestTheMemberLimitHolds(t *testing.T) {
	each(t, "a b c", func(t *testing.T, w *world) {
		c := w.config
		c.MemberLimit = 2
		w.desk = w.with(inspector.New(c), 3)
		r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}})
		same(t, w.results(r, muster.ListRolloutResultsInput{}), `
			us-east-1 management association STARTED | EC2 STARTED now ENABLED
			us-east-1 audit | EC2 STARTED now ENABLED
			us-east-1 a association STARTED | EC2 STARTED now ENABLED
			us-east-1 b association FAILED SERVICE_QUOTA_EXCEEDED
			us-east-1 c association FAILED SERVICE_QUOTA_EXCEEDED`)
	})
}

// TestTypesThatARegionLacks fail alone.
func TestTypesThatARegionLacks(t *testing.T) {
	each(t, "", func(t *testing.T, w *world) {
		c := w.config
		c.Unavailable = func(_ arn.Region, st activation.ScanType) bool { return st == activation.Lambda }
		w.desk = w.with(inspector.New(c), 3)
		r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2, lambda}, Target: &muster.RolloutTarget{AccountIds: []string{string(w.ids["audit"])}}})
		same(t, w.results(r, muster.ListRolloutResultsInput{}),
			`us-east-1 audit | EC2 STARTED now ENABLED | LAMBDA FAILED NOT_SUPPORTED_IN_REGION now DISABLED`)
	})
}

// TestAnAdministratorThatIsRemovedMeanwhile reaches nobody any more.
func TestAnAdministratorThatIsRemovedMeanwhile(t *testing.T) {
	each(t, "one", func(t *testing.T, w *world) {
		out, err := w.desk.StartRollout(t.Context(), w.call("audit", here), &muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}})
		w.must(err)
		_, err = w.work.DisableDelegatedAdminAccount(t.Context(), w.call("management", here), &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: string(w.ids["audit"])})
		w.must(err)
		w.run(w.desk)
		got, err := w.desk.GetRollout(t.Context(), w.call("audit", here), &muster.GetRolloutInput{RolloutId: out.Rollout.RolloutId})
		w.must(err)
		same(t, parts(got.Rollout), `
			COMPLETED_WITH_FAILURES 3 accounts
			us-east-1 REFUSED 0+0 ACCESS_DENIED Invoking account is not the delegated admin account in us-east-1`)
	})
}

// BenchmarkRollout switches an organization on in one Region: members/s is the
// figure to compare with ten thousand in ten seconds.
func BenchmarkRollout(b *testing.B) {
	for _, accounts := range []int{1000, 10_000} {
		for name, open := range engines {
			b.Run(fmt.Sprintf("%s/%d", name, accounts), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					w := newWorld(b, open(b))
					for range accounts / 500 {
						var names []string
						for i := range 500 {
							names = append(names, fmt.Sprint("m", len(w.ids)+i))
						}
						w.join(w.org.Root, names...)
					}
					c := w.config
					c.MemberLimit = accounts + 1 // the management account is a member, too
					w.work = inspector.New(c)
					w.desk = w.with(w.work, 0)
					b.StartTimer()
					r := w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2, lambda}})
					if r.Status != muster.RolloutStatusSucceeded {
						b.Fatal(parts(r))
					}
				}
				b.ReportMetric(float64(b.N*accounts)/b.Elapsed().Seconds(), "members/s")
			})
		}
	}
}
