package handshakes

import (
	"time"

	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
)

// The lives of handshakes.
const (
	invitationLife  = 15 * 24 * time.Hour
	allFeaturesLife = 90 * 24 * time.Hour
	// listed is how long a finished handshake can still be seen.
	listed = 30 * 24 * time.Hour
	// day is what the limit of invitations is counted over.
	day = 24 * time.Hour
)

// Service is the desk. It is safe for concurrent use.
type Service struct {
	store *store.Store
	// directory admits callers, lists in pages and joins accounts.
	directory *organizations.Service
	now       func() time.Time
}

// New returns the desk over a store and the desk of the directory. now is the
// clock of jobs; nil means time.Now.
func New(st *store.Store, directory *organizations.Service, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{store: st, directory: directory, now: now}
}

// AddHandlers adds this desk's operations to Organizations' others.
func (s *Service) AddHandlers(h *api.Handlers) {
	h.InviteAccountToOrganization = s.InviteAccountToOrganization
	h.AcceptHandshake = s.AcceptHandshake
	h.DeclineHandshake = s.DeclineHandshake
	h.CancelHandshake = s.CancelHandshake
	h.DescribeHandshake = s.DescribeHandshake
	h.ListHandshakesForAccount = s.ListHandshakesForAccount
	h.ListHandshakesForOrganization = s.ListHandshakesForOrganization
	h.EnableAllFeatures = s.EnableAllFeatures

	h.InviteOrganizationToTransferResponsibility = s.InviteOrganizationToTransferResponsibility
	h.DescribeResponsibilityTransfer = s.DescribeResponsibilityTransfer
	h.UpdateResponsibilityTransfer = s.UpdateResponsibilityTransfer
	h.TerminateResponsibilityTransfer = s.TerminateResponsibilityTransfer
	h.ListInboundResponsibilityTransfers = s.ListInboundResponsibilityTransfers
	h.ListOutboundResponsibilityTransfers = s.ListOutboundResponsibilityTransfers
}
