package ecr

import (
	"context"
	"fmt"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/ecr/lifecycle"
	"muster/internal/store"
	"muster/internal/store/registry"
)

// StartLifecyclePolicyPreview notes a policy of which GetLifecyclePolicyPreview
// tells what it would do: the one given, or the repository's.
func (s *Service) StartLifecyclePolicyPreview(ctx context.Context, call *awsmodel.Call, in *api.StartLifecyclePolicyPreviewInput) (*api.StartLifecyclePolicyPreviewOutput, error) {
	text := value(in.LifecyclePolicyText)
	if text != "" {
		if err := parseLifecycle(text); err != nil {
			return nil, err
		}
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		if text == "" {
			text = r.Lifecycle
		}
		if text == "" {
			return noLifecycle(r.Account, r.Name)
		}
		r.Preview, r.PreviewAt = text, call.Time
		return registry.PutRepository(ctx, tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.StartLifecyclePolicyPreviewOutput{
		RegistryId: new(string(call.Account())), RepositoryName: new(in.RepositoryName), LifecyclePolicyText: new(text), Status: api.LifecyclePolicyPreviewStatusInProgress,
	}, nil
}

// GetLifecyclePolicyPreview tells what the policy of the last preview would do
// to the images that there are now.
func (s *Service) GetLifecyclePolicyPreview(ctx context.Context, call *awsmodel.Call, in *api.GetLifecyclePolicyPreviewInput) (*api.GetLifecyclePolicyPreviewOutput, error) {
	const op = "GetLifecyclePolicyPreview"
	bound := query{Repository: in.RepositoryName}
	if in.Filter != nil {
		bound.TagStatus = string(in.Filter.TagStatus)
	}
	after, err := s.place(call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.GetLifecyclePolicyPreviewOutput, error) {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		if r.Preview == "" || call.Time.Sub(r.PreviewAt) > previewKept {
			return nil, &api.LifecyclePolicyPreviewNotFoundException{
				Message: fmt.Sprintf("Lifecycle policy preview does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, r.Account),
			}
		}
		verdicts, entries, err := outcome(ctx, tx, &r, r.Preview, call.Time)
		if err != nil {
			return nil, err
		}
		out := &api.GetLifecyclePolicyPreviewOutput{
			RegistryId: new(string(r.Account)), RepositoryName: new(r.Name), LifecyclePolicyText: new(r.Preview),
			Status: api.LifecyclePolicyPreviewStatusComplete, Summary: summary(verdicts), PreviewResults: []api.LifecyclePolicyPreviewResult{},
		}
		wanted, err := these(ctx, tx, &r, in.ImageIds)
		if err != nil {
			return nil, err
		}
		for _, v := range verdicts {
			e := entries[v.Digest]
			only := filter{api.TagStatus(bound.TagStatus), api.ImageStatusFilterAny}
			if v.Digest <= after || !only.meets(&e) || wanted != nil && !wanted[v.Digest] {
				continue
			}
			if len(out.PreviewResults) == limit {
				out.NextToken = s.token(call, op, bound, value(out.PreviewResults[limit-1].ImageDigest))
				break
			}
			out.PreviewResults = append(out.PreviewResults, result(v, &e))
		}
		return out, nil
	})
}

// these are the digests of images that are named, nil for all.
func these(ctx context.Context, tx *store.Tx, r *registry.Repository, ids []api.ImageIdentifier) (map[string]bool, error) {
	if ids == nil {
		return nil, nil
	}
	wanted := map[string]bool{}
	list, err := theseImages(ctx, tx, r, ids)
	for i := range list {
		wanted[list[i].Digest] = true
	}
	return wanted, err
}

func result(v lifecycle.Verdict, e *registry.Entry) api.LifecyclePolicyPreviewResult {
	out := api.LifecyclePolicyPreviewResult{
		ImageDigest: new(v.Digest), ImageTags: e.Tags, ImagePushedAt: when(e.PushedAt), AppliedRulePriority: new(v.Priority),
		Action: &api.LifecyclePolicyRuleAction{Type: api.ImageActionTypeExpire}, StorageClass: api.LifecyclePolicyStorageClassStandard,
	}
	if v.Archive {
		out.Action = &api.LifecyclePolicyRuleAction{Type: api.ImageActionTypeTransition, TargetStorageClass: api.LifecyclePolicyTargetStorageClassArchive}
	}
	if !e.ArchivedAt.IsZero() {
		out.StorageClass = api.LifecyclePolicyStorageClassArchive
	}
	return out
}

func summary(verdicts []lifecycle.Verdict) *api.LifecyclePolicyPreviewSummary {
	var expiring, archived int32
	for _, v := range verdicts {
		if v.Archive {
			archived++
		} else {
			expiring++
		}
	}
	out := &api.LifecyclePolicyPreviewSummary{ExpiringImageTotalCount: &expiring}
	if archived > 0 {
		out.TransitioningImageTotalCounts = []api.TransitioningImageTotalCount{{TargetStorageClass: api.LifecyclePolicyTargetStorageClassArchive, ImageTotalCount: &archived}}
	}
	return out
}
