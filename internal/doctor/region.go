package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/survey"
)

// examineAlone looks at a Region for an account without an organization.
func (d *diagnosis) examineAlone(ctx context.Context, r *regionDiagnosis) error {
	scans, err := activation.ScansOf(ctx, d.tx, d.call.Account(), r.region)
	if err != nil {
		return err
	}
	r.accounts = 1
	want := d.query.types()
	if len(want) == 0 {
		want = usual()
	}
	if scans.Active() && len(d.query.types()) == 0 {
		want = nil // what is on is what the account wants
	}
	if off := lacking(scans, want); len(off) > 0 {
		text := "Nothing is scanned in the account here."
		if scans.Active() {
			text = "Not scanned in the account here: " + names(off) + "."
		}
		r.problems = append(r.problems, problem{
			code: muster.ProblemCodeAccountNotActive, severity: muster.SeverityError, text: text,
			remedies: []remedy{enableRemedy(muster.RemedyRoleAccount, d.call.Account(), r.region, nil, want)},
		})
	}
	return d.transitionsAndRoles(ctx, r, "")
}

// usual are the types that a set-up begins with when nothing says otherwise.
func usual() []activation.ScanType {
	return []activation.ScanType{activation.EC2, activation.ECR, activation.Lambda}
}

// lacking are the types that are neither on nor becoming so.
func lacking(scans activation.Scans, want []activation.ScanType) (off []activation.ScanType) {
	for _, t := range want {
		if s := scans.Status(t); s != activation.Enabled && s != activation.Enabling {
			off = append(off, t)
		}
	}
	return off
}

func names(types []activation.ScanType) string {
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = string(t)
	}
	return strings.Join(list, ", ")
}

// enableRemedy switches types on in accounts, or in the one that runs it.
func enableRemedy(role muster.RemedyRole, by arn.AccountID, region arn.Region, accounts []arn.AccountID, types []activation.ScanType) remedy {
	var args []string
	if len(accounts) > 0 {
		args = append(args, "--account-ids")
		for _, a := range accounts {
			args = append(args, string(a))
		}
	}
	args = append(args, "--resource-types")
	for _, t := range types {
		args = append(args, string(t))
	}
	return regional(role, by, region, "enable", []need{inspectorNeed(by, region, "Enable", "/enable")}, args...)
}

// examineRegion looks at a Region of an organization.
func (d *diagnosis) examineRegion(ctx context.Context, r *regionDiagnosis) (err error) {
	if r.accounts, err = directory.CountMembers(ctx, d.tx, d.member.Org); err != nil {
		return err
	}
	g, err := activation.LookupDesignation(ctx, d.tx, d.member.Org, r.region)
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.undelegated(r)
		return d.transitionsAndRoles(ctx, r, d.member.Org)
	case err != nil:
		return err
	case g.Status == activation.Removing:
		r.problems = append(r.problems, problem{
			code: muster.ProblemCodeRemovalInProgress, severity: muster.SeverityWarning,
			text: fmt.Sprintf("The delegated administrator %s is being removed. Another can be designated when its members have been cleared away.", g.Account),
		})
		return nil
	}
	r.administrator = g.Account
	if r.members, err = activation.CountMembers(ctx, d.tx, g.Account, r.region); err != nil {
		return err
	}
	return d.administered(ctx, r)
}

// undelegated: each Region is designated separately.
func (d *diagnosis) undelegated(r *regionDiagnosis) {
	text := "The organization has no delegated administrator here."
	switch {
	case d.chosen:
		text += fmt.Sprintf(" Any account can be it; %s is suggested. Once chosen, it is the same in every Region.", d.candidate)
	case d.registered == d.candidate:
		text += fmt.Sprintf(" Account %s is registered with Organizations, but a registration alone makes nobody administrator: each Region is designated separately.", d.candidate)
	default:
		text += fmt.Sprintf(" It has to be the one of the other Regions, %s.", d.candidate)
	}
	account := d.account(d.candidate)
	keys := map[string][]string{"organizations:ServicePrincipal": {organizations.InspectorPrincipal}}
	needs := []need{
		inspectorNeed(d.member.Management, r.region, "EnableDelegatedAdminAccount", "/delegatedadminaccounts/enable"),
		{"organizations:EnableAWSServiceAccess", "*", keys},
		{"organizations:RegisterDelegatedAdministrator", account, keys},
		{"organizations:ListDelegatedAdministrators", "*", keys},
		{"organizations:ListAWSServiceAccessForOrganization", "*", keys},
		{"organizations:DescribeOrganizationalUnit", arn.New("organizations", "", d.member.Management, "ou/"+string(d.member.Org)+"/ou-*"), keys},
		{"organizations:DescribeAccount", account, keys},
		{"organizations:DescribeOrganization", "*", keys},
	}
	r.problems = append(r.problems, problem{
		code: muster.ProblemCodeNoDelegatedAdministrator, severity: muster.SeverityError, text: text,
		remedies: []remedy{regional(muster.RemedyRoleManagement, d.member.Management, r.region, "enable-delegated-admin-account", needs,
			"--delegated-admin-account-id", string(d.candidate))},
	})
}

// administered looks at a Region that has an administrator.
func (d *diagnosis) administered(ctx context.Context, r *regionDiagnosis) error {
	scans, err := activation.ScansOf(ctx, d.tx, r.administrator, r.region)
	if err != nil {
		return err
	}
	auto, err := activation.LookupAutoEnable(ctx, d.tx, r.administrator, r.region)
	if err != nil {
		return err
	}
	want := d.wanted(scans, auto)
	if !scans.Active() {
		r.problems = append(r.problems, problem{
			code: muster.ProblemCodeAdministratorNotActive, severity: muster.SeverityError,
			text:     fmt.Sprintf("Inspector is not active in the delegated administrator %s: a designation switches nothing on, and settings of the organization are refused until it is.", r.administrator),
			remedies: []remedy{enableRemedy(muster.RemedyRoleDelegatedAdministrator, r.administrator, r.region, nil, want)},
		})
	}
	full, err := d.unassociated(ctx, r, want)
	if err != nil {
		return err
	}
	if err := d.typesOff(ctx, r, want, !scans.Active()); err != nil {
		return err
	}
	d.autoEnable(r, auto, want, full)
	return d.transitionsAndRoles(ctx, r, d.member.Org)
}

// wanted are the types that the organization evidently wants here: those asked
// about, else those that the administrator has on itself or switches on for
// accounts that join.
func (d *diagnosis) wanted(scans activation.Scans, auto activation.AutoEnable) []activation.ScanType {
	if asked := d.query.types(); len(asked) > 0 {
		return asked
	}
	on := map[activation.ScanType]bool{}
	for _, t := range auto.Types() {
		on[t] = true
	}
	for _, t := range activation.ScanTypes() {
		if s := scans.Status(t); s == activation.Enabled || s == activation.Enabling {
			on[t] = true
		}
	}
	if len(on) == 0 {
		return usual()
	}
	on[activation.Lambda] = on[activation.Lambda] || on[activation.LambdaCode]
	var list []activation.ScanType
	for _, t := range activation.ScanTypes() {
		if on[t] {
			list = append(list, t)
		}
	}
	return list
}

// unassociated finds the accounts that the administrator does not see, and
// reports whether it may have no more.
func (d *diagnosis) unassociated(ctx context.Context, r *regionDiagnosis, want []activation.ScanType) (full bool, err error) {
	lost, err := survey.Unassociated(ctx, d.tx, d.member.Org, r.region, r.administrator, shownAccounts)
	if err != nil {
		return false, err
	}
	limit := d.service.config.MemberLimit
	if full = r.members >= limit; full {
		return true, d.full(ctx, r, lost)
	}
	if lost.Count == 0 {
		return false, nil
	}
	p := problem{
		code: muster.ProblemCodeMembersNotAssociated, severity: muster.SeverityError, about: lost,
		text: are(lost.Count) + " not associated with the delegated administrator: it neither sees them nor can it switch anything on there.",
	}
	for _, account := range lost.Accounts[:min(len(lost.Accounts), shownRemedies, limit-r.members)] {
		p.remedies = append(p.remedies, d.byAdministrator(r, "associate-member", "AssociateMember", "/members/associate", "--account-id", string(account)))
	}
	if lost.Count > 1 {
		p.text += " The last command does all at once."
		p.remedies = append(p.remedies, remedy{
			role: muster.RemedyRoleDelegatedAdministrator, account: r.administrator,
			command: "muster rollout enable --region " + string(r.region) + " --types " + strings.ReplaceAll(names(want), ", ", ","),
		})
	}
	r.problems = append(r.problems, p)
	return false, nil
}

// byAdministrator is a command for the Region's administrator to run.
func (d *diagnosis) byAdministrator(r *regionDiagnosis, command, operation, path string, args ...string) remedy {
	return regional(muster.RemedyRoleDelegatedAdministrator, r.administrator, r.region, command,
		[]need{inspectorNeed(r.administrator, r.region, operation, path)}, args...)
}

// full: suspended members can make room.
func (d *diagnosis) full(ctx context.Context, r *regionDiagnosis, lost survey.Found) error {
	p := problem{
		code: muster.ProblemCodeMemberLimitReached, severity: muster.SeverityInfo, about: lost,
		text: fmt.Sprintf("The delegated administrator has %d members, as many as it may have. No other account can be associated, and accounts that join are not switched on.", r.members),
	}
	if lost.Count > 0 {
		p.severity = muster.SeverityError
		p.text += fmt.Sprintf(" %s left out.", are(lost.Count))
	}
	idle, err := survey.SuspendedMembers(ctx, d.tx, r.region, r.administrator, shownRemedies)
	if err != nil {
		return err
	}
	for _, account := range idle.Accounts {
		p.remedies = append(p.remedies, d.byAdministrator(r, "disassociate-member", "DisassociateMember", "/members/disassociate", "--account-id", string(account)))
	}
	r.problems = append(r.problems, p)
	return nil
}

// autoEnable: accounts that join should get what the others have.
func (d *diagnosis) autoEnable(r *regionDiagnosis, auto activation.AutoEnable, want []activation.ScanType, full bool) {
	on, off := map[activation.ScanType]bool{}, []activation.ScanType(nil)
	for _, t := range auto.Types() {
		on[t] = true
	}
	for _, t := range want {
		if !on[t] {
			off = append(off, t)
		}
		on[t] = true
	}
	if len(off) == 0 || full {
		return
	}
	setting := fmt.Sprintf("ec2=%t,ecr=%t,lambda=%t,lambdaCode=%t,codeRepository=%t",
		on[activation.EC2], on[activation.ECR], on[activation.Lambda], on[activation.LambdaCode], on[activation.CodeRepository])
	r.problems = append(r.problems, problem{
		code: muster.ProblemCodeAutoEnableOff, severity: muster.SeverityWarning,
		text:     "Accounts that join the organization are not switched on by themselves for " + names(off) + ".",
		remedies: []remedy{d.byAdministrator(r, "update-organization-configuration", "UpdateOrganizationConfiguration", "/organizationconfiguration/update", "--auto-enable", setting)},
	})
}
