// Package awsmodel is the common ground of the generated interface packages
// below it: one verified call, the operation table, the error contract and the
// shapes that the protocol layer reads to decode, validate and encode.
package awsmodel

import (
	"time"

	"muster/internal/arn"
)

// Call is one verified request as a desk sees it.
type Call struct {
	// Principal signed the request.
	Principal arn.Principal
	// Region is the Region of the credential scope; for global services
	// (iam, organizations, sts) it carries no meaning.
	Region arn.Region
	// RequestID is returned to the client and written to the audit log.
	RequestID string
	// Time is when the request arrived, in UTC. Desks use it as their clock.
	Time time.Time
	// SourceIP and UserAgent describe the client.
	SourceIP, UserAgent string
	// Secure is true when the request came over TLS.
	Secure bool
	// Host is the name and port that the client called; "" where nobody did.
	Host string
}

// Account is the account that calls.
func (c *Call) Account() arn.AccountID { return c.Principal.Account }
