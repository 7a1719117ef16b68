package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/iam"
	"muster/internal/organizations"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/feeds"
	"muster/internal/store/handshakes"
	"muster/internal/store/survey"
)

// examineWhole looks at what does not depend on a Region.
func (d *diagnosis) examineWhole(ctx context.Context) error {
	steps := []func(context.Context) error{d.features, d.trust, d.role, d.registration, d.administratorState, d.suspended, d.accounts, d.advisories}
	if d.standing == muster.StandingStandalone {
		d.problems = append(d.problems, problem{
			code: muster.ProblemCodeOrganizationMissing, severity: muster.SeverityInfo,
			text: "The account stands alone, which is fine. To scan several accounts from one place, make it the management account of an organization.",
			remedies: []remedy{{
				role: muster.RemedyRoleAccount, account: d.call.Account(), command: aws("organizations", "create-organization", "--feature-set", "ALL"),
			}},
		})
		steps = []func(context.Context) error{d.advisories}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mend is a remedy that the management account runs.
func (d *diagnosis) mend(command string, needs ...need) remedy {
	return remedy{role: muster.RemedyRoleManagement, account: d.member.Management, command: command, needs: needs}
}

func (d *diagnosis) features(ctx context.Context) error {
	if d.member.AllFeatures() {
		return nil
	}
	p := problem{
		code: muster.ProblemCodeNotAllFeatures, severity: muster.SeverityError,
		text:     "The organization has consolidated billing only. A delegated administrator needs all features.",
		remedies: []remedy{d.mend(aws("organizations", "enable-all-features"), need{"organizations:EnableAllFeatures", "*", nil})},
	}
	asked, err := handshakes.PendingOf(ctx, d.tx, d.member.Org, handshakes.EnableAllFeatures, d.call.Time, 1)
	if err == nil && len(asked) > 0 {
		err = d.consent(ctx, &p, asked[0])
	}
	d.problems = append(d.problems, p)
	return err
}

// consent: all features have been asked for. Accounts that were invited have
// to approve, and then the management account accepts.
func (d *diagnosis) consent(ctx context.Context, p *problem, asked handshakes.Handshake) error {
	accept := func(h handshakes.Handshake) string {
		return aws("organizations", "accept-handshake", "--handshake-id", h.ID)
	}
	waiting, err := handshakes.CountOutstanding(ctx, d.tx, asked.ID)
	if err != nil {
		return err
	}
	if waiting == 0 {
		p.text += " Every account has agreed; the management account confirms."
		p.remedies = []remedy{d.mend(accept(asked), need{"organizations:AcceptHandshake", "*", nil})}
		return nil
	}
	p.text += " It has been asked for, and accounts that were invited have to approve."
	p.remedies = nil
	open, err := handshakes.PendingOf(ctx, d.tx, d.member.Org, handshakes.ApproveAllFeatures, d.call.Time, shownRemedies)
	for _, h := range open {
		p.about.Accounts, p.about.Count = append(p.about.Accounts, h.Account), p.about.Count+1
		p.remedies = append(p.remedies, remedy{role: muster.RemedyRoleAccount, account: h.Account, command: accept(h)})
	}
	return err
}

func (d *diagnosis) trust(context.Context) error {
	if d.trusted || !d.member.AllFeatures() {
		return nil
	}
	keys := map[string][]string{"organizations:ServicePrincipal": {organizations.InspectorPrincipal}}
	d.problems = append(d.problems, problem{
		code: muster.ProblemCodeTrustedAccessOff, severity: muster.SeverityError,
		text: "Inspector has no trusted access to the organization, so it has no delegated administrator and sees no other account.",
		remedies: []remedy{d.mend(aws("organizations", "enable-aws-service-access", "--service-principal", organizations.InspectorPrincipal),
			need{"organizations:EnableAWSServiceAccess", "*", keys})},
	})
	return nil
}

// role: trusted access gives the management account Inspector's role.
func (d *diagnosis) role(ctx context.Context) error {
	if !d.trusted {
		return nil
	}
	has, err := iam.HasServiceLinkedRole(ctx, d.tx, d.member.Management, organizations.InspectorPrincipal)
	if err != nil || has {
		return err
	}
	d.problems = append(d.problems, roleMissing(survey.Found{Accounts: []arn.AccountID{d.member.Management}, Count: 1}, d.member.Management))
	return nil
}

// roleMissing is the problem of accounts that lack Inspector's role.
func roleMissing(lack survey.Found, management arn.AccountID) problem {
	p := problem{
		code: muster.ProblemCodeServiceLinkedRoleMissing, severity: muster.SeverityWarning, about: lack,
		text: "The role AWSServiceRoleForAmazonInspector2, in whose name Inspector works, is missing in " + plural(lack.Count) + ".",
	}
	for _, account := range lack.Accounts[:min(len(lack.Accounts), shownRemedies)] {
		role, _ := iam.ServiceLinkedRoleARN(account, organizations.InspectorPrincipal) // of a service that iam knows
		r := remedy{
			role: muster.RemedyRoleAccount, account: account,
			command: aws("iam", "create-service-linked-role", "--aws-service-name", organizations.InspectorPrincipal),
			needs:   []need{{"iam:CreateServiceLinkedRole", role, map[string][]string{"iam:AWSServiceName": {organizations.InspectorPrincipal}}}},
		}
		if account == management {
			r.role = muster.RemedyRoleManagement
		}
		p.remedies = append(p.remedies, r)
	}
	return p
}

// registration: who is registered with Organizations and who is designated in
// the Regions must be one.
func (d *diagnosis) registration(context.Context) error {
	designated := map[arn.AccountID][]arn.Region{}
	for _, g := range d.designations {
		if g.Status == activation.Designated {
			designated[g.Account] = append(designated[g.Account], g.Region)
		}
	}
	if d.registered == "" || len(designated) == 0 || len(designated) == 1 && designated[d.registered] != nil {
		return nil
	}
	p := problem{code: muster.ProblemCodeRegistrationDiffers, severity: muster.SeverityError}
	if designated[d.registered] == nil && len(designated) == 1 {
		// The one that works stays.
		p.text = fmt.Sprintf("Account %s is registered as Inspector's delegated administrator, but %s is designated. An organization has one: the registration that has no effect should go.", d.registered, d.candidate)
		p.remedies = []remedy{d.mend(aws("organizations", "deregister-delegated-administrator", "--account-id", string(d.registered), "--service-principal", organizations.InspectorPrincipal),
			need{"organizations:DeregisterDelegatedAdministrator", d.account(d.registered), nil})}
		d.problems = append(d.problems, p)
		return nil
	}
	p.code = muster.ProblemCodeDesignationsDiffer
	p.text = fmt.Sprintf("Different accounts are designated in different Regions. An organization has one delegated administrator: %s is registered.", d.registered)
	for _, g := range d.designations {
		if g.Status == activation.Designated && g.Account != d.registered {
			p.remedies = append(p.remedies, d.undesignate(g))
		}
	}
	d.problems = append(d.problems, p)
	return nil
}

// undesignate removes a designation.
func (d *diagnosis) undesignate(g activation.Designation) remedy {
	return regional(muster.RemedyRoleManagement, d.member.Management, g.Region, "disable-delegated-admin-account",
		[]need{inspectorNeed(d.member.Management, g.Region, "DisableDelegatedAdminAccount", "/delegatedadminaccounts/disable"),
			{"organizations:DeregisterDelegatedAdministrator", d.account(g.Account), nil}},
		"--delegated-admin-account-id", string(g.Account))
}

// account is an account of the organization as a resource.
func (d *diagnosis) account(id arn.AccountID) arn.ARN {
	return arn.New("organizations", "", d.member.Management, "account/"+string(d.member.Org)+"/"+string(id))
}

func (d *diagnosis) administratorState(ctx context.Context) error {
	var p *problem
	for _, g := range d.designations {
		a, err := organizations.AccountIn(ctx, d.tx, d.member.Org, g.Account)
		if err != nil {
			return err
		}
		if g.Status != activation.Designated || a.State == directory.Active {
			continue
		}
		if p == nil {
			p = &problem{
				code: muster.ProblemCodeAdministratorSuspended, severity: muster.SeverityError,
				text: fmt.Sprintf("The delegated administrator %s is not active (%s). Remove it in every Region and designate another account.", g.Account, a.State),
			}
		}
		p.remedies = append(p.remedies, d.undesignate(g))
	}
	if p != nil {
		d.problems = append(d.problems, *p)
	}
	return nil
}

// suspended accounts are worth knowing: they explain what bulk calls say.
func (d *diagnosis) suspended(ctx context.Context) error {
	lost, err := survey.NotActive(ctx, d.tx, d.member.Org, shownAccounts)
	if err != nil || lost.Count == 0 {
		return err
	}
	d.problems = append(d.problems, problem{
		code: muster.ProblemCodeAccountsSuspended, severity: muster.SeverityInfo, about: lost,
		text: are(lost.Count) + " suspended, closing or not signed up yet: nothing can be switched on there, and calls that name them report ACCOUNT_IS_ISOLATED.",
	})
	return nil
}

func (d *diagnosis) accounts(ctx context.Context) error {
	limit := d.service.config.AccountLimit
	if limit == 0 {
		return nil
	}
	n, err := directory.CountMembers(ctx, d.tx, d.member.Org)
	if err != nil || n < limit {
		return err
	}
	d.problems = append(d.problems, problem{
		code: muster.ProblemCodeAccountLimitReached, severity: muster.SeverityInfo,
		text: fmt.Sprintf("The organization has %d accounts, as many as this installation allows (%d): no other can be created or invited. The operator can raise the limit.", n, limit),
	})
	return nil
}

// aged is how long advisories may go without a successful look at their source.
const aged = 72 * time.Hour

// advisories: without them nothing is found, whatever is switched on.
func (d *diagnosis) advisories(ctx context.Context) error {
	if d.service.config.AdvisoriesOptional {
		return nil
	}
	sources, err := feeds.Sources(ctx, d.tx)
	if err != nil {
		return err
	}
	operator := []remedy{{role: muster.RemedyRoleOperator, command: "muster feeds sync"}}
	var newest time.Time
	var rejected []string
	have := false
	for _, s := range sources {
		have = have || strings.HasPrefix(s.Name, "osv/") && s.Generation > 0
		if s.CheckedAt.After(newest) && (s.Status == feeds.StatusCurrent || s.Status == feeds.StatusAbsent) {
			newest = s.CheckedAt
		}
		if s.Status == feeds.StatusRejected {
			rejected = append(rejected, s.Name)
		}
	}
	switch {
	case !have:
		d.problems = append(d.problems, problem{
			code: muster.ProblemCodeAdvisoriesMissing, severity: muster.SeverityError, remedies: operator,
			text: "No advisories have been imported: hosts are covered, but nothing can be found. The operator imports them.",
		})
		return nil
	case d.call.Time.Sub(newest) > aged:
		d.problems = append(d.problems, problem{
			code: muster.ProblemCodeAdvisoriesAged, severity: muster.SeverityWarning, remedies: operator,
			text: "The advisories were last compared with their source at " + newest.UTC().Format(time.RFC3339) + ": what has become known since is not found.",
		})
	}
	if len(rejected) > 0 {
		slices.Sort(rejected)
		d.problems = append(d.problems, problem{
			code: muster.ProblemCodeAdvisoriesRejected, severity: muster.SeverityWarning,
			remedies: []remedy{{role: muster.RemedyRoleOperator, command: "muster feeds status"}},
			text:     "The latest advisories were refused, the older ones stay in service: " + strings.Join(rejected, ", ") + ". The operator sees why.",
		})
	}
	return nil
}
