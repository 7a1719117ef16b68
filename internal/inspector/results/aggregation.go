package results

import (
	"context"

	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/findings"
)

// groupsOnPage is the usual and the largest size of a page of groups.
const groupsOnPage = 100

// aggregated is what a page token of ListFindingAggregations is bound to.
type aggregated struct {
	Type     inspector2.AggregationType
	Accounts []inspector2.StringFilter
	Request  *inspector2.AggregationRequest
}

// ListFindingAggregations counts ACTIVE findings in groups of an account.
func (s *Service) ListFindingAggregations(ctx context.Context, call *awsmodel.Call, in *inspector2.ListFindingAggregationsInput) (*inspector2.ListFindingAggregationsOutput, error) {
	const op = "ListFindingAggregations"
	a, err := aggregationOf(in)
	if err != nil {
		return nil, err
	}
	bound := aggregated{in.AggregationType, in.AccountIds, in.AggregationRequest}
	if a.After, err = desk.Place[findings.GroupCursor](s.config.Pages, call, op, bound, in.NextToken); err != nil {
		return nil, err
	}
	a.Region, a.Limit = call.Region, desk.Size(in.MaxResults, groupsOnPage, groupsOnPage)
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.ListFindingAggregationsOutput, error) {
		a.Scope, a.Single = scope, single(scope)
		groups, err := findings.Aggregate(ctx, tx, a)
		if err != nil {
			return nil, err
		}
		out := &inspector2.ListFindingAggregationsOutput{AggregationType: in.AggregationType, Responses: []inspector2.AggregationResponse{}}
		for i := range groups {
			out.Responses = append(out.Responses, wireGroup(in.AggregationType, &groups[i]))
		}
		if len(groups) == a.Limit {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, groups[len(groups)-1].Cursor())
		}
		return out, err
	})
}

// asked is what the member of a request for one type of aggregation can say.
type asked struct {
	filters   textFilters
	tags      []inspector2.MapFilter
	keys      []inspector2.StringFilter
	platforms []inspector2.StringFilter
	dates     []inspector2.DateFilter
	numbers   []inspector2.NumberFilter
	findings  inspector2.AggregationFindingType
	resources inspector2.AggregationResourceType
	sortBy    string
	order     inspector2.SortOrder
}

// aggregationOf reads a request; without a member for its type it asks for
// everything of the type.
func aggregationOf(in *inspector2.ListFindingAggregationsInput) (findings.Aggregation, error) {
	wanted, err := wantedBy(in)
	if err != nil {
		return findings.Aggregation{}, err
	}
	a := findings.Aggregation{
		Grouping: findings.Grouping(in.AggregationType), Platforms: texts(wanted.platforms), Keys: texts(wanted.keys),
		Metric: metric(wanted.sortBy), Descending: wanted.order != inspector2.SortOrderAsc, Criteria: wanted.criteria(),
	}
	put(a.Criteria.Strings, criteria.AccountID, texts(in.AccountIds))
	return a, nil
}

func metric(sortBy string) findings.Metric {
	switch sortBy {
	case "HIGH":
		return findings.ByHigh
	case "ALL":
		return findings.ByAll
	case "AFFECTED_INSTANCES", "AFFECTED_IMAGES", "NETWORK_FINDINGS":
		return findings.ByExtra
	}
	return findings.ByCritical
}

// criteria are the finding filters that choose what is counted.
func (w *asked) criteria() criteria.Criteria {
	c := criteria.Criteria{
		Strings: map[criteria.Attribute][]criteria.String{}, Dates: map[criteria.Attribute][]criteria.Date{},
		Numbers: map[criteria.Attribute][]criteria.Number{},
	}
	for name, list := range w.filters {
		put(c.Strings, name, texts(list))
	}
	equals := func(v string) []criteria.String { return []criteria.String{{Comparison: criteria.Equals, Value: v}} }
	if w.findings != "" {
		c.Strings[criteria.FindingType] = equals(string(w.findings))
	}
	if w.resources != "" {
		c.Strings[criteria.ResourceType] = equals(string(w.resources))
	}
	c.Tags = each(w.tags, func(f inspector2.MapFilter) criteria.Tag { return criteria.Tag{Key: f.Key, Value: f.Value} })
	put(c.Dates, criteria.ImageLastInUseAt, each(w.dates, func(f inspector2.DateFilter) criteria.Date {
		return criteria.Date{Start: f.StartInclusive, End: f.EndInclusive}
	}))
	put(c.Numbers, criteria.ImageInUseCount, each(w.numbers, numberOf))
	return c
}

// textFilters are finding filters by attribute.
type textFilters map[criteria.Attribute][]inspector2.StringFilter

// wantedBy reads the member of the request that belongs to its type.
func wantedBy(in *inspector2.ListFindingAggregationsInput) (asked, error) {
	r := in.AggregationRequest
	if r == nil {
		return asked{}, nil
	}
	var w asked
	switch {
	case r.AccountAggregation != nil && in.AggregationType == inspector2.AggregationTypeAccount:
		q := r.AccountAggregation
		w = asked{findings: q.FindingType, resources: q.ResourceType, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.FindingTypeAggregation != nil && in.AggregationType == inspector2.AggregationTypeFindingType:
		q := r.FindingTypeAggregation
		w = asked{findings: q.FindingType, resources: q.ResourceType, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.TitleAggregation != nil && in.AggregationType == inspector2.AggregationTypeTitle:
		q := r.TitleAggregation
		w = asked{filters: textFilters{criteria.Title: q.Titles, criteria.VulnerabilityID: q.VulnerabilityIds}, findings: q.FindingType,
			resources: q.ResourceType, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.PackageAggregation != nil && in.AggregationType == inspector2.AggregationTypePackage:
		q := r.PackageAggregation
		w = asked{keys: q.PackageNames, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.AmiAggregation != nil && in.AggregationType == inspector2.AggregationTypeAmi:
		q := r.AmiAggregation
		w = asked{keys: q.Amis, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.Ec2InstanceAggregation != nil && in.AggregationType == inspector2.AggregationTypeAwsEc2Instance:
		q := r.Ec2InstanceAggregation
		w = asked{filters: textFilters{criteria.InstanceImageID: q.Amis, criteria.ResourceID: q.InstanceIds}, platforms: q.OperatingSystems,
			tags: q.InstanceTags, sortBy: string(q.SortBy), order: q.SortOrder}
	default:
		return wantedOfOthers(in)
	}
	return w, nil
}

// wantedOfOthers is wantedBy for images, functions and code.
func wantedOfOthers(in *inspector2.ListFindingAggregationsInput) (asked, error) {
	r := in.AggregationRequest
	var w asked
	switch {
	case r.AwsEcrContainerAggregation != nil && in.AggregationType == inspector2.AggregationTypeAwsEcrContainer:
		q := r.AwsEcrContainerAggregation
		w = asked{filters: textFilters{criteria.ResourceID: q.ResourceIds, criteria.ImageHash: q.ImageShas, criteria.ImageRepository: q.Repositories,
			criteria.ImageArchitecture: q.Architectures, criteria.ImageTags: q.ImageTags}, dates: q.LastInUseAt, numbers: q.InUseCount,
			sortBy: string(q.SortBy), order: q.SortOrder}
	case r.ImageLayerAggregation != nil && in.AggregationType == inspector2.AggregationTypeImageLayer:
		q := r.ImageLayerAggregation
		w = asked{filters: textFilters{criteria.ImageRepository: q.Repositories, criteria.ResourceID: q.ResourceIds}, keys: q.LayerHashes,
			sortBy: string(q.SortBy), order: q.SortOrder}
	case r.RepositoryAggregation != nil && in.AggregationType == inspector2.AggregationTypeRepository:
		q := r.RepositoryAggregation
		w = asked{keys: q.Repositories, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.LambdaFunctionAggregation != nil && in.AggregationType == inspector2.AggregationTypeAwsLambdaFunction:
		q := r.LambdaFunctionAggregation
		w = asked{filters: textFilters{criteria.ResourceID: q.ResourceIds, criteria.FunctionName: q.FunctionNames, criteria.FunctionRuntime: q.Runtimes},
			tags: q.FunctionTags, sortBy: string(q.SortBy), order: q.SortOrder}
	case r.LambdaLayerAggregation != nil && in.AggregationType == inspector2.AggregationTypeLambdaLayer:
		q := r.LambdaLayerAggregation
		w = asked{filters: textFilters{criteria.ResourceID: q.ResourceIds, criteria.FunctionName: q.FunctionNames}, keys: q.LayerArns,
			sortBy: string(q.SortBy), order: q.SortOrder}
	case r.CodeRepositoryAggregation != nil && in.AggregationType == inspector2.AggregationTypeCodeRepository:
		q := r.CodeRepositoryAggregation
		w = asked{filters: textFilters{criteria.ProjectName: q.ProjectNames, criteria.ProviderType: q.ProviderTypes, criteria.ResourceID: q.ResourceIds},
			sortBy: string(q.SortBy), order: q.SortOrder}
	case *r == (inspector2.AggregationRequest{}):
	default:
		return w, desk.InvalidField("aggregationRequest", "The aggregationRequest does not belong to the aggregationType %s.", in.AggregationType)
	}
	return w, nil
}

func counts(g *findings.Group) *inspector2.SeverityCounts {
	return &inspector2.SeverityCounts{All: new(g.All), Critical: new(g.Critical), High: new(g.High), Medium: new(g.Medium)}
}

// wireGroup is the answer for a group; the model has a form for each type.
func wireGroup(t inspector2.AggregationType, g *findings.Group) inspector2.AggregationResponse {
	account := new(string(g.Account))
	switch t {
	case inspector2.AggregationTypeAccount:
		return inspector2.AggregationResponse{AccountAggregation: &inspector2.AccountAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), ExploitAvailableCount: new(g.Exploitable), FixAvailableCount: new(g.Fixable)}}
	case inspector2.AggregationTypeFindingType:
		return inspector2.AggregationResponse{FindingTypeAggregation: &inspector2.FindingTypeAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), ExploitAvailableCount: new(g.Exploitable), FixAvailableCount: new(g.Fixable)}}
	case inspector2.AggregationTypeTitle:
		return inspector2.AggregationResponse{TitleAggregation: &inspector2.TitleAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), Title: g.Keys[0], VulnerabilityId: optional(g.Keys[1])}}
	case inspector2.AggregationTypePackage:
		return inspector2.AggregationResponse{PackageAggregation: &inspector2.PackageAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), PackageName: g.Keys[0]}}
	case inspector2.AggregationTypeAmi:
		return inspector2.AggregationResponse{AmiAggregation: &inspector2.AmiAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), Ami: g.Keys[0], AffectedInstances: new(g.Extra)}}
	case inspector2.AggregationTypeRepository:
		return inspector2.AggregationResponse{RepositoryAggregation: &inspector2.RepositoryAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), Repository: g.Keys[0], AffectedImages: new(g.Extra)}}
	case inspector2.AggregationTypeImageLayer:
		return inspector2.AggregationResponse{ImageLayerAggregation: &inspector2.ImageLayerAggregationResponse{
			AccountId: *account, SeverityCounts: counts(g), Repository: g.Keys[0], ResourceId: g.Keys[1], LayerHash: g.Keys[2]}}
	case inspector2.AggregationTypeLambdaLayer:
		return inspector2.AggregationResponse{LambdaLayerAggregation: &inspector2.LambdaLayerAggregationResponse{
			AccountId: *account, SeverityCounts: counts(g), FunctionName: g.Keys[0], ResourceId: g.Keys[1], LayerArn: g.Keys[2]}}
	}
	return wireResourceGroup(t, g, account)
}

// wireResourceGroup is wireGroup for groups that are one resource.
func wireResourceGroup(t inspector2.AggregationType, g *findings.Group, account *string) inspector2.AggregationResponse {
	r := &g.Resource
	switch t {
	case inspector2.AggregationTypeAwsEc2Instance:
		out := &inspector2.Ec2InstanceAggregationResponse{AccountId: account, SeverityCounts: counts(g), InstanceId: g.Keys[0],
			OperatingSystem: optional(r.Platform()), InstanceTags: tags(r.Tags), NetworkFindings: new(g.Extra)}
		if r.Instance != nil {
			out.Ami = optional(r.Instance.ImageID)
		}
		return inspector2.AggregationResponse{Ec2InstanceAggregation: out}
	case inspector2.AggregationTypeAwsEcrContainer:
		i := or(r.Image, &finding.ImageDetails{})
		return inspector2.AggregationResponse{AwsEcrContainerAggregation: &inspector2.AwsEcrContainerAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), ResourceId: g.Keys[0], ImageSha: optional(i.Hash), Repository: optional(i.Repository),
			Architecture: optional(i.Architecture), ImageTags: append([]string{}, i.Tags...), LastInUseAt: when(i.LastInUseAt), InUseCount: i.InUseCount}}
	case inspector2.AggregationTypeAwsLambdaFunction:
		f := or(r.Function, &finding.FunctionDetails{})
		return inspector2.AggregationResponse{LambdaFunctionAggregation: &inspector2.LambdaFunctionAggregationResponse{
			AccountId: account, SeverityCounts: counts(g), ResourceId: g.Keys[0], FunctionName: optional(f.Name), Runtime: optional(f.Runtime),
			LambdaTags: tags(r.Tags), LastModifiedAt: when(f.LastModifiedAt)}}
	}
	c := or(r.Code, &finding.CodeRepoDetails{})
	return inspector2.AggregationResponse{CodeRepositoryAggregation: &inspector2.CodeRepositoryAggregationResponse{
		AccountId: account, SeverityCounts: counts(g), ResourceId: optional(g.Keys[0]), ProjectNames: c.Project, ProviderType: optional(c.Provider),
		ExploitAvailableActiveFindingsCount: new(g.Exploitable), FixAvailableActiveFindingsCount: new(g.Fixable)}}
}

// or is v, or the other where v is nil.
func or[T any](v, other *T) *T {
	if v == nil {
		return other
	}
	return v
}
