package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/registry"
)

// The words of coverage for images and repositories.
const (
	reasonRevival   = "PENDING_REVIVAL_SCAN"
	reasonManual    = "SCAN_FREQUENCY_MANUAL"
	reasonOnPush    = "SCAN_FREQUENCY_SCAN_ON_PUSH"
	reasonMediaType = "UNSUPPORTED_MEDIA_TYPE"
	reasonArchived  = "IMAGE_ARCHIVED"
	reasonDenied    = "ACCESS_DENIED"
)

// registryRegime is what governs the images of an account in a Region.
type registryRegime struct {
	scanning registry.Scanning
	windows  eligible.Windows
}

func registryRegimeOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, scan activation.Scan) (*registryRegime, error) {
	g := &registryRegime{}
	set, err := registry.LookupScanning(ctx, tx, account, region)
	switch {
	case errors.Is(err, store.ErrNotFound):
		g.scanning = eligible.InForce(nil, scan)
	case err != nil:
		return nil, err
	default:
		g.scanning = eligible.InForce(&set, scan)
	}
	owner, err := activation.AdministratorOf(ctx, tx, account, region)
	if errors.Is(err, store.ErrNotFound) {
		owner, err = account, nil
	}
	if err != nil {
		return nil, fmt.Errorf("administrator of %s: %w", account, err)
	}
	c, err := activation.LookupConfiguration(ctx, tx, owner, region)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	g.windows = eligible.WindowsOf(c)
	return g, nil
}

func (e *evaluator) registry(ctx context.Context, r *catalog.Resource, g *regime) (*registryRegime, error) {
	var err error
	if g.registry == nil {
		g.registry, err = registryRegimeOf(ctx, e.tx, r.Account, r.Region, g.scans[activation.ECR])
	}
	return g.registry, err
}

// imageFacts are what the verdict on an image or repository depends on.
type imageFacts struct {
	frequency string
	// entry is the image in its registry; known is false when it is there no
	// more.
	entry   registry.Entry
	known   bool
	windows eligible.Windows
	// keptOut says that the repository's policy forbids reading it.
	keptOut bool
}

func learnImage(ctx context.Context, e *evaluator, q *question, g *regime) error {
	d := q.resource.Image
	rules, err := e.registry(ctx, q.resource, g)
	if err != nil || d == nil {
		return err
	}
	q.image.windows = rules.windows
	q.image.frequency, _ = eligible.Frequency(rules.scanning, d.Repository)
	key := registry.Key{Account: q.resource.Account, Region: q.resource.Region, Repository: d.Repository, Digest: d.Hash}
	q.image.entry, err = registry.Lookup(ctx, e.tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	q.image.known = true
	r, err := registry.LookupRepository(ctx, e.tx, key.Account, key.Region, key.Repository)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	q.image.keptOut = eligible.KeptOut(&r)
	return err
}

// judgeImage decides how an image is covered (scanning specification 1.7, 2).
// What is not monitored has no findings.
func (s *Service) judgeImage(q *question) verdict {
	f := &q.image
	switch {
	case !f.known:
		return verdict{gone: true}
	case f.entry.Kind == registry.Artifact:
		return q.closed(reasonMediaType)
	case f.frequency == eligible.Manual:
		return q.closed(reasonManual)
	case !f.entry.ArchivedAt.IsZero():
		return q.closed(reasonArchived)
	case f.keptOut:
		return q.inactive(reasonDenied)
	case f.frequency == eligible.OnPush:
		return q.once()
	case !f.windows.Open(&f.entry, q.now):
		return q.closed(reasonExpired)
	}
	v := q.seen()
	v.until = f.windows.Closes(&f.entry)
	return v
}

// once judges an image that is scanned when it is pushed and never again.
func (q *question) once() verdict {
	r := q.resource
	if q.inventory != nil && r.Reason == reasonOnPush && !r.ScannedAt.Before(q.image.entry.PushedAt) {
		return verdict{Coverage: r.Coverage}
	}
	v := q.seen()
	if v.Reason == reasonSuccessful {
		v.Coverage = q.covered(codeInactive, reasonOnPush)
	}
	return v
}

// seen judges an image by its content.
func (q *question) seen() verdict {
	problem := q.image.entry.Problem
	switch {
	case q.inventory == nil && problem != "":
		return q.inactive(problem)
	case q.inventory == nil:
		return verdict{Coverage: q.covered(codeActive, q.waiting()), read: true}
	case q.inventory.OS.Ecosystem == "" && q.empty:
		return verdict{Coverage: q.covered(codeInactive, reasonUnsupported), judged: true}
	case q.missing:
		return q.active(reasonPending)
	}
	return q.active(reasonSuccessful)
}

// waiting is what an image waits for: its first scan, or one after its windows
// had closed.
func (q *question) waiting() string {
	if q.resource.Reason == reasonRevival {
		return reasonRevival
	}
	return reasonPending
}

// followImage remembers when the windows of an image closed, and asks for its
// content.
func followImage(ctx context.Context, e *evaluator, q *question, v *verdict) error {
	lapsed := q.image.entry.LapsedAt
	switch {
	case !q.image.known:
		return nil
	case v.Reason != reasonExpired && v.judged:
		lapsed = time.Time{}
	case v.Reason == reasonExpired && v.gone && lapsed.IsZero():
		lapsed = e.now
	}
	if !lapsed.Equal(q.image.entry.LapsedAt) {
		if err := registry.Lapsed(ctx, e.tx, q.image.entry.Key, lapsed); err != nil {
			return err
		}
	}
	if !v.read {
		return nil
	}
	return AskForContent(ctx, e.tx, q.image.entry.Key)
}

func learnRepository(ctx context.Context, e *evaluator, q *question, g *regime) error {
	rules, err := e.registry(ctx, q.resource, g)
	if err == nil && q.resource.Repository != nil {
		q.image.frequency, _ = eligible.Frequency(rules.scanning, q.resource.Repository.Name)
	}
	return err
}

// judgeRepository decides how a repository is covered.
func (s *Service) judgeRepository(q *question) verdict {
	if q.image.frequency == eligible.Manual {
		return q.inactive(reasonManual)
	}
	return q.active(reasonSuccessful)
}

// followRepository notes how often a repository is scanned.
func followRepository(ctx context.Context, e *evaluator, q *question, v *verdict) error {
	r := q.resource
	if r.Repository == nil || v.gone || r.Repository.Frequency == q.image.frequency {
		return nil
	}
	now := r.Resource
	now.Repository = &finding.RepositoryDetails{Name: r.Repository.Name, Frequency: q.image.frequency}
	stored, err := catalog.PutResource(ctx, e.tx, r.Account, r.Region, now, e.now)
	r.Resource = stored.Resource
	return err
}

// windowsChanged is the handler of eligible.JobWindows: the images of an account
// and of its members are judged by the new windows.
func (s *Service) windowsChanged(ctx context.Context, job store.Job) error {
	of, err := payload[eligible.Administrator](job)
	if err != nil {
		return err
	}
	judge := func(account arn.AccountID) error {
		return s.eachResource(ctx, Account{account, of.Region}, finding.ContainerImage, func(list []catalog.Place) error { return s.scan(ctx, list) })
	}
	if err := judge(of.Account); err != nil {
		return err
	}
	for after := arn.AccountID(""); ; {
		members, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]activation.Member, error) {
			return activation.MembersPage(ctx, tx, of.Account, of.Region, after, together)
		})
		if err != nil || len(members) == 0 {
			return err
		}
		for _, m := range members {
			if after = m.Account; m.Account == of.Account {
				continue
			}
			if err := judge(m.Account); err != nil {
				return err
			}
		}
	}
}
