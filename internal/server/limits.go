package server

import (
	"muster/internal/access/throttle"
	"muster/internal/config"
	"muster/internal/organizations"
	"muster/internal/organizations/quota"
)

// limits are the quotas of organizations: muster's own defaults with what the
// operator has changed.
func (s *Server) limits() (organizations.Limits, error) {
	changes, err := s.config.QuotaNumbers()
	if err != nil {
		return organizations.Limits{}, err
	}
	return quota.Default().With(changes)
}

// throttle is what keeps callers to AWS's rates, or nil.
func (s *Server) throttle() *throttle.Limiter {
	if s.config.Throttle != config.ThrottleAWS {
		return nil
	}
	return throttle.New()
}
