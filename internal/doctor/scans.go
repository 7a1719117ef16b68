package doctor

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector/enforcement"
	"muster/internal/organizations"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/survey"
)

// typesOff finds members with types off, and tells those that may be switched
// on from those that a policy keeps off. idle: the administrator itself, which
// is not active, has been reported.
func (d *diagnosis) typesOff(ctx context.Context, r *regionDiagnosis, want []activation.ScanType, idle bool) error {
	lack, err := survey.Lack(ctx, d.tx, r.region, r.administrator, want)
	if err != nil || len(lack) == 0 {
		return err
	}
	kept, err := d.policies(ctx, lack)
	if err != nil {
		return err
	}
	var blocked, off []arn.AccountID
	missing := map[activation.ScanType]bool{}
	for _, l := range lack {
		open := false
		for _, t := range want {
			verdict := kept[l.Account].Verdict(r.region, t)
			switch {
			case l.Has(t) || verdict == enforcement.On: // the policy sees to it
			case verdict == enforcement.Off:
				blocked = append(blocked, l.Account)
			default:
				open, missing[t] = true, true
			}
		}
		if open && !(idle && l.Account == r.administrator) {
			off = append(off, l.Account)
		}
	}
	d.off(r, off, want, missing)
	blocked = slices.Compact(blocked)
	if len(blocked) > 0 {
		r.problems = append(r.problems, problem{
			code: muster.ProblemCodeBlockedByOrganizationPolicy, severity: muster.SeverityInfo, about: first(blocked),
			text: fmt.Sprintf("An INSPECTOR_POLICY of the organization keeps scan types off in %s; Enable answers BLOCKED_BY_ORGANIZATION_POLICY there. If they should be on, change the policy.", plural(len(blocked))),
		})
	}
	return nil
}

func first(accounts []arn.AccountID) survey.Found {
	return survey.Found{Accounts: accounts[:min(len(accounts), shownAccounts)], Count: len(accounts)}
}

// off reports members that can be switched on, a hundred with each command.
func (d *diagnosis) off(r *regionDiagnosis, off []arn.AccountID, want []activation.ScanType, missing map[activation.ScanType]bool) {
	if len(off) == 0 {
		return
	}
	var types []activation.ScanType
	for _, t := range want {
		// The code of functions is refused without functions.
		if missing[t] || t == activation.Lambda && missing[activation.LambdaCode] {
			types = append(types, t)
		}
	}
	p := problem{
		code: muster.ProblemCodeMembersScanTypesOff, severity: muster.SeverityError, about: first(off),
		text: fmt.Sprintf("In %s not all of %s are on.", plural(len(off)), names(want)),
	}
	for group := range slices.Chunk(off[:min(len(off), shownRemedies*enableAtOnce)], enableAtOnce) {
		p.remedies = append(p.remedies, enableRemedy(muster.RemedyRoleDelegatedAdministrator, r.administrator, r.region, group, types))
	}
	r.problems = append(r.problems, p)
}

// policies are the policies over accounts, for those that are under one.
func (d *diagnosis) policies(ctx context.Context, lack []survey.Lacking) (map[arn.AccountID]enforcement.Policy, error) {
	kept := map[arn.AccountID]enforcement.Policy{}
	has, err := activation.HasPolicies(ctx, d.tx, d.member.Org)
	if err != nil || !has {
		return kept, err
	}
	for group := range slices.Chunk(lack, 500) {
		ids := make([]arn.AccountID, len(group))
		for i, l := range group {
			ids[i] = l.Account
		}
		texts, err := activation.Policies(ctx, d.tx, ids)
		if err != nil {
			return nil, err
		}
		for account, text := range texts {
			if kept[account], err = enforcement.Decode(text); err != nil {
				return nil, err
			}
		}
	}
	return kept, nil
}

// transitionsAndRoles looks at what hangs, what has failed, and at accounts
// whose role somebody has deleted.
func (d *diagnosis) transitionsAndRoles(ctx context.Context, r *regionDiagnosis, org directory.OrganizationID) error {
	list, err := survey.UnsettledScans(ctx, d.tx, r.region, d.call.Account(), org, d.call.Time.Add(-d.service.config.Patience))
	if err != nil {
		return err
	}
	stuck, failed := map[arn.AccountID]bool{}, map[arn.AccountID][]activation.ScanType{}
	codes := map[string]bool{}
	for _, u := range list {
		if u.ErrorCode == "" {
			stuck[u.Account] = true
			continue
		}
		failed[u.Account] = append(failed[u.Account], u.Type)
		codes[u.ErrorCode] = true
	}
	if len(stuck) > 0 {
		r.problems = append(r.problems, problem{
			code: muster.ProblemCodeTransitionsStuck, severity: muster.SeverityWarning, about: first(sorted(stuck)),
			text:     fmt.Sprintf("In %s scan types have been ENABLING, DISABLING or SUSPENDING for longer than %s: the jobs that end this do not run, or have failed too often.", plural(len(stuck)), d.service.config.Patience),
			remedies: []remedy{{role: muster.RemedyRoleOperator, command: "muster admin retry-jobs"}},
		})
	}
	if len(failed) > 0 {
		r.problems = append(r.problems, d.failures(r, failed, sorted(codes)))
	}
	lost, err := survey.WithoutRole(ctx, d.tx, r.region, d.call.Account(), org, organizations.InspectorPrincipal, shownAccounts)
	if err != nil || lost.Count == 0 {
		return err
	}
	r.problems = append(r.problems, roleMissing(lost, d.member.Management))
	return nil
}

func sorted[K ~string, V any](set map[K]V) []K {
	var list []K
	for key := range set {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// failures are activations that did not come about; trying again is the way.
func (d *diagnosis) failures(r *regionDiagnosis, failed map[arn.AccountID][]activation.ScanType, codes []string) problem {
	accounts := sorted(failed)
	p := problem{
		code: muster.ProblemCodeTransitionsFailed, severity: muster.SeverityError, about: first(accounts),
		text: fmt.Sprintf("In %s switching scan types on has failed (%v). Mend the cause and try again.", plural(len(accounts)), codes),
	}
	for _, account := range accounts[:min(len(accounts), shownRemedies)] {
		types := failed[account]
		if slices.Contains(types, activation.LambdaCode) && !slices.Contains(types, activation.Lambda) {
			types = append([]activation.ScanType{activation.Lambda}, types...)
		}
		role, by, ids := muster.RemedyRoleDelegatedAdministrator, r.administrator, []arn.AccountID{account}
		if by == "" {
			role, by, ids = muster.RemedyRoleAccount, account, nil
		}
		p.remedies = append(p.remedies, enableRemedy(role, by, r.region, ids, types))
	}
	return p
}
