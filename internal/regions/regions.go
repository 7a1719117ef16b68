// Package regions answers which Regions there are and which of them an account
// uses: ec2's DescribeRegions, with which most set-up scripts of Inspector
// begin.
package regions

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ec2"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// The states of a Region in an account, in AWS's words.
const (
	notRequired = "opt-in-not-required"
	optedIn     = "opted-in"
	notOptedIn  = "not-opted-in"
)

// Service is the desk. It is safe for concurrent use.
type Service struct {
	store *store.Store
	known []arn.Region
}

// New returns the desk of an installation's Regions.
func New(st *store.Store, known []arn.Region) *Service {
	return &Service{store: st, known: slices.Sorted(slices.Values(known))}
}

// Handlers lists the operations that muster implements.
func (s *Service) Handlers() ec2.Handlers {
	return ec2.Handlers{DescribeRegions: s.DescribeRegions}
}

// DescribeRegions lists the Regions that the account uses or, if asked, all.
func (s *Service) DescribeRegions(ctx context.Context, call *awsmodel.Call, in *ec2.DescribeRegionsInput) (*ec2.DescribeRegionsOutput, error) {
	if err := s.check(in); err != nil {
		return nil, err
	}
	list := []ec2.Region{}
	err := s.store.View(ctx, func(tx *store.Tx) error {
		list = list[:0]
		closed, err := activation.ClosedRegions(ctx, tx, call.Account())
		if err != nil {
			return fmt.Errorf("Regions of %s: %w", call.Account(), err)
		}
		for _, name := range s.known {
			if r := describe(name, slices.Contains(closed, name)); wanted(in, r) {
				list = append(list, r)
			}
		}
		return nil
	})
	return &ec2.DescribeRegionsOutput{RegionInfo: list}, err
}

// check refuses names and filters that there are not, and dry runs, which end
// in a refusal by definition.
func (s *Service) check(in *ec2.DescribeRegionsInput) error {
	var unknown []string
	for _, name := range in.RegionName {
		if !slices.Contains(s.known, arn.Region(name)) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return refuse("InvalidParameterValue", http.StatusBadRequest, "Invalid region names: ["+strings.Join(unknown, ", ")+"]")
	}
	for _, f := range in.Filter {
		if _, ok := attribute(f, ec2.Region{}); !ok {
			return refuse("InvalidParameterValue", http.StatusBadRequest, "The filter '"+text(f.Name)+"' is invalid")
		}
	}
	if in.DryRun != nil && *in.DryRun {
		return refuse("DryRunOperation", http.StatusPreconditionFailed, "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

func refuse(code string, status int, message string) error {
	return &awsmodel.Fault{Code: code, Status: status, Message: message}
}

func describe(name arn.Region, closed bool) ec2.Region {
	state := optedIn
	switch {
	case closed:
		state = notOptedIn
	case always[name]:
		state = notRequired
	}
	return ec2.Region{RegionName: new(string(name)), RegionEndpoint: new("ec2." + string(name) + ".amazonaws.com"), OptInStatus: new(state)}
}

// wanted holds a Region against a request. Naming a Region is asking for it,
// whether the account uses it or not.
func wanted(in *ec2.DescribeRegionsInput, r ec2.Region) bool {
	all := in.AllRegions != nil && *in.AllRegions
	if len(in.RegionName) > 0 {
		if !slices.Contains(in.RegionName, *r.RegionName) {
			return false
		}
	} else if !all && *r.OptInStatus == notOptedIn {
		return false
	}
	for _, f := range in.Filter {
		have, _ := attribute(f, r)
		if !slices.ContainsFunc(f.Value, func(pattern string) bool { return like(pattern, have) }) {
			return false
		}
	}
	return true
}

// attribute is what a filter looks at.
func attribute(f ec2.Filter, r ec2.Region) (value string, ok bool) {
	switch text(f.Name) {
	case "region-name":
		return text(r.RegionName), true
	case "endpoint":
		return text(r.RegionEndpoint), true
	case "opt-in-status":
		return text(r.OptInStatus), true
	}
	return "", false
}

// like matches EC2's wildcards, * and ?.
func like(pattern, value string) bool {
	pattern = strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(pattern)
	ok, err := path.Match(pattern, value)
	return err == nil && ok
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// always are the Regions that every account uses without asking: AWS's of
// before 2019.
var always = map[arn.Region]bool{
	"us-east-1": true, "us-east-2": true, "us-west-1": true, "us-west-2": true, "ca-central-1": true, "sa-east-1": true,
	"eu-central-1": true, "eu-north-1": true, "eu-west-1": true, "eu-west-2": true, "eu-west-3": true,
	"ap-northeast-1": true, "ap-northeast-2": true, "ap-northeast-3": true, "ap-south-1": true, "ap-southeast-1": true, "ap-southeast-2": true,
}
