package iam

import "time"

// IAM's quotas.
const (
	maxUsers            = 5000 // per account, like the three below
	maxGroups           = 300
	maxRoles            = 1000
	maxPolicies         = 1500
	maxAccessKeys       = 2 // per user
	maxGroupsPerUser    = 10
	maxAttachedPolicies = 10 // per user, group or role
	maxTags             = 50 // per user, role or policy
	// Sizes count characters, white space left out.
	maxManagedPolicySize = 6144
	maxUserInlineSize    = 2048
	maxGroupInlineSize   = 5120
	maxRoleInlineSize    = 10240
	maxTrustSize         = 2048

	defaultSession = time.Hour
)
