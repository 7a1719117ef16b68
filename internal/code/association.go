package code

import (
	"context"
	"errors"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// maxAssociations is how many configurations a project is associated with.
const maxAssociations = 20

// BatchAssociateCodeSecurityScanConfiguration associates projects of the caller
// with configurations of its own or its organization's.
func (s *Service) BatchAssociateCodeSecurityScanConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchAssociateCodeSecurityScanConfigurationInput) (*inspector2.BatchAssociateCodeSecurityScanConfigurationOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*inspector2.BatchAssociateCodeSecurityScanConfigurationOutput, error) {
		b := batch{good: []inspector2.SuccessfulAssociationResult{}, bad: []inspector2.FailedAssociationResult{}}
		for _, r := range in.AssociateConfigurationRequests {
			if err := b.add(r.ScanConfigurationArn, r.Resource, s.associate(ctx, tx, call, r.ScanConfigurationArn, r.Resource, true)); err != nil {
				return nil, err
			}
		}
		return &inspector2.BatchAssociateCodeSecurityScanConfigurationOutput{SuccessfulAssociations: b.good, FailedAssociations: b.bad}, nil
	})
}

// BatchDisassociateCodeSecurityScanConfiguration ends associations.
func (s *Service) BatchDisassociateCodeSecurityScanConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchDisassociateCodeSecurityScanConfigurationInput) (*inspector2.BatchDisassociateCodeSecurityScanConfigurationOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*inspector2.BatchDisassociateCodeSecurityScanConfigurationOutput, error) {
		b := batch{good: []inspector2.SuccessfulAssociationResult{}, bad: []inspector2.FailedAssociationResult{}}
		for _, r := range in.DisassociateConfigurationRequests {
			if err := b.add(r.ScanConfigurationArn, r.Resource, s.associate(ctx, tx, call, r.ScanConfigurationArn, r.Resource, false)); err != nil {
				return nil, err
			}
		}
		return &inspector2.BatchDisassociateCodeSecurityScanConfigurationOutput{SuccessfulAssociations: b.good, FailedAssociations: b.bad}, nil
	})
}

// batch gathers the results of a call.
type batch struct {
	good []inspector2.SuccessfulAssociationResult
	bad  []inspector2.FailedAssociationResult
}

// add adds the result for a pair; only trouble of our own ends the call.
func (b *batch) add(configuration string, r *inspector2.CodeSecurityResource, err error) error {
	var f failure
	switch {
	case err == nil:
		b.good = append(b.good, inspector2.SuccessfulAssociationResult{ScanConfigurationArn: &configuration, Resource: r})
	case errors.As(err, &f):
		b.bad = append(b.bad, inspector2.FailedAssociationResult{ScanConfigurationArn: &configuration, Resource: r, StatusCode: f.code, StatusMessage: &f.message})
	default:
		return err
	}
	return nil
}

// failure is why one pair of a batch failed.
type failure struct {
	code    inspector2.AssociationResultStatusCode
	message string
}

func (f failure) Error() string { return f.message }

// associate makes or ends one association.
func (s *Service) associate(ctx context.Context, tx *store.Tx, call *awsmodel.Call, text string, r *inspector2.CodeSecurityResource, on bool) error {
	if r == nil || r.ProjectId == nil {
		return failure{inspector2.AssociationResultStatusCodeInvalidInput, "The resource needs a projectId."}
	}
	c, err := configuration(ctx, tx, call, text)
	if missing(err) {
		return failure{inspector2.AssociationResultStatusCodeScanConfigurationNotFound, "There is no such scan configuration."}
	}
	if err != nil {
		return err
	}
	if c.Scope == cellar.All {
		return failure{inspector2.AssociationResultStatusCodeInvalidInput, "A configuration of the scope ALL holds for every project by itself."}
	}
	p, err := project(ctx, tx, own(call), r)
	if missing(err) {
		return failure{inspector2.AssociationResultStatusCodeResourceNotFound, "There is no such project in this account and Region."}
	}
	if err != nil {
		return err
	}
	return s.connectTo(ctx, tx, &p, &c, on)
}

// missing reports whether what was asked for is not there.
func missing(err error) bool {
	var absent *inspector2.ResourceNotFoundException
	return errors.As(err, &absent)
}

func (s *Service) connectTo(ctx context.Context, tx *store.Tx, p *cellar.Project, c *cellar.Configuration, on bool) error {
	a := cellar.Association{At: p.At, Project: p.ID, Holder: c.Account, Configuration: c.ID}
	if !on {
		was, err := cellar.Disassociate(ctx, tx, a)
		if err == nil && !was {
			return failure{inspector2.AssociationResultStatusCodeResourceNotFound, "The project is not associated with the scan configuration."}
		}
		if err != nil {
			return err
		}
		return s.settleAlone(ctx, tx, p)
	}
	had, err := cellar.AssociatedWith(ctx, tx, p.At, p.ID)
	if err != nil {
		return err
	}
	if len(had) >= maxAssociations {
		return failure{inspector2.AssociationResultStatusCodeQuotaExceeded, "The project is associated with as many scan configurations as it can be."}
	}
	if _, err := cellar.Associate(ctx, tx, a); err != nil {
		return err
	}
	return s.settleAlone(ctx, tx, p)
}

// ListCodeSecurityScanConfigurationAssociations lists the caller's projects
// that a configuration holds for: of the scope ALL, all of them.
func (s *Service) ListCodeSecurityScanConfigurationAssociations(ctx context.Context, call *awsmodel.Call, in *inspector2.ListCodeSecurityScanConfigurationAssociationsInput) (*inspector2.ListCodeSecurityScanConfigurationAssociationsOutput, error) {
	const op = "ListCodeSecurityScanConfigurationAssociations"
	after, err := s.after(call, op, in.ScanConfigurationArn, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]string, error) {
		c, err := configuration(ctx, tx, call, in.ScanConfigurationArn)
		if err != nil {
			return nil, err
		}
		if c.Scope != cellar.All {
			return cellar.AssociationsWith(ctx, tx, own(call), c.ID, after, limit+1)
		}
		projects, err := cellar.Projects(ctx, tx, own(call), after, limit+1)
		var ids []string
		for _, p := range projects {
			ids = append(ids, p.ID)
		}
		return ids, err
	})
	if err != nil {
		return nil, err
	}
	out := &inspector2.ListCodeSecurityScanConfigurationAssociationsOutput{Associations: []inspector2.CodeSecurityScanConfigurationAssociationSummary{}}
	list, out.NextToken = cut(s, call, op, in.ScanConfigurationArn, list, limit, func(id string) string { return id })
	for _, id := range list {
		out.Associations = append(out.Associations, inspector2.CodeSecurityScanConfigurationAssociationSummary{Resource: &inspector2.CodeSecurityResource{ProjectId: new(id)}})
	}
	return out, nil
}
