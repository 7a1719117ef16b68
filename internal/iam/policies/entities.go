package policies

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/managed"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// ListEntitiesForPolicy lists who carries a managed policy, or is bound by it.
func (r *Room) ListEntitiesForPolicy(ctx context.Context, call *awsmodel.Call, in *api.ListEntitiesForPolicyInput) (*api.ListEntitiesForPolicyOutput, error) {
	p, err := r.desk.NewPage(call, "ListEntitiesForPolicy",
		[]string{in.PolicyArn, string(in.EntityFilter), desk.Value(in.PathPrefix, ""), string(in.PolicyUsageFilter)}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	var found []identity.Entity
	err = r.desk.Store.View(ctx, func(tx *store.Tx) error {
		if err := r.exists(ctx, tx, call.Account(), arn.ARN(in.PolicyArn)); err != nil {
			return err
		}
		found, err = identity.Entities(ctx, tx, call.Account(), arn.ARN(in.PolicyArn), in.PolicyUsageFilter == api.PolicyUsageTypePermissionsBoundary)
		return err
	})
	if err != nil {
		return nil, err
	}
	var wanted []identity.Entity
	for _, e := range found {
		if (in.EntityFilter == "" || string(in.EntityFilter) == e.Kind) && desk.UnderPath(e.Path, in.PathPrefix) {
			wanted = append(wanted, e)
		}
	}
	out := &api.ListEntitiesForPolicyOutput{PolicyGroups: []api.PolicyGroup{}, PolicyUsers: []api.PolicyUser{}, PolicyRoles: []api.PolicyRole{}}
	wanted, out.IsTruncated, out.Marker = desk.Slice(&p, wanted)
	for _, e := range wanted {
		switch e.Kind {
		case "User":
			out.PolicyUsers = append(out.PolicyUsers, api.PolicyUser{UserName: new(e.Name), UserId: new(e.ID)})
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, api.PolicyGroup{GroupName: new(e.Name), GroupId: new(e.ID)})
		case "Role":
			out.PolicyRoles = append(out.PolicyRoles, api.PolicyRole{RoleName: new(e.Name), RoleId: new(e.ID)})
		}
	}
	return out, nil
}

// exists wants a managed policy of AWS or the account.
func (r *Room) exists(ctx context.Context, tx *store.Tx, account arn.AccountID, policy arn.ARN) error {
	if managed.IsManaged(policy) && r.managed.Get(policy) != nil {
		return nil
	}
	_, err := identity.PolicyByARN(ctx, tx, account, policy)
	return desk.NoSuch(err, "Policy %s was not found.", policy)
}
