package inspector

import (
	"context"
	"errors"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// Scope is the accounts whose data a caller may see in a Region; its Where
// says them in SQL.
type Scope = activation.Scope

// VisibleAccounts returns the scope of an account in a Region: itself, and its
// associated members when it is the delegated administrator there.
func VisibleAccounts(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Scope, error) {
	s, err := standingOf(ctx, tx, account, region)
	if err != nil {
		return Scope{}, err
	}
	return Scope{Own: account, Region: region, Administrator: s.IsAdministrator(), Organization: s.Organization}, nil
}

// PermitRule returns the refusal of an operation that would change a stored
// suppression rule, or nil when the caller's account may: a member may not.
// The matrix sees only what a request says, and a request names a rule by its
// ARN alone.
func PermitRule(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string) error {
	s, err := standingOf(ctx, tx, call.Account(), call.Region)
	if err != nil || !s.IsMember() {
		return err
	}
	return relation.Denied(s, op)
}

// standingOf returns how an account stands to its organization in a Region.
func standingOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (relation.Standing, error) {
	s := relation.Standing{Account: account, Region: region}
	found, err := activation.StandingOf(ctx, tx, account, region)
	if err != nil {
		return s, ignore(err, store.ErrNotFound)
	}
	s.Organization, s.Management = found.Organization, found.Management
	s.Administrator, s.Associated = found.Administrator, found.Associated
	return s, nil
}

// ignore is err, or nil when it is the one that does not matter.
func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// Relation checks that the standing of the caller's account permits an
// operation. The access desk asks it after the caller's IAM policies. The
// handlers check again inside their own transactions.
func (s *Service) Relation(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
	return s.store.View(ctx, func(tx *store.Tx) error {
		_, err := s.admit(ctx, tx, call, op.Name, in)
		return err
	})
}

// admit returns the caller's standing if it permits the operation.
func (s *Service) admit(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string, in any) (relation.Standing, error) {
	if len(s.config.Regions) > 0 && !slices.Contains(s.config.Regions, call.Region) {
		return relation.Standing{}, invalid("Region %s is not one of this installation.", call.Region)
	}
	standing, err := standingOf(ctx, tx, call.Account(), call.Region)
	if err != nil {
		return standing, err
	}
	return standing, relation.Check(standing, op, in)
}

// RulesOf is the account whose suppression rules govern an account in a Region:
// its administrator while it is an associated member, else itself.
func RulesOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (arn.AccountID, error) {
	owner, err := activation.AdministratorOf(ctx, tx, account, region)
	if errors.Is(err, store.ErrNotFound) {
		return account, nil
	}
	return owner, err
}
