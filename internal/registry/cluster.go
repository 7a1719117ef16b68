package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
)

const (
	// usedAgain is how much later a use has to be to be noted.
	usedAgain = 10 * time.Minute
	// keepUnused is how long it is remembered where an image ran.
	keepUnused = 30 * 24 * time.Hour
	// usesAtOnce is how many digests one transaction works on.
	usesAtOnce = 200
	// holdersAtMost is how many repositories of an account a digest is in.
	holdersAtMost = 1000
)

// ReportClusterImages takes which images run in a cluster of the caller's
// account: all of them, so that what is not named has stopped.
func (s *Service) ReportClusterImages(ctx context.Context, call *awsmodel.Call, in *muster.ReportClusterImagesInput) (*muster.ReportClusterImagesOutput, error) {
	cluster := arn.ARN(in.ClusterArn)
	parts, err := arn.Parse(cluster)
	if err != nil || parts.Account != call.Account() || parts.Region != call.Region {
		return nil, invalid("clusterArn", "The cluster is not in the caller's account and Region.")
	}
	uses, err := usesOf(in.Images, cluster, call.Time)
	if err != nil {
		return nil, err
	}
	before, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]cellar.Use, error) {
		return cellar.UsesIn(ctx, tx, call.Account(), call.Region, cluster)
	})
	if err != nil {
		return nil, err
	}
	digests := distinctDigests(uses)
	changes := changed(before, uses, call.Time)
	for part := range slices.Chunk(distinctDigests(changes), usesAtOnce) {
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			for _, digest := range part {
				list := slices.DeleteFunc(slices.Clone(changes), func(u cellar.Use) bool { return u.Digest != digest })
				if err := s.used(ctx, tx, call, digest, list); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		return cellar.ForgetUses(ctx, tx, call.Account(), call.Region, cluster, call.Time.Add(-keepUnused))
	})
	return &muster.ReportClusterImagesOutput{ImageCount: int64(len(digests))}, err
}

// usesOf reads a report; the units of equal workloads are added up.
func usesOf(images []muster.ClusterImage, cluster arn.ARN, now time.Time) ([]cellar.Use, error) {
	sums := map[cellar.Use]*[2]int64{}
	for _, i := range images {
		u := cellar.Use{Digest: i.Digest, Cluster: cluster, Group: value(i.Namespace), Kind: value(i.WorkloadType), Workload: value(i.WorkloadName)}
		if task := value(i.TaskDefinitionArn); task != "" {
			if u.Kind != "" || u.Workload != "" {
				return nil, invalid("images", "An image runs in a workload or as a task definition, not both.")
			}
			u.Workload = task
		}
		if sums[u] == nil {
			sums[u] = new([2]int64)
		}
		sums[u][0] += i.RunningCount
		if i.StoppedCount != nil {
			sums[u][1] += *i.StoppedCount
		}
	}
	var list []cellar.Use
	for u, n := range sums {
		u.Running, u.Stopped = n[0], n[1]
		if u.Running > 0 {
			u.UsedAt = now
		}
		list = append(list, u)
	}
	slices.SortFunc(list, compareUses)
	return list, nil
}

func compareUses(a, b cellar.Use) int {
	for _, pair := range [][2]string{{a.Digest, b.Digest}, {a.Group, b.Group}, {a.Kind, b.Kind}, {a.Workload, b.Workload}} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

// place is a use without what changes about it.
func place(u cellar.Use) cellar.Use {
	u.Running, u.Stopped, u.UsedAt = 0, 0, time.Time{}
	return u
}

// changed are the uses that are to be stored: those whose numbers differ, those
// that go on for a while, and those that are not reported any more.
func changed(before, now []cellar.Use, at time.Time) (list []cellar.Use) {
	known := map[cellar.Use]cellar.Use{}
	for _, u := range before {
		known[place(u)] = u
	}
	for _, u := range now {
		was, ok := known[place(u)]
		delete(known, place(u))
		if u.UsedAt.IsZero() {
			u.UsedAt = was.UsedAt
		}
		if !ok || was.Running != u.Running || was.Stopped != u.Stopped || u.UsedAt.Sub(was.UsedAt) >= usedAgain {
			list = append(list, u)
		}
	}
	for _, u := range known {
		if u.Running+u.Stopped > 0 {
			u.Running, u.Stopped = 0, 0
			list = append(list, u)
		}
	}
	slices.SortFunc(list, compareUses)
	return list
}

func distinctDigests(list []cellar.Use) (digests []string) {
	for _, u := range list {
		if u.Digest != "" && !slices.Contains(digests[max(0, len(digests)-1):], u.Digest) {
			digests = append(digests, u.Digest)
		}
	}
	return digests
}

// used stores the uses of an image and tells those repositories that hold it.
func (s *Service) used(ctx context.Context, tx *store.Tx, call *awsmodel.Call, digest string, list []cellar.Use) error {
	if err := cellar.PutUses(ctx, tx, call.Account(), call.Region, list); err != nil {
		return err
	}
	all, err := cellar.UsesOf(ctx, tx, call.Account(), call.Region, digest)
	if err != nil {
		return err
	}
	var running int64
	var last time.Time
	for _, u := range all {
		running += u.Running
		if u.UsedAt.After(last) {
			last = u.UsedAt
		}
	}
	holders, err := cellar.WithDigest(ctx, tx, call.Account(), call.Region, digest, holdersAtMost)
	if err != nil {
		return err
	}
	for i := range holders {
		if err := s.inUse(ctx, tx, holders[i].Key, running, last, call.Time); err != nil {
			return err
		}
	}
	return nil
}

// inUse notes how much an image is used. Of an index nothing is known: which
// of its images runs, a cluster does not say.
func (s *Service) inUse(ctx context.Context, tx *store.Tx, k cellar.Key, running int64, last, now time.Time) error {
	e, err := cellar.Lookup(ctx, tx, k)
	if errors.Is(err, store.ErrNotFound) || err == nil && e.Kind != cellar.Image {
		return nil
	}
	if err != nil {
		return err
	}
	e.Uses = running
	if last.After(e.UsedAt) {
		e.UsedAt = last
	}
	if err := cellar.Put(ctx, tx, &e); err != nil {
		return err
	}
	return s.config.Images.ImageActive(ctx, tx, &e, now)
}
