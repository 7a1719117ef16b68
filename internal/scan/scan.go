// Package scan carries what is known about resources to findings: it takes the
// inventories that hosts report, matches components that are new, matches again
// what a changed advisory touches, and keeps the findings of every resource as
// the rules of package finding want them.
//
// Everything after a report is a job, enqueued in the transaction that causes
// it. A scan works in one transaction: it reads the resource, its matches and
// the rules that govern it, and writes findings, history, counts, coverage and
// events together. It refuses to write what was matched against advisories
// that are no longer in service, and begins again with those that are, so
// nothing stale survives a swap however the jobs interleave.
package scan

import (
	"context"
	"sync"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/worker"
)

// The jobs that the desk runs.
const (
	// JobResource scans one resource; the payload is a Target.
	JobResource = "scan.resource"
	// JobSweep scans many resources whose findings a new generation of
	// advisories may change; the payload is a sweep.
	JobSweep = "scan.sweep"
	// JobAdvisories works off a new generation of advisories. Whatever its
	// payload says, it goes from the generation last worked off to the one in
	// service.
	JobAdvisories = "scan.advisories-changed"
	// JobAccount follows a change of an account's scan types; the payload is
	// an Account.
	JobAccount = "scan.account-changed"
	// JobAccounts does so for many accounts; the payload is an Accounts.
	JobAccounts = "scan.accounts-changed"
	// JobStale looks whether a resource still reports; the payload is a
	// Target.
	JobStale = "scan.stale"
	// JobDue scans a resource again whose verdict the passing of time changes;
	// the payload is a Target.
	JobDue = "scan.due"
	// JobSuppression applies the rules in force to an account's findings; the
	// payload is an Account.
	JobSuppression = "findings.resuppress"
	// JobHide lets a new or changed rule act on an account's findings, and
	// JobReveal brings those back that no rule hides any more; the payload is a
	// Suppression.
	JobHide   = "findings.hide"
	JobReveal = "findings.reveal"
	// JobRetention forgets closed findings and resources that are gone; the
	// payload is an Account.
	JobRetention = "findings.retention"
	// JobRecount counts the findings of an account anew; an upgrade asks for
	// it where it adds counts. The job names the account.
	JobRecount = "findings.recount"
)

// Target is the payload of the jobs about one resource.
type Target struct {
	Account arn.AccountID        `json:"account"`
	Region  arn.Region           `json:"region"`
	Type    finding.ResourceType `json:"type"`
	ID      string               `json:"id"`
}

// Account is the payload of the jobs about an account in a Region.
type Account struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
}

// Accounts is the payload of the jobs about many accounts in a Region.
type Accounts struct {
	Region   arn.Region      `json:"region"`
	Accounts []arn.AccountID `json:"accounts"`
}

// Advisories hands out the advisories in service. *refresh.Service is one.
type Advisories interface {
	// CurrentGeneration returns the set in service and its number, which
	// rises; the caller closes the set.
	CurrentGeneration(ctx context.Context) (*advisorydb.Set, int64, error)
	// Generation returns the set of a number, 0 being the empty one. An error
	// means that it cannot be compared with any more.
	Generation(ctx context.Context, number int64) (*advisorydb.Set, error)
}

// Config are the desk's parts and settings.
type Config struct {
	Store      *store.Store
	Advisories Advisories
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
	// StaleAfter is how long an inventory counts; 0 means seven days.
	StaleAfter time.Duration
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store

	mu sync.Mutex // guards contents
	// contents are shared by scans with the advisories in service.
	contents *contents
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = 7 * 24 * time.Hour
	}
	return &Service{config: c, store: c.Store}
}

// now is the time in UTC, as precise as it is stored.
func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{
		JobResource:   s.scanResource,
		JobSweep:      s.scanSweep,
		JobAdvisories: s.advisoriesChanged,
		JobAccount:    s.accountChanged,
		JobAccounts:   s.accountsChanged,
		JobStale:      s.lookForReport,
		JobDue:        s.scanResource,

		eligible.JobWindows: s.windowsChanged,
		JobSuppression:      s.resuppress,
		JobHide:             s.hide,
		JobReveal:           s.reveal,
		JobRetention:        s.forget,
		JobRecount:          s.recount,

		catalog.JobPost: s.post,
	}
}

func targetOf(p catalog.Place) Target { return Target(p) }

func (t Target) place() catalog.Place { return catalog.Place(t) }
