package server

import (
	"context"
	"fmt"
	"path/filepath"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	ecrapi "muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/ecr"
	"muster/internal/pagetoken"
	"muster/internal/registry"
	"muster/internal/source/guard"
)

// registries builds the parts about container registries.
func (s *Server) registries(d *desks, pages *pagetoken.Sealer) error {
	allowed, err := guard.New(s.config.RegistryNetworks)
	if err != nil {
		return fmt.Errorf("registry_networks: %w", err)
	}
	d.registry = registry.New(registry.Config{
		Store: s.store, Now: s.store.Now, Images: d.scan, Secrets: s.keyring, Pages: pages, Guard: allowed, Layers: filepath.Join(s.config.Data, "layers"),
		LayersMax: s.config.LayerCache,
	})
	d.ecr = ecr.New(ecr.Config{Store: s.store, Pages: pages, Images: d.scan, Registry: d.registry, Activate: d.activateECR})
	return nil
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
