// Package rollout is the desk for orders to switch scan types on or off for a
// whole organization, a unit or a selection of accounts, in many Regions at
// once. AWS's Enable takes a hundred accounts of one Region and needs every
// one of them associated before; a rollout takes any number, associates as it
// goes, and one account, type or Region that fails never fails the rest.
//
// An order is stored with the accounts it is for, and jobs, one per Region,
// work through them portion by portion: what a portion changes, what became of
// its accounts and how far the job has come commit together, so that a killed
// process repeats nothing and forgets nothing.
//
// Only the delegated administrator of a Region reaches other accounts there;
// everybody else reaches the own account. What Enable, Disable and
// AssociateMember need by IAM, an order needs, too.
package rollout

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/worker"
)

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Inspector carries orders out, some hundred accounts at a time.
// *inspector.Service is one.
type Inspector interface {
	BulkPermitted(ctx context.Context, tx *store.Tx, b inspector.Bulk) error
	Bulk(ctx context.Context, tx *store.Tx, b inspector.Bulk, accounts []arn.AccountID, now time.Time) ([]inspector.BulkResult, error)
}

// Access answers for the actions beside the called one that an order needs.
type Access interface {
	Permit(ctx context.Context, call *awsmodel.Call, action string, resource arn.ARN, keys map[string][]string) error
}

// Config are the desk's parts and settings.
type Config struct {
	Store     *store.Store
	Pages     Pager
	Inspector Inspector
	// Access checks further permissions; nil permits everything.
	Access Access
	// Regions are the Regions of the installation.
	Regions []arn.Region
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
	// Portion is how many accounts one transaction changes; 0 means 500.
	Portion int
}

// Service is the desk. It is safe for concurrent use.
type Service struct{ config Config }

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Portion <= 0 {
		c.Portion = 500
	}
	return &Service{c}
}

// AddHandlers adds the desk's operations to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.StartRollout = s.StartRollout
	h.GetRollout = s.GetRollout
	h.ListRollouts = s.ListRollouts
	h.ListRolloutResults = s.ListRolloutResults
	h.CancelRollout = s.CancelRollout
	h.ListAccountStates = s.ListAccountStates
}

// The kinds of the desk's jobs.
const (
	// jobRun works through an order in one Region.
	jobRun = "rollout.run"
	// jobForget deletes an order that ended long ago.
	jobForget = "rollout.forget"
)

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{jobRun: s.run, jobForget: s.forget}
}
