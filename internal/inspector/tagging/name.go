package tagging

import (
	"strings"

	"muster/internal/arn"
)

// Kind is a kind of resource that can have tags, as ARNs say it.
type Kind string

// The kinds.
const (
	Filter                    Kind = "filter"
	CISConfiguration          Kind = "cis-configuration"
	CodeSecurityConfiguration Kind = "codesecurity-configuration"
	CodeSecurityIntegration   Kind = "codesecurity-integration"
)

// Name is what an ARN of Inspector says about a resource that can have tags.
type Name struct {
	Kind    Kind
	Account arn.AccountID
	Region  arn.Region
	// Owner is the account or organization in the ARN; integrations have none.
	Owner, ID string
}

// Parse reads the ARN of a filter, of a CIS or code security configuration or
// of a code security integration; ok is false for everything else.
func Parse(a arn.ARN) (n Name, ok bool) {
	p, err := arn.Parse(a)
	if err != nil || p.Partition != "aws" || p.Service != "inspector2" || p.Region == "" || !p.Account.Valid() {
		return Name{}, false
	}
	n = Name{Account: p.Account, Region: p.Region}
	parts := strings.Split(p.Resource, "/")
	switch {
	case len(parts) == 2 && Kind(parts[0]) == CodeSecurityIntegration:
		n.Kind, n.ID = CodeSecurityIntegration, parts[1]
	case len(parts) == 4 && parts[0] == "owner" && parts[1] != "":
		n.Owner, n.Kind, n.ID = parts[1], Kind(parts[2]), parts[3]
	}
	switch n.Kind {
	case Filter, CISConfiguration, CodeSecurityConfiguration, CodeSecurityIntegration:
		return n, n.ID != "" && (n.Owner == "") == (n.Kind == CodeSecurityIntegration)
	}
	return Name{}, false
}

// ARN is the name in full.
func (n Name) ARN() arn.ARN {
	resource := string(n.Kind) + "/" + n.ID
	if n.Owner != "" {
		resource = "owner/" + n.Owner + "/" + resource
	}
	return arn.New("inspector2", n.Region, n.Account, resource)
}
