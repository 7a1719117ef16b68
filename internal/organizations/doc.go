// Package organizations is the desk for AWS Organizations: who exists, who
// belongs to whose organization and where in its tree, which services have
// trusted access, and which accounts administer them by delegation.
//
// One file per subject. A handler does its whole work in one transaction,
// which begins with Service.admit: whoever calls is looked up and held against
// the operation's row in the table of relation.go, so that a role can never
// change between the check and the deed.
//
// Other desks use the functions over a transaction in membership.go and
// trust.go, and are told of changes through Observer. Accounts and
// organizations are one directory for the whole installation; nothing here
// has a Region.
//
// The rooms below hold one subject each: policies what they are, bear and mean;
// delegation what a resource policy gives; handshakes what two parties agree
// on. They begin with Admit or AdmitTo, too, and add their handlers to this
// desk's.
package organizations
