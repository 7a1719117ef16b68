package iam

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// CreateServiceLinkedRole creates a service's predefined role.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, call *awsmodel.Call, in *api.CreateServiceLinkedRoleInput) (*api.CreateServiceLinkedRoleOutput, error) {
	known, ok := serviceRoles(in.AWSServiceName)
	if !ok {
		return nil, desk.Invalid("Invalid service name: %s", in.AWSServiceName)
	}
	if in.CustomSuffix != nil {
		return nil, desk.Invalid("Custom suffix is not allowed for %s", in.AWSServiceName)
	}
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.CreateServiceLinkedRoleOutput, error) {
		_, err := identity.RoleByName(ctx, tx, call.Account(), known.name)
		if err == nil {
			return nil, desk.Invalid("Service role name %s has been taken in this account, please try a different suffix.", known.name)
		}
		if err := desk.IgnoreMissing(err); err != nil {
			return nil, err
		}
		r, err := createServiceLinkedRole(ctx, tx, call.Account(), in.AWSServiceName, desk.Value(in.Description, ""), call.Time)
		return &api.CreateServiceLinkedRoleOutput{Role: new(desk.RoleShape(r))}, err
	})
}

// JobDeleteServiceLinkedRole is the kind of the jobs that carry deletions out.
const JobDeleteServiceLinkedRole = "iam.delete-service-linked-role"

// DeleteServiceLinkedRole asks for a deletion, which a job carries out. While
// one waits, asking again returns the same task.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, call *awsmodel.Call, in *api.DeleteServiceLinkedRoleInput) (*api.DeleteServiceLinkedRoleOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.DeleteServiceLinkedRoleOutput, error) {
		r, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		if r.Service == "" {
			return nil, desk.NoSuch(store.ErrNotFound, "The service-linked role with name %s cannot be found.", r.Name)
		}
		pending, err := identity.PendingDeletion(ctx, tx, call.Account(), r.Name)
		if err == nil {
			return &api.DeleteServiceLinkedRoleOutput{DeletionTaskId: pending.ID}, nil
		}
		if err := desk.IgnoreMissing(err); err != nil {
			return nil, err
		}
		d := identity.RoleDeletion{
			Account: r.Account, ID: "task" + servicePath + r.Service + "/" + r.Name + "/" + newUUID(),
			RoleName: r.Name, Status: identity.DeletionInProgress, CreatedAt: call.Time,
		}
		if err := identity.InsertDeletion(ctx, tx, d); err != nil {
			return nil, err
		}
		return &api.DeleteServiceLinkedRoleOutput{DeletionTaskId: d.ID}, tx.Enqueue(ctx, store.Job{
			Kind: JobDeleteServiceLinkedRole, Key: string(r.Account) + "/" + d.ID, Account: string(r.Account), Payload: []byte(d.ID),
		})
	})
}

// newUUID makes a random UUID (version 4).
func newUUID() string {
	b := random(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// RunDeletion is the handler of JobDeleteServiceLinkedRole: it deletes the
// role, or records what still uses it.
func (s *Service) RunDeletion(ctx context.Context, job store.Job) error {
	account := arn.AccountID(job.Account)
	_, err := update(ctx, s, account, func(tx *store.Tx) (struct{}, error) {
		d, err := identity.Deletion(ctx, tx, account, string(job.Payload))
		if err != nil || d.Status != identity.DeletionInProgress {
			return struct{}{}, desk.IgnoreMissing(err)
		}
		if err := s.deleteLinkedRole(ctx, tx, &d); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, identity.FinishDeletion(ctx, tx, d)
	})
	if err != nil {
		return fmt.Errorf("delete a service-linked role: %w", err)
	}
	return nil
}

func (s *Service) deleteLinkedRole(ctx context.Context, tx *store.Tx, d *identity.RoleDeletion) error {
	r, err := identity.RoleByName(ctx, tx, d.Account, d.RoleName)
	if err != nil {
		d.Status = identity.DeletionSucceeded // gone by other means
		return desk.IgnoreMissing(err)
	}
	if s.usage != nil {
		if d.Usage, err = s.usage.InUse(ctx, tx, d.Account, r.Service); err != nil {
			return err
		}
	}
	if len(d.Usage) > 0 {
		d.Status = identity.DeletionFailed
		d.Reason = fmt.Sprintf("The role %s is still used by %s.", r.Name, r.Service)
		return nil
	}
	d.Status = identity.DeletionSucceeded
	attached, err := identity.Attached(ctx, tx, r.Owner(), "", maxAttachedPolicies)
	for _, a := range attached {
		if err == nil {
			err = identity.Detach(ctx, tx, r.Owner(), a)
		}
	}
	if err != nil {
		return err
	}
	return identity.DeleteRole(ctx, tx, r)
}

// GetServiceLinkedRoleDeletionStatus tells how far a deletion has come.
func (s *Service) GetServiceLinkedRoleDeletionStatus(ctx context.Context, call *awsmodel.Call, in *api.GetServiceLinkedRoleDeletionStatusInput) (*api.GetServiceLinkedRoleDeletionStatusOutput, error) {
	if !strings.HasPrefix(in.DeletionTaskId, "task"+servicePath) {
		return nil, desk.Invalid("Invalid deletion task id: %s", in.DeletionTaskId)
	}
	return view(ctx, s, func(tx *store.Tx) (*api.GetServiceLinkedRoleDeletionStatusOutput, error) {
		d, err := identity.Deletion(ctx, tx, call.Account(), in.DeletionTaskId)
		if err != nil {
			return nil, desk.NoSuch(err, "Deletion Task Id %s not found.", in.DeletionTaskId)
		}
		out := &api.GetServiceLinkedRoleDeletionStatusOutput{Status: api.DeletionTaskStatusType(d.Status)}
		if d.Status == identity.DeletionFailed {
			out.Reason = &api.DeletionTaskFailureReasonType{Reason: &d.Reason}
			for _, u := range d.Usage {
				use := api.RoleUsageType{Region: new(string(u.Region))}
				for _, a := range u.Resources {
					use.Resources = append(use.Resources, string(a))
				}
				out.Reason.RoleUsageList = append(out.Reason.RoleUsageList, use)
			}
		}
		return out, nil
	})
}
