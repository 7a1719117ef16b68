// Package handshakes is the desk for what accounts and organizations agree on
// between each other: invitations into an organization, the consent of every
// invited member to all features, and the transfer of an organization's
// responsibility for its bills to another one.
//
// A handshake goes from an organization to one recipient. Only the sender's
// management account cancels it, only the recipient answers it, and nobody but
// these two and the sender's delegated administrators learns that it exists.
// It expires by itself, which every reader works out from the time, so that
// the job which writes it down may come late.
package handshakes
