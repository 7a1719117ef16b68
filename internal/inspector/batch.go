package inspector

import (
	"context"
	"errors"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector/enforcement"
	"muster/internal/inspector/relation"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// target is one account of a batch, reachable or not.
type target struct {
	place
	// refused is why the caller does not reach the account.
	refused *refusal
	// suspended: the account is suspended or closing.
	suspended bool
	// closed: the account has opted out of the Region.
	closed bool
	// policy is what its organization's policy wants of it.
	policy enforcement.Policy
	// fault decides what testers make fail; nil decides nothing.
	fault draw
	scans activation.Scans
}

// targets finds the accounts of a batch, each once, in the order asked for;
// without ids it is the caller. The caller reaches itself and, as the
// delegated administrator, its associated members.
func targets(ctx context.Context, tx *store.Tx, standing relation.Standing, ids []string) ([]target, error) {
	found, err := visible(ctx, tx, standing, ids)
	if err != nil {
		return nil, err
	}
	return found, restrict(ctx, tx, found)
}

// visible is targets without what limits their changes.
func visible(ctx context.Context, tx *store.Tx, standing relation.Standing, ids []string) ([]target, error) {
	list := unique(standing, ids)
	members, err := membersAmong(ctx, tx, standing, list)
	if err != nil {
		return nil, err
	}
	scans, err := activation.LookupScans(ctx, tx, standing.Region, list)
	if err != nil {
		return nil, err
	}
	found := make([]target, len(list))
	for i, id := range list {
		m := members[id]
		t := target{place: place{id, standing.Region}, suspended: m.Relationship == activation.AccountSuspended}
		if id != standing.Account && !m.Relationship.Associated() {
			if t.refused, err = unreachable(ctx, tx, standing, m, id); err != nil {
				return nil, err
			}
		} else {
			t.scans = scans[id]
		}
		found[i] = t
	}
	return found, nil
}

// ownTarget is a target that is reached without a standing.
func ownTarget(ctx context.Context, tx *store.Tx, at place) (target, error) {
	scans, err := activation.ScansOf(ctx, tx, at.account, at.region)
	list := []target{{place: at, scans: scans}}
	if err == nil {
		err = restrict(ctx, tx, list)
	}
	return list[0], err
}

// restrict fills in what limits the targets of one Region.
func restrict(ctx context.Context, tx *store.Tx, list []target) error {
	ids := make([]arn.AccountID, len(list))
	for i, t := range list {
		ids[i] = t.account
	}
	closed, err := activation.ClosedAmong(ctx, tx, list[0].region, ids)
	if err != nil {
		return err
	}
	policies, err := policiesOf(ctx, tx, ids)
	for i := range list {
		list[i].closed, list[i].policy = closed[list[i].account], policies[list[i].account]
	}
	return err
}

func unique(standing relation.Standing, ids []string) []arn.AccountID {
	if len(ids) == 0 {
		return []arn.AccountID{standing.Account}
	}
	var list []arn.AccountID
	for _, id := range ids {
		if a := arn.AccountID(id); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

func membersAmong(ctx context.Context, tx *store.Tx, standing relation.Standing, list []arn.AccountID) (map[arn.AccountID]activation.Member, error) {
	if !standing.IsAdministrator() {
		return nil, nil
	}
	return activation.LookupMembers(ctx, tx, standing.Account, standing.Region, list)
}

// unreachable says why: only an administrator learns that an account is not
// in its organization, everybody else learns nothing.
func unreachable(ctx context.Context, tx *store.Tx, standing relation.Standing, m activation.Member, id arn.AccountID) (*refusal, error) {
	no := &refusal{inspector2.ErrorCodeAccessDenied, NoAccess}
	if !standing.IsAdministrator() || m.Relationship != "" {
		return no, nil
	}
	_, err := organizations.AccountIn(ctx, tx, standing.Organization, id)
	if errors.Is(err, store.ErrNotFound) {
		return &refusal{inspector2.ErrorCodeResourceNotFound, "The account was not found in the organization"}, nil
	}
	return no, err
}

// NoAccess is AWS's own text; clients show it.
const NoAccess = "Invoking account does not have access to this account"

// failed is the target's entry among the failures of a batch. What the caller
// may see of the account it sees here too.
func (t target) failed(r *refusal) inspector2.FailedAccount {
	f := inspector2.FailedAccount{AccountId: string(t.account), ErrorCode: r.code, ErrorMessage: r.message}
	if t.refused == nil {
		f.Status, f.ResourceStatus = inspector2.Status(t.scans.Account()), resourceStatus(t.scans)
	}
	return f
}

func (t target) succeeded(changed []activation.Scan) inspector2.Account {
	scans := after(t.scans, changed)
	return inspector2.Account{
		AccountId: string(t.account), Status: inspector2.Status(scans.Account()), ResourceStatus: resourceStatus(scans),
	}
}

func resourceStatus(s activation.Scans) *inspector2.ResourceStatus {
	of := func(t activation.ScanType) inspector2.Status { return inspector2.Status(s.Status(t)) }
	return &inspector2.ResourceStatus{
		Ec2: of(activation.EC2), Ecr: of(activation.ECR), Lambda: of(activation.Lambda),
		LambdaCode: of(activation.LambdaCode), CodeRepository: of(activation.CodeRepository),
	}
}

// showState names an error only where there is one.
func showState(status activation.Status, why activation.Scan) *inspector2.State {
	return &inspector2.State{Status: inspector2.Status(status), ErrorCode: inspector2.ErrorCode(why.ErrorCode), ErrorMessage: why.ErrorMessage}
}

// state has all five keys always: Terraform reads each.
func (t target) state() inspector2.AccountState {
	of := func(st activation.ScanType) *inspector2.State {
		return showState(t.scans.Status(st), t.scans[st])
	}
	return inspector2.AccountState{
		AccountId: string(t.account),
		State:     showState(t.scans.Account(), t.scans.Failure()),
		ResourceState: &inspector2.ResourceState{
			Ec2: of(activation.EC2), Ecr: of(activation.ECR), Lambda: of(activation.Lambda),
			LambdaCode: of(activation.LambdaCode), CodeRepository: of(activation.CodeRepository),
		},
	}
}
