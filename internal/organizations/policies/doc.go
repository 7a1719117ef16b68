// Package policies is the part of the Organizations desk that is about
// policies of all types: their documents, what they are attached to, what they
// mean for an account, and the resource policy by which an organization
// delegates.
//
// Other desks ask what management policies mean for an account through
// EffectiveContent and NewEffective, inside their own transactions, and are
// told of changes by organizations.Observer's EffectivePolicyChanged.
package policies
