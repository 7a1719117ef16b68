package ecr

import (
	"context"
	"encoding/json"
	"errors"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/registry"
)

// inForce is how the caller's registry is scanned.
func inForce(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (registry.Scanning, error) {
	scans, err := activation.ScansOf(ctx, tx, account, region)
	if err != nil {
		return registry.Scanning{}, err
	}
	set, err := registry.LookupScanning(ctx, tx, account, region)
	if errors.Is(err, store.ErrNotFound) {
		return eligible.InForce(nil, scans[activation.ECR]), nil
	}
	return eligible.InForce(&set, scans[activation.ECR]), err
}

// showScanning is it as callers see it.
func showScanning(c registry.Scanning) *api.RegistryScanningConfiguration {
	out := &api.RegistryScanningConfiguration{ScanType: api.ScanType(c.Type), Rules: []api.RegistryScanningRule{}}
	for _, r := range c.Rules {
		out.Rules = append(out.Rules, api.RegistryScanningRule{ScanFrequency: api.ScanFrequency(r.Frequency), RepositoryFilters: showFilters(r.Filters)})
	}
	return out
}

func showFilters(patterns []string) []api.ScanningRepositoryFilter {
	list := []api.ScanningRepositoryFilter{}
	for _, p := range patterns {
		list = append(list, api.ScanningRepositoryFilter{Filter: p, FilterType: api.ScanningRepositoryFilterTypeWildcard})
	}
	return list
}

// GetRegistryScanningConfiguration returns how the caller's registry is
// scanned.
func (s *Service) GetRegistryScanningConfiguration(ctx context.Context, call *awsmodel.Call, _ *api.GetRegistryScanningConfigurationInput) (*api.GetRegistryScanningConfigurationOutput, error) {
	c, err := store.Read(ctx, s.store, func(tx *store.Tx) (registry.Scanning, error) {
		return inForce(ctx, tx, call.Account(), call.Region)
	})
	if err != nil {
		return nil, err
	}
	return &api.GetRegistryScanningConfigurationOutput{RegistryId: new(string(call.Account())), ScanningConfiguration: showScanning(c)}, nil
}

// PutRegistryScanningConfiguration sets it, as a whole. Enhanced scanning is
// Inspector's, which it switches on.
func (s *Service) PutRegistryScanningConfiguration(ctx context.Context, call *awsmodel.Call, in *api.PutRegistryScanningConfigurationInput) (*api.PutRegistryScanningConfigurationOutput, error) {
	active, err := store.Read(ctx, s.store, func(tx *store.Tx) (registry.Scanning, error) {
		return inForce(ctx, tx, call.Account(), call.Region)
	})
	if err != nil {
		return nil, err
	}
	set := registry.Scanning{Type: string(in.ScanType), UpdatedAt: call.Time}
	if set.Type == "" {
		set.Type = active.Type
	}
	if set.Rules, err = rules(set.Type, in.Rules); err != nil {
		return nil, err
	}
	if set.Type == eligible.Enhanced && active.Type != eligible.Enhanced {
		if err := s.activate(ctx, call); err != nil {
			return nil, err
		}
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error { return s.setScanning(ctx, tx, call, set) })
	if err != nil {
		return nil, err
	}
	return &api.PutRegistryScanningConfigurationOutput{RegistryScanningConfiguration: showScanning(set)}, nil
}

// activate switches Inspector's scanning on unless it is.
func (s *Service) activate(ctx context.Context, call *awsmodel.Call) error {
	scans, err := store.Read(ctx, s.store, func(tx *store.Tx) (activation.Scans, error) {
		return activation.ScansOf(ctx, tx, call.Account(), call.Region)
	})
	if status := scans.Status(activation.ECR); err != nil || status == activation.Enabled || status == activation.Enabling {
		return err
	}
	return s.config.Activate(ctx, call)
}

// rules checks the rules of a configuration: at most one per frequency, and
// only those frequencies that the type has.
func rules(scanType string, list []api.RegistryScanningRule) ([]registry.Rule, error) {
	out := []registry.Rule{}
	seen := map[api.ScanFrequency]bool{}
	for _, r := range list {
		switch {
		case seen[r.ScanFrequency]:
			return nil, &api.ValidationException{Message: "There can be only one rule for the scan frequency " + string(r.ScanFrequency)}
		case scanType == eligible.Basic && r.ScanFrequency == api.ScanFrequencyContinuousScan:
			return nil, &api.ValidationException{Message: "Scan frequency CONTINUOUS_SCAN is not supported for scan type BASIC"}
		case scanType == eligible.Enhanced && r.ScanFrequency == api.ScanFrequencyManual:
			return nil, &api.ValidationException{Message: "Scan frequency MANUAL is not supported for scan type ENHANCED"}
		}
		seen[r.ScanFrequency] = true
		rule := registry.Rule{Frequency: string(r.ScanFrequency), Filters: []string{}}
		for _, f := range r.RepositoryFilters {
			rule.Filters = append(rule.Filters, f.Filter)
		}
		out = append(out, rule)
	}
	return out, nil
}

// setScanning stores how a registry is scanned, and tells of the repositories
// whose frequency that changes.
func (s *Service) setScanning(ctx context.Context, tx *store.Tx, call *awsmodel.Call, set registry.Scanning) error {
	before, err := inForce(ctx, tx, call.Account(), call.Region)
	if err != nil {
		return err
	}
	if err := registry.PutScanning(ctx, tx, call.Account(), call.Region, set); err != nil {
		return err
	}
	for after := ""; ; {
		page, err := registry.Repositories(ctx, tx, call.Account(), call.Region, after, changesAtOnce)
		if err != nil {
			return err
		}
		if err := announce(ctx, tx, call, page, before, set); err != nil {
			return err
		}
		if len(page) < changesAtOnce {
			return s.config.Images.Rejudge(ctx, tx, call.Account(), call.Region, call.Time)
		}
		after = page[len(page)-1].Name
	}
}

// changesAtOnce is how many repositories one event tells of.
const changesAtOnce = 100

// change is what an event tells of a repository.
type change struct {
	Name   string `json:"repository-name"`
	ARN    string `json:"repository-arn"`
	Now    string `json:"scan-frequency"`
	Before string `json:"previous-scan-frequency"`
}

// announce emits ECR's event for repositories that are scanned otherwise now.
func announce(ctx context.Context, tx *store.Tx, call *awsmodel.Call, page []registry.Repository, before, set registry.Scanning) error {
	var changes []change
	var resources []string
	for i := range page {
		was, _ := eligible.Frequency(before, page[i].Name)
		is, _ := eligible.Frequency(set, page[i].Name)
		if was != is {
			changes = append(changes, change{page[i].Name, string(page[i].ARN()), is, was})
			resources = append(resources, string(page[i].ARN()))
		}
	}
	if changes == nil {
		return nil
	}
	detail, err := json.Marshal(map[string]any{
		"action-type": "SCAN_FREQUENCY_CHANGE", "repositories": changes, "resource-type": "REPOSITORY", "scan-type": set.Type,
	})
	if err != nil {
		return err
	}
	return tx.Emit(ctx, store.Event{
		Account: string(call.Account()), Region: string(call.Region), Source: "aws.ecr", DetailType: "ECR Scan Resource Change",
		Resources: resources, Detail: detail, Time: call.Time,
	})
}

// BatchGetRepositoryScanningConfiguration tells how repositories are scanned.
func (s *Service) BatchGetRepositoryScanningConfiguration(ctx context.Context, call *awsmodel.Call, in *api.BatchGetRepositoryScanningConfigurationInput) (*api.BatchGetRepositoryScanningConfigurationOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.BatchGetRepositoryScanningConfigurationOutput, error) {
		c, err := inForce(ctx, tx, call.Account(), call.Region)
		if err != nil {
			return nil, err
		}
		out := &api.BatchGetRepositoryScanningConfigurationOutput{
			ScanningConfigurations: []api.RepositoryScanningConfiguration{}, Failures: []api.RepositoryScanningConfigurationFailure{},
		}
		for _, name := range in.RepositoryNames {
			r, err := registry.LookupRepository(ctx, tx, call.Account(), call.Region, name)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, api.RepositoryScanningConfigurationFailure{
					RepositoryName: new(name), FailureCode: api.ScanningConfigurationFailureCodeRepositoryNotFound,
					FailureReason: new("REPOSITORY_NOT_FOUND"),
				})
				continue
			}
			if err != nil {
				return nil, err
			}
			out.ScanningConfigurations = append(out.ScanningConfigurations, scanningOf(&r, c))
		}
		return out, nil
	})
}

func scanningOf(r *registry.Repository, c registry.Scanning) api.RepositoryScanningConfiguration {
	frequency, applied := eligible.Frequency(c, r.Name)
	if c.Type == eligible.Basic {
		if applied = eligible.Applied(c.Rules, eligible.OnPush, r.Name); applied != nil || r.ScanOnPush {
			frequency = eligible.OnPush
		}
	}
	return api.RepositoryScanningConfiguration{
		RepositoryArn: new(string(r.ARN())), RepositoryName: new(r.Name), ScanOnPush: new(frequency == eligible.OnPush),
		ScanFrequency: api.ScanFrequency(frequency), AppliedScanFilters: showFilters(applied),
	}
}

// StartImageScan is basic scanning's. Under enhanced scanning AWS has it
// disabled, and there is no other here.
func (s *Service) StartImageScan(ctx context.Context, call *awsmodel.Call, in *api.StartImageScanInput) (*api.StartImageScanOutput, error) {
	err := s.store.View(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err == nil {
			_, err = one(ctx, tx, &r, in.ImageId)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return nil, &api.ValidationException{Message: "This feature is disabled"}
}
