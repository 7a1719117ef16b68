package iam

import "time"

// IAM's quotas.
const (
	maxAccessKeys       = 2
	maxAttachedPolicies = 10 // per user, group or role
	maxGroupsPerUser    = 10
	maxTags             = 50
	// Sizes count characters, white space left out.
	maxManagedPolicySize = 6144
	maxUserInlineSize    = 2048
	maxGroupInlineSize   = 5120
	maxRoleInlineSize    = 10240
	maxTrustSize         = 2048

	defaultSession = time.Hour
)
