package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// administration delegates Inspector to an account and takes it back, makes
// members of two others, and switches scanning on and off, each a transition
// that a job has to end.
type administration struct {
	management *clients
	// names and sessions are the accounts; the first is the administrator.
	ids      []string
	sessions []*clients

	// acting keeps changes one after the other; it guards the rest.
	acting sync.Mutex
	count  int
	// on is which accounts are scanned, delegated whether the administrator
	// is one, as acknowledged; an unanswered change removes the entry.
	on        map[string]types.Status
	delegated map[bool]bool
	// late says that a frozen server may do what was left unanswered later, even
	// after what was asked for since. Then nothing is known until the next
	// round about what unanswered holds.
	late       bool
	unanswered map[string]bool
}

// round begins anew: no server is frozen.
func (a *administration) round() { a.unanswered = map[string]bool{} }

// doubt notes an unanswered call and reports whether the answer of another is
// worth nothing.
func (a *administration) doubt(what string, err error) bool {
	if !a.late {
		return false
	}
	if answerOf(err) == unknown {
		a.unanswered[what] = true
	}
	return a.unanswered[what]
}

func newAdministration(t *testing.T, p *process, c *clients) *administration {
	t.Helper()
	a := &administration{management: c, on: map[string]types.Status{}, delegated: map[bool]bool{}, unanswered: map[string]bool{}}
	for _, name := range []string{"audit", "member-1", "member-2"} {
		out, err := c.organizations.CreateAccount(t.Context(), &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, func() error {
			s, err := c.organizations.DescribeCreateAccountStatus(t.Context(), &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: out.CreateAccountStatus.Id})
			if err == nil && s.CreateAccountStatus.AccountId == nil {
				err = fmt.Errorf("account %s: %s", name, s.CreateAccountStatus.State)
			}
			if err == nil {
				a.ids = append(a.ids, *s.CreateAccountStatus.AccountId)
			}
			return err
		})
		a.sessions = append(a.sessions, p.member(t, c, a.ids[len(a.ids)-1]))
	}
	return a
}

func (*administration) name() string { return "administration" }

func (a *administration) act(ctx context.Context, rnd *rand.Rand) {
	if !a.acting.TryLock() {
		return
	}
	defer a.acting.Unlock()
	admin, id := a.sessions[0].inspector, aws.String(a.ids[rnd.IntN(len(a.ids))])
	switch n := rnd.IntN(10); {
	case n < 2:
		_, err := a.management.inspector.EnableDelegatedAdminAccount(ctx, &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: &a.ids[0]})
		a.delegation(err, true)
	case n < 3:
		_, err := a.management.inspector.DisableDelegatedAdminAccount(ctx, &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: &a.ids[0]})
		a.delegation(err, false)
	case n < 5:
		_, err := admin.AssociateMember(ctx, &inspector2.AssociateMemberInput{AccountId: id})
		a.noted(err)
	case n < 6:
		_, err := admin.DisassociateMember(ctx, &inspector2.DisassociateMemberInput{AccountId: id})
		a.noted(err)
	case n < 8:
		out, err := admin.Enable(ctx, &inspector2.EnableInput{AccountIds: []string{*id}, ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2}})
		a.scanning(err, *id, types.StatusEnabled, out != nil && len(out.FailedAccounts) > 0)
	default:
		out, err := admin.Disable(ctx, &inspector2.DisableInput{AccountIds: []string{*id}, ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2}})
		a.scanning(err, *id, types.StatusDisabled, out != nil && len(out.FailedAccounts) > 0)
	}
}

func (a *administration) noted(err error) {
	if err == nil {
		a.count++
	}
}

func (a *administration) delegation(err error, to bool) {
	a.noted(err)
	if a.doubt("delegation", err) {
		a.delegated, a.on = map[bool]bool{}, map[string]types.Status{}
		return
	}
	switch answerOf(err) {
	case accepted:
		a.delegated = map[bool]bool{to: true}
	case unknown:
		a.delegated = map[bool]bool{}
	}
}

func (a *administration) scanning(err error, id string, to types.Status, failed bool) {
	if failed {
		return
	}
	a.noted(err)
	if a.doubt(id, err) {
		delete(a.on, id)
		return
	}
	switch answerOf(err) {
	case accepted:
		a.on[id] = to
	case unknown:
		delete(a.on, id)
	}
}

// check: what was acknowledged has begun at least.
func (a *administration) check(t *testing.T) {
	for i, id := range a.ids {
		status, err := a.status(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		begun := map[types.Status]types.Status{types.StatusEnabling: types.StatusEnabled, types.StatusDisabling: types.StatusDisabled}
		if to, ok := begun[status]; ok {
			status = to
		}
		if want, known := a.on[id]; known && status != want {
			t.Errorf("scanning of %s is %s, %s was acknowledged", id, status, want)
		}
	}
}

func (a *administration) status(ctx context.Context, i int) (types.Status, error) {
	out, err := a.sessions[i].inspector.BatchGetAccountStatus(ctx, &inspector2.BatchGetAccountStatusInput{})
	if err != nil {
		return "", err
	}
	return out.Accounts[0].ResourceState.Ec2.Status, nil
}

// settled: no transition is under way, and all have ended as acknowledged.
func (a *administration) settled(ctx context.Context) error {
	for i, id := range a.ids {
		status, err := a.status(ctx, i)
		if err != nil {
			return err
		}
		if status != types.StatusEnabled && status != types.StatusDisabled || a.on[id] != "" && a.on[id] != status {
			return fmt.Errorf("scanning of %s is %s, %q was acknowledged", id, status, a.on[id])
		}
	}
	out, err := a.management.inspector.ListDelegatedAdminAccounts(ctx, &inspector2.ListDelegatedAdminAccountsInput{})
	if err != nil {
		return err
	}
	for _, d := range out.DelegatedAdminAccounts {
		if d.Status != types.DelegatedAdminStatusEnabled {
			return fmt.Errorf("the delegated administrator is %s", d.Status)
		}
	}
	is := len(out.DelegatedAdminAccounts) > 0
	if a.delegated[!is] {
		return fmt.Errorf("there is a delegated administrator: %t; acknowledged was %v", is, a.delegated)
	}
	if !is {
		return nil
	}
	return a.members(ctx)
}

func (a *administration) members(ctx context.Context) error {
	for pages := inspector2.NewListMembersPaginator(a.sessions[0].inspector, &inspector2.ListMembersInput{OnlyAssociated: aws.Bool(false)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, m := range page.Members {
			if m.RelationshipStatus == types.RelationshipStatusCreated {
				return fmt.Errorf("member %s is still being set up", *m.AccountId)
			}
		}
	}
	return nil
}

func (a *administration) acknowledged() int { return a.count }
