package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/store/storetest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/smithy-go"
)

// TestDeepInspection follows what accounts and their administrator set to the
// hosts, and from there to findings, on both stores. Every contact of an agent
// is a run of its own, on a machine that does not change.
func TestDeepInspection(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs both programs: make test runs it")
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	for engine, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, database(t))
			s.publish(map[string][]string{"Debian": {"Debian:12 libfoo 1.0-2"}, "PyPI": {"PyPI one 2.0", "PyPI two 2.0", "PyPI three 2.0"}})
			i := &inspection{t: t, management: s.accountNamed("management"), member: s.accountNamed("member")}
			i.organization()
			i.hosts(s)
			i.paths()
			i.refusals()
			i.switches()
			i.departure()
		})
	}
}

// inspection is an organization of two accounts, with a host in each. The
// management account administers Inspector itself.
type inspection struct {
	t                  *testing.T
	management, member *account
	// theirs and ours are the hosts of the member and of the management account.
	theirs, ours *guest
}

// guest is a host: package one lies in a default folder, two and three in
// others.
type guest struct {
	*machine
	account *account
	id      string
}

func (i *inspection) must(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatal(err)
	}
}

func (i *inspection) organization() {
	ctx := i.t.Context()
	_, err := i.management.organizations.CreateOrganization(ctx, &organizations.CreateOrganizationInput{})
	i.must(err)
	out, err := i.management.organizations.InviteAccountToOrganization(ctx, &organizations.InviteAccountToOrganizationInput{
		Target: &orgtypes.HandshakeParty{Id: &i.member.id, Type: orgtypes.HandshakePartyTypeAccount},
	})
	i.must(err)
	_, err = i.member.organizations.AcceptHandshake(ctx, &organizations.AcceptHandshakeInput{HandshakeId: out.Handshake.Id})
	i.must(err)
	_, err = i.management.inspector.EnableDelegatedAdminAccount(ctx, &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: &i.management.id})
	i.must(err)
	_, err = i.management.inspector.AssociateMember(ctx, &inspector2.AssociateMemberInput{AccountId: &i.member.id})
	i.must(err)
}

func (i *inspection) hosts(s *server) {
	for n, a := range []*account{i.management, i.member} {
		g := &guest{machine: newMachine(i.t, byte(n+1)), account: a}
		for name, folder := range map[string]string{"one": "usr/lib/python3/dist-packages", "two": "opt/app", "three": "srv/app"} {
			g.write(fmt.Sprintf("%s/%s-1.0.dist-info/METADATA", folder, name), "Metadata-Version: 2.1\nName: "+name+"\nVersion: 1.0\n")
		}
		code, out := g.enroll(s, newer, a.code())
		if code != 0 {
			i.t.Fatal(out)
		}
		g.id = strings.Fields(out)[2]
		if a == i.member {
			i.theirs = g
		} else {
			i.ours = g
		}
	}
	i.contact(i.theirs)
	i.contact(i.ours)
	i.finds(i.theirs, "libfoo", "one")
	i.finds(i.ours, "libfoo", "one")
}

// contact has the agent of a host come by.
func (i *inspection) contact(g *guest) {
	i.t.Helper()
	if code, out := g.once(newer); code != 0 {
		i.t.Fatal(out)
	}
}

// finds waits until exactly these packages of a host have ACTIVE findings.
func (i *inspection) finds(g *guest, want ...string) {
	i.t.Helper()
	slices.Sort(want)
	eventually(i.t, fmt.Sprintf("findings of %q", want), func() error {
		out, err := g.account.inspector.ListFindings(i.t.Context(), &inspector2.ListFindingsInput{FilterCriteria: &types.FilterCriteria{
			ResourceId:    []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: &g.id}},
			FindingStatus: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: aws.String("ACTIVE")}},
		}})
		if err != nil {
			return err
		}
		var got []string
		for _, f := range out.Findings {
			got = append(got, *f.PackageVulnerabilityDetails.VulnerablePackages[0].Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("they are of %q", got)
		}
		return nil
	})
}

func (i *inspection) own(paths ...string) {
	i.t.Helper()
	_, err := i.member.inspector.UpdateEc2DeepInspectionConfiguration(i.t.Context(), &inspector2.UpdateEc2DeepInspectionConfigurationInput{PackagePaths: paths})
	i.must(err)
}

// paths: the member's own ones are for its hosts alone, the organization's for
// all; a write replaces what was there.
func (i *inspection) paths() {
	i.own("/opt/app")
	i.contact(i.theirs)
	i.contact(i.ours)
	i.finds(i.theirs, "libfoo", "one", "two")
	i.finds(i.ours, "libfoo", "one")
	_, err := i.management.inspector.UpdateOrgEc2DeepInspectionConfiguration(i.t.Context(), &inspector2.UpdateOrgEc2DeepInspectionConfigurationInput{OrgPackagePaths: []string{"/srv/"}})
	i.must(err)
	i.contact(i.theirs)
	i.contact(i.ours)
	i.finds(i.theirs, "libfoo", "one", "two", "three")
	i.finds(i.ours, "libfoo", "one", "three")
	i.own([]string{}...)
	i.contact(i.theirs)
	i.finds(i.theirs, "libfoo", "one", "three")
}

// refusals: five paths at most, of AWS's form, and members cannot switch it off.
func (i *inspection) refusals() {
	for what, in := range map[string]struct {
		paths []string
		words string
	}{
		"six paths":      {[]string{"/a", "/b", "/c", "/d", "/e", "/f"}, "Member must have length less than or equal to 5"},
		"no path":        {[]string{"opt"}, "Member must satisfy regular expression pattern"},
		"a way out":      {[]string{"/opt/../etc"}, "Member must satisfy regular expression pattern"},
		"513 characters": {[]string{"/" + strings.Repeat("a", 512)}, "Member must have length less than or equal to 512"},
	} {
		for name, call := range map[string]func() error{
			"account": func() error {
				_, err := i.member.inspector.UpdateEc2DeepInspectionConfiguration(i.t.Context(), &inspector2.UpdateEc2DeepInspectionConfigurationInput{PackagePaths: in.paths})
				return err
			},
			"organization": func() error {
				_, err := i.management.inspector.UpdateOrgEc2DeepInspectionConfiguration(i.t.Context(), &inspector2.UpdateOrgEc2DeepInspectionConfigurationInput{OrgPackagePaths: in.paths})
				return err
			},
		} {
			i.refused(name+", "+what, call(), "ValidationException", in.words)
		}
	}
	_, err := i.member.inspector.UpdateEc2DeepInspectionConfiguration(i.t.Context(), &inspector2.UpdateEc2DeepInspectionConfigurationInput{ActivateDeepInspection: aws.Bool(false)})
	i.refused("a member that switches it off", err, "AccessDeniedException", "Invoking account does not have access to deactivate deep inspection")
}

func (i *inspection) refused(what string, err error, code, words string) {
	i.t.Helper()
	refusal, ok := errors.AsType[smithy.APIError](err)
	if !ok || refusal.ErrorCode() != code || !strings.Contains(refusal.ErrorMessage(), words) {
		i.t.Errorf("%s: %v, want %s with %q", what, err, code, words)
	}
}

// switches: off closes what language packages had, whether or not the agent has
// heard of it; on, they are awaited and come with its next contact.
func (i *inspection) switches() {
	turn := func(on bool) {
		out, err := i.management.inspector.BatchUpdateMemberEc2DeepInspectionStatus(i.t.Context(), &inspector2.BatchUpdateMemberEc2DeepInspectionStatusInput{
			AccountIds: []types.MemberAccountEc2DeepInspectionStatus{{AccountId: &i.member.id, ActivateDeepInspection: &on}},
		})
		if i.must(err); len(out.AccountIds) != 1 {
			i.t.Fatalf("answered %+v", out.FailedAccountIds)
		}
	}
	turn(false)
	i.finds(i.theirs, "libfoo")
	i.finds(i.ours, "libfoo", "one", "three")
	i.contact(i.theirs)
	i.finds(i.theirs, "libfoo")
	i.member.awaitCoverage(i.theirs.id, "ACTIVE SUCCESSFUL")
	turn(true)
	i.member.awaitCoverage(i.theirs.id, "ACTIVE DEEP_INSPECTION_NO_INVENTORY")
	i.contact(i.theirs)
	i.finds(i.theirs, "libfoo", "one", "three")
	i.member.awaitCoverage(i.theirs.id, "ACTIVE SUCCESSFUL")
}

// departure: who is no member any more has nothing of the organization's paths.
func (i *inspection) departure() {
	_, err := i.management.inspector.DisassociateMember(i.t.Context(), &inspector2.DisassociateMemberInput{AccountId: &i.member.id})
	i.must(err)
	i.contact(i.theirs)
	i.contact(i.ours)
	i.finds(i.theirs, "libfoo", "one")
	i.finds(i.ours, "libfoo", "one", "three")
}
