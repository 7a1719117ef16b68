package inspector_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
)

// perform makes one call of a scenario and returns the answer in the
// scenario's short form, with names in the place of ids.
func (s *scenario) perform(op string, words []string) string {
	if out, err, ok := s.performTree(op, words); ok {
		if err != nil {
			return s.describe(err)
		}
		return s.named(out)
	}
	if out, err, ok := s.performOrganizations(op, words); ok {
		if err != nil {
			return s.describe(err)
		}
		return s.named(out)
	}
	out, err := s.do(s.caller, s.region, op, s.input(op, words))
	if err != nil {
		return s.describe(err)
	}
	return s.named(s.render(out))
}

// option is the value of name=value among the words; given says whether it is
// there.
func option(words []string, name string) (value string, given bool) {
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

func text(words []string, name string) *string {
	if v, ok := option(words, name); ok {
		return new(v)
	}
	return nil
}

func boolean(words []string, name string) *bool {
	if v, ok := option(words, name); ok {
		return new(v == "true")
	}
	return nil
}

func number(words []string, name string) *int32 {
	if v, ok := option(words, name); ok {
		n, _ := strconv.Atoi(v)
		return new(int32(n))
	}
	return nil
}

// paths are absent, an empty list or a list.
func paths(words []string, name string) []string {
	v, ok := option(words, name)
	if !ok {
		return nil
	}
	if v == "" {
		return []string{}
	}
	return strings.Split(v, ",")
}

// page is the token asked for: the last one, or one of the script's own.
func (s *scenario) page(words []string) *string {
	if slices.Contains(words, "next") {
		return new(s.token)
	}
	return text(words, "token")
}

// forWhom are the accounts after the word "for".
func (s *scenario) forWhom(words []string) []string {
	if i := slices.Index(words, "for"); i >= 0 {
		return s.ids(words[i+1])
	}
	return nil
}

func scanTypes(words []string) []inspector2.ResourceScanType {
	var list []inspector2.ResourceScanType
	if len(words) == 0 || words[0] == "for" || words[0] == "-" {
		return nil
	}
	for t := range strings.SplitSeq(words[0], ",") {
		list = append(list, inspector2.ResourceScanType(t))
	}
	return list
}

func (s *scenario) first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return s.id(words[0])
}

// input builds an operation's input from the words after its name.
func (s *scenario) input(op string, words []string) any {
	switch op {
	case "EnableDelegatedAdminAccount":
		return &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: s.first(words), ClientToken: text(words, "clientToken")}
	case "DisableDelegatedAdminAccount":
		return &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: s.first(words)}
	case "ListDelegatedAdminAccounts":
		return &inspector2.ListDelegatedAdminAccountsInput{NextToken: s.page(words)}
	case "GetDelegatedAdminAccount":
		return &inspector2.GetDelegatedAdminAccountInput{}
	case "AssociateMember":
		return &inspector2.AssociateMemberInput{AccountId: s.first(words)}
	case "DisassociateMember":
		return &inspector2.DisassociateMemberInput{AccountId: s.first(words)}
	case "GetMember":
		return &inspector2.GetMemberInput{AccountId: s.first(words)}
	case "ListMembers":
		return &inspector2.ListMembersInput{OnlyAssociated: boolean(words, "associated"), MaxResults: number(words, "max"), NextToken: s.page(words)}
	case "Enable":
		return &inspector2.EnableInput{ResourceTypes: scanTypes(words), AccountIds: s.forWhom(words), ClientToken: text(words, "clientToken")}
	case "Disable":
		return &inspector2.DisableInput{ResourceTypes: scanTypes(words), AccountIds: s.forWhom(words)}
	case "BatchGetAccountStatus":
		return &inspector2.BatchGetAccountStatusInput{AccountIds: s.forWhom(words)}
	case "ListAccountPermissions":
		return &inspector2.ListAccountPermissionsInput{
			Service: inspector2.Service(*orEmpty(text(words, "service"))), MaxResults: number(words, "max"), NextToken: s.page(words),
		}
	case "BatchGetFreeTrialInfo":
		return &inspector2.BatchGetFreeTrialInfoInput{AccountIds: s.forWhom(words)}
	}
	return s.settingsInput(op, words)
}

func orEmpty(p *string) *string {
	if p == nil {
		return new("")
	}
	return p
}

func (s *scenario) settingsInput(op string, words []string) any {
	switch op {
	case "DescribeOrganizationConfiguration":
		return &inspector2.DescribeOrganizationConfigurationInput{}
	case "UpdateOrganizationConfiguration":
		on := func(name string) bool { f := boolean(words, name); return f != nil && *f }
		return &inspector2.UpdateOrganizationConfigurationInput{AutoEnable: &inspector2.AutoEnable{
			Ec2: on("ec2"), Ecr: on("ecr"), Lambda: boolean(words, "lambda"), LambdaCode: boolean(words, "lambdaCode"),
			CodeRepository: boolean(words, "codeRepository"),
		}}
	case "GetConfiguration":
		return &inspector2.GetConfigurationInput{}
	case "UpdateConfiguration":
		in := &inspector2.UpdateConfigurationInput{}
		if v, ok := option(words, "rescan"); ok {
			in.EcrConfiguration = &inspector2.EcrConfiguration{
				RescanDuration:         inspector2.EcrRescanDuration(v),
				PullDateRescanDuration: inspector2.EcrPullDateRescanDuration(*orEmpty(text(words, "pull"))),
				PullDateRescanMode:     inspector2.EcrPullDateRescanMode(*orEmpty(text(words, "mode"))),
			}
		}
		if v, ok := option(words, "ec2"); ok {
			in.Ec2Configuration = &inspector2.Ec2Configuration{ScanMode: inspector2.Ec2ScanMode(v)}
		}
		return in
	case "GetEc2DeepInspectionConfiguration":
		return &inspector2.GetEc2DeepInspectionConfigurationInput{}
	case "UpdateEc2DeepInspectionConfiguration":
		return &inspector2.UpdateEc2DeepInspectionConfigurationInput{ActivateDeepInspection: boolean(words, "activate"), PackagePaths: paths(words, "paths")}
	case "UpdateOrgEc2DeepInspectionConfiguration":
		return &inspector2.UpdateOrgEc2DeepInspectionConfigurationInput{OrgPackagePaths: paths(words, "paths")}
	case "BatchGetMemberEc2DeepInspectionStatus":
		return &inspector2.BatchGetMemberEc2DeepInspectionStatusInput{AccountIds: s.forWhom(words)}
	case "BatchUpdateMemberEc2DeepInspectionStatus":
		in := &inspector2.BatchUpdateMemberEc2DeepInspectionStatusInput{}
		for _, w := range words {
			name, value, _ := strings.Cut(w, "=")
			in.AccountIds = append(in.AccountIds, inspector2.MemberAccountEc2DeepInspectionStatus{
				AccountId: s.id(name), ActivateDeepInspection: value == "true",
			})
		}
		return in
	}
	return s.resultsInput(op, words)
}

// performOrganizations makes a call of the organizations desk; ok is false for
// operations of other services.
func (s *scenario) performOrganizations(op string, words []string) (answer string, err error, ok bool) {
	ctx, call := s.t.Context(), s.call(s.caller, s.region)
	const principal = organizations.InspectorPrincipal
	switch op {
	case "EnableAWSServiceAccess":
		_, err = s.orgs.EnableAWSServiceAccess(ctx, call, &api.EnableAWSServiceAccessInput{ServicePrincipal: principal})
	case "DisableAWSServiceAccess":
		_, err = s.orgs.DisableAWSServiceAccess(ctx, call, &api.DisableAWSServiceAccessInput{ServicePrincipal: principal})
	case "RegisterDelegatedAdministrator":
		_, err = s.orgs.RegisterDelegatedAdministrator(ctx, call,
			&api.RegisterDelegatedAdministratorInput{AccountId: s.first(words), ServicePrincipal: principal})
	case "DeregisterDelegatedAdministrator":
		_, err = s.orgs.DeregisterDelegatedAdministrator(ctx, call,
			&api.DeregisterDelegatedAdministratorInput{AccountId: s.first(words), ServicePrincipal: principal})
	case "RemoveAccountFromOrganization":
		_, err = s.orgs.RemoveAccountFromOrganization(ctx, call, &api.RemoveAccountFromOrganizationInput{AccountId: s.first(words)})
	case "CloseAccount":
		_, err = s.orgs.CloseAccount(ctx, call, &api.CloseAccountInput{AccountId: s.first(words)})
	case "DeleteOrganization":
		_, err = s.orgs.DeleteOrganization(ctx, call, &api.DeleteOrganizationInput{})
	case "ListDelegatedAdministrators":
		out, err := s.orgs.ListDelegatedAdministrators(ctx, call, &api.ListDelegatedAdministratorsInput{ServicePrincipal: new(principal)})
		if err != nil {
			return "", err, true
		}
		var list []string
		for _, a := range out.DelegatedAdministrators {
			list = append(list, *a.Id)
		}
		return orNothing(list, ", "), nil, true
	case "ListAWSServiceAccessForOrganization":
		out, err := s.orgs.ListAWSServiceAccessForOrganization(ctx, call, &api.ListAWSServiceAccessForOrganizationInput{})
		if err != nil {
			return "", err, true
		}
		var list []string
		for _, a := range out.EnabledServicePrincipals {
			list = append(list, *a.ServicePrincipal)
		}
		return orNothing(list, ", "), nil, true
	default:
		return "", nil, false
	}
	return "done", err, true
}

// render is an output in the scenario's short form. What a client depends on
// in every answer, such as lists that are sent although they are empty, is
// checked here.
func (s *scenario) render(out any) string {
	switch out := out.(type) {
	case *inspector2.EnableDelegatedAdminAccountOutput:
		return out.DelegatedAdminAccountId
	case *inspector2.DisableDelegatedAdminAccountOutput:
		return out.DelegatedAdminAccountId
	case *inspector2.ListDelegatedAdminAccountsOutput:
		var list []string
		for _, a := range out.DelegatedAdminAccounts {
			list = append(list, *a.AccountId+" "+string(a.Status))
		}
		return orNothing(list, ", ")
	case *inspector2.GetDelegatedAdminAccountOutput:
		return *out.DelegatedAdmin.AccountId + " " + string(out.DelegatedAdmin.RelationshipStatus)
	case *inspector2.AssociateMemberOutput:
		return out.AccountId
	case *inspector2.DisassociateMemberOutput:
		return out.AccountId
	case *inspector2.GetMemberOutput:
		return s.member(*out.Member)
	case *inspector2.ListMembersOutput:
		return s.members(out)
	case *inspector2.EnableOutput:
		return s.outcome(out.Accounts, out.FailedAccounts)
	case *inspector2.DisableOutput:
		return s.outcome(out.Accounts, out.FailedAccounts)
	case *inspector2.BatchGetAccountStatusOutput:
		return s.statuses(out)
	case *inspector2.ListAccountPermissionsOutput:
		return s.permissions(out)
	case *inspector2.BatchGetFreeTrialInfoOutput:
		return s.trials(out)
	}
	return s.renderSettings(out)
}

func (s *scenario) renderSettings(out any) string {
	switch out := out.(type) {
	case *inspector2.DescribeOrganizationConfigurationOutput:
		if *out.MaxAccountLimitReached {
			return autoEnable(out.AutoEnable) + ", limit reached"
		}
		return autoEnable(out.AutoEnable)
	case *inspector2.UpdateOrganizationConfigurationOutput:
		return autoEnable(out.AutoEnable)
	case *inspector2.UpdateConfigurationOutput, *inspector2.UpdateOrgEc2DeepInspectionConfigurationOutput:
		return "done"
	case *inspector2.GetConfigurationOutput:
		ecr, ec2 := out.EcrConfiguration.RescanDurationState, out.Ec2Configuration.ScanModeState
		return fmt.Sprintf("%s %s %s %s; %s %s", ecr.RescanDuration, ecr.PullDateRescanDuration, ecr.PullDateRescanMode, ecr.Status,
			ec2.ScanMode, ec2.ScanModeStatus)
	case *inspector2.GetEc2DeepInspectionConfigurationOutput:
		return fmt.Sprintf("%s own %v organization %v", out.Status, out.PackagePaths, out.OrgPackagePaths)
	case *inspector2.UpdateEc2DeepInspectionConfigurationOutput:
		return fmt.Sprintf("%s own %v organization %v", out.Status, out.PackagePaths, out.OrgPackagePaths)
	case *inspector2.BatchGetMemberEc2DeepInspectionStatusOutput:
		return deepStates(out.AccountIds, out.FailedAccountIds)
	case *inspector2.BatchUpdateMemberEc2DeepInspectionStatusOutput:
		return deepStates(out.AccountIds, out.FailedAccountIds)
	}
	return s.renderResults(out)
}

func (s *scenario) member(m inspector2.Member) string {
	return *m.AccountId + " " + string(m.RelationshipStatus) + " of " + *m.DelegatedAdminAccountId
}

// members are shown by name, because the order of ids is random here; that
// the answer is in the order of ids is checked.
func (s *scenario) members(out *inspector2.ListMembersOutput) string {
	if !slices.IsSortedFunc(out.Members, func(a, b inspector2.Member) int { return strings.Compare(*a.AccountId, *b.AccountId) }) {
		s.failf("members are not in the order of their ids")
	}
	var list []string
	for _, m := range out.Members {
		list = append(list, s.named(*m.AccountId)+" "+string(m.RelationshipStatus))
	}
	slices.Sort(list)
	if s.token = *orEmpty(out.NextToken); s.token != "" {
		return strconv.Itoa(len(list)) + " and more"
	}
	return orNothing(list, ", ")
}

// outcome shows the types that are not off, account by account.
func (s *scenario) outcome(accounts []inspector2.Account, failed []inspector2.FailedAccount) string {
	if accounts == nil || failed == nil {
		s.failf("a list of accounts is not sent")
	}
	var list []string
	for _, a := range accounts {
		list = append(list, a.AccountId+" "+s.summary(a.Status, a.ResourceStatus))
	}
	return strings.Join(append(list, s.failures(failed)...), "; ")
}

func (s *scenario) failures(failed []inspector2.FailedAccount) []string {
	var list []string
	for _, f := range failed {
		text := fmt.Sprintf("%s failed %s %q", f.AccountId, f.ErrorCode, f.ErrorMessage)
		if f.ResourceStatus != nil {
			text += " at " + s.summary(f.Status, f.ResourceStatus)
		}
		list = append(list, text)
	}
	return list
}

func (s *scenario) summary(status inspector2.Status, types *inspector2.ResourceStatus) string {
	var on []string
	for _, t := range []struct {
		name   string
		status inspector2.Status
	}{{"EC2", types.Ec2}, {"ECR", types.Ecr}, {"LAMBDA", types.Lambda}, {"LAMBDA_CODE", types.LambdaCode}, {"CODE_REPOSITORY", types.CodeRepository}} {
		switch t.status {
		case "":
			s.failf("the status of %s is not sent", t.name)
		case inspector2.StatusDisabled:
		case status:
			on = append(on, t.name)
		default:
			on = append(on, t.name+" "+string(t.status))
		}
	}
	return strings.TrimSpace(string(status) + " " + strings.Join(on, ","))
}

func (s *scenario) statuses(out *inspector2.BatchGetAccountStatusOutput) string {
	if out.Accounts == nil || out.FailedAccounts == nil {
		s.failf("a list of accounts is not sent")
	}
	var list []string
	for _, a := range out.Accounts {
		r := a.ResourceState
		var failed []string
		for i, state := range []*inspector2.State{a.State, r.Ec2, r.Ecr, r.Lambda, r.LambdaCode, r.CodeRepository} {
			if state == nil || (state.ErrorCode == "") != (state.ErrorMessage == "") {
				s.failf("state %+v", state)
			}
			if state.ErrorCode != "" {
				of := []string{"account", "EC2", "ECR", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"}[i]
				failed = append(failed, fmt.Sprintf("%s %s %q", of, state.ErrorCode, state.ErrorMessage))
			}
		}
		text := a.AccountId + " " + s.summary(a.State.Status, &inspector2.ResourceStatus{
			Ec2: r.Ec2.Status, Ecr: r.Ecr.Status, Lambda: r.Lambda.Status, LambdaCode: r.LambdaCode.Status, CodeRepository: r.CodeRepository.Status,
		})
		if len(failed) > 0 {
			text += " (" + strings.Join(failed, ", ") + ")"
		}
		list = append(list, text)
	}
	return strings.Join(append(list, s.failures(out.FailedAccounts)...), "; ")
}

func (s *scenario) permissions(out *inspector2.ListAccountPermissionsOutput) string {
	var list []string
	for _, p := range out.Permissions {
		list = append(list, string(p.Service)+" "+string(p.Operation))
	}
	if s.token = *orEmpty(out.NextToken); s.token != "" {
		list = append(list, "more")
	}
	return orNothing(list, ", ")
}

func (s *scenario) trials(out *inspector2.BatchGetFreeTrialInfoOutput) string {
	var list []string
	for _, a := range out.Accounts {
		var types []string
		for _, t := range a.FreeTrialInfo {
			types = append(types, fmt.Sprintf("%s %s until %s", t.Type, t.Status, t.End.Format("2006-01-02")))
		}
		list = append(list, a.AccountId+" "+orNothing(types, ", "))
	}
	for _, f := range out.FailedAccounts {
		list = append(list, fmt.Sprintf("%s failed %s %q", f.AccountId, f.Code, f.Message))
	}
	return strings.Join(list, "; ")
}

func autoEnable(a *inspector2.AutoEnable) string {
	body, _ := json.Marshal(a)
	var flags map[string]bool
	_ = json.Unmarshal(body, &flags)
	var on []string
	for _, name := range []string{"Ec2", "Ecr", "Lambda", "LambdaCode", "CodeRepository"} {
		if flags[name] {
			on = append(on, name)
		}
	}
	if len(flags) != 5 {
		return fmt.Sprintf("only %v is sent", flags)
	}
	return orNothing(on, ",")
}

func deepStates(states []inspector2.MemberAccountEc2DeepInspectionStatusState, failed []inspector2.FailedMemberAccountEc2DeepInspectionStatusState) string {
	var list []string
	for _, a := range states {
		list = append(list, a.AccountId+" "+string(a.Status))
	}
	for _, f := range failed {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s failed %q %s", f.AccountId, *f.ErrorMessage, f.Ec2ScanStatus)))
	}
	return orNothing(list, "; ")
}
