package iam

import (
	"time"

	"muster/internal/iam/policies"
)

// IAM's quotas.
const (
	maxUsers            = 5000 // per account, like the three below
	maxGroups           = 300
	maxRoles            = 1000
	maxPolicies         = policies.MaxPolicies
	maxPolicyVersions   = 10000 // in use per account
	maxAccessKeys       = 2     // per user
	maxGroupsPerUser    = 10
	maxAttachedPolicies = 10 // per user, group or role
	// Of what is counted only.
	maxServerCertificates  = 20
	maxSigningCertificates = 2 // per user
	// Sizes count characters, white space left out.
	maxManagedPolicySize = policies.MaxSize
	maxUserInlineSize    = 2048
	maxGroupInlineSize   = 5120
	maxRoleInlineSize    = 10240
	maxTrustSize         = 2048

	defaultSession = time.Hour
)
