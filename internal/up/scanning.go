package up

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// scanTypes are what the demonstration switches on everywhere, so that hosts,
// images, functions and code brought to any of its accounts are scanned.
func scanTypes() []types.ResourceScanType {
	return []types.ResourceScanType{types.ResourceScanTypeEc2, types.ResourceScanTypeEcr, types.ResourceScanTypeLambda, types.ResourceScanTypeCodeRepository}
}

// scanning walks the story of a delegated administrator in one Region.
func (r *run) scanning(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"trusted access", r.trustedAccess},
		{"delegated administrator", r.delegate},
		{"scanning of the audit account", func(ctx context.Context) error { return r.enable(ctx, audit) }},
		{"association of members", r.associate},
		{"scanning of the members", func(ctx context.Context) error { return r.enable(ctx, management, workload1, workload2) }},
		{"automatic enabling", r.autoEnable},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (r *run) trustedAccess(ctx context.Context) error {
	_, err := r.as(management).organizations.EnableAWSServiceAccess(ctx, &organizations.EnableAWSServiceAccessInput{
		ServicePrincipal: aws.String("inspector2.amazonaws.com"),
	})
	return err
}

func (r *run) delegate(ctx context.Context) error {
	c := r.as(management).inspector
	out, err := c.ListDelegatedAdminAccounts(ctx, &inspector2.ListDelegatedAdminAccountsInput{})
	if err != nil {
		return err
	}
	for _, a := range out.DelegatedAdminAccounts {
		if aws.ToString(a.AccountId) == r.accounts[audit] {
			return nil
		}
	}
	r.say("delegating the audit account")
	_, err = c.EnableDelegatedAdminAccount(ctx, &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: aws.String(r.accounts[audit])})
	return err
}

// associate makes every account but the administrator its member.
func (r *run) associate(ctx context.Context) error {
	c := r.as(audit).inspector
	for _, name := range []string{management, workload1, workload2} {
		id := aws.String(r.accounts[name])
		out, err := c.GetMember(ctx, &inspector2.GetMemberInput{AccountId: id})
		if err == nil && (out.Member.RelationshipStatus == types.RelationshipStatusEnabled || out.Member.RelationshipStatus == types.RelationshipStatusCreated) {
			continue
		}
		if err != nil && !refused(err, "ResourceNotFoundException") {
			return err
		}
		r.say("associating %s as a member", name)
		if _, err := c.AssociateMember(ctx, &inspector2.AssociateMemberInput{AccountId: id}); err != nil {
			return err
		}
	}
	for _, name := range []string{management, workload1, workload2} {
		if err := until(ctx, name+" as a member", time.Minute, func() (bool, error) {
			out, err := c.GetMember(ctx, &inspector2.GetMemberInput{AccountId: aws.String(r.accounts[name])})
			return err == nil && out.Member.RelationshipStatus == types.RelationshipStatusEnabled, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// enable switches scanning on for accounts that lack it and waits for it.
func (r *run) enable(ctx context.Context, names ...string) error {
	var ids []string
	for _, n := range names {
		ids = append(ids, r.accounts[n])
	}
	c := r.as(audit).inspector
	if on, err := r.enabled(ctx, ids); err != nil || on {
		return err
	}
	r.say("enabling the scanning of hosts, images, functions and code in %v", names)
	out, err := c.Enable(ctx, &inspector2.EnableInput{AccountIds: ids, ResourceTypes: scanTypes()})
	if err != nil {
		return err
	}
	for _, f := range out.FailedAccounts {
		return fmt.Errorf("account %s: %s %s", aws.ToString(f.AccountId), f.ErrorCode, aws.ToString(f.ErrorMessage))
	}
	return until(ctx, "activation", time.Minute, func() (bool, error) { return r.enabled(ctx, ids) })
}

// enabled reports whether all scan types are on in every account.
func (r *run) enabled(ctx context.Context, ids []string) (bool, error) {
	out, err := r.as(audit).inspector.BatchGetAccountStatus(ctx, &inspector2.BatchGetAccountStatusInput{AccountIds: ids})
	if err != nil {
		return false, err
	}
	for _, a := range out.Accounts {
		s := a.ResourceState
		for _, one := range []*types.State{s.Ec2, s.Ecr, s.Lambda, s.CodeRepository} {
			if one == nil || one.Status != types.StatusEnabled {
				return false, nil
			}
		}
	}
	return len(out.Accounts) == len(slices.Compact(ids)), nil
}

func (r *run) autoEnable(ctx context.Context) error {
	_, err := r.as(audit).inspector.UpdateOrganizationConfiguration(ctx, &inspector2.UpdateOrganizationConfigurationInput{
		AutoEnable: &types.AutoEnable{Ec2: aws.Bool(true), Ecr: aws.Bool(true), Lambda: aws.Bool(true), CodeRepository: aws.Bool(true)},
	})
	return err
}

// covered reports whether any host of the first workload account has been
// scanned successfully.
func (r *run) covered(ctx context.Context) (bool, error) {
	equals := func(v string) []types.CoverageStringFilter {
		return []types.CoverageStringFilter{{Comparison: types.CoverageStringComparisonEquals, Value: aws.String(v)}}
	}
	out, err := r.as(audit).inspector.ListCoverage(ctx, &inspector2.ListCoverageInput{FilterCriteria: &types.CoverageFilterCriteria{
		AccountId:    equals(r.accounts[workload1]),
		ResourceType: equals(string(types.CoverageResourceTypeAwsEc2Instance)),
	}})
	if err != nil {
		return false, err
	}
	for _, c := range out.CoveredResources {
		if c.ScanStatus != nil && c.ScanStatus.StatusCode == types.ScanStatusCodeActive && c.LastScannedAt != nil {
			return true, nil
		}
	}
	return false, nil
}
