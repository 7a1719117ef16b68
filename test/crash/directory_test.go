package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// acknowledgements remembers which things the server has said to exist.
type acknowledgements struct {
	mu    sync.Mutex // guards the rest
	tried int
	// there maps what exists to a text about it; gone is what was deleted,
	// doubtful what may or may not have been.
	there          map[string]string
	gone, doubtful map[string]bool
}

// fresh returns a name that was never used.
func (a *acknowledgements) fresh(prefix string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tried++
	return fmt.Sprintf("%s-%d", prefix, a.tried)
}

func (a *acknowledgements) put(key, about string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.there == nil {
		a.there, a.gone, a.doubtful = map[string]string{}, map[string]bool{}, map[string]bool{}
	}
	a.there[key] = about
}

// some takes one that exists out of the model, to be deleted.
func (a *acknowledgements) some() (key string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.there {
		delete(a.there, key)
		return key, true
	}
	return "", false
}

func (a *acknowledgements) deleted(key string, how answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if how == accepted {
		a.gone[key] = true
	} else {
		a.doubtful[key] = true
	}
}

func (a *acknowledgements) acknowledged() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.there) + len(a.gone)
}

// compare reports what was acknowledged and is not so.
func (a *acknowledgements) compare(t *testing.T, found map[string]bool) {
	t.Helper()
	for key, about := range a.there {
		if !found[key] {
			t.Errorf("%s %s was acknowledged and is gone", key, about)
		}
	}
	for key := range a.gone {
		if found[key] {
			t.Errorf("%s was deleted and is back", key)
		}
	}
}

// accounts creates accounts and units of the organization.
type accounts struct {
	acknowledgements
	*clients
	units acknowledgements
}

func (*accounts) name() string { return "accounts" }

func (a *accounts) act(ctx context.Context, rnd *rand.Rand) {
	// An organization has room for few accounts, so they are created seldom.
	if rnd.IntN(8) != 0 {
		a.createUnit(ctx)
		return
	}
	name := a.fresh("account")
	out, err := a.organizations.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")})
	if err == nil {
		a.put(*out.CreateAccountStatus.Id, name)
	}
}

func (a *accounts) createUnit(ctx context.Context) {
	roots, err := a.organizations.ListRoots(ctx, &organizations.ListRootsInput{})
	if err != nil {
		return
	}
	name := a.units.fresh("unit")
	out, err := a.organizations.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{ParentId: roots.Roots[0].Id, Name: &name})
	if err == nil {
		a.units.put(*out.OrganizationalUnit.Id, name)
	}
}

func (a *accounts) acknowledged() int {
	return min(a.acknowledgements.acknowledged(), a.units.acknowledged())
}

func (a *accounts) check(t *testing.T) {
	for id, name := range a.there {
		out, err := a.organizations.DescribeCreateAccountStatus(t.Context(), &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: &id})
		if err != nil {
			t.Errorf("the request for %s is lost: %v", name, err)
		} else if out.CreateAccountStatus.State == orgtypes.CreateAccountStateFailed && out.CreateAccountStatus.FailureReason != orgtypes.CreateAccountFailureReasonAccountLimitExceeded {
			t.Errorf("%s failed: %s", name, out.CreateAccountStatus.FailureReason)
		}
	}
	for id, name := range a.units.there {
		out, err := a.organizations.DescribeOrganizationalUnit(t.Context(), &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: &id})
		if err != nil || *out.OrganizationalUnit.Name != name {
			t.Errorf("unit %s is lost: %v %v", name, out, err)
		}
	}
}

// settled: no creation is under way, and there is exactly one account for
// every one that succeeded, beside the management account.
func (a *accounts) settled(ctx context.Context) error {
	want := map[string]bool{}
	for pages := organizations.NewListCreateAccountStatusPaginator(a.organizations, &organizations.ListCreateAccountStatusInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range page.CreateAccountStatuses {
			switch s.State {
			case orgtypes.CreateAccountStateInProgress:
				return fmt.Errorf("account %s is still being created", *s.AccountName)
			case orgtypes.CreateAccountStateSucceeded:
				want[*s.AccountId] = true
			}
		}
	}
	extra := 0
	for pages := organizations.NewListAccountsPaginator(a.organizations, &organizations.ListAccountsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, account := range page.Accounts {
			if !want[*account.Id] {
				extra++
			}
			delete(want, *account.Id)
		}
	}
	if len(want) > 0 || extra != 1 {
		return fmt.Errorf("accounts that were created and are missing: %v; that nobody asked for, with the management account: %d", want, extra)
	}
	return nil
}

// users creates and deletes IAM users.
type users struct {
	acknowledgements
	*clients
}

func (*users) name() string { return "users" }

func (u *users) act(ctx context.Context, rnd *rand.Rand) {
	if rnd.IntN(4) == 0 {
		if name, ok := u.some(); ok {
			_, err := u.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &name})
			u.deleted(name, answerOf(err))
		}
		return
	}
	name := u.fresh("user")
	if _, err := u.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err == nil {
		u.put(name, "")
	}
}

func (u *users) check(t *testing.T) {
	found := map[string]bool{}
	for pages := iam.NewListUsersPaginator(u.iam, &iam.ListUsersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, user := range page.Users {
			found[*user.UserName] = true
		}
	}
	u.compare(t, found)
}

func (u *users) settled(context.Context) error { return nil }

// rules creates and deletes filters of the management account; most of them
// suppress.
type rules struct {
	acknowledgements
	*clients
}

func (*rules) name() string { return "rules" }

func (r *rules) act(ctx context.Context, rnd *rand.Rand) {
	if rnd.IntN(2) == 0 {
		if arn, ok := r.some(); ok {
			_, err := r.inspector.DeleteFilter(ctx, &inspector2.DeleteFilterInput{Arn: &arn})
			r.deleted(arn, answerOf(err))
		}
		return
	}
	action := types.FilterActionSuppress
	if rnd.IntN(4) == 0 {
		action = types.FilterActionNone
	}
	out, err := r.inspector.CreateFilter(ctx, &inspector2.CreateFilterInput{Name: aws.String(r.fresh("filter")), Action: action,
		FilterCriteria: &types.FilterCriteria{VulnerabilityId: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: aws.String(cve(rnd.IntN(packages)))}}}})
	if err == nil {
		r.put(*out.Arn, "")
	}
}

func (r *rules) list(ctx context.Context) ([]types.Filter, error) {
	var list []types.Filter
	for pages := inspector2.NewListFiltersPaginator(r.inspector, &inspector2.ListFiltersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Filters...)
	}
	return list, nil
}

func (r *rules) check(t *testing.T) {
	list, err := r.list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range list {
		found[*f.Arn] = true
	}
	r.compare(t, found)
}

func (r *rules) settled(context.Context) error { return nil }

// suppressed returns the vulnerabilities that rules in force suppress.
func (r *rules) suppressed(ctx context.Context) (map[string]bool, error) {
	list, err := r.list(ctx)
	suppressed := map[string]bool{}
	for _, f := range list {
		if f.Action == types.FilterActionSuppress {
			suppressed[*f.Criteria.VulnerabilityId[0].Value] = true
		}
	}
	return suppressed, err
}
