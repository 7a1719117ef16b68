package bench

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	inspectortypes "github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// BenchmarkOrganization builds an organization of so many accounts in nested
// units through the AWS SDK and lives with it: creation, moves, lists, a policy
// at the root, the whole organization switched on. Every figure is per account
// or per call, so that the sizes can be compared.
func BenchmarkOrganization(b *testing.B) {
	for _, accounts := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			eachEngine(b, func(b *testing.B, w *world) {
				for range b.N {
					t := w.newTree(b)
					t.phase("create", accounts, func() { t.create(accounts) })
					t.phase("move", accounts, t.nest)
					t.phase("list", accounts, t.list)
					t.phase("attach", 1, t.attach)
					t.phase("associate", accounts, t.associate)
					t.phase("enable", accounts, t.enable)
					t.phase("enforce", accounts, t.enforce)
				}
			})
		})
	}
}

// tree is an organization under construction.
type tree struct {
	b        *testing.B
	w        *world
	ctx      context.Context
	orgs     *organizations.Client
	root     string
	audit    string
	accounts []string
}

// newTree founds an organization.
func (w *world) newTree(b *testing.B) *tree {
	b.Helper()
	t := &tree{b: b, w: w, ctx: b.Context()}
	account, err := w.server.Operator().CreateAccount(t.ctx, "management", fmt.Sprintf("%d@example.com", time.Now().UnixNano()))
	t.must(err)
	t.orgs = organizations.NewFromConfig(w.sdk(b, account))
	_, err = t.orgs.CreateOrganization(t.ctx, &organizations.CreateOrganizationInput{FeatureSet: orgtypes.OrganizationFeatureSetAll})
	t.must(err)
	roots, err := t.orgs.ListRoots(t.ctx, &organizations.ListRootsInput{})
	t.must(err)
	t.root = *roots.Roots[0].Id
	return t
}

// sdk is the configuration of a client with an account's root key.
func (w *world) sdk(b *testing.B, account arn.AccountID) aws.Config {
	key := w.root(b, account)
	return aws.Config{
		Region: string(region), BaseEndpoint: new(w.server.URL()), HTTPClient: w.client,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	}
}

func (t *tree) must(err error) {
	t.b.Helper()
	if err != nil {
		t.b.Fatal(err)
	}
}

// phase reports the time of one part per so many things.
func (t *tree) phase(name string, n int, fn func()) {
	began := time.Now()
	fn()
	took := time.Since(began)
	t.b.ReportMetric(float64(took.Microseconds())/1000/float64(n), name+"-ms")
	t.b.Logf("%s: %v", name, took.Round(time.Millisecond))
}

// create has accounts created, as many at once as AWS permits, the first being
// the delegated administrator.
func (t *tree) create(n int) {
	var pending []string
	for len(t.accounts) < n {
		for i := len(t.accounts) + len(pending); i < n && len(pending) < 5; i++ {
			out, err := t.orgs.CreateAccount(t.ctx, &organizations.CreateAccountInput{
				AccountName: new(fmt.Sprint("account-", i)), Email: new(fmt.Sprintf("%d-%d@example.com", time.Now().UnixNano(), i)),
			})
			var many *orgtypes.TooManyRequestsException
			if errors.As(err, &many) {
				break
			}
			t.must(err)
			pending = append(pending, *out.CreateAccountStatus.Id)
		}
		pending = t.created(pending)
	}
	t.audit = t.accounts[0]
}

// created collects the accounts that exist and returns the others' requests.
func (t *tree) created(pending []string) (left []string) {
	for _, id := range pending {
		out, err := t.orgs.DescribeCreateAccountStatus(t.ctx, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: new(id)})
		t.must(err)
		switch s := out.CreateAccountStatus; s.State {
		case orgtypes.CreateAccountStateSucceeded:
			t.accounts = append(t.accounts, *s.AccountId)
		case orgtypes.CreateAccountStateInProgress:
			left = append(left, id)
		default:
			t.b.Fatalf("creation: %s %s", s.State, s.FailureReason)
		}
	}
	return left
}

// nest makes units of fifty accounts, four levels deep, ten in each.
func (t *tree) nest() {
	var units []string
	for at, account := range t.accounts {
		n := at / 50
		for len(units) <= n {
			parent := t.root
			if len(units) > 0 {
				parent = units[(len(units)-1)/10]
			}
			out, err := t.orgs.CreateOrganizationalUnit(t.ctx, &organizations.CreateOrganizationalUnitInput{
				ParentId: new(parent), Name: new(fmt.Sprint("unit-", len(units)))})
			t.must(err)
			units = append(units, *out.OrganizationalUnit.Id)
		}
		_, err := t.orgs.MoveAccount(t.ctx, &organizations.MoveAccountInput{
			AccountId: new(account), SourceParentId: new(t.root), DestinationParentId: new(units[n])})
		t.must(err)
	}
}

// list reads every page of the accounts.
func (t *tree) list() {
	n := 0
	pages := organizations.NewListAccountsPaginator(t.orgs, &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.ctx)
		t.must(err)
		n += len(out.Accounts)
	}
	if n != len(t.accounts)+1 {
		t.b.Fatalf("%d of %d accounts listed", n, len(t.accounts)+1)
	}
}

// attach puts a service control policy on the root and sees it bind.
func (t *tree) attach() {
	t.policy(orgtypes.PolicyTypeServiceControlPolicy, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"inspector2:Disable","Resource":"*"}]}`)
	member := inspector2.NewFromConfig(t.w.sdk(t.b, arn.AccountID(t.accounts[len(t.accounts)-1])))
	_, err := member.Disable(t.ctx, &inspector2.DisableInput{ResourceTypes: []inspectortypes.ResourceScanType{inspectortypes.ResourceScanTypeEc2}})
	var denied *inspectortypes.AccessDeniedException
	if !errors.As(err, &denied) {
		t.b.Fatalf("under the policy: %v", err)
	}
}

func (t *tree) policy(kind orgtypes.PolicyType, content string) {
	out, err := t.orgs.CreatePolicy(t.ctx, &organizations.CreatePolicyInput{
		Type: kind, Name: new("benchmark"), Description: new(""), Content: new(content)})
	t.must(err)
	_, err = t.orgs.AttachPolicy(t.ctx, &organizations.AttachPolicyInput{PolicyId: out.Policy.PolicySummary.Id, TargetId: new(t.root)})
	t.must(err)
}

func (t *tree) administrator() *inspector2.Client {
	return inspector2.NewFromConfig(t.w.sdk(t.b, arn.AccountID(t.audit)))
}

// associate designates the administrator, which associates all others.
func (t *tree) associate() {
	id := t.w.management(t)
	_, err := inspector2.NewFromConfig(t.w.sdk(t.b, id)).EnableDelegatedAdminAccount(t.ctx,
		&inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: new(t.audit)})
	t.must(err)
	admin := t.administrator()
	for _, account := range t.accounts[1:] {
		_, err := admin.AssociateMember(t.ctx, &inspector2.AssociateMemberInput{AccountId: new(account)})
		t.must(err)
	}
}

func (w *world) management(t *tree) arn.AccountID {
	out, err := t.orgs.DescribeOrganization(t.ctx, &organizations.DescribeOrganizationInput{})
	t.must(err)
	return arn.AccountID(*out.Organization.MasterAccountId)
}

// enable switches two scan types on, a hundred accounts a call, and waits until
// every account says so.
func (t *tree) enable() {
	admin := t.administrator()
	for at := 0; at < len(t.accounts); at += 100 {
		part := t.accounts[at:min(at+100, len(t.accounts))]
		out, err := admin.Enable(t.ctx, &inspector2.EnableInput{AccountIds: part,
			ResourceTypes: []inspectortypes.ResourceScanType{inspectortypes.ResourceScanTypeEc2, inspectortypes.ResourceScanTypeEcr}})
		t.must(err)
		if len(out.FailedAccounts) > 0 {
			t.b.Fatalf("%s: %s", *out.FailedAccounts[0].AccountId, out.FailedAccounts[0].ErrorCode)
		}
	}
	t.await(func(s *inspectortypes.ResourceState) bool {
		return s.Ec2.Status == inspectortypes.StatusEnabled && s.Ecr.Status == inspectortypes.StatusEnabled
	})
}

// await asks for every account's status until all are as wanted.
func (t *tree) await(wanted func(*inspectortypes.ResourceState) bool) {
	admin := t.administrator()
	for at := 0; at < len(t.accounts); {
		part := t.accounts[at:min(at+100, len(t.accounts))]
		out, err := admin.BatchGetAccountStatus(t.ctx, &inspector2.BatchGetAccountStatusInput{AccountIds: part})
		t.must(err)
		for i := range out.Accounts {
			if !wanted(out.Accounts[i].ResourceState) {
				break
			}
			at++
		}
	}
}

// enforce switches a third type on by a policy at the root.
func (t *tree) enforce() {
	_, err := t.orgs.EnablePolicyType(t.ctx, &organizations.EnablePolicyTypeInput{RootId: new(t.root), PolicyType: "INSPECTOR_POLICY"})
	t.must(err)
	for enabled := false; !enabled; {
		roots, err := t.orgs.ListRoots(t.ctx, &organizations.ListRootsInput{})
		t.must(err)
		for _, p := range roots.Roots[0].PolicyTypes {
			enabled = enabled || p.Type == "INSPECTOR_POLICY" && p.Status == orgtypes.PolicyTypeStatusEnabled
		}
	}
	t.policy("INSPECTOR_POLICY", `{"inspector":{"enablement":{"lambda_standard_scanning":{
		"enable_in_regions":{"@@assign":["us-east-1"]},"disable_in_regions":{"@@assign":[]}}}}}`)
	t.await(func(s *inspectortypes.ResourceState) bool { return s.Lambda.Status == inspectortypes.StatusEnabled })
}
