package findings_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// TestInstancesByWhatTheyHold: few machines of a platform, an image or a tag
// are gathered, many are walked past; both give the machines that have it, and
// nothing where none has.
func TestInstancesByWhatTheyHold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := fleet{t, s}
		f.host("i-1", "ami-1", finding.Active, 1, 2)
		f.host("i-2", "ami-1", finding.Active, 2)
		f.host("i-3", "ami-2", finding.Active, 3)
		f.host("i-4", "ami-2", finding.Suppressed, 3)
		f.dress("i-1", "ami-1", "DEBIAN_12", "web")
		f.dress("i-2", "ami-1", "DEBIAN_13", "web")
		f.dress("i-3", "ami-2", "DEBIAN_12", "db")
		f.dress("i-4", "ami-2", "DEBIAN_12", "db")
		is := func(value string) []criteria.String {
			return []criteria.String{{Comparison: criteria.Equals, Value: value}}
		}
		tag := func(value string) []criteria.Tag { return []criteria.Tag{{Key: "role", Value: &value}} }
		image := func(id string) criteria.Criteria {
			return criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{criteria.InstanceImageID: is(id)}}
		}
		for name, tc := range map[string]struct {
			ask  findings.Aggregation
			want []string
		}{
			"platform":          {findings.Aggregation{Platforms: is("DEBIAN_12")}, []string{"i-1", "i-3"}},
			"no platform":       {findings.Aggregation{Platforms: is("PLAN9")}, nil},
			"image":             {findings.Aggregation{Criteria: image("ami-1")}, []string{"i-1", "i-2"}},
			"no image":          {findings.Aggregation{Criteria: image("ami-3")}, nil},
			"tag":               {findings.Aggregation{Criteria: criteria.Criteria{Tags: tag("db")}}, []string{"i-3"}},
			"image on platform": {findings.Aggregation{Criteria: image("ami-1"), Platforms: is("DEBIAN_13")}, []string{"i-2"}},
		} {
			a := tc.ask
			a.Grouping, a.Scope, a.Region, a.Metric, a.Descending, a.Limit = findings.PerInstance, everyone{}, benchRegion, findings.ByAll, true, 10
			var got []string
			err := s.View(t.Context(), func(tx *store.Tx) error {
				list, err := findings.Aggregate(t.Context(), tx, a)
				got = nil
				for _, g := range list {
					got = append(got, g.Keys[0])
				}
				return err
			})
			slices.Sort(got)
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("%s: %v, %v, expected %v", name, got, err, tc.want)
			}
		}
	})
}

// dress gives a host a platform and a role.
func (f fleet) dress(id, ami, platform, role string) {
	f.t.Helper()
	f.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := catalog.PutResource(ctx, tx, benchAccount(1), benchRegion, finding.Resource{Type: finding.Instance, ID: id,
			Tags: map[string]string{"role": role}, Instance: &finding.InstanceDetails{ImageID: ami, Platform: platform}}, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
		return err
	})
}
