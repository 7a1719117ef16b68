package scan

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/registry"
)

// AskForContent asks for an image's content to be read from its registry.
func AskForContent(ctx context.Context, tx *store.Tx, k registry.Key) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: eligible.JobRead, Key: string(k.ARN()), Account: string(k.Account), Region: string(k.Region), Payload: body,
	})
}

// ImageSeen records an image as its registry has it, and asks for its scan.
func (s *Service) ImageSeen(ctx context.Context, tx *store.Tx, e *registry.Entry, now time.Time) error {
	at := catalog.Place{Account: e.Account, Region: e.Region, Type: finding.ContainerImage, ID: string(e.ARN())}
	known, err := catalog.LookupResource(ctx, tx, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r, err := catalog.PutResource(ctx, tx, e.Account, e.Region, imageResource(e, known.Image), now)
	if err != nil {
		return err
	}
	if err := s.awaited(ctx, tx, &r, e, now); err != nil {
		return err
	}
	return askFor(ctx, tx, JobResource, at, now)
}

// awaited shows an image as waiting where it is scanned: for its first scan,
// or to be scanned again after its windows had closed.
func (s *Service) awaited(ctx context.Context, tx *store.Tx, r *catalog.Resource, e *registry.Entry, now time.Time) error {
	fresh := !r.Covered
	if !fresh && r.Reason != reasonExpired || e.Kind != registry.Image || !e.ArchivedAt.IsZero() {
		return nil
	}
	scans, err := activation.ScansOf(ctx, tx, r.Account, r.Region)
	if err != nil || scans.Status(activation.ECR) != activation.Enabled {
		return err
	}
	g, err := registryRegimeOf(ctx, tx, r.Account, r.Region, scans[activation.ECR])
	if err != nil {
		return err
	}
	k, _ := kindOf(r.Type)
	frequency, _ := eligible.Frequency(g.scanning, e.Repository)
	switch open := g.windows.Open(e, now); {
	case fresh && (frequency == eligible.OnPush || frequency == eligible.Continuous && open):
		return catalog.SetCoverage(ctx, tx, r, k.covered(codeActive, reasonPending), now)
	case !fresh && frequency == eligible.Continuous && open:
		c := k.covered(codeActive, reasonRevival)
		c.ScannedAt = r.ScannedAt
		return catalog.SetCoverage(ctx, tx, r, c, now)
	}
	return nil
}

// ImageActive records that an image was pulled or is in use. Only one whose
// windows had closed is scanned for that.
func (s *Service) ImageActive(ctx context.Context, tx *store.Tx, e *registry.Entry, now time.Time) error {
	at := catalog.Place{Account: e.Account, Region: e.Region, Type: finding.ContainerImage, ID: string(e.ARN())}
	known, err := catalog.LookupResource(ctx, tx, at)
	if errors.Is(err, store.ErrNotFound) || err == nil && !known.GoneAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := catalog.PutResource(ctx, tx, e.Account, e.Region, imageResource(e, known.Image), now)
	if err != nil || r.Reason != reasonExpired {
		return err
	}
	if err := s.awaited(ctx, tx, &r, e, now); err != nil || r.Reason == reasonExpired {
		return err
	}
	return askFor(ctx, tx, JobResource, at, now)
}

// Wanted reports whether an image's content is to be read: it is scanned, and
// it has not been read yet.
func (s *Service) Wanted(ctx context.Context, tx *store.Tx, e *registry.Entry, now time.Time) (bool, error) {
	if e.Kind != registry.Image || !e.ArchivedAt.IsZero() {
		return false, nil
	}
	r, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: e.Account, Region: e.Region, Type: finding.ContainerImage, ID: string(e.ARN())})
	if errors.Is(err, store.ErrNotFound) || err == nil && (r.Inventory != 0 || !r.GoneAt.IsZero()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	scans, err := activation.ScansOf(ctx, tx, e.Account, e.Region)
	if err != nil || scans.Status(activation.ECR) != activation.Enabled {
		return false, err
	}
	g, err := registryRegimeOf(ctx, tx, e.Account, e.Region, scans[activation.ECR])
	if err != nil {
		return false, err
	}
	of, err := registry.LookupRepository(ctx, tx, e.Account, e.Region, e.Repository)
	if err != nil && !errors.Is(err, store.ErrNotFound) || eligible.KeptOut(&of) {
		return false, err
	}
	frequency, _ := eligible.Frequency(g.scanning, e.Repository)
	return frequency == eligible.OnPush || frequency == eligible.Continuous && g.windows.Open(e, now), nil
}

// imageResource is what findings and coverage say of an image. The platform
// is known from its content only.
func imageResource(e *registry.Entry, before *finding.ImageDetails) finding.Resource {
	d := &finding.ImageDetails{
		Repository: e.Repository, Registry: string(e.Account), Hash: e.Digest, Tags: e.Tags, Author: e.Author, Architecture: e.Architecture,
		PushedAt: e.PushedAt, PulledAt: e.PulledAt, LastInUseAt: e.UsedAt,
	}
	if !e.UsedAt.IsZero() {
		d.InUseCount = new(e.Uses)
	}
	if before != nil {
		d.Platform = before.Platform
	}
	return finding.Resource{Type: finding.ContainerImage, ID: string(e.ARN()), Image: d}
}

// ImageRead records what an image contains, and asks for its scan. Without an
// inventory the content of the hash is stored already.
func (s *Service) ImageRead(ctx context.Context, tx *store.Tx, e *registry.Entry, inv *inventory.Inventory, hash string, now time.Time) error {
	id, err := storeInventory(ctx, tx, inv, hash, now)
	if err != nil {
		return err
	}
	at := catalog.Place{Account: e.Account, Region: e.Region, Type: finding.ContainerImage, ID: string(e.ARN())}
	known, err := catalog.LookupResource(ctx, tx, at)
	if err != nil {
		return err
	}
	details := imageResource(e, known.Image)
	if details.Image.Platform, err = platformOf(ctx, tx, inv, id); err != nil {
		return err
	}
	r, err := catalog.PutResource(ctx, tx, e.Account, e.Region, details, now)
	if err != nil {
		return err
	}
	if err := catalog.SetInventory(ctx, tx, &r, id, hash, now, now); err != nil {
		return err
	}
	return askFor(ctx, tx, JobResource, at, now)
}

// platformOf is the platform of a report's inventory, or of the stored one.
func platformOf(ctx context.Context, tx *store.Tx, inv *inventory.Inventory, id int64) (string, error) {
	if inv != nil {
		return inv.OS.Platform, nil
	}
	stored, err := catalog.LookupInventory(ctx, tx, id)
	return stored.OS.Platform, err
}

// ContentOf returns the hash of the inventory that an image of the same
// digest was found to have in the account, "" where none was read yet.
func (s *Service) ContentOf(ctx context.Context, tx *store.Tx, e *registry.Entry) (string, error) {
	others, err := registry.WithDigest(ctx, tx, e.Account, e.Region, e.Digest, 20)
	if err != nil {
		return "", err
	}
	for _, o := range others {
		r, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: o.Account, Region: o.Region, Type: finding.ContainerImage, ID: string(o.ARN())})
		if errors.Is(err, store.ErrNotFound) || err == nil && r.Inventory == 0 {
			continue
		}
		if err != nil {
			return "", err
		}
		inv, err := catalog.LookupInventory(ctx, tx, r.Inventory)
		return inv.Hash, err
	}
	return "", nil
}

// ImageGone records that an image was deleted: its findings close.
func (s *Service) ImageGone(ctx context.Context, tx *store.Tx, k registry.Key, now time.Time) error {
	return s.gone(ctx, tx, catalog.Place{Account: k.Account, Region: k.Region, Type: finding.ContainerImage, ID: string(k.ARN())}, now)
}

// RepositorySeen records a repository, and asks for it to be judged.
func (s *Service) RepositorySeen(ctx context.Context, tx *store.Tx, r *registry.Repository, now time.Time) error {
	at := catalog.Place{Account: r.Account, Region: r.Region, Type: finding.Repository, ID: string(r.ARN())}
	known, err := catalog.LookupResource(ctx, tx, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	details := finding.Resource{Type: finding.Repository, ID: at.ID, Tags: r.Tags, Repository: &finding.RepositoryDetails{Name: r.Name}}
	if known.Repository != nil {
		details.Repository.Frequency = known.Repository.Frequency
	}
	stored, err := catalog.PutResource(ctx, tx, r.Account, r.Region, details, now)
	if err != nil {
		return err
	}
	return s.Changed(ctx, tx, &stored, now)
}

// RepositoryGone records that a repository was deleted; its images went before.
func (s *Service) RepositoryGone(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string, now time.Time) error {
	id := string(registry.ARN(account, region, name))
	return s.gone(ctx, tx, catalog.Place{Account: account, Region: region, Type: finding.Repository, ID: id}, now)
}

func (s *Service) gone(ctx context.Context, tx *store.Tx, at catalog.Place, now time.Time) error {
	r, err := catalog.LookupResource(ctx, tx, at)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Gone(ctx, tx, &r, now)
}

// Rejudge asks for all resources of an account in a Region to be judged
// anew, after a change of what governs them.
func (s *Service) Rejudge(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	return askForAccount(ctx, tx, JobAccount, account, region, now)
}
