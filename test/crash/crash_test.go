// Package crash kills a real server again and again while clients work on it,
// and checks after each restart that everything acknowledged is still there
// and that what was started comes to its end.
package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// rounds is how often the server is killed.
const rounds = 12

// model is what the server has acknowledged, and so may never lose.
type model struct {
	requests map[string]string // CreateAccount request id → account name
	users    map[string]bool
	filters  map[string]bool // arn
	trusted  bool
	tried    int
}

func TestNothingAcknowledgedIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a real server for about a minute: make test runs it")
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("MUSTER_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("MUSTER_SEED=%d replays this run", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))

	p := newProcess(t)
	p.start(t)
	c := p.signUp(t)
	m := &model{requests: map[string]string{}, users: map[string]bool{}, filters: map[string]bool{}}
	if _, err := c.organizations.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		life := time.Duration(30+rnd.IntN(600)) * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), life)
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			<-ctx.Done()
			p.kill()
		}()
		for ctx.Err() == nil {
			m.act(ctx, c, rnd)
		}
		cancel()
		<-killed
		p.start(t)
		m.check(t, c, round)
	}
	m.finish(t, c)
	t.Logf("acknowledged of %d calls: %d account requests, %d users, %d filters", m.tried, len(m.requests), len(m.users), len(m.filters))
	if len(m.requests)+len(m.users)+len(m.filters) < rounds {
		t.Errorf("too little was acknowledged for the test to mean anything")
	}
}

// act makes one random change; what is acknowledged enters the model.
func (m *model) act(ctx context.Context, c *clients, rnd *rand.Rand) {
	m.tried++
	name := fmt.Sprintf("n%d", m.tried)
	switch rnd.IntN(4) {
	case 0:
		out, err := c.organizations.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")})
		if err == nil {
			m.requests[*out.CreateAccountStatus.Id] = name
		}
	case 1:
		if _, err := c.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err == nil {
			m.users[name] = true
		}
	case 2:
		out, err := c.inspector.CreateFilter(ctx, &inspector2.CreateFilterInput{Name: aws.String("filter-" + name), Action: types.FilterActionNone,
			FilterCriteria: &types.FilterCriteria{Title: []types.StringFilter{{Comparison: types.StringComparisonPrefix, Value: &name}}}})
		if err == nil {
			m.filters[*out.Arn] = true
		}
	case 3:
		_, err := c.organizations.EnableAWSServiceAccess(ctx, &organizations.EnableAWSServiceAccessInput{ServicePrincipal: aws.String("inspector2.amazonaws.com")})
		m.trusted = m.trusted || err == nil
	}
}

// check compares the server with the model after a restart.
func (m *model) check(t *testing.T, c *clients, round int) {
	t.Helper()
	for id, name := range m.requests {
		out, err := c.organizations.DescribeCreateAccountStatus(t.Context(), &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: &id})
		if err != nil {
			t.Errorf("round %d: the request for account %s is lost: %v", round, name, err)
		} else if out.CreateAccountStatus.State == orgtypes.CreateAccountStateFailed && out.CreateAccountStatus.FailureReason != orgtypes.CreateAccountFailureReasonAccountLimitExceeded {
			t.Errorf("round %d: account %s failed: %s", round, name, out.CreateAccountStatus.FailureReason)
		}
	}
	users := map[string]bool{}
	for pages := iam.NewListUsersPaginator(c.iam, &iam.ListUsersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			users[*u.UserName] = true
		}
	}
	filters := map[string]bool{}
	for pages := inspector2.NewListFiltersPaginator(c.inspector, &inspector2.ListFiltersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Filters {
			filters[*f.Arn] = true
		}
	}
	missing(t, round, "user", m.users, users)
	missing(t, round, "filter", m.filters, filters)
	if m.trusted {
		out, err := c.organizations.ListAWSServiceAccessForOrganization(t.Context(), &organizations.ListAWSServiceAccessForOrganizationInput{})
		if err != nil || len(out.EnabledServicePrincipals) != 1 {
			t.Errorf("round %d: trusted access is lost: %v %v", round, out, err)
		}
	}
}

func missing(t *testing.T, round int, what string, want, got map[string]bool) {
	t.Helper()
	for name := range want {
		if !got[name] {
			t.Errorf("round %d: %s %s was acknowledged and is gone", round, what, name)
		}
	}
}

// finish waits until every account that was asked for exists or has failed
// for a stated reason: jobs survive the kills, too.
func (m *model) finish(t *testing.T, c *clients) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		out, err := c.organizations.ListCreateAccountStatus(t.Context(), &organizations.ListCreateAccountStatusInput{States: []orgtypes.CreateAccountState{orgtypes.CreateAccountStateInProgress}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.CreateAccountStatuses) == 0 && out.NextToken == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d accounts are still being created", len(out.CreateAccountStatuses))
		}
	}
}
