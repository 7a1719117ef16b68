package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/ecr/lifecycle"
	"muster/internal/store"
	"muster/internal/store/registry"
	"muster/internal/worker"
)

// JobLifecycle applies a repository's lifecycle policy, and asks for the next
// time; the payload is a repositoryRef.
const JobLifecycle = "ecr.lifecycle"

// How soon a policy acts, and how often it does again. AWS says that images go
// within a day.
const (
	lifecycleAfter = time.Hour
	lifecycleEvery = 24 * time.Hour
	// lifecycleDoubt is when to look again while the clock is in doubt.
	lifecycleDoubt = time.Hour
	// previewKept is how long the outcome of a preview can be asked for.
	previewKept = 24 * time.Hour
)

// repositoryRef names a repository in a job.
type repositoryRef struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
	Name    string        `json:"name"`
}

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobLifecycle: s.applyLifecycle}
}

func askForLifecycle(ctx context.Context, tx *store.Tx, r *registry.Repository, at time.Time) error {
	body, err := json.Marshal(repositoryRef{r.Account, r.Region, r.Name})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobLifecycle, Key: string(r.ARN()), Account: string(r.Account), Region: string(r.Region), Payload: body, RunAt: at})
}

func parseLifecycle(text string) error {
	if _, err := lifecycle.Parse(text); err != nil {
		return invalid("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: %v'", err)
	}
	return nil
}

func noLifecycle(account arn.AccountID, name string) error {
	return &api.LifecyclePolicyNotFoundException{
		Message: fmt.Sprintf("Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", name, account),
	}
}

// PutLifecyclePolicy sets which images of a repository expire or are archived.
// It acts from an hour later on, once a day.
func (s *Service) PutLifecyclePolicy(ctx context.Context, call *awsmodel.Call, in *api.PutLifecyclePolicyInput) (*api.PutLifecyclePolicyOutput, error) {
	if err := parseLifecycle(in.LifecyclePolicyText); err != nil {
		return nil, err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		r.Lifecycle = in.LifecyclePolicyText
		if err := registry.PutRepository(ctx, tx, r); err != nil {
			return err
		}
		return askForLifecycle(ctx, tx, &r, call.Time.Add(lifecycleAfter))
	})
	if err != nil {
		return nil, err
	}
	return &api.PutLifecyclePolicyOutput{RegistryId: new(string(call.Account())), RepositoryName: new(in.RepositoryName), LifecyclePolicyText: new(in.LifecyclePolicyText)}, nil
}

// GetLifecyclePolicy returns a repository's policy, and when it last acted.
func (s *Service) GetLifecyclePolicy(ctx context.Context, call *awsmodel.Call, in *api.GetLifecyclePolicyInput) (*api.GetLifecyclePolicyOutput, error) {
	r, err := s.read(ctx, call, in.RegistryId, in.RepositoryName)
	if err == nil && r.Lifecycle == "" {
		err = noLifecycle(r.Account, r.Name)
	}
	if err != nil {
		return nil, err
	}
	return &api.GetLifecyclePolicyOutput{
		RegistryId: new(string(r.Account)), RepositoryName: new(r.Name), LifecyclePolicyText: new(r.Lifecycle), LastEvaluatedAt: when(r.LifecycleAt),
	}, nil
}

// DeleteLifecyclePolicy removes it.
func (s *Service) DeleteLifecyclePolicy(ctx context.Context, call *awsmodel.Call, in *api.DeleteLifecyclePolicyInput) (*api.DeleteLifecyclePolicyOutput, error) {
	var was registry.Repository
	err := s.edit(ctx, call, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		if r.Lifecycle == "" {
			return noLifecycle(r.Account, r.Name)
		}
		was = *r
		r.Lifecycle, r.LifecycleAt = "", time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteLifecyclePolicyOutput{
		RegistryId: new(string(was.Account)), RepositoryName: new(was.Name), LifecyclePolicyText: new(was.Lifecycle), LastEvaluatedAt: when(was.LifecycleAt),
	}, nil
}

// applyLifecycle is the handler of JobLifecycle.
func (s *Service) applyLifecycle(ctx context.Context, job store.Job) error {
	var ref repositoryRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return worker.Permanent(err)
	}
	now := s.now()
	// What a policy deletes, nobody brings back.
	if !s.store.ClockTrusted() {
		return s.comeBack(ctx, ref, now.Add(lifecycleDoubt), func(*registry.Repository) {})
	}
	var verdicts []lifecycle.Verdict
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err := registry.LookupRepository(ctx, tx, ref.Account, ref.Region, ref.Name)
		if err == nil && r.Lifecycle != "" {
			verdicts, _, err = outcome(ctx, tx, &r, r.Lifecycle, now)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		k := registry.Key{Account: ref.Account, Region: ref.Region, Repository: ref.Name, Digest: v.Digest}
		if v.Archive {
			err = s.putInArchive(ctx, k, now)
		} else {
			err = s.config.Registry.DeleteImage(ctx, k)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("lifecycle of %s: %w", k.ARN(), err)
		}
	}
	return s.comeBack(ctx, ref, now.Add(lifecycleEvery), func(r *registry.Repository) { r.LifecycleAt = now })
}

// comeBack notes something about a repository and has its policy applied again
// at a time, unless it has none any more.
func (s *Service) comeBack(ctx context.Context, ref repositoryRef, at time.Time, note func(*registry.Repository)) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := registry.LookupRepository(ctx, tx, ref.Account, ref.Region, ref.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && r.Lifecycle == "" {
			return nil
		}
		if err != nil {
			return err
		}
		note(&r)
		if err := registry.PutRepository(ctx, tx, r); err != nil {
			return err
		}
		return askForLifecycle(ctx, tx, &r, at)
	})
}

func (s *Service) putInArchive(ctx context.Context, k registry.Key, now time.Time) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		e, err := registry.Lookup(ctx, tx, k)
		if err != nil || !e.ArchivedAt.IsZero() {
			return err
		}
		e.ArchivedAt = now
		if err := registry.Put(ctx, tx, &e); err != nil || e.Kind == registry.Index {
			return err
		}
		return s.config.Images.ImageSeen(ctx, tx, &e, now)
	})
}

// outcome is what a policy does to a repository's images now.
func outcome(ctx context.Context, tx *store.Tx, r *registry.Repository, text string, now time.Time) ([]lifecycle.Verdict, map[string]registry.Entry, error) {
	p, err := lifecycle.Parse(text)
	if err != nil {
		return nil, nil, err
	}
	var images []lifecycle.Image
	entries := map[string]registry.Entry{}
	err = walk(ctx, tx, r, "", func(e *registry.Entry) bool {
		images = append(images, lifecycle.Image{
			Digest: e.Digest, Tags: e.Tags, PushedAt: e.PushedAt, PulledAt: e.PulledAt, ArchivedAt: e.ArchivedAt, Children: children(e),
		})
		e.Manifest = "" // not needed any more, and long
		entries[e.Digest] = *e
		return true
	})
	return p.Apply(images, now), entries, err
}

// children are the images that an index leads to.
func children(e *registry.Entry) (digests []string) {
	if e.Kind != registry.Index {
		return nil
	}
	var index struct{ Manifests []struct{ Digest string } }
	if json.Unmarshal([]byte(e.Manifest), &index) != nil {
		return nil
	}
	for _, m := range index.Manifests {
		digests = append(digests, m.Digest)
	}
	return digests
}
