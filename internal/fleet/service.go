// Package fleet is the desk for muster's own agents: who may enrol, which key
// speaks for which host, and what a host may report.
//
// An account's administrator asks for an activation; an agent turns its code
// into a host identity with a key that never leaves the machine; from then on
// the host's signed reports are accepted in the order of their sequence
// numbers, each handed on in the transaction that records it. A host can only
// ever speak for itself, and a refused request changes nothing.
package fleet

import (
	"context"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// Report is what a host says is installed on it, verified to come from it.
type Report struct {
	Account arn.AccountID
	Region  arn.Region
	HostID  string
	// Label is what the host is called, Tags its other tags.
	Label string
	Tags  map[string]string
	// Inventory is the content, or nil in a heartbeat: the host still
	// carries the inventory of Hash.
	Inventory *inventory.Inventory
	Hash      string
	// Stopping says that the machine is shutting down.
	Stopping bool
	// Evidence is what the host says about itself, if that has changed; else
	// nil.
	Evidence *agentwire.Evidence
	// CollectedAt is the host's word for when it looked; ReceivedAt is ours.
	CollectedAt, ReceivedAt time.Time
}

// Inventories takes what hosts report. The scan desk implements it.
type Inventories interface {
	// Known reports whether the content of the hash is stored.
	Known(ctx context.Context, hash string) (bool, error)
	// Content returns what is stored under a hash, or store.ErrNotFound.
	Content(ctx context.Context, hash string) (inventory.Inventory, error)
	// Accept records in tx that the host carries the report's inventory, and
	// asks for what follows from it. It is called for every accepted report,
	// the unchanged ones too. A heartbeat whose content is not stored after
	// all is answered with ErrUnknownInventory.
	Accept(ctx context.Context, tx *store.Tx, r Report) error
}

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Options are the desk's parts and settings.
type Options struct {
	// Inventories takes the reports; required.
	Inventories Inventories
	// Pages seals page tokens; required.
	Pages Pager
	// Regions are the Regions of the installation; empty means any.
	Regions []arn.Region
	// Revoked, if set, is told within the transaction that a host may no
	// longer report, so that its resource can end.
	Revoked func(ctx context.Context, tx *store.Tx, host fleet.Host, now time.Time) error
	// Enrolled, if set, is told within the transaction that a host may report
	// from now on, and Changed that its tags or its state are others; dropped
	// are the keys of tags that it lost.
	Enrolled func(ctx context.Context, tx *store.Tx, host fleet.Host, now time.Time) error
	Changed  func(ctx context.Context, tx *store.Tx, host fleet.Host, dropped []string, now time.Time) error
	// KeyAge is how old a host's key may become before the host is asked for
	// another; 0 means any age.
	KeyAge time.Duration
	// OldestAgent is the oldest version of agents that are served, as in
	// "v1.2.0"; empty means any.
	OldestAgent string
	// ReportEvery is how often hosts report when nothing changes; 0 means
	// every 30 minutes, as Inspector looks at inventories.
	ReportEvery time.Duration
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	store *store.Store
	opts  Options
}

// New returns the desk over a store.
func New(s *store.Store, opts Options) *Service {
	if opts.ReportEvery <= 0 {
		opts.ReportEvery = 30 * time.Minute
	}
	return &Service{store: s, opts: opts}
}

// Handlers lists the operations of the muster service that this desk
// implements; other desks have the others.
func (s *Service) Handlers() muster.Handlers {
	return muster.Handlers{
		CreateActivation: s.CreateActivation,
		ListActivations:  s.ListActivations,
		DeleteActivation: s.DeleteActivation,
		ListHosts:        s.ListHosts,
		GetHost:          s.GetHost,
		RotateHostKey:    s.RotateHostKey,
		TagHost:          s.TagHost,
		UntagHost:        s.UntagHost,
		SetHostState:     s.SetHostState,
		RevokeHost:       s.RevokeHost,
	}
}

// seconds is the report interval as agents are told it.
func (s *Service) seconds() int { return int(s.opts.ReportEvery / time.Second) }
