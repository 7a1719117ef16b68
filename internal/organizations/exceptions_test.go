package organizations_test

import (
	"slices"
	"testing"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
)

// neverHere are exceptions that the model declares and these desks never
// answer with, each for its reason.
var neverHere = map[string]string{
	"ConcurrentModificationException":    "transactions run again instead",
	"ServiceException":                   "is what the door makes of internal errors",
	"UnsupportedAPIEndpointException":    "there is one endpoint",
	"AccountOwnerNotVerifiedException":   "nobody verifies addresses",
	"FinalizingOrganizationException":    "an organization is complete when it is there",
	"AccessDeniedForDependencyException": "there is no service-linked role of Organizations",
}

// notHere are exceptions that one operation declares and never answers with,
// although others do.
var notHere = map[string][]string{
	// Accounts that may not know of a handshake are told that there is none,
	// and one that leads an organization is in one.
	"AcceptHandshake":                     {"AWSOrganizationsNotInUseException", "MasterCannotLeaveOrganizationException"},
	"DescribeHandshake":                   {"AccessDeniedException"},
	"ListHandshakesForAccount":            {"AccessDeniedException"},
	"LeaveOrganization":                   {"AccessDeniedException", "AccountNotFoundException"},
	"CreateOrganization":                  {"AccessDeniedException"},
	"UpdateResponsibilityTransfer":        {"ConstraintViolationException"},
	"TerminateResponsibilityTransfer":     {"ConstraintViolationException"},
	"ListInboundResponsibilityTransfers":  {"ConstraintViolationException"},
	"ListOutboundResponsibilityTransfers": {"ConstraintViolationException"},
}

// byDoorOrTable are answered for every operation alike, by the door, by the
// throttle and by the table of who may call; other tests hold them.
var byDoorOrTable = []string{"InvalidInputException", "TooManyRequestsException", "AccessDeniedException", "AWSOrganizationsNotInUseException"}

// TestDeclaredExceptionsAreSeen: whatever the model declares for an operation
// on handshakes, transfers and the life of accounts is in some scenario, or is
// named above with the reason why not.
func TestDeclaredExceptionsAreSeen(t *testing.T) {
	seen := refusalsInScenarios(t)
	operations := map[string]awsmodel.Operation{}
	for _, op := range (api.Handlers{}).Operations() {
		operations[op.Name] = op
	}
	for _, name := range []string{
		"InviteAccountToOrganization", "AcceptHandshake", "DeclineHandshake", "CancelHandshake", "DescribeHandshake",
		"ListHandshakesForAccount", "ListHandshakesForOrganization", "EnableAllFeatures",
		"InviteOrganizationToTransferResponsibility", "DescribeResponsibilityTransfer", "UpdateResponsibilityTransfer",
		"TerminateResponsibilityTransfer", "ListInboundResponsibilityTransfers", "ListOutboundResponsibilityTransfers",
		"CreateAccount", "CreateGovCloudAccount", "CloseAccount", "RemoveAccountFromOrganization", "LeaveOrganization",
		"CreateOrganization", "DeleteOrganization", "MoveAccount",
	} {
		for _, code := range operations[name].Errors {
			_, never := neverHere[code]
			if never || slices.Contains(notHere[name], code) || slices.Contains(byDoorOrTable, code) {
				continue
			}
			if !slices.Contains(seen, refused{name, code}) {
				t.Errorf("%s declares %s, and no scenario shows it", name, code)
			}
		}
	}
}
