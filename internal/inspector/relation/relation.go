// Package relation decides who may call an operation of Inspector, given how
// the caller's account stands to its organization in one Region: the matrix of
// section 3.4 of the specification, as data, and the few conditions on the
// request that it names. It is pure; IAM's answer comes before it and is
// somebody else's business.
package relation

import (
	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store/directory"
)

// Standing is how an account stands to its organization in a Region.
type Standing struct {
	Account arn.AccountID
	Region  arn.Region
	// Organization and Management are empty for an account that stands alone.
	Organization directory.OrganizationID
	Management   arn.AccountID
	// Administrator is the delegated administrator of the organization here,
	// or empty.
	Administrator arn.AccountID
	// Associated is true for a member that is associated to Administrator.
	Associated bool
}

// Alone reports whether the account is in no organization.
func (s Standing) Alone() bool { return s.Organization == "" }

// IsManagement reports whether it is its organization's management account.
func (s Standing) IsManagement() bool { return !s.Alone() && s.Account == s.Management }

// IsAdministrator reports whether it is the delegated administrator here.
func (s Standing) IsAdministrator() bool { return !s.Alone() && s.Account == s.Administrator }

// IsMember reports whether a delegated administrator manages it here.
func (s Standing) IsMember() bool { return s.Associated && !s.IsAdministrator() }

// Check returns nil when the account may call the operation with the input,
// or else the exception to answer with.
func Check(s Standing, operation string, in any) error {
	row, ok := rowOf(operation)
	if !ok {
		// Nobody may call what nobody thought about.
		return deny("call this operation")
	}
	switch row.cell(s) {
	case never:
		return row.denied(s)
	case invalid:
		return &inspector2.ValidationException{
			Message: "Invoking account is the delegated admin.", Reason: inspector2.ValidationExceptionReasonOther,
		}
	}
	if row.unless != nil && row.unless(s, in) {
		return row.denied(s)
	}
	return nil
}

// Denied is the refusal of an operation for the account, for what only the
// desk can see, such as that a stored rule suppresses.
func Denied(s Standing, operation string) error {
	row, ok := rowOf(operation)
	if !ok {
		return deny("call this operation")
	}
	return row.denied(s)
}

// cell picks the column. What is reserved to the management account it may do
// whatever else it is; apart from that the delegated administrator's column
// comes before the member's, and that before the management account's.
func (r row) cell(s Standing) cell {
	if s.IsAdministrator() && r.administrator != never {
		return r.administrator
	}
	switch {
	case s.IsManagement() && r.management == allowed:
		return allowed
	case s.IsAdministrator():
		return r.administrator
	case s.IsMember():
		return r.member
	case s.IsManagement():
		return r.management
	case s.Alone():
		return r.alone
	}
	return r.unassociated
}

func (r row) denied(s Standing) error {
	if r.operation == "Disable" {
		return &inspector2.AccessDeniedException{
			Message: "Member account " + string(s.Account) + " is not authorized to disable itself.",
		}
	}
	return deny(r.to)
}

func deny(to string) error {
	return &inspector2.AccessDeniedException{Message: "Invoking account does not have access to " + to}
}
