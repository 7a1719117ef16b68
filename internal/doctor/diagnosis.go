package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/survey"
)

// diagnosis is one examination.
type diagnosis struct {
	service *Service
	tx      *store.Tx
	call    *awsmodel.Call
	query   query

	standing muster.Standing
	// member is the caller's place; zero for one that stands alone.
	member organizations.Membership
	// trusted: Inspector has trusted access.
	trusted bool
	// registered is the registered administrator, or empty.
	registered   arn.AccountID
	designations []activation.Designation
	// candidate is who is, or should become, the administrator.
	candidate arn.AccountID
	// chosen: the candidate is a suggestion.
	chosen bool

	problems []problem
	regions  []regionDiagnosis
}

// regionDiagnosis is the part about a Region.
type regionDiagnosis struct {
	region            arn.Region
	administrator     arn.AccountID
	accounts, members int
	problems          []problem
}

// begin finds out who asks, refuses those who may not, and returns the Regions
// to examine in ascending order.
func (d *diagnosis) begin(ctx context.Context) (regions []arn.Region, err error) {
	d.member, err = organizations.Of(ctx, d.tx, d.call.Account())
	if errors.Is(err, store.ErrNotFound) {
		d.standing = muster.StandingStandalone
		return d.interesting(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := d.survey(ctx); err != nil {
		return nil, err
	}
	switch {
	case d.member.IsManagement():
		d.standing = muster.StandingManagement
	case d.administers():
		d.standing = muster.StandingDelegatedAdministrator
	default:
		return nil, &muster.AccessDeniedException{Message: "Invoking account does not have access to diagnose the organization"}
	}
	return d.interesting(ctx)
}

// survey reads what is known of the organization as a whole.
func (d *diagnosis) survey(ctx context.Context) (err error) {
	if d.trusted, err = organizations.TrustedAccessEnabled(ctx, d.tx, d.member.Org, organizations.InspectorPrincipal); err != nil {
		return err
	}
	r, err := organizations.DelegatedAdministrator(ctx, d.tx, d.member.Org, organizations.InspectorPrincipal)
	if err := ignore(err, store.ErrNotFound); err != nil {
		return err
	}
	d.registered = r.Account
	if d.designations, err = activation.Designations(ctx, d.tx, d.member.Org); err != nil {
		return err
	}
	d.candidate, d.chosen, err = d.choose(ctx)
	return err
}

// administers reports whether the caller is the delegated administrator of
// some Region, or registered as such.
func (d *diagnosis) administers() bool {
	account := d.call.Account()
	return d.registered == account || slices.ContainsFunc(d.designations, func(g activation.Designation) bool {
		return g.Account == account && g.Status == activation.Designated
	})
}

// choose finds who is the administrator, or who could be: the account asked
// for, the one registered, one that is called as security teams call theirs,
// any other, at last the management account itself.
func (d *diagnosis) choose(ctx context.Context) (account arn.AccountID, suggested bool, err error) {
	for _, g := range d.designations {
		if g.Status == activation.Designated {
			return g.Account, false, nil
		}
	}
	if d.registered != "" {
		return d.registered, false, nil
	}
	if d.query.Administrator != "" {
		_, err := organizations.AccountIn(ctx, d.tx, d.member.Org, arn.AccountID(d.query.Administrator))
		if errors.Is(err, store.ErrNotFound) {
			err = invalidField("delegatedAdminAccountId", "Account "+d.query.Administrator+" is not an account of the organization.")
		}
		return arn.AccountID(d.query.Administrator), false, err
	}
	// An organization's own accounts come first in the order of their ids;
	// looking at some hundred is enough for a suggestion.
	accounts, err := directory.Members(ctx, d.tx, d.member.Org, "", 500)
	if err != nil {
		return "", false, err
	}
	account = d.member.Management
	for _, a := range accounts {
		if a.ID == d.member.Management || a.State != directory.Active {
			continue
		}
		name := strings.ToLower(a.Name)
		if strings.Contains(name, "audit") || strings.Contains(name, "security") {
			return a.ID, true, nil
		}
		if account == d.member.Management {
			account = a.ID
		}
	}
	return account, true, nil
}

// interesting are the Regions to examine: those asked for, else those in use
// and that of the call.
func (d *diagnosis) interesting(ctx context.Context) ([]arn.Region, error) {
	var list []arn.Region
	switch {
	case d.query.All:
		list = slices.Clone(d.service.config.Regions)
	case len(d.query.Regions) > 0:
		for _, name := range d.query.Regions {
			list = append(list, arn.Region(name))
		}
	default:
		active, err := survey.ActiveRegions(ctx, d.tx, d.call.Account())
		if err != nil {
			return nil, err
		}
		for _, name := range append(active, string(d.call.Region)) {
			list = append(list, arn.Region(name))
		}
		for _, g := range d.designations {
			list = append(list, g.Region)
		}
		list = slices.DeleteFunc(list, func(r arn.Region) bool { return !slices.Contains(d.service.config.Regions, r) })
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// examine looks at everything, in the order in which a set-up is made.
func (d *diagnosis) examine(ctx context.Context, regions []arn.Region, whole bool) error {
	if whole {
		if err := d.examineWhole(ctx); err != nil {
			return err
		}
	}
	for _, region := range regions {
		r := &regionDiagnosis{region: region}
		examine := d.examineRegion
		if d.standing == muster.StandingStandalone {
			examine = d.examineAlone
		}
		if err := examine(ctx, r); err != nil {
			return fmt.Errorf("diagnose %s: %w", region, err)
		}
		d.regions = append(d.regions, *r)
	}
	return nil
}

// show is the diagnosis as clients see it.
func (d *diagnosis) show() *muster.DiagnoseOrganizationOutput {
	out := &muster.DiagnoseOrganizationOutput{
		AccountId: string(d.call.Account()), Standing: d.standing, Problems: showAll(d.problems), Regions: []muster.RegionDiagnosis{},
	}
	if d.member.Org != "" {
		out.OrganizationId, out.ManagementAccountId = new(string(d.member.Org)), new(string(d.member.Management))
	}
	for _, r := range d.regions {
		shown := muster.RegionDiagnosis{
			Region: string(r.region), Healthy: healthy(r.problems), AccountCount: int64(r.accounts), MemberCount: int64(r.members),
			Problems: showAll(r.problems),
		}
		if r.administrator != "" {
			shown.DelegatedAdminAccountId = new(string(r.administrator))
		}
		out.Regions = append(out.Regions, shown)
	}
	return out
}
