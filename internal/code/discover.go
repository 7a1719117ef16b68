package code

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/source/forge"
	"muster/internal/source/git"
	"muster/internal/store"
	"muster/internal/store/catalog"
	cellar "muster/internal/store/code"
)

// Bounds of one look.
const (
	maxProjects    = 20_000
	discoverWithin = time.Hour
	atOnce         = 100
	// tryAgain is how long a project that could not be scanned is left alone.
	tryAgain = time.Hour
)

// lookup reads an integration anew; ok is false when it is gone or going.
func (s *Service) lookup(ctx context.Context, r ref) (i cellar.Integration, ok bool, err error) {
	i, err = store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Integration, error) { return cellar.LookupIntegration(ctx, tx, r.At, r.ID) })
	if errors.Is(err, store.ErrNotFound) {
		return i, false, nil
	}
	return i, err == nil && i.Status != cellar.Disabling, err
}

// discover is the handler of JobDiscover: it looks through an integration for
// projects and for what was pushed, and asks for the next time.
func (s *Service) discover(ctx context.Context, job store.Job) error {
	r, err := payload[ref](job)
	if err != nil {
		return err
	}
	i, ok, err := s.lookup(ctx, r)
	if err != nil || !ok || i.Status == cellar.Pending {
		return err
	}
	within, cancel := context.WithTimeout(ctx, discoverWithin)
	defer cancel()
	cause := s.look(within, &i)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		current, err := cellar.LookupIntegration(ctx, tx, r.At, r.ID)
		if err != nil || current.Status == cellar.Disabling {
			return ignore(err, store.ErrNotFound)
		}
		return s.looked(ctx, tx, &current, cause)
	})
}

// looked notes how a look went. Where it says otherwise than before, the
// coverage of all projects follows.
func (s *Service) looked(ctx context.Context, tx *store.Tx, i *cellar.Integration, cause error) error {
	before, now := i.Status, s.now()
	i.Status, i.Reason, i.CheckedAt = cellar.Active, works, now
	if cause != nil {
		i.Status, i.Reason = cellar.Inactive, "The provider could not be looked through: "+tell(cause)+"."
	}
	if before != i.Status {
		i.UpdatedAt = now
	}
	if err := cellar.UpdateIntegration(ctx, tx, *i); err != nil {
		return err
	}
	if err := ask(ctx, tx, JobDiscover, i.At, i.ID, now.Add(s.config.Every)); err != nil || before == i.Status {
		return err
	}
	return s.askToArrange(ctx, tx, i.At, "", now)
}

// look looks through what an integration leads to.
func (s *Service) look(ctx context.Context, i *cellar.Integration) error {
	if !i.Kind.Forge() {
		return s.each(ctx, i, func(p *cellar.Project) error { return s.lookAt(ctx, i, p) })
	}
	at, err := s.provider(ctx, i)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	err = at.Projects(ctx, func(list []forge.Project) error {
		for _, p := range list {
			if seen[p.ID] = true; len(seen) > maxProjects {
				return fmt.Errorf("more than %d projects", maxProjects)
			}
		}
		return s.store.Update(ctx, func(tx *store.Tx) error { return s.found(ctx, tx, i, list) })
	})
	if err != nil {
		return err
	}
	return s.each(ctx, i, func(p *cellar.Project) error {
		if !seen[p.Remote] {
			return s.store.Update(ctx, func(tx *store.Tx) error { return s.drop(ctx, tx, p) })
		}
		return s.follow(ctx, i, at, p)
	})
}

// each hands on the projects of an integration.
func (s *Service) each(ctx context.Context, i *cellar.Integration, do func(p *cellar.Project) error) error {
	for after := ""; ; {
		list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]cellar.Project, error) {
			return cellar.ProjectsAt(ctx, tx, i.At, i.ID, after, atOnce)
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for n := range list {
			after = list[n].Remote
			if err := do(&list[n]); err != nil {
				return err
			}
		}
	}
}

// found stores projects that a provider lists.
func (s *Service) found(ctx context.Context, tx *store.Tx, i *cellar.Integration, list []forge.Project) error {
	current, err := cellar.LookupIntegration(ctx, tx, i.At, i.ID)
	if err != nil || current.Status == cellar.Disabling {
		return err
	}
	current.Status = cellar.Active // it is answering
	for _, f := range list {
		p, err := cellar.ProjectOf(ctx, tx, i.At, i.ID, f.ID)
		if errors.Is(err, store.ErrNotFound) {
			p, err = cellar.Project{At: i.At, ID: "project-" + newUUID(tx), Integration: i.ID, Remote: f.ID}, nil
		}
		if err != nil {
			return err
		}
		p.Name, p.CloneURL, p.Branch, p.Visibility = f.Name, f.CloneURL, f.Branch, f.Visibility
		if err := s.settle(ctx, tx, &current, &p, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// drop forgets a project that is no more; its findings close.
func (s *Service) drop(ctx context.Context, tx *store.Tx, p *cellar.Project) error {
	if err := cellar.DeleteProject(ctx, tx, p.At, p.ID); err != nil {
		return err
	}
	r, err := catalog.LookupResource(ctx, tx, place(p))
	if errors.Is(err, store.ErrNotFound) || err == nil && !r.GoneAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	return s.config.Scans.Gone(ctx, tx, &r, s.now())
}

// follow has a provider tell of pushes to a project, or asks where it is at.
func (s *Service) follow(ctx context.Context, i *cellar.Integration, at provider, p *cellar.Project) error {
	if len(p.Plan.Triggers) > 0 && p.HookedAt.IsZero() {
		if err := s.hook(ctx, i, at, p); err != nil {
			return err
		}
	}
	if p.Branch == "" || !s.curious(p) {
		return nil
	}
	commit, err := at.Head(ctx, forge.Project{ID: p.Remote, Name: p.Name, Branch: p.Branch})
	if errors.Is(err, forge.ErrNotFound) || denied(err) {
		return nil // the scan says so, where there is one
	}
	if err != nil {
		return err
	}
	return s.moved(ctx, i, p, git.Ref{Name: p.Branch, Commit: commit})
}

// curious reports whether it is of use to know where a project is at.
func (s *Service) curious(p *cellar.Project) bool {
	return p.Plan.On(push) && p.HookedAt.IsZero() || p.Problem != "" && s.now().Sub(p.TriedAt) >= tryAgain
}

// hook asks GitLab to tell of pushes and merge requests; one that does not let
// the token do so is asked itself from time to time.
func (s *Service) hook(ctx context.Context, i *cellar.Integration, at provider, p *cellar.Project) error {
	g, ok := at.(*forge.GitLab)
	if !ok || s.config.Address == "" {
		return nil
	}
	kept, err := s.open(i)
	if err != nil {
		return err
	}
	err = g.PutHook(ctx, p.Remote, s.hookAddress(i), kept.Notice, true)
	if denied(err) || errors.Is(err, forge.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p.HookedAt = s.now()
	return s.change(ctx, p, func(now *cellar.Project) { now.HookedAt = p.HookedAt })
}

// hookAddress is where notices of an integration go.
func (s *Service) hookAddress(i *cellar.Integration) string {
	return s.config.Address + Prefix + string(i.Account) + "/" + string(i.Region) + "/" + i.ID
}

// change changes a project as it is now; one that is gone stays so.
func (s *Service) change(ctx context.Context, p *cellar.Project, do func(now *cellar.Project)) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		current, err := cellar.LookupProject(ctx, tx, p.At, p.ID)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		do(&current)
		return cellar.PutProject(ctx, tx, current)
	})
}

// lookAt asks a repository that was brought by its address where it is at.
func (s *Service) lookAt(ctx context.Context, i *cellar.Integration, p *cellar.Project) error {
	r, err := s.remote(ctx, i, p)
	if err != nil {
		return err
	}
	at, err := r.Head(ctx, p.Branch)
	if errors.Is(err, git.ErrEmpty) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.moved(ctx, i, p, at)
}

// moved begins a scan of a project that is somewhere else than when it was
// last scanned, if it is to be scanned after pushes.
func (s *Service) moved(ctx context.Context, i *cellar.Integration, p *cellar.Project, at git.Ref) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		current, err := cellar.LookupProject(ctx, tx, p.At, p.ID)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		return s.pushed(ctx, tx, i, &current, at.Commit)
	})
}

// pushed notes the newest commit of a project. A scan that is running is told
// by what is noted that there is something newer.
func (s *Service) pushed(ctx context.Context, tx *store.Tx, i *cellar.Integration, p *cellar.Project, commit string) error {
	again := p.Problem != "" && s.now().Sub(p.TriedAt) >= tryAgain
	if p.Head == commit && !again {
		return nil
	}
	p.Head = commit
	if err := cellar.PutProject(ctx, tx, *p); err != nil {
		return err
	}
	if p.Commit == commit && !again || p.ScannedAt.IsZero() && !again || i.Kind.Forge() && !p.Plan.On(push) && !again {
		return nil // the first scan is asked for by coverage
	}
	_, err := s.begin(ctx, tx, p, cellar.Pushed, s.now())
	return ignore(err, errRunning)
}

// forget is the handler of JobForget.
func (s *Service) forget(ctx context.Context, job store.Job) error {
	r, err := payload[ref](job)
	if err != nil {
		return err
	}
	i, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Integration, error) { return cellar.LookupIntegration(ctx, tx, r.At, r.ID) })
	if err != nil {
		return ignore(err, store.ErrNotFound)
	}
	s.unhook(ctx, &i)
	err = s.each(ctx, &i, func(p *cellar.Project) error {
		return s.store.Update(ctx, func(tx *store.Tx) error { return s.drop(ctx, tx, p) })
	})
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return cellar.DeleteIntegration(ctx, tx, i.At, i.ID) })
}

// unhook ends the notices of an integration as far as the provider lets it;
// those that come all the same are refused.
func (s *Service) unhook(ctx context.Context, i *cellar.Integration) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	at, err := s.provider(ctx, i)
	g, ok := at.(*forge.GitLab)
	if err != nil || !ok || i.Kind != cellar.GitLab {
		return
	}
	_ = s.each(ctx, i, func(p *cellar.Project) error {
		if p.HookedAt.IsZero() {
			return nil
		}
		return g.DropHook(ctx, p.Remote, s.hookAddress(i))
	})
}
