package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/organizations"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// caller is an account in a Region, and where it stands there.
type caller struct {
	name   string
	region arn.Region
	place
}

// callers are all relationships that an account can be in.
var callers = []caller{
	{"management", here, place{management: true}},
	{"management", there, place{management: true}}, // nobody is designated there
	{"administrator", here, place{administrator: true, delegated: true}},
	{"administrator", there, place{delegated: true}}, // designated in another Region
	{"member", here, place{member: true}},
	{"member", there, place{}},
	{"outsider", here, place{}},
	{"reader", here, place{delegated: true}},
	{"associated management", here, place{management: true, member: true}},
	{"associated management", there, place{management: true}},
	{"its administrator", here, place{administrator: true, delegated: true}},
	{"managing administrator", here, place{management: true, administrator: true}},
	{"managing administrator", there, place{management: true}},
	{"its member", here, place{member: true}},
	{"removed", here, place{}},
	{"former administrator", here, place{}},
	{"manager of former", here, place{management: true}},
	{"solo", here, place{solo: true}},
	{"solo", there, place{solo: true}},
}

// arrange makes the organizations that the callers stand in.
func arrange(w *world) {
	found := func(management string, members ...string) {
		w.signUp(append(members, management)...)
		do[organizations.CreateOrganizationOutput](w, management, there, "organizations:CreateOrganization", `{}`)
		for _, m := range members {
			w.join(management, m)
		}
	}
	designate := func(management, administrator string, members ...string) {
		do[inspector2.EnableDelegatedAdminAccountOutput](w, management, here, "inspector2:EnableDelegatedAdminAccount", `{"DelegatedAdminAccountId":%q}`, w.accounts[administrator])
		for _, m := range members {
			do[inspector2.AssociateMemberOutput](w, administrator, here, "inspector2:AssociateMember", `{"AccountId":%q}`, w.accounts[m])
		}
	}
	found("management", "administrator", "member", "outsider", "reader", "removed", "frozen")
	designate("management", "administrator", "member", "removed", "frozen")
	do[inspector2.DisassociateMemberOutput](w, "administrator", here, "inspector2:DisassociateMember", `{"AccountId":%q}`, w.accounts["removed"])
	do[organizations.EnableAWSServiceAccessOutput](w, "management", there, "organizations:EnableAWSServiceAccess", `{"ServicePrincipal":"config.amazonaws.com"}`)
	do[organizations.RegisterDelegatedAdministratorOutput](w, "management", there, "organizations:RegisterDelegatedAdministrator",
		`{"ServicePrincipal":"config.amazonaws.com","AccountId":%q}`, w.accounts["reader"])
	found("associated management", "its administrator")
	designate("associated management", "its administrator", "associated management")
	found("managing administrator", "its member")
	designate("managing administrator", "managing administrator", "its member")
	found("manager of former", "former administrator")
	designate("manager of former", "former administrator")
	do[inspector2.DisableDelegatedAdminAccountOutput](w, "manager of former", here, "inspector2:DisableDelegatedAdminAccount", `{"DelegatedAdminAccountId":%q}`, w.accounts["former administrator"])
	w.signUp("solo")
}

// bearer is a principal with the layers of policies that bear on it.
type bearer struct {
	name      string
	principal arn.Principal
	layers    layers
}

var (
	everything = []statement{{action: "*"}}
	nothing    = []statement{}
	// partial allows some and denies part of that.
	partial = []statement{{action: "inspector2:*"}, {action: "organizations:List*"}, {deny: true, action: "inspector2:BatchGet*"}, {deny: true, action: "organizations:ListAccounts"}}
	// bounds and session overlap with partial.
	bounds  = []statement{{action: "inspector2:Get*"}, {action: "inspector2:List*"}, {action: "organizations:*"}, {deny: true, action: "organizations:ListRoots"}}
	session = []statement{{action: "inspector2:*"}, {action: "organizations:Describe*"}, {deny: true, action: "inspector2:ListFindings"}}
)

// bearers makes principals of every kind in an account.
func (w *world) bearers(account string) []bearer {
	list := []bearer{
		{"root", w.root(account), layers{everything}},
		{"an administrator", w.user(account, "admin", "", document(everything)), layers{everything}},
		{"a user without policies", w.user(account, "nobody", ""), layers{nothing}},
		{"a user with some", w.user(account, "some", "", document(partial)), layers{partial}},
		{"a user within bounds", w.user(account, "bounded", document(bounds), document(everything)), layers{everything, bounds}},
		{"a user with some within bounds", w.user(account, "both", document(bounds), document(partial)), layers{partial, bounds}},
	}
	visitor, err := w.visit(account, "")
	w.must(err)
	list = append(list, bearer{"a role from another account", visitor, layers{everything}})
	restricted, err := w.visit(account, document(session))
	w.must(err)
	return append(list, bearer{"a restricted session", restricted, layers{everything, session}})
}

// visit assumes a role of the account as a user of another account.
func (w *world) visit(account, session string) (arn.Principal, error) {
	if w.accounts["visitor"] == "" {
		w.signUp("visitor")
		w.user("visitor", "traveller", "", document(everything))
	}
	home := w.accounts["visitor"]
	role := arn.New("iam", "", w.accounts[account], "role/Visit")
	if session == "" {
		trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"sts:AssumeRole"}]}`, home)
		if _, err := w.try(w.root(account), here, "iam:CreateRole", fmt.Sprintf(`{"RoleName":"Visit","AssumeRolePolicyDocument":%q}`, trust)); err != nil {
			return arn.Principal{}, err
		}
		if _, err := w.try(w.root(account), here, "iam:PutRolePolicy", fmt.Sprintf(`{"RoleName":"Visit","PolicyName":"all","PolicyDocument":%q}`, document(everything))); err != nil {
			return arn.Principal{}, err
		}
	}
	traveller, err := w.byName("visitor", "traveller")
	if err != nil {
		return arn.Principal{}, err
	}
	input := fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"visit"}`, role)
	if session != "" {
		input = fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"visit","Policy":%q}`, role, session)
	}
	out, err := w.try(traveller, here, "sts:AssumeRole", input)
	if err != nil {
		return arn.Principal{}, err
	}
	c := out.(*stsapi.AssumeRoleOutput).Credentials
	found, err := w.keys.Lookup(w.t.Context(), c.AccessKeyId, c.SessionToken)
	return found.Principal, err
}

// limited is a control policy at the root of every organization, narrow the
// only one of the account "outsider".
var (
	limited = []statement{{action: "*"}, {deny: true, action: "inspector2:Enable*"}, {deny: true, action: "organizations:DescribeOrganization"}}
	narrow  = []statement{{action: "inspector2:List*"}, {action: "organizations:*"}}
)

// controls are the levels that bear on a caller: none on management accounts
// and those that stand alone.
func (c caller) controls() layers {
	switch {
	case c.management, c.solo:
		return nil
	case c.name == "outsider":
		return layers{limited, narrow}
	}
	return layers{limited}
}

// control makes every organization attach control policies.
func (w *world) control() {
	create := func(management, name string, layer []statement) string {
		made := do[organizations.CreatePolicyOutput](w, management, there, "organizations:CreatePolicy",
			`{"Name":%q,"Description":"","Type":"SERVICE_CONTROL_POLICY","Content":%q}`, name, document(layer))
		return *made.Policy.PolicySummary.Id
	}
	attach := func(management, policy, target string) {
		do[organizations.AttachPolicyOutput](w, management, there, "organizations:AttachPolicy", `{"PolicyId":%q,"TargetId":%q}`, policy, target)
	}
	for _, management := range []string{"management", "associated management", "managing administrator", "manager of former"} {
		root := do[organizations.ListRootsOutput](w, management, there, "organizations:ListRoots", `{}`).Roots[0].Id
		attach(management, create(management, "limited", limited), *root)
	}
	target := string(w.accounts["outsider"])
	attach("management", create("management", "narrow", narrow), target)
	do[organizations.DetachPolicyOutput](w, "management", there, "organizations:DetachPolicy", `{"PolicyId":"p-FullAWSAccess","TargetId":%q}`, target)
}

func TestEveryOperationByEveryCaller(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		w := newWorld(t, url)
		arrange(w)
		judge := newJudge(t, w)
		all := map[string][]bearer{}
		for _, c := range callers {
			if all[c.name] == nil {
				all[c.name] = w.bearers(c.name)
			}
		}
		for _, controlled := range []bool{false, true} {
			if controlled {
				w.control()
			}
			for i, c := range callers {
				for j, b := range all[c.name] {
					// With control policies, and on the slower engine, a sample
					// of the combinations.
					if sampled := controlled || strings.HasPrefix(url, "postgres"); sampled && (i+j)%3 > 0 {
						continue
					}
					if controlled {
						b.layers = append(append(layers{}, b.layers...), c.controls()...)
					}
					judge.everything(c, b)
				}
			}
		}
		t.Logf("%d decisions", judge.decisions)
	})
}

// judge compares decisions with the tables.
type judge struct {
	*testing.T
	w                         *world
	inspector, organizational table
	decisions                 int
}

func newJudge(t *testing.T, w *world) *judge {
	return &judge{T: t, w: w, inspector: readTable(t, "inspector2.md"), organizational: readTable(t, "organizations.md")}
}

func (j *judge) everything(c caller, b bearer) {
	for action, op := range j.w.operations {
		if op.Service != "inspector2" && op.Service != "organizations" {
			continue
		}
		in := op.NewInput()
		got := j.w.access.Authorize(j.Context(), j.w.call(b.principal, c.region), &op, in)
		j.compare(c, b, action, "", got)
	}
}

// compare holds one decision against the tables. The clause tells what the
// request is about.
func (j *judge) compare(c caller, b bearer, action, clause string, got error) {
	j.Helper()
	j.decisions++
	what := fmt.Sprintf("%s %s by %s of the account %q in %s", action, clause, b.name, c.name, c.region)
	if !b.layers.allow(action) {
		j.wants(what, got, 0, "AccessDeniedException", "is not authorized to perform: "+action)
		return
	}
	service, op, _ := strings.Cut(action, ":")
	want := j.organizational.organizations(op, c.place)
	if service == "inspector2" {
		want = j.inspector.inspector(op, c.place, clause)
	}
	switch {
	case want == yes && got != nil:
		j.Errorf("%s: %v, want permission", what, got)
	case want == yes:
	case want == invalid:
		j.wants(what, got, 400, "ValidationException", "Invoking account is the delegated admin.")
	case want == notInUse:
		j.wants(what, got, 400, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	case service == "organizations":
		j.wants(what, got, 400, "AccessDeniedException", "You don't have permissions to access this resource.")
	case op == "Disable":
		j.wants(what, got, 403, "AccessDeniedException", fmt.Sprintf("Member account %s is not authorized to disable itself.", j.w.accounts[c.name]))
	default:
		j.wants(what, got, 403, "AccessDeniedException", "Invoking account does not have access to ")
	}
}

func (j *judge) wants(what string, got error, status int, code, text string) {
	j.Helper()
	e, ok := unwrap(got)
	if !ok || e.ErrorCode() != code || status > 0 && e.HTTPStatus() != status || !strings.Contains(e.Error(), text) {
		j.Errorf("%s: %v, want %s %q", what, got, code, text)
	}
}

// particular are requests that the table's cells say more about.
var particular = []struct {
	action, clause string
	in             any
}{
	{"inspector2:CreateFilter", "SUPPRESS writes", &inspector2.CreateFilterInput{Action: inspector2.FilterActionSuppress}},
	{"inspector2:CreateFilter", "", &inspector2.CreateFilterInput{Action: inspector2.FilterActionNone}},
	{"inspector2:UpdateFilter", "SUPPRESS writes", &inspector2.UpdateFilterInput{Action: inspector2.FilterActionSuppress}},
	{"inspector2:UpdateEc2DeepInspectionConfiguration", "deactivate", &inspector2.UpdateEc2DeepInspectionConfigurationInput{ActivateDeepInspection: new(false)}},
	{"inspector2:UpdateEc2DeepInspectionConfiguration", "", &inspector2.UpdateEc2DeepInspectionConfigurationInput{ActivateDeepInspection: new(true)}},
	{"inspector2:CreateCodeSecurityScanConfiguration", "level ORGANIZATION allowed", &inspector2.CreateCodeSecurityScanConfigurationInput{Level: inspector2.ConfigurationLevelOrganization}},
	{"inspector2:CreateCodeSecurityScanConfiguration", "", &inspector2.CreateCodeSecurityScanConfigurationInput{Level: inspector2.ConfigurationLevelAccount}},
}

func TestParticularRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	arrange(w)
	judge := newJudge(t, w)
	for _, c := range callers {
		for _, p := range particular {
			op := w.operations[p.action]
			got := w.access.Authorize(t.Context(), w.call(w.root(c.name), c.region), &op, p.in)
			judge.compare(c, bearer{"root", w.root(c.name), layers{everything}}, p.action, p.clause, got)
		}
	}
}

// TestTheTableIsWhole: every operation of the model has a row of its own in the
// specification's table, and no row is about anything else.
func TestTheTableIsWhole(t *testing.T) {
	tb := readTable(t, "inspector2.md")
	operations := inspector2.Handlers{}.Operations()
	for _, op := range operations {
		if tb[op.Name] == nil {
			t.Errorf("no row for %s", op.Name)
		}
	}
	if len(tb) != len(operations) || len(tb) != 75 {
		t.Errorf("%d rows and %d operations, want 75", len(tb), len(operations))
	}
}

// TestRestingAccountsDoNothing: whoever belongs to a suspended or closed
// account is nobody.
func TestRestingAccountsDoNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	arrange(w)
	list := w.bearers("frozen")
	for _, state := range []directory.State{directory.Suspended, directory.PendingClosure, directory.Closed} {
		w.setState("frozen", state)
		for _, b := range list {
			for action, op := range w.operations {
				err := w.access.Authorize(t.Context(), w.call(b.principal, here), &op, op.NewInput())
				if e, ok := unwrap(err); !ok || !strings.Contains(e.Error(), "The security token included in the request is invalid.") {
					t.Errorf("%s by %s of an account that is %s: %v", action, b.name, state, err)
				}
			}
		}
	}
	w.setState("frozen", directory.Active)
	op := w.operations["inspector2:ListFindings"]
	if err := w.access.Authorize(t.Context(), w.call(list[1].principal, here), &op, op.NewInput()); err != nil {
		t.Errorf("reinstated: %v", err)
	}
}

// TestNobodyAssumesAServiceLinkedRole: it is its service's alone, whoever asks.
func TestNobodyAssumesAServiceLinkedRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	arrange(w)
	for _, account := range []string{"management", "administrator", "member"} {
		role := arn.New("iam", "", w.accounts[account], "role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2")
		for _, b := range w.bearers(account) {
			_, err := w.try(b.principal, here, "sts:AssumeRole", fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"x"}`, role))
			if e, ok := unwrap(err); !ok || !strings.HasPrefix(e.ErrorCode(), "AccessDenied") {
				t.Errorf("%s of %s assumes the service-linked role: %v", b.name, account, err)
			}
		}
	}
}

// TestNobodyCallsAnonymously: a call without a principal is refused.
func TestNobodyCallsAnonymously(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for action, op := range w.operations {
		err := w.access.Authorize(t.Context(), &awsmodel.Call{Region: here, Time: w.now}, &op, op.NewInput())
		if e, ok := unwrap(err); !ok || !strings.HasPrefix(e.ErrorCode(), "AccessDenied") {
			t.Errorf("%s by nobody: %v", action, err)
		}
	}
}

// byName is a user's principal.
func (w *world) byName(account, user string) (arn.Principal, error) {
	out, err := w.try(w.root(account), here, "iam:GetUser", fmt.Sprintf(`{"UserName":%q}`, user))
	if err != nil {
		return arn.Principal{}, err
	}
	return principalOf(w.accounts[account], out), nil
}

// TestTheResourcePolicyOpensWrites: what the organization's resource policy
// allows a delegated administrator, it may; what it does not allow, or allows
// somebody else, it may not, and nobody may more than before once it is gone.
func TestTheResourcePolicyOpensWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	arrange(w)
	tb := readTable(t, "organizations.md")
	open := []string{"CreatePolicy", "AttachPolicy", "TagResource", "ListAccounts"}
	statement := fmt.Sprintf(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":["organizations:%s"],"Resource":"*"}`,
		w.accounts["reader"], strings.Join(open, `","organizations:`))
	for _, put := range []bool{true, false} {
		if put {
			do[organizations.PutResourcePolicyOutput](w, "management", there, "organizations:PutResourcePolicy", `{"Content":%q}`, `{"Version":"2012-10-17","Statement":[`+statement+`]}`)
		} else {
			do[organizations.DeleteResourcePolicyOutput](w, "management", there, "organizations:DeleteResourcePolicy", `{}`)
		}
		for _, c := range callers {
			for action, op := range w.operations {
				if op.Service != "organizations" {
					continue
				}
				want := tb.organizations(op.Name, c.place)
				if put && c.name == "reader" && slices.Contains(open, op.Name) && strings.Contains(tb.row(op.Name)["delegated admin"], "resource policy") {
					want = yes
				}
				err := w.access.Authorize(t.Context(), w.call(w.root(c.name), c.region), &op, op.NewInput())
				if (err == nil) != (want == yes) {
					t.Errorf("resource policy there: %v; %s by %s: %v, want %s", put, action, c.name, err, want)
				}
			}
		}
	}
}
