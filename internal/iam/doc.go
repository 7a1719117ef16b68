// Package iam is the desk for identities: users, groups, roles, policies,
// access keys and service-linked roles, as AWS's IAM interface has them. It
// also answers the two questions everyone else asks about identities: which
// secret belongs to an access key (Keys.Lookup), and which policies a
// principal carries (Keys.Policies). What these allow is decided in access.
//
// Desks that create accounts or switch services on call the package-level
// functions (ProvisionAccount, CreateAccessRole, EnsureServiceLinkedRole)
// inside their own transaction.
package iam
