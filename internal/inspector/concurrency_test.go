package inspector_test

import (
	"fmt"
	"sync"
	"testing"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/storetest"
)

// together runs fn for 0 to n-1 at the same time.
func together(n int, fn func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fn(i) })
	}
	all.Wait()
}

// TestTwoAdministratorsAtOnce: of two Regions' designations of different
// accounts at the same time, one is a conflict.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newClock()
		w := newWorld(t, storetest.Open(t, url, store.Options{Now: c.Now}), c, nil)
		w.populate(0)
		_, err := w.do("management", "us-east-1", "DisableDelegatedAdminAccount", &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: w.id("audit")})
		w.must(err)
		w.settle()
		w.create("management", "other")

		answers := make([]string, 6)
		together(len(answers), func(i int) {
			region := []arn.Region{"us-east-1", "eu-west-1", "ap-northeast-1"}[i%3]
			target := []string{"audit", "other"}[i%2]
			_, err := w.do("management", region, "EnableDelegatedAdminAccount", &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: w.id(target)})
			answers[i] = code(err) + " " + target
		})
		seen := map[string]int{}
		for _, a := range answers {
			seen[a]++
		}
		one := seen["ok audit"] > 0 && seen["ConflictException other"] == 3
		another := seen["ok other"] > 0 && seen["ConflictException audit"] == 3
		if one == another {
			t.Errorf("answers %v, want one account alone designated", answers)
		}
	})
}

// TestMembersAtOnce: what Terraform does with its ten workers.
func TestMembersAtOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newClock()
		w := newWorld(t, storetest.Open(t, url, store.Options{Now: c.Now}), c, nil)
		ids := w.populate(20)
		together(len(ids), func(i int) {
			ctx, call := t.Context(), w.call("audit", "us-east-1")
			if _, err := w.desk.AssociateMember(ctx, call, &inspector2.AssociateMemberInput{AccountId: ids[i]}); err != nil {
				t.Errorf("associate: %v", err)
			}
			in := &inspector2.EnableInput{AccountIds: ids[i : i+1], ResourceTypes: []inspector2.ResourceScanType{"EC2"}}
			if out, err := w.desk.Enable(ctx, call, in); err != nil || len(out.Accounts) != 1 {
				t.Errorf("enable: %+v, %v", out, err)
			}
		})
		w.settle()
		w.must(w.store.View(t.Context(), func(tx *store.Tx) error {
			n, err := activation.CountMembers(t.Context(), tx, w.byName["audit"], "us-east-1")
			page, err2 := activation.MembersPage(t.Context(), tx, w.byName["audit"], "us-east-1", "", 100)
			if n != len(ids) || len(page) != len(ids) {
				t.Errorf("%d members counted, %d listed (%v), want %d", n, len(page), err2, len(ids))
			}
			for _, m := range page {
				types, err := activation.EnabledTypes(t.Context(), tx, m.Account, "us-east-1")
				if m.Relationship != activation.Associated || fmt.Sprint(types) != "[EC2]" {
					t.Errorf("member %+v with %v, %v", m, types, err)
				}
			}
			return err
		}))
	})
}

// TestRetriesAtOnce: the same request with the same token, at the same time,
// has one effect and one answer.
func TestRetriesAtOnce(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newClock()
		w := newWorld(t, storetest.Open(t, url, store.Options{Now: c.Now}), c, nil)
		w.signUp("loner")
		in := &inspector2.EnableInput{ResourceTypes: []inspector2.ResourceScanType{"EC2"}, ClientToken: new("token")}
		together(6, func(int) {
			out, err := w.desk.Enable(t.Context(), w.call("loner", "us-east-1"), in)
			if err != nil || len(out.Accounts) != 1 || out.Accounts[0].Status != inspector2.StatusEnabling {
				t.Errorf("%+v, %v", out, err)
			}
		})
	})
}
