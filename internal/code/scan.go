package code

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/extract"
	"muster/internal/extract/lockfile"
	"muster/internal/inspector/clienttoken"
	"muster/internal/inventory"
	"muster/internal/source/git"
	"muster/internal/source/layers"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	cellar "muster/internal/store/code"
)

const (
	// scanWithin is how long fetching and reading a project may take.
	scanWithin = 30 * time.Minute
	// scansKept is how long scans are of use: usage is told for thirty days.
	scansKept = 31 * 24 * time.Hour
	// A project that is where it was is not scanned again for so long, by a
	// schedule or when asked (scanning specification 13).
	sameWhenPeriodic = 7 * 24 * time.Hour
	sameWhenAsked    = 24 * time.Hour
	// attempts is how often a provider that does not answer is asked.
	attempts = 3

	// lost is after how long a scan that has not ended is given up.
	lost = 6 * time.Hour

	push        = "PUSH"
	pullRequest = "PULL_REQUEST"
)

// What is said of scans that went well.
const (
	scanned = "The packages of the commit were looked through (SCA). This server has no rules for source code (SAST) and templates (IAC)."
	same    = "The commit has been scanned already."
)

// errRunning says that a scan of the project is running.
var errRunning = errors.New("a scan of the project is running")

// begin asks for a scan, unless one is running.
func (s *Service) begin(ctx context.Context, tx *store.Tx, p *cellar.Project, cause cellar.Cause, now time.Time) (cellar.Scan, error) {
	running, err := cellar.RunningScan(ctx, tx, p.At, p.ID)
	if err == nil && now.Sub(running.CreatedAt) < lost {
		return running, errRunning
	}
	if err == nil {
		running.Status, running.Reason, running.UpdatedAt = cellar.Failed, "The scan did not come to its end.", now
		err = cellar.EndScan(ctx, tx, running)
	}
	if err := ignore(err, store.ErrNotFound); err != nil {
		return running, err
	}
	scan := cellar.Scan{At: p.At, ID: newUUID(tx), Project: p.ID, Cause: cause, Status: cellar.Running, Reason: "The scan is waiting or running.", CreatedAt: now, UpdatedAt: now}
	if err := cellar.InsertScan(ctx, tx, scan, now.Add(-scansKept)); err != nil {
		return scan, err
	}
	return scan, ask(ctx, tx, JobScan, p.At, scan.ID, now)
}

// StartCodeSecurityScan scans a project of the caller's now.
func (s *Service) StartCodeSecurityScan(ctx context.Context, call *awsmodel.Call, in *inspector2.StartCodeSecurityScanInput) (*inspector2.StartCodeSecurityScanOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*inspector2.StartCodeSecurityScanOutput, error) {
		return clienttoken.Once(ctx, tx, call, "StartCodeSecurityScan", in.ClientToken, in.Resource, func() (*inspector2.StartCodeSecurityScanOutput, error) {
			p, err := project(ctx, tx, own(call), in.Resource)
			if err != nil {
				return nil, err
			}
			if on, err := enabled(ctx, tx, p.At); err != nil || !on {
				return nil, errors.Join(err, notEnabled())
			}
			scan, err := s.begin(ctx, tx, &p, cellar.Asked, call.Time)
			if errors.Is(err, errRunning) {
				return nil, &inspector2.ConflictException{Message: "A scan of the project is running.", ResourceId: scan.ID, ResourceType: "CodeSecurityScan"}
			}
			return &inspector2.StartCodeSecurityScanOutput{ScanId: &scan.ID, Status: inspector2.CodeScanStatus(scan.Status)}, err
		})
	})
}

func notEnabled() error {
	return &inspector2.ValidationException{Message: "Scanning of code repositories is not enabled for this account and Region.", Reason: inspector2.ValidationExceptionReasonOther}
}

func enabled(ctx context.Context, tx *store.Tx, at cellar.At) (bool, error) {
	scans, err := activation.ScansOf(ctx, tx, at.Account, at.Region)
	return err == nil && scans.Status(activation.CodeRepository) == activation.Enabled, err
}

// project finds a project of the caller's.
func project(ctx context.Context, tx *store.Tx, at cellar.At, r *inspector2.CodeSecurityResource) (cellar.Project, error) {
	if r == nil || r.ProjectId == nil {
		return cellar.Project{}, invalid("resource", "The resource needs a projectId.")
	}
	p, err := cellar.LookupProject(ctx, tx, at, *r.ProjectId)
	if errors.Is(err, store.ErrNotFound) {
		err = notFound("project", *r.ProjectId)
	}
	return p, err
}

// GetCodeSecurityScan tells how a scan of the caller's stands.
func (s *Service) GetCodeSecurityScan(ctx context.Context, call *awsmodel.Call, in *inspector2.GetCodeSecurityScanInput) (*inspector2.GetCodeSecurityScanOutput, error) {
	scan, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Scan, error) {
		if _, err := project(ctx, tx, own(call), in.Resource); err != nil {
			return cellar.Scan{}, err
		}
		return cellar.LookupScan(ctx, tx, own(call), in.ScanId)
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && scan.Project != *in.Resource.ProjectId {
		return nil, notFound("scan of the project", in.ScanId)
	}
	if err != nil {
		return nil, err
	}
	return &inspector2.GetCodeSecurityScanOutput{
		ScanId: &scan.ID, Resource: in.Resource, AccountId: new(string(scan.Account)), Status: inspector2.CodeScanStatus(scan.Status),
		StatusReason: &scan.Reason, CreatedAt: &scan.CreatedAt, UpdatedAt: &scan.UpdatedAt, LastCommitId: optional(scan.Commit),
	}, nil
}

// first is the handler of cellar.JobFirst.
func (s *Service) first(ctx context.Context, job store.Job) error {
	at, err := payload[catalog.Place](job)
	if err != nil {
		return err
	}
	id := at.ID[strings.LastIndex(at.ID, "/")+1:]
	return s.start(ctx, ref{cellar.At{Account: at.Account, Region: at.Region}, id}, cellar.Initial)
}

// periodic is the handler of JobPeriodic. It asks for the next time.
func (s *Service) periodic(ctx context.Context, job store.Job) error {
	r, err := payload[ref](job)
	if err != nil {
		return err
	}
	return s.start(ctx, r, cellar.Periodic)
}

// start begins a scan of a project, where its account has that enabled.
func (s *Service) start(ctx context.Context, r ref, cause cellar.Cause) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := cellar.LookupProject(ctx, tx, r.At, r.ID)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		now := s.now()
		if cause == cellar.Periodic {
			at, ok := due(&p.Plan, now)
			if !ok {
				return nil // it was configured otherwise meanwhile
			}
			if err := ask(ctx, tx, JobPeriodic, p.At, p.ID, at); err != nil {
				return err
			}
		}
		if on, err := enabled(ctx, tx, r.At); err != nil || !on {
			return err
		}
		_, err = s.begin(ctx, tx, &p, cause, now)
		return ignore(err, errRunning)
	})
}

// work is a scan with what it is of.
type work struct {
	scan        cellar.Scan
	project     cellar.Project
	integration cellar.Integration
}

func (s *Service) load(ctx context.Context, r ref) (w work, ok bool, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		if w.scan, err = cellar.LookupScan(ctx, tx, r.At, r.ID); err != nil {
			return err
		}
		if w.project, err = cellar.LookupProject(ctx, tx, r.At, w.scan.Project); err != nil {
			return err
		}
		w.integration, err = cellar.LookupIntegration(ctx, tx, r.At, w.project.Integration)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return w, false, nil // deleted meanwhile
	}
	return w, err == nil && w.scan.Status == cellar.Running, err
}

// scan is the handler of JobScan.
func (s *Service) scan(ctx context.Context, job store.Job) error {
	r, err := payload[ref](job)
	if err != nil {
		return err
	}
	w, ok, err := s.load(ctx, r)
	if err != nil || !ok {
		return err
	}
	within, cancel := context.WithTimeout(ctx, scanWithin)
	defer cancel()
	inv, commit, cause := s.read(within, &w)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(cause, errSame):
		return s.ended(ctx, &w, cellar.Skipped, same, commit, "")
	case cause == nil:
		return s.complete(ctx, &w, inv, commit)
	}
	problem, again := problemOf(cause)
	if again && job.Attempts < attempts {
		return cause
	}
	return s.ended(ctx, &w, cellar.Failed, "The project could not be scanned: "+tell(cause)+".", commit, problem)
}

// problemOf is the reason of coverage for an error, and whether it may pass.
func problemOf(err error) (reason string, again bool) {
	switch {
	case denied(err):
		return "ACCESS_DENIED", false
	case errors.Is(err, git.ErrLimit):
		return "INTERNAL_ERROR", false
	case errors.Is(err, git.ErrNotFound):
		return "INTEGRATION_CONNECTION_LOST", false
	}
	return "INTEGRATION_CONNECTION_LOST", true
}

// errSame says that the project is where it was.
var errSame = errors.New("commit unchanged")

// read fetches a project and looks through it, unless that was done.
func (s *Service) read(ctx context.Context, w *work) (inv inventory.Inventory, commit string, err error) {
	p := &w.project
	if w.integration.Kind == cellar.Upload {
		return inv, p.Commit, errSame // it changes by uploads alone
	}
	r, err := s.remote(ctx, &w.integration, p)
	if err != nil {
		return inv, "", err
	}
	at, err := r.Head(ctx, p.Branch)
	if errors.Is(err, git.ErrEmpty) {
		return inv, "", nil
	}
	if err != nil {
		return inv, "", err
	}
	if s.unchanged(w, at.Commit) {
		return inv, at.Commit, errSame
	}
	inv, at, err = s.tree(ctx, r, at.Name)
	return inv, at.Commit, err
}

func (s *Service) unchanged(w *work, commit string) bool {
	if p := &w.project; p.Commit == commit && p.Problem == "" && !p.ScannedAt.IsZero() {
		age := s.now().Sub(p.ScannedAt)
		switch w.scan.Cause {
		case cellar.Periodic:
			return age < sameWhenPeriodic
		case cellar.Asked:
			return age < sameWhenAsked
		}
		return true
	}
	return false
}

// tree fetches a branch or a reference and makes an inventory of it.
func (s *Service) tree(ctx context.Context, r *git.Remote, name string) (inv inventory.Inventory, at git.Ref, err error) {
	if name == "HEAD" {
		name = ""
	}
	how := extract.Options{Paths: []string{"."}, More: lockfile.Kinds()}
	tree := layers.New(s.config.Temp, how.Wanted())
	defer func() { err = errors.Join(err, tree.Close()) }()
	if at, err = r.Apply(ctx, tree, name, s.config.Temp); err != nil {
		return inv, at, err
	}
	inv, err = extract.Root(ctx, tree, how)
	if err != nil && !errors.Is(err, extract.ErrIncomplete) {
		return inv, at, fmt.Errorf("look through %s: %w", at.Commit, err)
	}
	// A source tree is no system, whatever files it has.
	inv.OS = inventory.OS{}
	inv.Sort()
	return inv, at, nil
}

// complete stores what a scan read.
func (s *Service) complete(ctx context.Context, w *work, inv inventory.Inventory, commit string) error {
	return s.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
		p, i, err := s.current(ctx, tx, w)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		now := s.now()
		p.Commit, p.ScannedAt, p.TriedAt, p.Problem = commit, now, now, ""
		if err := s.end(ctx, tx, w, &p, cellar.Successful, scanned, commit, now); err != nil {
			return err
		}
		if err := s.settle(ctx, tx, &i, &p, now); err != nil {
			return err
		}
		if err := s.holds(ctx, tx, &p, &inv, now); err != nil {
			return err
		}
		return s.newer(ctx, tx, &p, now)
	})
}

// holds records what a project holds, and asks for its findings to follow.
func (s *Service) holds(ctx context.Context, tx *store.Tx, p *cellar.Project, inv *inventory.Inventory, now time.Time) error {
	hash := inv.Hash()
	id, err := catalog.PutInventory(ctx, tx, inv, hash, now)
	if err != nil {
		return err
	}
	r, err := catalog.LookupResource(ctx, tx, place(p))
	if err != nil {
		return err
	}
	if err := catalog.SetInventory(ctx, tx, &r, id, hash, now, now); err != nil {
		return err
	}
	return s.config.Scans.Changed(ctx, tx, &r, now)
}

// newer begins another scan where something was pushed meanwhile.
func (s *Service) newer(ctx context.Context, tx *store.Tx, p *cellar.Project, now time.Time) error {
	if p.Head == "" || p.Head == p.Commit || !p.Plan.On(push) {
		return nil
	}
	_, err := s.begin(ctx, tx, p, cellar.Pushed, now)
	return ignore(err, errRunning)
}

// current reads a scan's project and integration anew; store.ErrNotFound when
// they went or the scan ended meanwhile.
func (s *Service) current(ctx context.Context, tx *store.Tx, w *work) (p cellar.Project, i cellar.Integration, err error) {
	scan, err := cellar.LookupScan(ctx, tx, w.scan.At, w.scan.ID)
	if err == nil && scan.Status != cellar.Running {
		err = store.ErrNotFound
	}
	if err != nil {
		return p, i, err
	}
	if p, err = cellar.LookupProject(ctx, tx, w.scan.At, w.scan.Project); err != nil {
		return p, i, err
	}
	i, err = cellar.LookupIntegration(ctx, tx, p.At, p.Integration)
	if err == nil && i.Status == cellar.Disabling {
		err = store.ErrNotFound
	}
	return p, i, err
}

// end notes how a scan ended.
func (s *Service) end(ctx context.Context, tx *store.Tx, w *work, p *cellar.Project, status cellar.ScanStatus, reason, commit string, now time.Time) error {
	scan := w.scan
	scan.Status, scan.Reason, scan.Commit, scan.UpdatedAt = status, reason, commit, now
	if w.scan.Cause == cellar.Asked {
		p.OnDemand = &cellar.OnDemand{Commit: commit, At: now, Status: string(status)}
	}
	return cellar.EndScan(ctx, tx, scan)
}

// ended stores the end of a scan that read nothing.
func (s *Service) ended(ctx context.Context, w *work, status cellar.ScanStatus, reason, commit, problem string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, i, err := s.current(ctx, tx, w)
		if err != nil {
			return ignore(err, store.ErrNotFound)
		}
		now := s.now()
		if status == cellar.Failed {
			p.Problem, p.TriedAt = problem, now
		}
		if err := s.end(ctx, tx, w, &p, status, reason, commit, now); err != nil {
			return err
		}
		return s.settle(ctx, tx, &i, &p, now)
	})
}
