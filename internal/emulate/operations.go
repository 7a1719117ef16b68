package emulate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/organizations"
	"muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Adapter changes the few operations that behave otherwise in an emulator.
type Adapter struct {
	Store *store.Store
	Now   func() time.Time
	// Settle, if set, waits until what is due has been done: replies of
	// Organizations then show the state after the transition, as the AWS
	// CLI's published examples do. Nil means that transitions take time.
	Settle func(context.Context)
	// Permissions: policies count, so nothing is there that nobody has made.
	Permissions bool
}

// invoker is an operation as the door calls it.
type invoker = func(ctx context.Context, call *awsmodel.Call, in any) (any, error)

// Adapt changes the operations in place.
func (a *Adapter) Adapt(services []awsmodel.Service) {
	ops := map[string]*invoker{}
	for _, s := range services {
		for i := range s.Operations {
			ops[s.Operations[i].Action()] = &s.Operations[i].Invoke
		}
	}
	before(ops["organizations:InviteAccountToOrganization"], a.invited)
	if !a.Permissions {
		before(ops["sts:AssumeRole"], a.assumed)
	}
	if a.Settle == nil {
		return
	}
	a.after(ops["organizations:CreateAccount"], createdAccount(ops["organizations:DescribeCreateAccountStatus"]))
	a.after(ops["organizations:EnablePolicyType"], changedRoot(ops["organizations:ListRoots"]))
	a.after(ops["organizations:DisablePolicyType"], changedRoot(ops["organizations:ListRoots"]))
}

// before runs a step before an operation, if there is one.
func before(op *invoker, step func(context.Context, *awsmodel.Call, any) error) {
	if op == nil || *op == nil {
		return
	}
	inner := *op
	*op = func(ctx context.Context, call *awsmodel.Call, in any) (any, error) {
		if err := step(ctx, call, in); err != nil {
			return nil, err
		}
		return inner(ctx, call, in)
	}
}

// after lets an operation's transition take place and looks again before the
// reply goes out. What cannot be seen again is answered as it was.
func (a *Adapter) after(op *invoker, again func(ctx context.Context, call *awsmodel.Call, out any) error) {
	if op == nil || *op == nil {
		return
	}
	inner := *op
	*op = func(ctx context.Context, call *awsmodel.Call, in any) (any, error) {
		out, err := inner(ctx, call, in)
		if err != nil {
			return nil, err
		}
		a.Settle(ctx)
		return out, again(ctx, call, out)
	}
}

// createdAccount shows what has become of the account.
func createdAccount(describe *invoker) func(context.Context, *awsmodel.Call, any) error {
	return func(ctx context.Context, call *awsmodel.Call, out any) error {
		reply := out.(*organizations.CreateAccountOutput)
		now, err := (*describe)(ctx, call, &organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: *reply.CreateAccountStatus.Id})
		if err != nil {
			return err
		}
		reply.CreateAccountStatus = now.(*organizations.DescribeCreateAccountStatusOutput).CreateAccountStatus
		return nil
	}
}

// changedRoot shows the root as it is now.
func changedRoot(list *invoker) func(context.Context, *awsmodel.Call, any) error {
	return func(ctx context.Context, call *awsmodel.Call, out any) error {
		now, err := (*list)(ctx, call, &organizations.ListRootsInput{})
		if err != nil {
			return err
		}
		root := &now.(*organizations.ListRootsOutput).Roots[0]
		switch reply := out.(type) {
		case *organizations.EnablePolicyTypeOutput:
			reply.Root = root
		case *organizations.DisablePolicyTypeOutput:
			reply.Root = root
		}
		return nil
	}
}

// invited makes an invitation by number the first use of an account.
func (a *Adapter) invited(ctx context.Context, _ *awsmodel.Call, in any) error {
	target := in.(*organizations.InviteAccountToOrganizationInput).Target
	id := arn.AccountID(target.Id)
	if target.Type != organizations.HandshakePartyTypeAccount || !id.Valid() {
		return nil
	}
	return a.Store.Update(ctx, func(tx *store.Tx) error { return EnsureAccount(ctx, tx, id, a.Now()) })
}

// assumed makes assuming a role the first use of an account: it begins with
// that role. In an account that exists, a role that nobody has made is missed
// here as it would be in AWS.
func (a *Adapter) assumed(ctx context.Context, call *awsmodel.Call, in any) error {
	parts, err := arn.Parse(arn.ARN(in.(*sts.AssumeRoleInput).RoleArn))
	if err != nil {
		return nil // the operation says so
	}
	name, isRole := strings.CutPrefix(parts.Resource, "role/")
	if !isRole || !parts.Account.Valid() || strings.Contains(name, "/") {
		return nil
	}
	return a.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := directory.LookupAccount(ctx, tx, parts.Account); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := EnsureAccount(ctx, tx, parts.Account, a.Now()); err != nil {
			return err
		}
		if err := iam.CreateAccessRole(ctx, tx, parts.Account, call.Account(), name, a.Now()); err != nil {
			return fmt.Errorf("first use of account %s: %w", parts.Account, err)
		}
		return nil
	})
}
