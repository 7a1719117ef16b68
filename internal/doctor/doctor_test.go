package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/doctor"
	"muster/internal/inspector"
	"muster/internal/inspector/enforcement"
	"muster/internal/organizations"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/feeds"
	"muster/internal/store/storetest"
	"muster/internal/worker"
)

// The Regions and accounts of these tests; audit administers.
const (
	here, there = "us-east-1", "eu-west-1"

	management arn.AccountID = "100000000000"
	audit      arn.AccountID = "100000000001"
	workload   arn.AccountID = "100000000002"
	alone      arn.AccountID = "100000000003"
)

// world is an organization in which nothing is amiss.
type world struct {
	t      *testing.T
	store  *store.Store
	now    time.Time
	config doctor.Config
	work   *inspector.Service
	org    directory.OrganizationID
	// denied are actions that the caller may not do, with the refusal.
	denied map[string]string
}

// Permit implements doctor.Access.
func (w *world) Permit(_ context.Context, call *awsmodel.Call, action string, resource arn.ARN, _ map[string][]string) error {
	if why, ok := w.denied[action]; ok {
		return &awsmodel.Fault{Code: "AccessDeniedException", Status: 403, Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", call.Principal.ARN, action, resource, why)}
	}
	return nil
}

func newWorld(t *testing.T, st *store.Store) *world {
	w := &world{t: t, store: st, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), denied: map[string]string{}}
	pages, err := pagetoken.New(pagetoken.NewKey())
	w.must(err)
	regions := []arn.Region{here, there}
	w.config = doctor.Config{Store: st, Pages: pages, Access: w, Regions: regions}
	w.work = inspector.New(inspector.Config{Store: st, Pages: pages, Regions: regions, Now: func() time.Time { return w.now }})
	orgs := organizations.New(st, organizations.Options{Pages: pages, Observers: []organizations.Observer{w.work}})
	w.update(func(ctx context.Context, tx *store.Tx) (err error) {
		for _, id := range []arn.AccountID{management, audit, workload, alone} {
			_, e := organizations.RootAccount(ctx, tx, id, string(id)+"@example.com", string(id), w.now)
			err = errors.Join(err, e)
		}
		return errors.Join(err, feeds.PutSource(ctx, tx, feeds.Source{Name: "osv/Debian", Generation: 1, Status: feeds.StatusCurrent, CheckedAt: w.now}))
	})
	_, err = orgs.CreateOrganization(t.Context(), w.call(management), &api.CreateOrganizationInput{FeatureSet: api.OrganizationFeatureSetAll})
	w.must(err)
	w.update(func(ctx context.Context, tx *store.Tx) error {
		o, err := directory.OrganizationOf(ctx, tx, management)
		w.org = o.ID
		for _, id := range []arn.AccountID{audit, workload} {
			err = errors.Join(err, directory.AddMember(ctx, tx, o.ID, id, o.Root, directory.Created, w.now))
		}
		return err
	})
	w.set()
	return w
}

// set sets scanning up in one Region.
func (w *world) set() {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.work.EnableDelegatedAdminAccount(ctx, w.call(management), &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: string(audit)})
	w.must(err)
	for _, id := range []arn.AccountID{management, workload} {
		_, err := w.work.AssociateMember(ctx, w.call(audit), &inspector2.AssociateMemberInput{AccountId: string(id)})
		w.must(err)
	}
	_, err = w.work.Enable(ctx, w.call(audit), &inspector2.EnableInput{
		AccountIds: []string{string(audit), string(management), string(workload)}, ResourceTypes: []inspector2.ResourceScanType{"EC2", "ECR"},
	})
	w.must(err)
	w.settle()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		return activation.PutAutoEnable(ctx, tx, audit, here, activation.AutoEnable{EC2: true, ECR: true})
	})
}

// settle runs the jobs that are due.
func (w *world) settle() {
	w.t.Helper()
	handlers := w.work.Jobs()
	for _, kind := range slices.Sorted(maps.Keys(handlers)) {
		jobs, err := w.store.Claim(w.t.Context(), kind, 100, time.Minute)
		w.must(err)
		for _, job := range jobs {
			w.must(worker.Handler(handlers[kind])(w.t.Context(), job))
		}
		w.must(w.store.Complete(w.t.Context(), jobs...))
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(fn func(context.Context, *store.Tx) error) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error { return fn(w.t.Context(), tx) }))
}

func (w *world) call(id arn.AccountID) *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Kind: arn.User, Account: id, ARN: arn.New("iam", "", id, "user/ada")}, Region: here, Time: w.now}
}

// ask is the diagnosis for an account, one line for each problem and command.
func (w *world) ask(id arn.AccountID, in muster.DiagnoseOrganizationInput) string {
	w.t.Helper()
	var b strings.Builder
	tell := func(where string, list []muster.Problem) {
		for _, p := range list {
			fmt.Fprintf(&b, "%s%s %s %s\n", where, p.Severity, p.Code, strings.Join(p.AccountIds, ","))
			for _, r := range p.Remedies {
				by := ""
				if r.AccountId != nil {
					by = *r.AccountId
				}
				fmt.Fprintf(&b, "  %s %s: %s\n", r.Role, by, r.Command)
			}
		}
	}
	for first := true; ; first = false {
		out, err := doctor.New(w.config).DiagnoseOrganization(w.t.Context(), w.call(id), &in)
		if err != nil {
			return err.Error() + "\n"
		}
		if !first && len(out.Problems) > 0 {
			w.t.Error("the organization's problems are told on every page")
		}
		tell("", out.Problems)
		for _, r := range out.Regions {
			fmt.Fprintf(&b, "%s: %d of %d\n", r.Region, r.MemberCount, r.AccountCount)
			tell("", r.Problems)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return b.String()
		}
	}
}

// check compares the diagnosis of the management account with what is wanted
// of it, indentation aside.
func (w *world) check(what, want string) {
	w.t.Helper()
	trim := func(text string) string {
		var lines []string
		for line := range strings.Lines(strings.TrimSpace(text)) {
			lines = append(lines, strings.TrimSpace(line))
		}
		return strings.Join(lines, "\n")
	}
	if got := trim(w.ask(management, muster.DiagnoseOrganizationInput{})); got != trim(want) {
		w.t.Errorf("%s: got\n%s\nwant\n%s", what, got, trim(want))
	}
}

// suspend changes an account's state as AWS's own staff would.
func (w *world) suspend(id arn.AccountID) {
	w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := directory.SetState(ctx, tx, id, directory.Suspended, time.Time{}); err != nil {
			return err
		}
		return w.work.AccountStateChanged(ctx, tx, w.org, id, directory.Suspended, w.now)
	})
}

// TestWhatIsAmiss breaks a healthy organization in the ways that the AWS CLI
// alone cannot, each in a world of its own.
func TestWhatIsAmiss(t *testing.T) {
	for _, c := range []struct {
		what   string
		damage func(w *world)
		want   string
	}{
		{"nothing", func(*world) {}, `us-east-1: 2 of 3`},
		{"a suspended member", func(w *world) { w.suspend(workload) }, `
			INFO ACCOUNTS_SUSPENDED 100000000002
			us-east-1: 2 of 3`},
		{"a suspended administrator", func(w *world) { w.suspend(audit) }, `
			ERROR ADMINISTRATOR_SUSPENDED
			MANAGEMENT 100000000000: aws inspector2 disable-delegated-admin-account --region us-east-1 --delegated-admin-account-id 100000000001
			INFO ACCOUNTS_SUSPENDED 100000000001
			us-east-1: 2 of 3`},
		{"another account is registered", func(w *world) {
			w.update(func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(directory.DeleteDelegation(ctx, tx, w.org, organizations.InspectorPrincipal, audit),
					directory.InsertDelegation(ctx, tx, w.org, directory.Delegation{Principal: organizations.InspectorPrincipal, Account: workload, EnabledAt: w.now}))
			})
		}, `
			ERROR REGISTRATION_DIFFERS
			MANAGEMENT 100000000000: aws organizations deregister-delegated-administrator --account-id 100000000002 --service-principal inspector2.amazonaws.com
			us-east-1: 2 of 3`},
		{"different administrators", func(w *world) {
			w.update(func(ctx context.Context, tx *store.Tx) error {
				return activation.InsertDesignation(ctx, tx, activation.Designation{Org: w.org, Region: there, Account: workload, Status: activation.Designated, DesignatedAt: w.now})
			})
			w.config.Regions = []arn.Region{here}
		}, `
			ERROR DESIGNATIONS_DIFFER
			MANAGEMENT 100000000000: aws inspector2 disable-delegated-admin-account --region eu-west-1 --delegated-admin-account-id 100000000002
			us-east-1: 2 of 3`},
		{"no room", func(w *world) {
			w.config.MemberLimit, w.config.AccountLimit = 1, 3
			_, err := w.work.DisassociateMember(w.t.Context(), w.call(audit), &inspector2.DisassociateMemberInput{AccountId: string(management)})
			w.must(err)
		}, `
			INFO ACCOUNT_LIMIT_REACHED
			us-east-1: 1 of 3
			ERROR MEMBER_LIMIT_REACHED 100000000000`},
		{"room that a suspended member takes", func(w *world) {
			w.suspend(workload)
			w.config.MemberLimit = 2
		}, `
			INFO ACCOUNTS_SUSPENDED 100000000002
			us-east-1: 2 of 3
			INFO MEMBER_LIMIT_REACHED
			DELEGATED_ADMINISTRATOR 100000000001: aws inspector2 disassociate-member --region us-east-1 --account-id 100000000002`},
		{"a transition that hangs", func(w *world) {
			_, err := w.work.Enable(w.t.Context(), w.call(audit), &inspector2.EnableInput{AccountIds: []string{string(workload)}, ResourceTypes: []inspector2.ResourceScanType{"LAMBDA"}})
			w.must(err)
			w.now = w.now.Add(6 * time.Minute)
		}, `
			us-east-1: 2 of 3
			WARNING TRANSITIONS_STUCK 100000000002
			OPERATOR : muster admin retry-jobs`},
		{"an activation that failed", func(w *world) {
			w.update(func(ctx context.Context, tx *store.Tx) error {
				return activation.PutScans(ctx, tx, []activation.Scan{{Account: workload, Region: here, Type: activation.LambdaCode, Status: activation.Disabled, ChangedAt: w.now, ErrorCode: "SSM_THROTTLED"}})
			})
		}, `
			us-east-1: 2 of 3
			ERROR TRANSITIONS_FAILED 100000000002
			DELEGATED_ADMINISTRATOR 100000000001: aws inspector2 enable --region us-east-1 --account-ids 100000000002 --resource-types LAMBDA LAMBDA_CODE`},
		{"a policy that keeps a type off", func(w *world) {
			w.update(func(ctx context.Context, tx *store.Tx) error {
				text, err := enforcement.Policy{activation.ECR: {Disable: []string{enforcement.Everywhere}}}.Encode()
				return errors.Join(err, activation.PutPolicies(ctx, tx, w.org, map[arn.AccountID]string{workload: text}),
					activation.PutScans(ctx, tx, []activation.Scan{{Account: workload, Region: here, Type: activation.ECR, Status: activation.Disabled, ChangedAt: w.now}}))
			})
		}, `
			us-east-1: 2 of 3
			INFO BLOCKED_BY_ORGANIZATION_POLICY 100000000002`},
		{"advisories of last week, one file refused", func(w *world) {
			w.now = w.now.Add(7 * 24 * time.Hour)
			w.update(func(ctx context.Context, tx *store.Tx) error {
				return feeds.PutSource(ctx, tx, feeds.Source{Name: "kev.json", Status: feeds.StatusRejected, CheckedAt: w.now})
			})
		}, `
			WARNING ADVISORIES_AGED
			OPERATOR : muster feeds sync
			WARNING ADVISORIES_REJECTED
			OPERATOR : muster feeds status
			us-east-1: 2 of 3`},
		{"a caller without permission", func(w *world) {
			w.denied["organizations:EnableAWSServiceAccess"] = "because no identity-based policy allows it"
			w.update(func(ctx context.Context, tx *store.Tx) error {
				if _, err := directory.DeleteTrustedService(ctx, tx, w.org, organizations.InspectorPrincipal); err != nil {
					return err
				}
				return w.work.TrustedAccessDisabled(ctx, tx, w.org, management, organizations.InspectorPrincipal, w.now)
			})
			w.settle()
		}, `
			ERROR CALLER_LACKS_PERMISSION
			ACCOUNT 100000000000: aws iam put-user-policy --user-name ada --policy-name inspector-trusted-access-off --policy-document '{"Statement":[{"Action":["organizations:EnableAWSServiceAccess"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}'
			ERROR TRUSTED_ACCESS_OFF
			MANAGEMENT 100000000000: aws organizations enable-aws-service-access --service-principal inspector2.amazonaws.com
			us-east-1: 0 of 3
			ERROR CALLER_LACKS_PERMISSION
			ACCOUNT 100000000000: aws iam put-user-policy --user-name ada --policy-name inspector-no-delegated-administrator --policy-document '{"Statement":[{"Action":["organizations:EnableAWSServiceAccess"],"Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}'
			ERROR NO_DELEGATED_ADMINISTRATOR
			MANAGEMENT 100000000000: aws inspector2 enable-delegated-admin-account --region us-east-1 --delegated-admin-account-id 100000000001`},
		{"a caller whom a policy denies", func(w *world) {
			w.denied["organizations:DeregisterDelegatedAdministrator"] = "with an explicit deny in a service control policy"
			w.suspend(audit)
		}, `
			ERROR CALLER_LACKS_PERMISSION
			ERROR ADMINISTRATOR_SUSPENDED
			MANAGEMENT 100000000000: aws inspector2 disable-delegated-admin-account --region us-east-1 --delegated-admin-account-id 100000000001
			INFO ACCOUNTS_SUSPENDED 100000000001
			us-east-1: 2 of 3`},
	} {
		t.Run(strings.ReplaceAll(c.what, " ", "-"), func(t *testing.T) {
			engines := []func(testing.TB) string{storetest.SQLite}
			if strings.Contains(c.want, "100000000002") {
				// What is found by a question of its own has to be found on both.
				engines = append(engines, storetest.Postgres)
			}
			for _, engine := range engines {
				w := newWorld(t, storetest.Open(t, engine(t), store.Options{}))
				c.damage(w)
				w.check(c.what, c.want)
			}
		})
	}
}

// TestWhoMayAskWhat: relations, wrong input, and pages of Regions.
func TestWhoMayAskWhat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st)
		all := muster.DiagnoseOrganizationInput{AllRegions: new(true)}
		paged := muster.DiagnoseOrganizationInput{AllRegions: new(true), MaxResults: new(int32(1))}
		if one, two := w.ask(management, all), w.ask(management, paged); one != two || !strings.Contains(one, "eu-west-1: 0 of 3\nERROR NO_DELEGATED_ADMINISTRATOR") {
			t.Errorf("on one page\n%s\non two\n%s", one, two)
		}
		for _, c := range []struct {
			who  arn.AccountID
			in   muster.DiagnoseOrganizationInput
			want string
		}{
			{audit, muster.DiagnoseOrganizationInput{}, "us-east-1: 2 of 3\n"},
			{workload, muster.DiagnoseOrganizationInput{}, "AccessDeniedException: Invoking account does not have access to diagnose the organization\n"},
			{audit, muster.DiagnoseOrganizationInput{Regions: []string{"mars-1"}}, "ValidationException: Region mars-1 is not one of this installation.\n"},
			{audit, muster.DiagnoseOrganizationInput{Regions: []string{here}, AllRegions: new(true)}, "ValidationException: Give regions or allRegions, not both.\n"},
			{audit, muster.DiagnoseOrganizationInput{NextToken: new("x")}, "ValidationException: The nextToken is not valid for this request.\n"},
		} {
			if got := w.ask(c.who, c.in); got != c.want {
				t.Errorf("%s %+v: got %q, want %q", c.who, c.in, got, c.want)
			}
		}
		lonely := w.ask(alone, muster.DiagnoseOrganizationInput{ResourceTypes: []muster.ResourceType{"LAMBDA_CODE"}})
		if !strings.HasPrefix(lonely, "INFO ORGANIZATION_MISSING") || !strings.Contains(lonely, "aws inspector2 enable --region us-east-1 --resource-types LAMBDA LAMBDA_CODE") {
			t.Errorf("alone: %s", lonely)
		}
	})
}
