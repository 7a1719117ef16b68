package iam

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/policies"
	"muster/internal/iam/profiles"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// GetAccountSummary counts what the account has and may have.
func (s *Service) GetAccountSummary(ctx context.Context, call *awsmodel.Call, _ *api.GetAccountSummaryInput) (*api.GetAccountSummaryOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.GetAccountSummaryOutput, error) {
		n, err := identity.Count(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		devices, err := identity.MFADevices(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		inUse := int32(0)
		for _, d := range devices {
			if d.UserID != "" {
				inUse++
			}
		}
		return &api.GetAccountSummaryOutput{SummaryMap: map[api.SummaryKeyType]int32{
			api.SummaryKeyTypeUsers:                             int32(n.Users),
			api.SummaryKeyTypeUsersQuota:                        maxUsers,
			api.SummaryKeyTypeGroups:                            int32(n.Groups),
			api.SummaryKeyTypeGroupsQuota:                       maxGroups,
			api.SummaryKeyTypeRoles:                             int32(n.Roles),
			api.SummaryKeyTypeRolesQuota:                        maxRoles,
			api.SummaryKeyTypePolicies:                          int32(n.Policies),
			api.SummaryKeyTypePoliciesQuota:                     maxPolicies,
			api.SummaryKeyTypeAccountAccessKeysPresent:          int32(min(n.RootKeys, 1)),
			api.SummaryKeyTypeAccountMFAEnabled:                 0,
			api.SummaryKeyTypeMFADevices:                        int32(len(devices)),
			api.SummaryKeyTypeMFADevicesInUse:                   inUse,
			api.SummaryKeyTypeAccessKeysPerUserQuota:            maxAccessKeys,
			api.SummaryKeyTypeGroupsPerUserQuota:                maxGroupsPerUser,
			api.SummaryKeyTypeAttachedPoliciesPerUserQuota:      maxAttachedPolicies,
			api.SummaryKeyTypeAttachedPoliciesPerGroupQuota:     maxAttachedPolicies,
			api.SummaryKeyTypeAttachedPoliciesPerRoleQuota:      maxAttachedPolicies,
			api.SummaryKeyTypePolicySizeQuota:                   maxManagedPolicySize,
			api.SummaryKeyTypeUserPolicySizeQuota:               maxUserInlineSize,
			api.SummaryKeyTypeGroupPolicySizeQuota:              maxGroupInlineSize,
			api.SummaryKeyTypeRolePolicySizeQuota:               maxRoleInlineSize,
			api.SummaryKeyTypeAssumeRolePolicySizeQuota:         maxTrustSize,
			api.SummaryKeyTypeVersionsPerPolicyQuota:            policies.MaxVersions,
			api.SummaryKeyTypePolicyVersionsInUse:               int32(n.Versions),
			api.SummaryKeyTypePolicyVersionsInUseQuota:          maxPolicyVersions,
			api.SummaryKeyTypeInstanceProfiles:                  int32(n.Profiles),
			api.SummaryKeyTypeInstanceProfilesQuota:             profiles.MaxProfiles,
			api.SummaryKeyTypeProviders:                         int32(n.Providers),
			api.SummaryKeyTypeServerCertificates:                0,
			api.SummaryKeyTypeServerCertificatesQuota:           maxServerCertificates,
			api.SummaryKeyTypeSigningCertificatesPerUserQuota:   maxSigningCertificates,
			api.SummaryKeyTypeGlobalEndpointTokenVersion:        1,
			api.SummaryKeyTypeAccountSigningCertificatesPresent: 0,
			api.SummaryKeyTypeAccountPasswordPresent:            0,
		}}, nil
	})
}
