// Package activation remembers Inspector's accounts side: delegated
// administrators, members, scan states, what is switched on for accounts that
// join, scan configuration, deep inspection and client tokens. All of it is
// kept per account (or organization) and Region.
//
// Functions take the transaction they work in, answer store.ErrNotFound for a
// row that is not there, and decide nothing: roles, states and refusals are
// the inspector desk's business. The words are AWS's own.
package activation
