package organizations

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// EnableAWSServiceAccess gives a service trusted access. Once more succeeds
// and keeps the first date.
func (s *Service) EnableAWSServiceAccess(ctx context.Context, call *awsmodel.Call, in *api.EnableAWSServiceAccessInput) (*api.EnableAWSServiceAccessOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.EnableAWSServiceAccessOutput, error) {
		m, err := s.Admit(ctx, tx, call, "EnableAWSServiceAccess", in)
		if err != nil {
			return nil, err
		}
		changed, err := EnableTrustedAccess(ctx, tx, m, in.ServicePrincipal, call.Time)
		if err == nil && changed {
			err = s.tell(func(o Observer) error {
				return o.TrustedAccessEnabled(ctx, tx, m.Org, m.Management, in.ServicePrincipal, call.Time)
			})
		}
		return &api.EnableAWSServiceAccessOutput{}, err
	})
}

// DisableAWSServiceAccess takes a service's trusted access away. Without any
// it succeeds too.
func (s *Service) DisableAWSServiceAccess(ctx context.Context, call *awsmodel.Call, in *api.DisableAWSServiceAccessInput) (*api.DisableAWSServiceAccessOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DisableAWSServiceAccessOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DisableAWSServiceAccess", in)
		if err != nil {
			return nil, err
		}
		changed, err := DisableTrustedAccess(ctx, tx, m, in.ServicePrincipal)
		if err == nil && changed {
			err = s.tell(func(o Observer) error {
				return o.TrustedAccessDisabled(ctx, tx, m.Org, m.Management, in.ServicePrincipal, call.Time)
			})
		}
		return &api.DisableAWSServiceAccessOutput{}, err
	})
}

// ListAWSServiceAccessForOrganization lists the services with access by name.
func (s *Service) ListAWSServiceAccessForOrganization(ctx context.Context, call *awsmodel.Call, in *api.ListAWSServiceAccessForOrganizationInput) (*api.ListAWSServiceAccessForOrganizationOutput, error) {
	const op = "ListAWSServiceAccessForOrganization"
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListAWSServiceAccessForOrganizationOutput, error) {
		m, err := s.Admit(ctx, tx, call, op, in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, op, nil, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if !m.AllFeatures() {
			return nil, refusal.NotAllFeatures()
		}
		read, err := directory.TrustedServices(ctx, tx, m.Org, l.after, l.ask())
		if err != nil {
			return nil, err
		}
		var out api.ListAWSServiceAccessForOrganizationOutput
		out.EnabledServicePrincipals, out.NextToken = cut(l, read,
			func(t directory.TrustedService) string { return t.Principal },
			func(t directory.TrustedService) api.EnabledServicePrincipal {
				return api.EnabledServicePrincipal{ServicePrincipal: new(t.Principal), DateEnabled: new(t.EnabledAt)}
			})
		return &out, nil
	})
}
