package organizations

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// RegisterDelegatedAdministrator registers a member for a service.
func (s *Service) RegisterDelegatedAdministrator(ctx context.Context, call *awsmodel.Call, in *api.RegisterDelegatedAdministratorInput) (*api.RegisterDelegatedAdministratorOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.RegisterDelegatedAdministratorOutput, error) {
		m, err := s.Admit(ctx, tx, call, "RegisterDelegatedAdministrator", in)
		if err != nil {
			return nil, err
		}
		return &api.RegisterDelegatedAdministratorOutput{},
			RegisterDelegatedAdministrator(ctx, tx, m, arn.AccountID(in.AccountId), in.ServicePrincipal, Explicit, call.Time)
	})
}

// DeregisterDelegatedAdministrator ends a registration.
func (s *Service) DeregisterDelegatedAdministrator(ctx context.Context, call *awsmodel.Call, in *api.DeregisterDelegatedAdministratorInput) (*api.DeregisterDelegatedAdministratorOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DeregisterDelegatedAdministratorOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DeregisterDelegatedAdministrator", in)
		if err != nil {
			return nil, err
		}
		account := arn.AccountID(in.AccountId)
		if err := DeregisterDelegatedAdministrator(ctx, tx, m, account, in.ServicePrincipal); err != nil {
			return nil, err
		}
		return &api.DeregisterDelegatedAdministratorOutput{}, s.tell(func(o Observer) error {
			return o.DelegatedAdministratorDeregistered(ctx, tx, m.Org, account, in.ServicePrincipal, call.Time)
		})
	})
}

// ListDelegatedAdministrators lists the registered accounts by id, of one
// service or of all.
func (s *Service) ListDelegatedAdministrators(ctx context.Context, call *awsmodel.Call, in *api.ListDelegatedAdministratorsInput) (*api.ListDelegatedAdministratorsOutput, error) {
	var principal string
	if in.ServicePrincipal != nil {
		principal = *in.ServicePrincipal
	}
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListDelegatedAdministratorsOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListDelegatedAdministrators", in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListDelegatedAdministrators", principal, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if !m.AllFeatures() {
			return nil, refusal.NotAllFeatures()
		}
		if principal != "" && !recognized(principal) {
			return nil, unrecognizedServicePrincipal()
		}
		read, err := administrators(ctx, tx, m.Org, principal, l)
		if err != nil {
			return nil, err
		}
		var out api.ListDelegatedAdministratorsOutput
		out.DelegatedAdministrators, out.NextToken = cut(l, read, func(a administrator) string { return string(a.ID) },
			func(a administrator) api.DelegatedAdministrator { return administratorOutput(m, a) })
		return &out, nil
	})
}

// administrator is an account with the date of its (first) registration.
type administrator struct {
	Account
	registered directory.Administrator
}

func administrators(ctx context.Context, tx *store.Tx, org OrganizationID, principal string, l listing) ([]administrator, error) {
	list, err := directory.Administrators(ctx, tx, org, principal, arn.AccountID(l.after), l.ask())
	if err != nil {
		return nil, err
	}
	read := make([]administrator, 0, len(list))
	for _, r := range list {
		a, err := directory.LookupMember(ctx, tx, org, r.Account)
		if err != nil {
			return nil, err
		}
		read = append(read, administrator{Account: a, registered: r})
	}
	return read, nil
}

func administratorOutput(m Membership, a administrator) api.DelegatedAdministrator {
	return api.DelegatedAdministrator{
		Id:                    new(string(a.ID)),
		Arn:                   accountARN(m.Management, m.Org, a.ID),
		Email:                 new(a.Email),
		Name:                  new(a.Name),
		Status:                legacyStatus(a.State),
		State:                 api.AccountState(a.State),
		JoinedMethod:          api.AccountJoinedMethod(a.JoinedMethod),
		JoinedTimestamp:       new(a.JoinedAt),
		DelegationEnabledDate: new(a.registered.EnabledAt),
	}
}

// ListDelegatedServicesForAccount lists the services an account is registered
// for, by name.
func (s *Service) ListDelegatedServicesForAccount(ctx context.Context, call *awsmodel.Call, in *api.ListDelegatedServicesForAccountInput) (*api.ListDelegatedServicesForAccountOutput, error) {
	account := arn.AccountID(in.AccountId)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListDelegatedServicesForAccountOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListDelegatedServicesForAccount", in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListDelegatedServicesForAccount", account, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if err := isAdministrator(ctx, tx, m, account); err != nil {
			return nil, err
		}
		read, err := directory.DelegationsOf(ctx, tx, m.Org, account, l.after, l.ask())
		if err != nil {
			return nil, err
		}
		var out api.ListDelegatedServicesForAccountOutput
		out.DelegatedServices, out.NextToken = cut(l, read, func(d Delegation) string { return d.Principal },
			func(d Delegation) api.DelegatedService {
				return api.DelegatedService{ServicePrincipal: new(d.Principal), DelegationEnabledDate: new(d.EnabledAt)}
			})
		return &out, nil
	})
}

// isAdministrator refuses an account without any registration.
func isAdministrator(ctx context.Context, tx *store.Tx, m Membership, account arn.AccountID) error {
	if !m.AllFeatures() {
		return refusal.NotAllFeatures()
	}
	if _, err := directory.LookupMember(ctx, tx, m.Org, account); err != nil {
		return refusal.Missing(err, refusal.AccountNotFound())
	}
	n, err := directory.CountDelegationsOf(ctx, tx, m.Org, account)
	if err == nil && n == 0 {
		err = accountNotRegistered()
	}
	return err
}
