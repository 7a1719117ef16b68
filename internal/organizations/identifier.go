package organizations

import (
	"crypto/rand"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store/directory"
)

const (
	digits       = "0123456789"
	alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// random returns n characters of an alphabet, each equally likely.
func random(alphabet string, n int) string {
	// A byte at or above limit would favour the first characters.
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var buf [32]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails, by its documentation
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

func newOrganizationID() OrganizationID { return OrganizationID("o-" + random(alphanumeric, 10)) }
func newRootID() string                 { return "r-" + random(alphanumeric, 4) }
func newRequestID() string              { return NewID("car-") }

// NewID draws an id of 8 random characters behind a prefix such as "h-".
func NewID(prefix string) string { return prefix + random(alphanumeric, 8) }

// newUnitID carries the random part of the root's id, as AWS's does.
func newUnitID(root string) string { return "ou-" + root[len("r-"):] + "-" + random(alphanumeric, 8) }

// newAccountID never begins with 0: tools that take ids for numbers lose it.
func newAccountID() arn.AccountID {
	return arn.AccountID(random(digits[1:], 1) + random(digits, 11))
}

// resourceARN is the ARN of something in an organization: global, and owned by
// the management account. The resource is such as "ou/o-x/ou-y-z".
func resourceARN(management arn.AccountID, resource string) *string {
	return new(string(arn.New("organizations", "", management, resource)))
}

func organizationARN(o directory.Organization) *string {
	return resourceARN(o.Management, "organization/"+string(o.ID))
}

func accountARN(management arn.AccountID, org OrganizationID, account arn.AccountID) *string {
	return resourceARN(management, "account/"+string(org)+"/"+string(account))
}

func rootARN(m Membership) *string {
	return resourceARN(m.Management, "root/"+string(m.Org)+"/"+m.Root)
}

func unitARN(m Membership, unit string) *string {
	return resourceARN(m.Management, "ou/"+string(m.Org)+"/"+unit)
}

// legacyStatus is the value of Account.Status, AWS's older and coarser word
// for State: tools written before State existed read only this one.
func legacyStatus(state directory.State) api.AccountStatus {
	switch state {
	case directory.Suspended, directory.Closed:
		return api.AccountStatusSuspended
	case directory.PendingClosure:
		return api.AccountStatusPendingClosure
	}
	return api.AccountStatusActive
}
