package results

import (
	"reflect"
	"testing"
	"time"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding/criteria"

	"pgregory.net/rapid"
)

// TestCriteriaKeepTheirMeaning: every member of a request arrives, under the
// name that package criteria knows, and comes back as it was.
func TestCriteriaKeepTheirMeaning(t *testing.T) {
	known := criteria.StringAttributes()
	rapid.Check(t, func(t *rapid.T) {
		in := &inspector2.FilterCriteria{}
		members := reflect.ValueOf(in).Elem()
		for i := range members.NumField() {
			if rapid.IntRange(0, 3).Draw(t, "absent") > 0 {
				continue
			}
			name := attribute(members.Type().Field(i).Name)
			switch list := members.Field(i).Addr().Interface().(type) {
			case *[]inspector2.StringFilter:
				values, ok := known[name]
				if !ok {
					t.Fatalf("package criteria does not know %s", name)
				}
				v := "x"
				if len(values) > 0 {
					v = rapid.SampledFrom(values).Draw(t, "value")
				}
				*list = []inspector2.StringFilter{{Comparison: inspector2.StringComparisonNotEquals, Value: v}}
			case *[]inspector2.DateFilter:
				*list = []inspector2.DateFilter{{StartInclusive: new(time.Unix(1e9, 0).UTC())}, {}}
			case *[]inspector2.NumberFilter:
				*list = []inspector2.NumberFilter{{UpperInclusive: new(rapid.Float64Range(0, 10).Draw(t, "upper"))}}
			case *[]inspector2.MapFilter:
				*list = []inspector2.MapFilter{{Comparison: inspector2.MapComparisonEquals, Key: "k", Value: new("v")}}
			case *[]inspector2.PortRangeFilter:
				*list = []inspector2.PortRangeFilter{{BeginInclusive: new(int32(22))}}
			case *[]inspector2.PackageFilter:
				*list = []inspector2.PackageFilter{{Name: &inspector2.StringFilter{Comparison: inspector2.StringComparisonPrefix, Value: "lib"}, Epoch: &inspector2.NumberFilter{LowerInclusive: new(1.0)}}}
			default:
				t.Fatalf("member %s has a form nobody reads", name)
			}
		}
		c, err := criteriaOf(in)
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		stored, err := criteria.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if back := wireCriteria(&stored); !reflect.DeepEqual(back, in) {
			t.Fatalf("got %+v, want %+v", back, in)
		}
	})
}
