// Package reach is the desk for networks: it takes the facts that accounts tell
// of theirs, works out what of their instances can be reached, and answers who
// reaches whom.
//
// The facts of an organization's accounts and Regions are looked at together,
// because subnets are shared and networks are joined. What comes out is stored
// per instance; the scan desk makes findings of it, in the same way as of
// packages, whether and when an account scans instances. Everything happens
// again when facts change and every twelve hours.
//
// An account tells facts of itself only, unless a delegated administrator tells
// them for a member. What it says of others' resources counts while those say
// nothing, and never opens a finding on their instances.
package reach

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"muster/internal/admit"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/collect"
	"muster/internal/network/exposure"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/worker"
)

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Scans asks the scan desk for what follows. *scan.Service is one.
type Scans interface {
	// Ask asks for resources to be scanned.
	Ask(ctx context.Context, tx *store.Tx, places []catalog.Place, now time.Time) error
	// AskToForget asks for resources that are gone to be forgotten in time.
	AskToForget(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error
}

// Config are the desk's parts and settings.
type Config struct {
	Store *store.Store
	Pages Pager
	Scans Scans
	// Regions are the Regions of the installation; empty means any.
	Regions []arn.Region
	// Findings says how findings are made.
	Findings exposure.Options
	// Every is how often findings are worked out when nothing changes; 0
	// means every twelve hours, as Inspector does.
	Every time.Duration
	// Secrets seals the keys of collectors. Ambient lets collectors without a
	// key of their own use Credentials, the server's. Endpoint is asked in
	// place of AWS, unless it is empty, by HTTP, nil for a usual client.
	Secrets     Secrets
	Ambient     bool
	Credentials collect.Credentials
	Endpoint    string
	HTTP        *http.Client
	// Uploads bounds how many uploads are handled at a time and how many wait,
	// which costs memory; accounts take turns. The zero value means two at a time
	// and sixteen that wait.
	Uploads admit.Limits
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
	// Log is told what nobody asked for; nil means silence.
	Log *slog.Logger
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
	// reading has room for one: reading facts takes memory.
	reading chan struct{}
	uploads *admit.Gate
	parts   parts
	views   views
	follows following
}

// New returns the desk.
func New(c Config) *Service {
	if c.Every == 0 {
		c.Every = 12 * time.Hour
	}
	if c.Uploads == (admit.Limits{}) {
		c.Uploads = admit.Limits{Inside: 2, Waiting: 16, Patience: 20 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{config: c, store: c.Store, reading: make(chan struct{}, 1), uploads: admit.New(c.Uploads)}
}

// now is the time in UTC, as precise as it is stored.
func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// AddHandlers adds the desk's operations to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.UploadNetworkFacts = s.UploadNetworkFacts
	h.DeleteNetworkFacts = s.DeleteNetworkFacts
	h.ListNetworkSnapshots = s.ListNetworkSnapshots
	h.ExplainReachability = s.ExplainReachability
	h.ListNetworkConnections = s.ListNetworkConnections
	h.CreateNetworkCollector = s.CreateNetworkCollector
	h.UpdateNetworkCollector = s.UpdateNetworkCollector
	h.ListNetworkCollectors = s.ListNetworkCollectors
	h.DeleteNetworkCollector = s.DeleteNetworkCollector
	h.StartNetworkCollection = s.StartNetworkCollection
}

// JobAnalyse works out what can be reached; the payload is a topology.Unit.
const JobAnalyse = "network.analyse"

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobAnalyse: s.analyse, JobRound: s.round, JobCollect: s.collect}
}
