package regions

import (
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ec2"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/storetest"
)

const account arn.AccountID = "111122223333"

func TestDescribeRegions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			return activation.CloseRegion(t.Context(), tx, account, "af-south-1", time.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		s := New(st, []arn.Region{"us-east-1", "eu-west-1", "af-south-1", "me-south-1"})
		filter := func(name string, values ...string) []ec2.Filter { return []ec2.Filter{{Name: &name, Value: values}} }
		for _, c := range []struct {
			name string
			in   ec2.DescribeRegionsInput
			want string
		}{
			{"those that the account uses", ec2.DescribeRegionsInput{}, "eu-west-1=opt-in-not-required me-south-1=opted-in us-east-1=opt-in-not-required"},
			{"all", ec2.DescribeRegionsInput{AllRegions: new(true)}, "af-south-1=not-opted-in eu-west-1=opt-in-not-required me-south-1=opted-in us-east-1=opt-in-not-required"},
			{"by name", ec2.DescribeRegionsInput{RegionName: []string{"af-south-1"}}, "af-south-1=not-opted-in"},
			{"by state, as scripts ask", ec2.DescribeRegionsInput{Filter: filter("opt-in-status", "opt-in-not-required", "opted-in")},
				"eu-west-1=opt-in-not-required me-south-1=opted-in us-east-1=opt-in-not-required"},
			{"by pattern", ec2.DescribeRegionsInput{Filter: filter("region-name", "us-*", "*]")}, "us-east-1=opt-in-not-required"},
			{"by endpoint", ec2.DescribeRegionsInput{Filter: filter("endpoint", "ec2.eu-west-?.amazonaws.com")}, "eu-west-1=opt-in-not-required"},
			{"no value", ec2.DescribeRegionsInput{Filter: filter("region-name")}, ""},
			{"unknown names", ec2.DescribeRegionsInput{RegionName: []string{"us-east-1", "mars-1"}}, "InvalidParameterValue: Invalid region names: [mars-1]"},
			{"unknown filter", ec2.DescribeRegionsInput{Filter: filter("size", "1")}, "InvalidParameterValue: The filter 'size' is invalid"},
			{"dry run", ec2.DescribeRegionsInput{DryRun: new(true)}, "DryRunOperation: Request would have succeeded, but DryRun flag is set."},
		} {
			if got := answer(t, s, &c.in); got != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
		}
	})
}

// answer is an output or refusal in short.
func answer(t *testing.T, s *Service, in *ec2.DescribeRegionsInput) string {
	t.Helper()
	out, err := s.DescribeRegions(t.Context(), &awsmodel.Call{Principal: arn.Principal{Account: account}, Region: "us-east-1"}, in)
	if fault, ok := errors.AsType[*awsmodel.Fault](err); ok {
		return fault.Code + ": " + fault.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range out.RegionInfo {
		if *r.RegionEndpoint != "ec2."+*r.RegionName+".amazonaws.com" {
			t.Errorf("endpoint %s", *r.RegionEndpoint)
		}
		list = append(list, *r.RegionName+"="+*r.OptInStatus)
	}
	return strings.Join(list, " ")
}
