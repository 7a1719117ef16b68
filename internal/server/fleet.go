package server

import (
	"context"
	"time"

	"muster/internal/fleet"
	"muster/internal/pagetoken"
	"muster/internal/store"
	hosts "muster/internal/store/fleet"
)

// fleet builds the desk of the agents' hosts and has the scan desk follow them.
func (s *Server) fleet(d *desks, pages *pagetoken.Sealer) *fleet.Service {
	return fleet.New(s.store, fleet.Options{
		Inventories: d.scan, Pages: pages, Regions: regionsOf(s.config),
		KeyAge: s.config.AgentKeyAge, OldestAgent: s.config.AgentOldest,
		Enrolled: func(ctx context.Context, tx *store.Tx, h hosts.Host, now time.Time) error {
			return d.scan.HostEnrolled(ctx, tx, reportOf(h, now))
		},
		Changed: func(ctx context.Context, tx *store.Tx, h hosts.Host, dropped []string, now time.Time) error {
			return d.scan.HostChanged(ctx, tx, reportOf(h, now), dropped)
		},
		Revoked: func(ctx context.Context, tx *store.Tx, h hosts.Host, now time.Time) error {
			return d.scan.HostRevoked(ctx, tx, h.Account, h.Region, string(h.ID), now)
		},
	})
}

// reportOf is what a host's record says, without its packages.
func reportOf(h hosts.Host, now time.Time) fleet.Report {
	return fleet.Report{
		Account: h.Account, Region: h.Region, HostID: string(h.ID), Label: h.Label, Tags: h.Tags, Stopping: h.Stopped, ReceivedAt: now,
	}
}
