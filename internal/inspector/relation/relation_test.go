package relation

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
)

func TestMatrixCoversEveryOperation(t *testing.T) {
	var model []string
	for _, op := range (inspector2.Handlers{}).Operations() {
		model = append(model, op.Name)
		if _, ok := rowOf(op.Name); !ok {
			t.Errorf("the matrix has no row for %s", op.Name)
		}
	}
	seen := map[string]bool{}
	for _, r := range matrix {
		if seen[r.operation] {
			t.Errorf("%s has two rows", r.operation)
		}
		seen[r.operation] = true
		if !slices.Contains(model, r.operation) {
			t.Errorf("the matrix has a row for %s, which is no operation", r.operation)
		}
		if r.to == "" {
			t.Errorf("%s has no text for its refusal", r.operation)
		}
	}
}

const (
	management    = "111111111111"
	administrator = "222222222222"
	member        = "333333333333"
)

// callers are the kinds of callers, by name.
func callers() map[string]Standing {
	in := Standing{Region: "eu-west-1", Organization: "o-example", Management: management, Administrator: administrator}
	as := func(account arn.AccountID, s Standing) Standing {
		s.Account = account
		return s
	}
	managed := in
	managed.Associated = true
	self := in
	self.Administrator = management
	nobody := in
	nobody.Administrator = ""
	return map[string]Standing{
		"management":                       as(management, in),
		"management without administrator": as(management, nobody),
		"management as member":             as(management, managed),
		"management as administrator":      as(management, self),
		"administrator":                    as(administrator, in),
		"member":                           as(member, managed),
		"unassociated":                     as(member, in),
		"unassociated, no administrator":   as(member, nobody),
		"alone":                            {Account: member, Region: "eu-west-1"},
	}
}

// oracle says in words of its own what the specification's matrix says: "yes",
// "denied" or "invalid". It shares nothing with the matrix.
func oracle(caller, operation string) string {
	isManagement := strings.HasPrefix(caller, "management")
	isAdministrator := strings.HasSuffix(caller, "administrator") && !strings.Contains(caller, "no administrator") &&
		!strings.Contains(caller, "without administrator")
	isMember := strings.HasSuffix(caller, "member")
	answer := func(permitted bool) string {
		if permitted {
			return "yes"
		}
		return "denied"
	}
	aboutMembers := strings.HasSuffix(operation, "Member") || operation == "ListMembers" ||
		strings.HasSuffix(operation, "OrganizationConfiguration") || strings.HasPrefix(operation, "UpdateOrg") ||
		strings.Contains(operation, "MemberEc2DeepInspectionStatus")
	switch {
	case operation == "GetDelegatedAdminAccount", operation == "ListDelegatedAdminAccounts":
		if isAdministrator {
			return "invalid"
		}
		return answer(isManagement || operation == "GetDelegatedAdminAccount" && caller != "alone")
	case strings.HasSuffix(operation, "DelegatedAdminAccount"):
		return answer(isManagement)
	case aboutMembers:
		return answer(isAdministrator)
	case operation == "Disable", operation == "UpdateConfiguration":
		return answer(!isMember)
	}
	return "yes"
}

func outcome(err error) string {
	if err == nil {
		return "yes"
	}
	if _, ok := errors.AsType[*inspector2.AccessDeniedException](err); ok {
		return "denied"
	}
	if e, ok := errors.AsType[*inspector2.ValidationException](err); ok && e.Message == "Invoking account is the delegated admin." {
		return "invalid"
	}
	return err.Error()
}

func TestEveryOperationByEveryCaller(t *testing.T) {
	for name, standing := range callers() {
		for _, op := range (inspector2.Handlers{}).Operations() {
			if got, want := outcome(Check(standing, op.Name, op.NewInput())), oracle(name, op.Name); got != want {
				t.Errorf("%s calls %s: %s, want %s", name, op.Name, got, want)
			}
		}
	}
}

func TestUnknownOperationIsDenied(t *testing.T) {
	if got := outcome(Check(callers()["management"], "Frobnicate", nil)); got != "denied" {
		t.Errorf("an operation outside the matrix: %s, want denied", got)
	}
}

func TestTextsOfRefusals(t *testing.T) {
	for _, c := range []struct{ caller, operation, want string }{
		{"member", "AssociateMember", "Invoking account does not have access to associate member account"},
		{"management", "GetMember", "Invoking account does not have access to get member account"},
		{"alone", "DisassociateMember", "Invoking account does not have access to disassociate member account"},
		{"unassociated", "ListMembers", "Invoking account does not have access to list members"},
		{"member", "EnableDelegatedAdminAccount", "Invoking account does not have access to enable the delegated admin account"},
		{"member", "DescribeOrganizationConfiguration", "Invoking account does not have access to describe the organization configuration."},
		{"management", "UpdateOrganizationConfiguration", "Invoking account does not have access to update the organization configuration"},
		{"member", "Disable", "Member account 333333333333 is not authorized to disable itself."},
		{"management as member", "Disable", "Member account 111111111111 is not authorized to disable itself."},
	} {
		err := Check(callers()[c.caller], c.operation, nil)
		e, ok := errors.AsType[awsmodel.Error](err)
		if !ok {
			t.Errorf("%s calls %s: %v, want a refusal", c.caller, c.operation, err)
			continue
		}
		if got := strings.TrimPrefix(e.Error(), e.ErrorCode()+": "); got != c.want || e.HTTPStatus() != 403 {
			t.Errorf("%s calls %s: %d %q, want 403 %q", c.caller, c.operation, e.HTTPStatus(), got, c.want)
		}
	}
}

func TestConditionsOnRequests(t *testing.T) {
	suppress := &inspector2.CreateFilterInput{Action: inspector2.FilterActionSuppress}
	search := &inspector2.CreateFilterInput{Action: inspector2.FilterActionNone}
	update := &inspector2.UpdateFilterInput{Action: inspector2.FilterActionSuppress}
	off := &inspector2.UpdateEc2DeepInspectionConfigurationInput{ActivateDeepInspection: new(false)}
	on := &inspector2.UpdateEc2DeepInspectionConfigurationInput{ActivateDeepInspection: new(true)}
	everywhere := &inspector2.CreateCodeSecurityScanConfigurationInput{Level: inspector2.ConfigurationLevelOrganization}
	here := &inspector2.CreateCodeSecurityScanConfigurationInput{Level: inspector2.ConfigurationLevelAccount}
	scan := func(targets ...string) any {
		return &inspector2.CreateCisScanConfigurationInput{Targets: &inspector2.CreateCisTargets{AccountIds: targets}}
	}
	rescan := &inspector2.UpdateCisScanConfigurationInput{Targets: &inspector2.UpdateCisTargets{AccountIds: []string{"ALL_ACCOUNTS"}}}
	for _, c := range []struct {
		caller, operation string
		in                any
		want              string
	}{
		{"member", "CreateFilter", suppress, "denied"},
		{"management as member", "CreateFilter", suppress, "denied"},
		{"member", "CreateFilter", search, "yes"},
		{"member", "UpdateFilter", update, "denied"},
		{"administrator", "CreateFilter", suppress, "yes"},
		{"unassociated", "UpdateFilter", update, "yes"},
		{"alone", "CreateFilter", suppress, "yes"},
		{"member", "UpdateEc2DeepInspectionConfiguration", off, "denied"},
		{"member", "UpdateEc2DeepInspectionConfiguration", on, "yes"},
		{"administrator", "UpdateEc2DeepInspectionConfiguration", off, "yes"},
		{"alone", "UpdateEc2DeepInspectionConfiguration", off, "yes"},
		{"administrator", "CreateCodeSecurityScanConfiguration", everywhere, "yes"},
		{"member", "CreateCodeSecurityScanConfiguration", everywhere, "denied"},
		{"alone", "CreateCodeSecurityScanConfiguration", everywhere, "denied"},
		{"member", "CreateCodeSecurityScanConfiguration", here, "yes"},
		{"member", "CreateCisScanConfiguration", scan("SELF"), "yes"},
		{"member", "CreateCisScanConfiguration", scan(member), "yes"},
		{"member", "CreateCisScanConfiguration", scan("SELF", administrator), "denied"},
		{"administrator", "CreateCisScanConfiguration", scan("ALL_ACCOUNTS"), "yes"},
		{"management", "UpdateCisScanConfiguration", rescan, "denied"},
	} {
		if got := outcome(Check(callers()[c.caller], c.operation, c.in)); got != c.want {
			t.Errorf("%s calls %s with %+v: %s, want %s", c.caller, c.operation, c.in, got, c.want)
		}
	}
}

// TestAdministratorIsNobodysMember: a stale row never turns the administrator
// into a member of itself.
func TestAdministratorIsNobodysMember(t *testing.T) {
	s := callers()["administrator"]
	s.Associated = true
	if s.IsMember() {
		t.Error("the administrator counts as a member")
	}
	if got := outcome(Check(s, "Disable", &inspector2.DisableInput{})); got != "yes" {
		t.Errorf("Disable: %s, want yes", got)
	}
}
