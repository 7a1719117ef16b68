package results

import (
	"context"
	"reflect"
	"strings"

	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/catalog"
)

// Sizes of the pages: resources, and groups of statistics, of which the model
// allows five (findings interfaces 7.4).
const (
	usualResources = 100
	mostResources  = 200
	groupsAtOnce   = 5
)

// ListCoverage lists the resources that the caller sees, one row for each
// kind of scan.
func (s *Service) ListCoverage(ctx context.Context, call *awsmodel.Call, in *inspector2.ListCoverageInput) (*inspector2.ListCoverageOutput, error) {
	const op = "ListCoverage"
	after, err := desk.Place[catalog.Row](s.config.Pages, call, op, in.FilterCriteria, in.NextToken)
	if err != nil {
		return nil, err
	}
	if after == nil {
		after = &catalog.Row{}
	}
	wanted, limit := coverageCriteria(in.FilterCriteria), desk.Size(in.MaxResults, usualResources, mostResources)
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.ListCoverageOutput, error) {
		list, err := catalog.CoveragePage(ctx, tx, scope, string(call.Region), wanted, *after, limit)
		if err != nil {
			return nil, err
		}
		out := &inspector2.ListCoverageOutput{CoveredResources: []inspector2.CoveredResource{}}
		for i := range list {
			out.CoveredResources = append(out.CoveredResources, wireCovered(&list[i]))
		}
		if len(list) == limit {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, in.FilterCriteria, list[limit-1].Row())
		}
		return out, err
	})
}

// statistics is what a page token of ListCoverageStatistics is bound to.
type statistics struct {
	Criteria *inspector2.CoverageFilterCriteria
	By       inspector2.GroupKey
}

// ListCoverageStatistics counts resources, in groups where a group is asked
// for.
func (s *Service) ListCoverageStatistics(ctx context.Context, call *awsmodel.Call, in *inspector2.ListCoverageStatisticsInput) (*inspector2.ListCoverageStatisticsOutput, error) {
	const op = "ListCoverageStatistics"
	bound := statistics{in.FilterCriteria, in.GroupBy}
	after, err := desk.Place[string](s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	wanted := coverageCriteria(in.FilterCriteria)
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.ListCoverageStatisticsOutput, error) {
		total, err := catalog.CountCoverage(ctx, tx, scope, string(call.Region), wanted)
		out := &inspector2.ListCoverageStatisticsOutput{TotalCounts: total}
		if err != nil || in.GroupBy == "" {
			return out, err
		}
		from := ""
		if after != nil {
			from = *after
		}
		groups, err := catalog.CountCoverageBy(ctx, tx, scope, string(call.Region), wanted, coverageGroup(in.GroupBy), from, groupsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			// The model calls this the group's kind; AWS puts its value here.
			out.CountsByGroup = append(out.CountsByGroup, inspector2.Counts{Count: new(g.Count), GroupKey: inspector2.GroupKey(g.Key)})
		}
		if len(groups) == groupsAtOnce {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, groups[len(groups)-1].Key)
		}
		return out, err
	})
}

func coverageGroup(by inspector2.GroupKey) catalog.Group {
	switch by {
	case inspector2.GroupKeyScanStatusCode:
		return catalog.ByStatus
	case inspector2.GroupKeyScanStatusReason:
		return catalog.ByReason
	case inspector2.GroupKeyAccountId:
		return catalog.ByAccount
	case inspector2.GroupKeyEcrRepositoryName:
		return catalog.ByRepository
	}
	return catalog.ByType
}

// coverageCriteria reads coverage filters. Values that no resource has are no
// error here: AWS's own samples send some.
func coverageCriteria(in *inspector2.CoverageFilterCriteria) *catalog.CoverageCriteria {
	c := &catalog.CoverageCriteria{
		Strings: map[criteria.Attribute][]criteria.String{}, Dates: map[criteria.Attribute][]criteria.Date{},
		Numbers: map[criteria.Attribute][]criteria.Number{}, Tags: map[finding.ResourceType][]criteria.Tag{},
	}
	if in == nil {
		return c
	}
	members := reflect.ValueOf(in).Elem()
	for i := range members.NumField() {
		name := attribute(members.Type().Field(i).Name)
		switch list := members.Field(i).Interface().(type) {
		case []inspector2.CoverageStringFilter:
			put(c.Strings, name, each(list, func(f inspector2.CoverageStringFilter) criteria.String {
				return criteria.String{Comparison: criteria.Comparison(f.Comparison), Value: f.Value}
			}))
		case []inspector2.CoverageDateFilter:
			put(c.Dates, name, each(list, func(f inspector2.CoverageDateFilter) criteria.Date {
				return criteria.Date{Start: f.StartInclusive, End: f.EndInclusive}
			}))
		case []inspector2.CoverageNumberFilter:
			put(c.Numbers, name, each(list, coverageNumber))
		}
	}
	c.Tags[finding.Instance] = each(in.Ec2InstanceTags, coverageTag)
	c.Tags[finding.LambdaFunction] = each(in.LambdaFunctionTags, coverageTag)
	return c
}

func coverageTag(f inspector2.CoverageMapFilter) criteria.Tag {
	return criteria.Tag{Key: f.Key, Value: f.Value}
}

func coverageNumber(f inspector2.CoverageNumberFilter) criteria.Number {
	bound := func(n *int64) *float64 {
		if n == nil {
			return nil
		}
		return new(float64(*n))
	}
	return criteria.Number{Lower: bound(f.LowerInclusive), Upper: bound(f.UpperInclusive)}
}

func wireCovered(r *catalog.Resource) inspector2.CoveredResource {
	return inspector2.CoveredResource{
		ResourceType: inspector2.CoverageResourceType(r.Type), ResourceId: r.ID, AccountId: string(r.Account),
		ScanType: inspector2.ScanType(r.ScanType), ScanMode: inspector2.ScanMode(r.ScanMode), LastScannedAt: when(r.ScannedAt),
		ScanStatus:       &inspector2.ScanStatus{StatusCode: inspector2.ScanStatusCode(r.Status), Reason: inspector2.ScanStatusReason(r.Reason)},
		ResourceMetadata: wireMetadata(&r.Resource),
	}
}

func wireMetadata(r *finding.Resource) *inspector2.ResourceScanMetadata {
	switch {
	case r.Instance != nil:
		return &inspector2.ResourceScanMetadata{Ec2: &inspector2.Ec2Metadata{
			Tags: tags(r.Tags), AmiId: optional(r.Instance.ImageID), Platform: ec2Platform(r.Instance.Platform),
		}}
	case r.Image != nil:
		return &inspector2.ResourceScanMetadata{EcrImage: &inspector2.EcrContainerImageMetadata{
			Tags: append([]string{}, r.Image.Tags...), ImagePulledAt: when(r.Image.PulledAt), LastInUseAt: when(r.Image.LastInUseAt), InUseCount: r.Image.InUseCount,
		}}
	case r.Repository != nil:
		return &inspector2.ResourceScanMetadata{EcrRepository: &inspector2.EcrRepositoryMetadata{
			Name: optional(r.Repository.Name), ScanFrequency: inspector2.EcrScanFrequency(r.Repository.Frequency),
		}}
	case r.Function != nil:
		return &inspector2.ResourceScanMetadata{LambdaFunction: &inspector2.LambdaFunctionMetadata{
			FunctionTags: tags(r.Tags), Layers: r.Function.Layers, FunctionName: optional(r.Function.Name), Runtime: inspector2.Runtime(r.Function.Runtime),
		}}
	case r.Code != nil:
		return &inspector2.ResourceScanMetadata{CodeRepository: wireCodeRepository(r.Code)}
	}
	return nil
}

// ec2Platform is the kind of an instance's system; that of one without an agent
// is not known.
func ec2Platform(system string) inspector2.Ec2Platform {
	switch {
	case system == "":
		return inspector2.Ec2PlatformUnknown
	case strings.HasPrefix(system, "WINDOWS"):
		return inspector2.Ec2PlatformWindows
	case strings.HasPrefix(system, "MACOS"):
		return inspector2.Ec2PlatformMacos
	}
	return inspector2.Ec2PlatformLinux
}

// wireCodeRepository is what coverage says of a code repository.
func wireCodeRepository(c *finding.CodeRepoDetails) *inspector2.CodeRepositoryMetadata {
	out := &inspector2.CodeRepositoryMetadata{
		ProjectName: c.Project, IntegrationArn: optional(c.IntegrationARN), ProviderType: c.Provider,
		ProviderTypeVisibility: c.Visibility, LastScannedCommitId: optional(c.CommitID),
	}
	if len(c.Periods)+len(c.Triggers) > 0 {
		out.ScanConfiguration = &inspector2.ProjectCodeSecurityScanConfiguration{
			PeriodicScanConfigurations: each(c.Periods, func(p finding.CodePeriod) inspector2.ProjectPeriodicScanConfiguration {
				return inspector2.ProjectPeriodicScanConfiguration{FrequencyExpression: optional(p.Expression), RuleSetCategories: categories(p.Categories)}
			}),
			ContinuousIntegrationScanConfigurations: each(c.Triggers, func(t finding.CodeTrigger) inspector2.ProjectContinuousIntegrationScanConfiguration {
				return inspector2.ProjectContinuousIntegrationScanConfiguration{SupportedEvent: inspector2.ContinuousIntegrationScanEvent(t.Event), RuleSetCategories: categories(t.Categories)}
			}),
		}
	}
	if d := c.OnDemand; d != nil {
		out.OnDemandScan = &inspector2.CodeRepositoryOnDemandScan{LastScannedCommitId: optional(d.CommitID), LastScanAt: when(d.At), ScanStatus: onDemand(d.Status)}
	}
	return out
}

func categories(list []string) []inspector2.RuleSetCategory {
	return each(list, func(c string) inspector2.RuleSetCategory { return inspector2.RuleSetCategory(c) })
}

// onDemand says how a scan that somebody asked for ended, in the words of
// coverage.
func onDemand(status string) *inspector2.ScanStatus {
	if status == "FAILED" {
		return &inspector2.ScanStatus{StatusCode: inspector2.ScanStatusCodeInactive, Reason: inspector2.ScanStatusReasonInternalError}
	}
	return &inspector2.ScanStatus{StatusCode: inspector2.ScanStatusCodeActive, Reason: inspector2.ScanStatusReasonSuccessful}
}
