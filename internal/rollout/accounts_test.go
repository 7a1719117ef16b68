package rollout_test

import (
	"fmt"
	"strings"
	"testing"

	"muster/internal/awsmodel/muster"
)

// states lists what ListAccountStates says, page by page: name, relationship
// and the state of EC2.
func (w *world) states(who string, in muster.ListAccountStatesInput) string {
	w.t.Helper()
	var b strings.Builder
	for {
		out, err := w.desk.ListAccountStates(w.t.Context(), w.call(who, here), &in)
		w.must(err)
		for _, a := range out.Accounts {
			fmt.Fprintf(&b, "%s %s %s\n", a.Name, a.Relationship, a.Resources[0].Status)
		}
		if out.NextToken == nil {
			fmt.Fprintf(&b, "of %d", out.AccountCount)
			return b.String()
		}
		in.NextToken = out.NextToken
	}
}

// TestAccountStates: the administrator sees the organization, whatever the size
// of the pages, and what a filter leaves is what a rollout would act on.
func TestAccountStates(t *testing.T) {
	each(t, "web-1 web-2 db-1", func(t *testing.T, w *world) {
		w.start(muster.StartRolloutInput{Action: enable, ResourceTypes: []muster.ResourceType{ec2}, Associate: new(true), Target: &muster.RolloutTarget{NamePattern: new("web-*")}})
		w.run(w.desk)
		web := &muster.RolloutTarget{NamePattern: new("web-*")}
		for name, c := range map[string]struct {
			in   muster.ListAccountStatesInput
			want string
		}{
			"all":      {muster.ListAccountStatesInput{}, "management NONE DISABLED\naudit SELF DISABLED\nweb-1 ENABLED ENABLED\nweb-2 ENABLED ENABLED\ndb-1 NONE DISABLED\nof 5"},
			"a target": {muster.ListAccountStatesInput{Target: web}, "web-1 ENABLED ENABLED\nweb-2 ENABLED ENABLED\nof 2"},
			"a relationship": {muster.ListAccountStatesInput{Relationships: []muster.AccountRelationship{muster.AccountRelationshipNone}},
				"management NONE DISABLED\ndb-1 NONE DISABLED\nof 2"},
			"a status": {muster.ListAccountStatesInput{ResourceType: ec2, Statuses: []muster.ScanState{muster.ScanStateEnabled}},
				"web-1 ENABLED ENABLED\nweb-2 ENABLED ENABLED\nof 2"},
			"nothing": {muster.ListAccountStatesInput{Target: &muster.RolloutTarget{NamePattern: new("nobody")}}, "of 0"},
		} {
			for _, size := range []int32{1, 2, 1000} {
				in := c.in
				in.MaxResults = &size
				if got := w.states("audit", in); got != c.want {
					t.Errorf("%s, pages of %d:\n%s\nwant\n%s", name, size, got, c.want)
				}
			}
		}
		if got := w.states("web-1", muster.ListAccountStatesInput{}); got != "web-1 SELF ENABLED\nof 1" {
			t.Errorf("a member sees\n%s", got)
		}
		if got := w.states("alone", muster.ListAccountStatesInput{Target: web}); got != "alone SELF DISABLED\nof 1" {
			t.Errorf("a stand-alone account sees\n%s", got)
		}
	})
}
