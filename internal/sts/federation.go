package sts

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/store"
)

// GetFederationToken gives somebody named by a user temporary credentials with
// those of the user's rights that the session policy leaves.
func (s *Service) GetFederationToken(ctx context.Context, call *awsmodel.Call, in *api.GetFederationTokenInput) (*api.GetFederationTokenOutput, error) {
	if temporary(call.Principal) {
		return nil, denied("Cannot call GetFederationToken with session credentials")
	}
	session := own(call, arn.FromGetFederationToken, in.DurationSeconds)
	session.Name = in.Name
	var err error
	if session.Tags, err = tags(in.Tags); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		session.Policy, err = s.sessionPolicy(ctx, tx, call.Account(), in.Policy, in.PolicyArns)
		return err
	})
	if err != nil {
		return nil, err
	}
	packed, err := packedSize(session)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	return &api.GetFederationTokenOutput{Credentials: credentials, PackedPolicySize: packed, FederatedUser: &api.FederatedUser{
		FederatedUserId: string(call.Account()) + ":" + in.Name, Arn: string(iam.FederatedARN(call.Account(), in.Name)),
	}}, nil
}
