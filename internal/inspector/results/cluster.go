package results

import (
	"context"
	"regexp"

	"muster/internal/inspector/desk"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/registry"
)

const (
	usualClusters = 100
	// detailsAtMost is how many places a cluster is shown with at a time;
	// one with more is shown again. workloadsAtMost is how many workloads a
	// place names.
	detailsAtMost   = 100
	workloadsAtMost = 100
)

var imageForm = regexp.MustCompile(`^repository/.+/(sha256:[0-9a-f]{64})$`)

// GetClustersForImage tells in which clusters an image runs, or ran lately.
func (s *Service) GetClustersForImage(ctx context.Context, call *awsmodel.Call, in *inspector2.GetClustersForImageInput) (*inspector2.GetClustersForImageOutput, error) {
	const op = "GetClustersForImage"
	parts, err := arn.Parse(arn.ARN(in.Filter.ResourceId))
	name := imageForm.FindStringSubmatch(parts.Resource)
	if err != nil || name == nil || parts.Service != "ecr" {
		return nil, desk.InvalidField("filter.resourceId", "The resourceId is not the ARN of an image.")
	}
	from, err := desk.Place[int](s.config.Pages, call, op, in.Filter, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := desk.Size(in.MaxResults, usualClusters, usualClusters)
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.GetClustersForImageOutput, error) {
		out := &inspector2.GetClustersForImageOutput{Cluster: []inspector2.ClusterInformation{}}
		sees, err := scope.Sees(ctx, tx, parts.Account)
		if err != nil || !sees || parts.Region != call.Region {
			return out, err
		}
		uses, err := registry.UsesOf(ctx, tx, parts.Account, parts.Region, name[1])
		if err != nil {
			return nil, err
		}
		list, start := clusters(uses), 0
		if from != nil {
			start = min(max(*from, 0), len(list))
		}
		end := min(start+limit, len(list))
		out.Cluster = append(out.Cluster, list[start:end]...)
		if end < len(list) {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, in.Filter, end)
		}
		return out, err
	})
}

// clusters puts uses together, which come by cluster and place.
func clusters(uses []registry.Use) (list []inspector2.ClusterInformation) {
	for _, u := range uses {
		if u.UsedAt.IsZero() {
			continue // it never ran
		}
		if n := len(list); n == 0 || list[n-1].ClusterArn != string(u.Cluster) {
			list = append(list, inspector2.ClusterInformation{ClusterArn: string(u.Cluster)})
		}
		last := &list[len(list)-1]
		if d := last.ClusterDetails; len(d) > 0 && joins(&d[len(d)-1], u) {
			join(&d[len(d)-1], u)
			continue
		}
		if len(last.ClusterDetails) == detailsAtMost {
			list = append(list, inspector2.ClusterInformation{ClusterArn: string(u.Cluster)})
			last = &list[len(list)-1]
		}
		last.ClusterDetails = append(last.ClusterDetails, inspector2.ClusterDetails{
			LastInUse: u.UsedAt, RunningUnitCount: new(u.Running), StoppedUnitCount: new(u.Stopped), ClusterMetadata: metadata(u),
		})
	}
	return list
}

// tasks reports whether a use is of tasks rather than of pods.
func tasks(u registry.Use) bool { return u.Kind == "" && u.Workload != "" }

func metadata(u registry.Use) *inspector2.ClusterMetadata {
	if tasks(u) {
		group := u.Group
		if group == "" {
			group = "default"
		}
		return &inspector2.ClusterMetadata{AwsEcsMetadataDetails: &inspector2.AwsEcsMetadataDetails{DetailsGroup: group, TaskDefinitionArn: u.Workload}}
	}
	eks := &inspector2.AwsEksMetadataDetails{Namespace: optional(u.Group), WorkloadInfoList: []inspector2.AwsEksWorkloadInfo{}}
	if u.Kind != "" && u.Workload != "" {
		eks.WorkloadInfoList = append(eks.WorkloadInfoList, inspector2.AwsEksWorkloadInfo{Name: u.Workload, Type: u.Kind})
	}
	return &inspector2.ClusterMetadata{AwsEksMetadataDetails: eks}
}

// joins reports whether a use is of the same namespace as the place before.
func joins(d *inspector2.ClusterDetails, u registry.Use) bool {
	eks := d.ClusterMetadata.AwsEksMetadataDetails
	return eks != nil && !tasks(u) && len(eks.WorkloadInfoList) < workloadsAtMost && text(eks.Namespace) == u.Group
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// join adds a use to the place before.
func join(d *inspector2.ClusterDetails, u registry.Use) {
	*d.RunningUnitCount += u.Running
	*d.StoppedUnitCount += u.Stopped
	if u.UsedAt.After(d.LastInUse) {
		d.LastInUse = u.UsedAt
	}
	more := metadata(u).AwsEksMetadataDetails.WorkloadInfoList
	eks := d.ClusterMetadata.AwsEksMetadataDetails
	eks.WorkloadInfoList = append(eks.WorkloadInfoList, more...)
}
