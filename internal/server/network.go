package server

import (
	"context"

	"muster/internal/collect"
	"muster/internal/network/exposure"
	"muster/internal/network/space"
	"muster/internal/pagetoken"
	"muster/internal/reach"
)

// reach builds the desk for networks.
func (s *Server) reach(d *desks, pages *pagetoken.Sealer) (*reach.Service, error) {
	trusted, err := s.config.TrustedBlocks()
	if err != nil {
		return nil, err
	}
	var ambient collect.Credentials
	if s.config.NetworkAmbientCredentials {
		if ambient, _, err = collect.Ambient(context.Background(), ""); err != nil {
			return nil, err
		}
	}
	return reach.New(reach.Config{
		Secrets: s.keyring, Ambient: ambient != nil, Credentials: ambient, Endpoint: s.config.NetworkEndpoint,
		Store: s.store, Pages: pages, Scans: d.scan, Regions: regionsOf(s.config), Every: s.config.NetworkInterval, Now: s.store.Now, Log: s.log,
		Findings: exposure.Options{Coarse: s.config.NetworkCoarse, Trusted: space.Of(trusted...)},
	}), nil
}
