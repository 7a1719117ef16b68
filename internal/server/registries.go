package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	ecrapi "muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/ecr"
	"muster/internal/ecr/pass"
	"muster/internal/iam"
	"muster/internal/pagetoken"
	"muster/internal/registry"
	"muster/internal/registry/hosted"
	"muster/internal/registryapi/distribution"
	"muster/internal/source/guard"
)

// registries builds the parts about container registries.
func (s *Server) registries(d *desks, pages *pagetoken.Sealer) error {
	allowed, err := guard.New(s.config.RegistryNetworks)
	if err != nil {
		return fmt.Errorf("registry_networks: %w", err)
	}
	d.hosted = hosted.New(hosted.Config{Store: s.store, Images: d.scan, Room: s.config.ImageStorage, Now: s.store.Now})
	d.registry = registry.New(registry.Config{
		Hosted: d.hosted,
		Store:  s.store, Now: s.store.Now, Images: d.scan, Secrets: s.keyring, Pages: pages, Guard: allowed, Layers: filepath.Join(s.config.Data, "layers"),
		LayersMax: s.config.LayerCache,
	})
	d.passes = pass.New(s.keyring)
	d.ecr = ecr.New(ecr.Config{
		Store: s.store, Pages: pages, Images: d.scan, Registry: d.registry, Activate: d.activateECR, Hosted: d.hosted, Passes: d.passes, Endpoint: s.pushesTo,
	})
	return nil
}

// pushesTo is where a caller can push images: the public address, or the one
// that was called. In an emulator repositories are called as in AWS.
func (s *Server) pushesTo(call *awsmodel.Call) *url.URL {
	if s.emulation != nil || call.Host == "" || strings.HasSuffix(call.Host, ".amazonaws.com") {
		return nil
	}
	if u, err := url.Parse(s.config.PublicURL); err == nil && u.Host != "" {
		return &url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	u := &url.URL{Scheme: "http", Host: call.Host}
	if call.Secure {
		u.Scheme = "https"
	}
	return u
}

// distribution is the door at which images are pushed and pulled.
func (s *Server) distribution(d *desks) http.Handler {
	return distribution.New(distribution.Config{
		Hosted: d.hosted, Passes: d.passes, Operations: d.ecr.Handlers().Service().Operations, Authorize: d.authorize(), Attend: d.changes.Attend, Now: s.store.Now, Log: s.log,
		Known: func(ctx context.Context, id string) (bool, error) {
			_, err := s.keys.Lookup(ctx, id, "")
			if errors.Is(err, iam.ErrUnknownKey) {
				return false, nil
			}
			return err == nil, err
		},
	})
}

// activateECR switches Inspector's scanning of images on for a caller who may.
func (d *desks) activateECR(ctx context.Context, call *awsmodel.Call) error {
	resource := arn.New("inspector2", call.Region, call.Account(), "/enable")
	if err := d.access.Permit(ctx, call, "inspector2:Enable", resource, nil); err != nil {
		return err
	}
	out, err := d.inspector.Enable(ctx, call, &inspector2.EnableInput{ResourceTypes: []inspector2.ResourceScanType{inspector2.ResourceScanTypeEcr}})
	if err != nil {
		return &ecrapi.ValidationException{Message: "Enhanced scanning needs Amazon Inspector: " + err.Error()}
	}
	for _, failed := range out.FailedAccounts {
		return &ecrapi.ValidationException{Message: "Enhanced scanning needs Amazon Inspector: " + failed.ErrorMessage}
	}
	return nil
}
