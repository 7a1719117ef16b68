package sts

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/webidentity"
)

// AssumeRoleWithWebIdentity gives the holder of an identity provider's token
// temporary credentials with a role's rights. That the role trusts the token is
// what access has decided.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, call *awsmodel.Call, in *api.AssumeRoleWithWebIdentityInput) (*api.AssumeRoleWithWebIdentityOutput, error) {
	if s.Federation == nil {
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	if in.ProviderId != nil {
		return nil, invalid("ProviderId is for OAuth 2.0 access tokens, which are not supported.")
	}
	parts, err := arn.Parse(arn.ARN(in.RoleArn))
	if err != nil {
		return nil, invalid(in.RoleArn + " is invalid")
	}
	token, provider, err := s.Federation.Verify(ctx, parts.Account, in.WebIdentityToken, call.Time)
	if err != nil {
		return nil, err
	}
	role, sessionPolicy, err := s.prepare(ctx, call, &api.AssumeRoleInput{RoleArn: in.RoleArn, Policy: in.Policy, PolicyArns: in.PolicyArns})
	if err != nil {
		return nil, err
	}
	d := duration(in.DurationSeconds, defaultSession)
	if d > role.MaxSession {
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	begun := iam.RoleSession(role, in.RoleSessionName, sessionPolicy, call.Time, d)
	if err := claimed(&begun.Session, token); err != nil {
		return nil, err
	}
	packed, err := packedSize(begun)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(begun)
	if err != nil {
		return nil, err
	}
	out := &api.AssumeRoleWithWebIdentityOutput{
		Credentials: credentials, PackedPolicySize: packed, Provider: new(string(provider)),
		SubjectFromWebIdentityToken: &token.Subject, Audience: new(token.Client()),
		AssumedRoleUser: &api.AssumedRoleUser{
			AssumedRoleId: role.ID + ":" + in.RoleSessionName, Arn: string(iam.SessionARN(role.Account, role.Name, in.RoleSessionName)),
		},
	}
	if begun.SourceIdentity != "" {
		out.SourceIdentity = &begun.SourceIdentity
	}
	return out, nil
}

// claimed gives a session the tags and the source identity that its token sets.
func claimed(session *arn.Session, token webidentity.Token) error {
	given, transitive, err := token.Tags()
	if err != nil {
		return &api.InvalidIdentityTokenException{Message: err.Error()}
	}
	var list []api.Tag
	for _, key := range slices.Sorted(maps.Keys(given)) {
		list = append(list, api.Tag{Key: key, Value: given[key]})
	}
	if len(list) > maxSessionTags {
		return invalid(fmt.Sprintf("A session can have at most %d tags.", maxSessionTags))
	}
	in := &api.AssumeRoleInput{Tags: list, TransitiveTagKeys: transitive}
	if identity := token.SourceIdentity(); identity != "" {
		in.SourceIdentity = &identity
	}
	return carry(session, nil, in)
}

// maxSessionTags bounds the tags of a session, as AssumeRole's interface does.
const maxSessionTags = 50
