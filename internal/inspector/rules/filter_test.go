package rules_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector/rules"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/filters"
	"muster/internal/store/storetest"
)

// TestRulesAreCounted: an account has 500 suppression rules at most, and as
// many saved searches as it likes.
func TestRulesAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx, call := t.Context(), &awsmodel.Call{
			Principal: arn.Principal{Account: "111111111111"}, Region: "us-east-1", Time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
		}
		desk := newDesk(t, st)
		fill(t, st, call, 500)
		low := &inspector2.FilterCriteria{Severity: []inspector2.StringFilter{{Comparison: inspector2.StringComparisonEquals, Value: "LOW"}}}
		_, err := desk.CreateFilter(ctx, call, &inspector2.CreateFilterInput{Name: "one-more", Action: inspector2.FilterActionSuppress, FilterCriteria: low})
		refusesOneMore(t, err)
		search, err := desk.CreateFilter(ctx, call, &inspector2.CreateFilterInput{Name: "search", Action: inspector2.FilterActionNone, FilterCriteria: low})
		if err != nil {
			t.Fatal(err)
		}
		_, err = desk.UpdateFilter(ctx, call, &inspector2.UpdateFilterInput{FilterArn: search.Arn, Action: inspector2.FilterActionSuppress})
		refusesOneMore(t, err)
	})
}

func refusesOneMore(t *testing.T, err error) {
	t.Helper()
	full, ok := errors.AsType[*inspector2.ServiceQuotaExceededException](err)
	if !ok || full.HTTPStatus() != 402 || full.ResourceId == "" {
		t.Errorf("got %v, want a ServiceQuotaExceededException", err)
	}
}

func newDesk(t *testing.T, st *store.Store) *rules.Service {
	t.Helper()
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context, *store.Tx, arn.Region, []arn.AccountID, *filters.Filter, bool, time.Time) error {
		return nil
	}
	return rules.New(rules.Config{Store: st, Pages: pages, Apply: nothing})
}

// fill stores rules.
func fill(t *testing.T, st *store.Store, call *awsmodel.Call, rules int) {
	t.Helper()
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		for n := range rules {
			f := filters.Filter{
				Account: call.Account(), Region: call.Region, ID: fmt.Sprintf("%016x", n), Name: fmt.Sprintf("rule-%d", n), Owner: string(call.Account()),
				Action: filters.Suppress, CreatedAt: call.Time, UpdatedAt: call.Time,
			}
			if err := filters.Put(t.Context(), tx, &f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
