package inspector_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// TestAccountsAgainstModel plays random histories of an organization in two
// Regions and compares every answer with a model of who is administrator, who
// is associated and what is on. Transitions end when the history says so.
func TestAccountsAgainstModel(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	former := checks.Value.String()
	if former == checks.DefValue {
		// Each step is a durable transaction, so a few histories take seconds.
		if err := checks.Value.Set("20"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = checks.Value.Set(former) })
	}
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newClock()
		st := storetest.Open(t, url, store.Options{Now: c.Now})
		rapid.Check(t, func(rt *rapid.T) {
			m := newMachine(rt, newWorld(t, st, c, nil))
			rt.Repeat(map[string]func(*rapid.T){
				"EnableDelegatedAdminAccount":      m.delegate,
				"DisableDelegatedAdminAccount":     m.undelegate,
				"trusted access":                   m.trust,
				"RegisterDelegatedAdministrator":   m.register,
				"DeregisterDelegatedAdministrator": m.deregister,
				"AssociateMember":                  m.associate,
				"DisassociateMember":               m.disassociate,
				"Enable":                           m.enable,
				"Disable":                          m.disable,
				"account state":                    m.suspend,
				"settle":                           m.settleAll,
				"":                                 m.compare,
			})
		})
	})
}

// machine is a world and the model of what it should be.
type machine struct {
	*world
	trusted    bool
	registered string
	byUs       bool // Inspector made the registration
	suspended  map[string]bool
	regions    map[arn.Region]*regionModel
}

type regionModel struct {
	administrator string
	removing      bool
	members       map[string]string
	scans         map[string]map[string]string
}

var (
	modelRegions = []arn.Region{"us-east-1", "eu-west-1"}
	modelTypes   = []string{"EC2", "LAMBDA"}
	serial       atomic.Int64
)

const modelManagement = "management"

func newMachine(rt *rapid.T, w *world) *machine {
	m := &machine{world: w, suspended: map[string]bool{}, regions: map[arn.Region]*regionModel{}}
	for _, r := range modelRegions {
		m.regions[r] = &regionModel{members: map[string]string{}, scans: map[string]map[string]string{}}
	}
	if err := m.found(); err != nil {
		rt.Fatal(err)
	}
	return m
}

// found makes an organization with four accounts, at once.
func (m *machine) found() error {
	ctx, now := m.t.Context(), m.clock.Now()
	err := m.store.Update(ctx, func(tx *store.Tx) error {
		for _, name := range []string{modelManagement, "a", "b", "c"} {
			email := fmt.Sprintf("%s-%d@example.com", name, serial.Add(1))
			id, err := organizations.RootAccount(ctx, tx, "", email, name, now)
			if err != nil {
				return err
			}
			m.name(id, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := m.orgs.CreateOrganization(ctx, m.call(modelManagement, "us-east-1"), &api.CreateOrganizationInput{FeatureSet: api.OrganizationFeatureSetAll}); err != nil {
		return err
	}
	return m.store.Update(ctx, func(tx *store.Tx) error {
		o, err := directory.OrganizationOf(ctx, tx, m.byName[modelManagement])
		for _, name := range []string{"a", "b", "c"} {
			if err == nil {
				err = directory.AddMember(ctx, tx, o.ID, m.byName[name], o.Root, directory.Invited, now)
			}
		}
		return err
	})
}

func (m *machine) anyone(rt *rapid.T, label string) string {
	return rapid.SampledFrom([]string{modelManagement, "a", "a", "b", "c"}).Draw(rt, label)
}

// managementOr is the management account more often than not.
func (m *machine) managementOr(rt *rapid.T) string {
	if rapid.IntRange(0, 5).Draw(rt, "by management") > 0 {
		return modelManagement
	}
	return m.anyone(rt, "caller")
}

// rarely lets one of n steps happen.
func rarely(rt *rapid.T, n int) {
	if rapid.IntRange(1, n).Draw(rt, "happens") > 1 {
		rt.Skip("not now")
	}
}

func (m *machine) anywhere(rt *rapid.T) (arn.Region, *regionModel) {
	region := rapid.SampledFrom(modelRegions).Draw(rt, "region")
	return region, m.regions[region]
}

// active is the administrator with authority, or "".
func (r *regionModel) active() string {
	if r.removing {
		return ""
	}
	return r.administrator
}

func (r *regionModel) manages(name string) bool {
	return r.active() != "" && slices.Contains([]string{"CREATED", "ENABLED", "ACCOUNT_SUSPENDED"}, r.members[name])
}

func (r *regionModel) status(name, scan string) string {
	if s := r.scans[name][scan]; s != "" {
		return s
	}
	return "DISABLED"
}

func (r *regionModel) set(name, scan, status string) {
	if r.scans[name] == nil {
		r.scans[name] = map[string]string{}
	}
	r.scans[name][scan] = status
}

// code is the error's code and, for conflicts, whether Terraform takes it as
// success.
func code(err error) string {
	known, ok := errors.AsType[awsmodel.Error](err)
	switch {
	case err == nil:
		return "ok"
	case !ok:
		return err.Error()
	case strings.Contains(known.Error(), "already enabled"):
		return known.ErrorCode() + " already enabled"
	}
	return known.ErrorCode()
}

func expect(rt *rapid.T, err error, want string) bool {
	rt.Helper()
	if got := code(err); got != want {
		rt.Fatalf("answered %s (%v), want %s", got, err, want)
	}
	return want == "ok"
}

func (m *machine) delegate(rt *rapid.T) {
	caller, target := m.managementOr(rt), m.anyone(rt, "target")
	region, r := m.anywhere(rt)
	_, err := m.do(caller, region, "EnableDelegatedAdminAccount", &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: m.id(target)})
	if expect(rt, err, m.wantDelegate(caller, target, r)) {
		r.administrator, m.trusted = target, true
		if m.registered == "" && target != modelManagement {
			m.registered, m.byUs = target, true
		}
	}
}

func (m *machine) wantDelegate(caller, target string, r *regionModel) string {
	switch {
	case caller != modelManagement:
		return "AccessDeniedException"
	case m.suspended[target]:
		return "ValidationException"
	case r.removing:
		return "ConflictException"
	case r.administrator == target:
		return "ConflictException already enabled"
	case m.registered != "" && m.registered != target:
		return "ConflictException"
	}
	for _, other := range m.regions {
		if other.administrator != "" && other.administrator != target {
			return "ConflictException"
		}
	}
	return "ok"
}

func (m *machine) undelegate(rt *rapid.T) {
	region, r := m.anywhere(rt)
	caller, target := m.managementOr(rt), m.administratorOr(rt, r)
	_, err := m.do(caller, region, "DisableDelegatedAdminAccount", &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: m.id(target)})
	want := "ok"
	switch {
	case caller != modelManagement:
		want = "AccessDeniedException"
	case r.administrator != target:
		want = "ResourceNotFoundException"
	}
	if expect(rt, err, want) {
		r.removing = true
	}
}

func (m *machine) trust(rt *rapid.T) {
	rarely(rt, 3)
	call := m.call(modelManagement, "us-east-1")
	m.trusted = rapid.Bool().Draw(rt, "trusted")
	var err error
	if m.trusted {
		_, err = m.orgs.EnableAWSServiceAccess(m.t.Context(), call, &api.EnableAWSServiceAccessInput{ServicePrincipal: organizations.InspectorPrincipal})
	} else {
		_, err = m.orgs.DisableAWSServiceAccess(m.t.Context(), call, &api.DisableAWSServiceAccessInput{ServicePrincipal: organizations.InspectorPrincipal})
		m.removeAll()
	}
	expect(rt, err, "ok")
}

func (m *machine) removeAll() {
	for _, r := range m.regions {
		r.removing = r.administrator != ""
	}
}

func (m *machine) register(rt *rapid.T) {
	target := m.anyone(rt, "target")
	_, err := m.orgs.RegisterDelegatedAdministrator(m.t.Context(), m.call(modelManagement, "us-east-1"),
		&api.RegisterDelegatedAdministratorInput{AccountId: m.id(target), ServicePrincipal: organizations.InspectorPrincipal})
	want := "ok"
	switch {
	case target == modelManagement, m.suspended[target], !m.trusted:
		want = "ConstraintViolationException"
	case m.registered == target:
		want = "AccountAlreadyRegisteredException"
	case m.registered != "":
		want = "ConstraintViolationException"
	}
	if expect(rt, err, want) {
		m.registered, m.byUs = target, false
	}
}

func (m *machine) deregister(rt *rapid.T) {
	rarely(rt, 3)
	target := m.anyone(rt, "target")
	_, err := m.orgs.DeregisterDelegatedAdministrator(m.t.Context(), m.call(modelManagement, "us-east-1"),
		&api.DeregisterDelegatedAdministratorInput{AccountId: m.id(target), ServicePrincipal: organizations.InspectorPrincipal})
	want := "ok"
	if m.registered != target {
		want = "AccountNotRegisteredException"
	}
	if expect(rt, err, want) {
		m.registered = ""
		for _, r := range m.regions {
			r.removing = r.removing || r.administrator == target
		}
	}
}

func (m *machine) associate(rt *rapid.T) {
	region, r := m.anywhere(rt)
	caller, target := m.administratorOr(rt, r), m.anyone(rt, "target")
	_, err := m.do(caller, region, "AssociateMember", &inspector2.AssociateMemberInput{AccountId: m.id(target)})
	want := "ok"
	switch {
	case caller != r.active():
		want = "AccessDeniedException"
	case target == caller, m.suspended[target], r.manages(target):
		want = "ValidationException"
	}
	if expect(rt, err, want) {
		r.members[target] = "CREATED"
	}
}

// administratorOr is the administrator more often than not.
func (m *machine) administratorOr(rt *rapid.T, r *regionModel) string {
	if r.active() != "" && rapid.IntRange(0, 3).Draw(rt, "by administrator") > 0 {
		return r.active()
	}
	return m.anyone(rt, "caller")
}

func (m *machine) disassociate(rt *rapid.T) {
	region, r := m.anywhere(rt)
	caller, target := m.administratorOr(rt, r), m.anyone(rt, "target")
	_, err := m.do(caller, region, "DisassociateMember", &inspector2.DisassociateMemberInput{AccountId: m.id(target)})
	want := "ok"
	switch {
	case caller != r.active():
		want = "AccessDeniedException"
	case !r.manages(target):
		want = "ValidationException"
	}
	if expect(rt, err, want) {
		r.members[target] = "REMOVED"
	}
}

// reach is why a caller fails at an account of a batch, or "".
func (m *machine) reach(r *regionModel, caller, target string) string {
	if caller == target || caller == r.active() && r.manages(target) {
		return ""
	}
	return "ACCESS_DENIED"
}

func (m *machine) enable(rt *rapid.T) {
	region, r := m.anywhere(rt)
	caller, target := m.administratorOr(rt, r), m.anyone(rt, "target")
	scan := rapid.SampledFrom(modelTypes).Draw(rt, "type")
	out, err := m.do(caller, region, "Enable", &inspector2.EnableInput{
		AccountIds: []string{m.id(target)}, ResourceTypes: []inspector2.ResourceScanType{inspector2.ResourceScanType(scan)},
	})
	expect(rt, err, "ok")
	want := m.reach(r, caller, target)
	if want == "" {
		switch status := r.status(target, scan); {
		case status == "DISABLING":
			want = "DISABLE_IN_PROGRESS"
		case status == "SUSPENDING":
			want = "SUSPEND_IN_PROGRESS"
		case status == "DISABLED" && r.manages(target) && m.suspended[target]:
			want = "ACCOUNT_IS_ISOLATED"
		case status == "DISABLED":
			r.set(target, scan, "ENABLING")
		}
	}
	o := out.(*inspector2.EnableOutput)
	m.oneResult(rt, len(o.Accounts), o.FailedAccounts, want)
}

func (m *machine) disable(rt *rapid.T) {
	region, r := m.anywhere(rt)
	caller, target := m.administratorOr(rt, r), m.anyone(rt, "target")
	types := rapid.SliceOfNDistinct(rapid.SampledFrom(modelTypes), 0, 2, rapid.ID).Draw(rt, "types")
	in := &inspector2.DisableInput{AccountIds: []string{m.id(target)}}
	for _, t := range types {
		in.ResourceTypes = append(in.ResourceTypes, inspector2.ResourceScanType(t))
	}
	out, err := m.do(caller, region, "Disable", in)
	if r.manages(caller) && caller != r.active() {
		expect(rt, err, "AccessDeniedException")
		return
	}
	expect(rt, err, "ok")
	o := out.(*inspector2.DisableOutput)
	m.oneResult(rt, len(o.Accounts), o.FailedAccounts, m.modelDisable(r, caller, target, types))
}

func (m *machine) modelDisable(r *regionModel, caller, target string, types []string) string {
	if want := m.reach(r, caller, target); want != "" {
		return want
	}
	var begins []string
	stays, on := false, false
	for _, t := range modelTypes {
		status := r.status(target, t)
		asked := slices.Contains(types, t)
		on = on || status != "DISABLED"
		switch {
		case asked && status == "ENABLING", asked && status == "SUSPENDING":
			// The first type in the service's order decides.
			return map[string]string{"ENABLING": "ENABLE_IN_PROGRESS", "SUSPENDING": "SUSPEND_IN_PROGRESS"}[status]
		case asked && (status == "ENABLED" || status == "SUSPENDED"):
			begins = append(begins, t)
		case status != "DISABLED" && status != "DISABLING":
			stays = true
		}
	}
	if len(types) == 0 && on {
		return "RESOURCE_SCAN_NOT_DISABLED"
	}
	if len(begins) > 0 && !stays && target == r.active() {
		for name := range r.members {
			if r.manages(name) {
				return "DISASSOCIATE_ALL_MEMBERS"
			}
		}
	}
	for _, t := range begins {
		r.set(target, t, "DISABLING")
	}
	return ""
}

func (m *machine) oneResult(rt *rapid.T, succeeded int, failed []inspector2.FailedAccount, want string) {
	got := ""
	if len(failed) == 1 {
		got = string(failed[0].ErrorCode)
	}
	if got != want || succeeded+len(failed) != 1 {
		rt.Fatalf("%d succeeded, %d failed with %q, want %q", succeeded, len(failed), got, want)
	}
}

func (m *machine) suspend(rt *rapid.T) {
	rarely(rt, 2)
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "account")
	m.suspended[name] = !m.suspended[name]
	state := map[bool]directory.State{true: directory.Suspended, false: directory.Active}[m.suspended[name]]
	m.setState(name, state)
	moves := map[string]string{"ENABLED": "SUSPENDING", "ENABLING": "SUSPENDING"}
	from, to := []string{"CREATED", "ENABLED"}, "ACCOUNT_SUSPENDED"
	if !m.suspended[name] {
		moves = map[string]string{"SUSPENDED": "ENABLING", "SUSPENDING": "ENABLING"}
		from, to = []string{"ACCOUNT_SUSPENDED"}, "ENABLED"
	}
	for _, r := range m.regions {
		for t, status := range r.scans[name] {
			if next, ok := moves[status]; ok {
				r.scans[name][t] = next
			}
		}
		if slices.Contains(from, r.members[name]) {
			r.members[name] = to
		}
	}
}

func (m *machine) settleAll(*rapid.T) {
	m.settle()
	var removed []string
	left := 0
	for _, r := range m.regions {
		r.settleScans()
		for name, relationship := range r.members {
			if relationship == "CREATED" {
				r.members[name] = "ENABLED"
			}
		}
		if r.removing {
			removed = append(removed, r.administrator)
			r.administrator, r.removing = "", false
			clear(r.members)
		}
		if r.administrator != "" {
			left++
		}
	}
	// What Inspector registered goes with the last Region.
	if left == 0 && m.byUs && m.trusted && slices.Contains(removed, m.registered) {
		m.registered = ""
	}
}

func (r *regionModel) settleScans() {
	ends := map[string]string{"ENABLING": "ENABLED", "DISABLING": "DISABLED", "SUSPENDING": "SUSPENDED"}
	for _, types := range r.scans {
		for t, status := range types {
			if end, ok := ends[status]; ok {
				types[t] = end
			}
		}
	}
}

// compare reads what can be read and compares it with the model.
func (m *machine) compare(rt *rapid.T) {
	m.compareRegistration(rt)
	for region, r := range m.regions {
		if r.active() != modelManagement {
			out, err := m.do(modelManagement, region, "ListDelegatedAdminAccounts", &inspector2.ListDelegatedAdminAccountsInput{})
			expect(rt, err, "ok")
			m.compareAdministrator(rt, region, r, out.(*inspector2.ListDelegatedAdminAccountsOutput))
		}
		if r.active() != "" {
			m.compareMembers(rt, region, r)
		}
		for name := range m.byName {
			m.compareScans(rt, region, r, name)
		}
	}
}

func (m *machine) compareRegistration(rt *rapid.T) {
	out, err := m.orgs.ListDelegatedAdministrators(m.t.Context(), m.call(modelManagement, "us-east-1"),
		&api.ListDelegatedAdministratorsInput{ServicePrincipal: new(organizations.InspectorPrincipal)})
	expect(rt, err, "ok")
	got := ""
	for _, a := range out.DelegatedAdministrators {
		got += m.named(*a.Id)
	}
	if got != m.registered {
		rt.Fatalf("registered: %q, want %q", got, m.registered)
	}
}

func (m *machine) compareAdministrator(rt *rapid.T, region arn.Region, r *regionModel, out *inspector2.ListDelegatedAdminAccountsOutput) {
	var got, want []string
	for _, a := range out.DelegatedAdminAccounts {
		got = append(got, m.named(*a.AccountId)+" "+string(a.Status))
	}
	switch {
	case r.removing:
		want = []string{r.administrator + " DISABLE_IN_PROGRESS"}
	case r.administrator != "":
		want = []string{r.administrator + " ENABLED"}
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("administrators in %s: %v, want %v", region, got, want)
	}
}

func (m *machine) compareMembers(rt *rapid.T, region arn.Region, r *regionModel) {
	out, err := m.do(r.active(), region, "ListMembers", &inspector2.ListMembersInput{OnlyAssociated: new(false)})
	expect(rt, err, "ok")
	got, want := map[string]string{}, map[string]string{}
	for _, member := range out.(*inspector2.ListMembersOutput).Members {
		got[m.named(*member.AccountId)] = string(member.RelationshipStatus)
	}
	for name := range m.byName {
		if name == r.active() {
			continue
		}
		want[name] = "REMOVED"
		if relationship := r.members[name]; relationship != "" {
			want[name] = relationship
		}
	}
	if !maps.Equal(got, want) {
		rt.Fatalf("members in %s: %v, want %v", region, got, want)
	}
	m.compareCount(rt, region, r)
}

// compareCount: the number that is kept is the number that there is.
func (m *machine) compareCount(rt *rapid.T, region arn.Region, r *regionModel) {
	want := 0
	for name := range m.byName {
		if r.manages(name) {
			want++
		}
	}
	err := m.store.View(m.t.Context(), func(tx *store.Tx) error {
		got, err := activation.CountMembers(m.t.Context(), tx, m.byName[r.active()], region)
		if got != want {
			rt.Fatalf("counted %d members in %s, want %d", got, region, want)
		}
		return err
	})
	expect(rt, err, "ok")
}

func (m *machine) compareScans(rt *rapid.T, region arn.Region, r *regionModel, name string) {
	out, err := m.desk.BatchGetAccountStatus(m.t.Context(), m.call(name, region), &inspector2.BatchGetAccountStatusInput{})
	expect(rt, err, "ok")
	state := out.Accounts[0].ResourceState
	got := string(state.Ec2.Status) + " " + string(state.Lambda.Status)
	if want := r.status(name, "EC2") + " " + r.status(name, "LAMBDA"); got != want {
		rt.Fatalf("scans of %s in %s: %s, want %s", name, region, got, want)
	}
}
