package scan

import (
	"context"
	"time"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
)

// kind is how one type of resources is scanned.
type kind struct {
	resources finding.ResourceType
	// scan is the scan type of the account that covers it.
	scan activation.ScanType
	// mode is the word for how it is looked at, where there are several ways.
	mode string
	// judge decides how a resource is covered, once it is known to be there
	// and its scan type to be switched on.
	judge func(s *Service, q *question) verdict
	// learn, if set, reads what else a verdict depends on, and follow does what
	// it entails, both in the transaction of the scan.
	learn  func(ctx context.Context, e *evaluator, q *question, g *regime) error
	follow func(ctx context.Context, e *evaluator, q *question, v *verdict) error
}

// kinds are all that packages are looked for in.
func kinds() []kind {
	return []kind{
		{resources: finding.Instance, scan: activation.EC2, mode: agentBased, judge: (*Service).judgeInstance},
		{resources: finding.LambdaFunction, scan: activation.Lambda, judge: (*Service).judgeFunction},
		{resources: finding.ContainerImage, scan: activation.ECR, judge: (*Service).judgeImage, learn: learnImage, follow: followImage},
		{resources: finding.Repository, scan: activation.ECR, judge: (*Service).judgeRepository, learn: learnRepository, follow: followRepository},
		{resources: finding.CodeRepository, scan: activation.CodeRepository, judge: (*Service).judgeCode, follow: followCode},
	}
}

// kindOf is the kind of a type of resources; those that are not scanned for
// packages have none.
func kindOf(t finding.ResourceType) (kind, bool) {
	for _, k := range kinds() {
		if k.resources == t {
			return k, true
		}
	}
	return kind{}, false
}

// covered is the coverage of a resource of the kind.
func (k kind) covered(code, reason string) catalog.Coverage {
	return catalog.Coverage{Covered: true, ScanType: packageScan, ScanMode: k.mode, Status: code, Reason: reason}
}

// question is what a resource's coverage depends on.
type question struct {
	kind
	resource *catalog.Resource
	// inventory is nil where there is none.
	inventory *catalog.Inventory
	// missing says that advisories are lacking for what is on it.
	missing bool
	// empty says that it has no package that could be judged.
	empty bool
	// shallow says that the account wants no language packages of its hosts.
	shallow bool
	// image is what is known of an image or repository.
	image imageFacts
	now   time.Time
}

// active, inactive and closed are the three verdicts: it is monitored; it is
// not, and keeps its findings; it is not, and loses them.
func (q *question) active(reason string) verdict {
	return verdict{Coverage: q.covered(codeActive, reason), judged: true}
}

func (q *question) inactive(reason string) verdict {
	return verdict{Coverage: q.covered(codeInactive, reason)}
}

func (q *question) closed(reason string) verdict {
	return verdict{Coverage: q.covered(codeInactive, reason), gone: true}
}

// verdict is how a resource is to be treated.
type verdict struct {
	catalog.Coverage
	// judged resources get the findings that their matches want, gone ones
	// lose all; others keep what they have.
	judged, gone bool
	// read says that the content of an image or a code repository is wanted.
	read bool
	// network says that network findings are those that are wanted now.
	network bool
	// until is when the passing of time alone changes the verdict; zero means
	// never.
	until time.Time
}

// judge decides how a resource is covered (scanning specification 2).
func (s *Service) judge(q *question, scan activation.Status) verdict {
	switch {
	case !q.resource.GoneAt.IsZero():
		return verdict{gone: true}
	case scan == activation.Disabling:
		return q.inactive(reasonPendingDisable)
	case scan != activation.Enabled:
		return verdict{Coverage: q.resource.Coverage}
	}
	return q.kind.judge(s, q)
}

// Changed asks, in the transaction that changed what is known of a resource,
// for its coverage and its findings to follow. A new one is listed as waiting
// for its first scan where its kind is scanned.
func (s *Service) Changed(ctx context.Context, tx *store.Tx, r *catalog.Resource, now time.Time) error {
	k, ok := kindOf(r.Type)
	if !ok {
		return nil
	}
	if !r.Covered {
		scans, err := activation.ScansOf(ctx, tx, r.Account, r.Region)
		if err != nil {
			return err
		}
		if scans.Status(k.scan) == activation.Enabled {
			if err := cover(ctx, tx, r, k.covered(codeActive, reasonPending), now); err != nil {
				return err
			}
		}
	}
	return askFor(ctx, tx, JobResource, r.Place(), now)
}

// Gone notes, in the transaction that ends a resource, that it went away: its
// findings close and it is no longer covered.
func (s *Service) Gone(ctx context.Context, tx *store.Tx, r *catalog.Resource, now time.Time) error {
	if err := catalog.MarkGone(ctx, tx, r, now); err != nil {
		return err
	}
	if err := askForAccount(ctx, tx, JobRetention, r.Account, r.Region, now.Add(finding.KeepGone)); err != nil {
		return err
	}
	return askFor(ctx, tx, JobResource, r.Place(), now)
}
