package server

import (
	"muster/internal/doctor"
	"muster/internal/pagetoken"
)

// doctor builds the desk that diagnoses set-ups.
func (s *Server) doctor(d *desks, pages *pagetoken.Sealer) *doctor.Service {
	c := doctor.Config{
		Store: s.store, Pages: pages, Access: d.access, Regions: regionsOf(s.config), MemberLimit: int(s.config.MemberLimit),
		AdvisoriesOptional: s.emulation != nil,
	}
	if limits, err := s.limits(); err == nil { // a wrong one keeps the server from starting
		c.AccountLimit = limits.Accounts
	}
	return doctor.New(c)
}
