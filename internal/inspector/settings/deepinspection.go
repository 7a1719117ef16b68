package settings

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// GetEc2DeepInspectionConfiguration returns the caller's own paths, those of
// its delegated administrator and whether deep inspection is active.
func (s *Service) GetEc2DeepInspectionConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.GetEc2DeepInspectionConfigurationInput) (*inspector2.GetEc2DeepInspectionConfigurationOutput, error) {
	return inspector.View(ctx, s.desk, call, "GetEc2DeepInspectionConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.GetEc2DeepInspectionConfigurationOutput, error) {
		d, err := deepInspectionOf(ctx, tx, standing)
		return &inspector2.GetEc2DeepInspectionConfigurationOutput{
			PackagePaths: d.own, OrgPackagePaths: d.organization, Status: d.status,
		}, err
	})
}

// deepInspection is what is in effect for an account.
type deepInspection struct {
	own, organization []string
	status            inspector2.Ec2DeepInspectionStatus
}

func deepInspectionOf(ctx context.Context, tx *store.Tx, standing relation.Standing) (deepInspection, error) {
	setting, err := activation.LookupDeepInspection(ctx, tx, standing.Account, standing.Region)
	if err != nil {
		return deepInspection{}, err
	}
	scans, err := activation.ScansOf(ctx, tx, standing.Account, standing.Region)
	if err != nil {
		return deepInspection{}, err
	}
	d := deepInspection{own: listed(setting.PackagePaths), organization: []string{}, status: deepStatus(setting, scans)}
	switch {
	case standing.IsAdministrator():
		d.organization = listed(setting.OrganizationPaths)
	case standing.IsMember():
		theirs, err := activation.LookupDeepInspection(ctx, tx, standing.Administrator, standing.Region)
		d.organization = listed(theirs.OrganizationPaths)
		return d, err
	}
	return d, nil
}

// listed is a list that is sent even when it is empty.
func listed(paths []string) []string {
	if paths == nil {
		return []string{}
	}
	return paths
}

// deepStatus: deep inspection goes with EC2 scanning, unless it is switched
// off.
func deepStatus(setting activation.DeepInspection, scans activation.Scans) inspector2.Ec2DeepInspectionStatus {
	switch ec2 := scans.Status(activation.EC2); {
	case setting.Activated && ec2 == activation.Enabled:
		return inspector2.Ec2DeepInspectionStatusActivated
	case setting.Activated && ec2 == activation.Enabling:
		return inspector2.Ec2DeepInspectionStatusPending
	}
	return inspector2.Ec2DeepInspectionStatusDeactivated
}

// UpdateEc2DeepInspectionConfiguration changes the caller's own setting; a
// list of paths replaces the former one.
func (s *Service) UpdateEc2DeepInspectionConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateEc2DeepInspectionConfigurationInput) (*inspector2.UpdateEc2DeepInspectionConfigurationOutput, error) {
	return inspector.Update(ctx, s.desk, call, "UpdateEc2DeepInspectionConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.UpdateEc2DeepInspectionConfigurationOutput, error) {
		setting, err := activation.LookupDeepInspection(ctx, tx, standing.Account, call.Region)
		if err != nil {
			return nil, err
		}
		before := setting.Activated
		setting.Activated = value(in.ActivateDeepInspection, setting.Activated)
		if in.PackagePaths != nil {
			setting.PackagePaths = in.PackagePaths
		}
		if err := activation.PutDeepInspection(ctx, tx, standing.Account, call.Region, setting); err != nil {
			return nil, err
		}
		if setting.Activated != before {
			if err := inspector.TellSwitched(ctx, tx, call.Region, standing.Account); err != nil {
				return nil, err
			}
		}
		d, err := deepInspectionOf(ctx, tx, standing)
		return &inspector2.UpdateEc2DeepInspectionConfigurationOutput{
			PackagePaths: d.own, OrgPackagePaths: d.organization, Status: d.status,
		}, err
	})
}

// UpdateOrgEc2DeepInspectionConfiguration sets the paths that are scanned in
// every account of a delegated administrator.
func (s *Service) UpdateOrgEc2DeepInspectionConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateOrgEc2DeepInspectionConfigurationInput) (*inspector2.UpdateOrgEc2DeepInspectionConfigurationOutput, error) {
	return inspector.Update(ctx, s.desk, call, "UpdateOrgEc2DeepInspectionConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.UpdateOrgEc2DeepInspectionConfigurationOutput, error) {
		setting, err := activation.LookupDeepInspection(ctx, tx, standing.Account, call.Region)
		if err != nil {
			return nil, err
		}
		setting.OrganizationPaths = in.OrgPackagePaths
		return &inspector2.UpdateOrgEc2DeepInspectionConfigurationOutput{},
			activation.PutDeepInspection(ctx, tx, standing.Account, call.Region, setting)
	})
}

// BatchGetMemberEc2DeepInspectionStatus tells a delegated administrator where
// deep inspection is active.
func (s *Service) BatchGetMemberEc2DeepInspectionStatus(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchGetMemberEc2DeepInspectionStatusInput) (*inspector2.BatchGetMemberEc2DeepInspectionStatusOutput, error) {
	return inspector.View(ctx, s.desk, call, "BatchGetMemberEc2DeepInspectionStatus", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.BatchGetMemberEc2DeepInspectionStatusOutput, error) {
		list, err := inspector.Targets(ctx, tx, standing, in.AccountIds)
		if err != nil {
			return nil, err
		}
		b := newDeepBatch()
		for _, t := range list {
			if err := b.read(ctx, tx, t); err != nil {
				return nil, err
			}
		}
		return &inspector2.BatchGetMemberEc2DeepInspectionStatusOutput{AccountIds: b.states, FailedAccountIds: b.failed}, nil
	})
}

// BatchUpdateMemberEc2DeepInspectionStatus switches deep inspection on and off
// in the accounts of a delegated administrator, itself included. It fails
// where EC2 scanning is not on.
func (s *Service) BatchUpdateMemberEc2DeepInspectionStatus(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchUpdateMemberEc2DeepInspectionStatusInput) (*inspector2.BatchUpdateMemberEc2DeepInspectionStatusOutput, error) {
	return inspector.Update(ctx, s.desk, call, "BatchUpdateMemberEc2DeepInspectionStatus", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.BatchUpdateMemberEc2DeepInspectionStatusOutput, error) {
		b := newDeepBatch()
		if len(in.AccountIds) == 0 {
			return &inspector2.BatchUpdateMemberEc2DeepInspectionStatusOutput{AccountIds: b.states, FailedAccountIds: b.failed}, nil
		}
		activate := map[arn.AccountID]bool{}
		var ids []string
		for _, a := range in.AccountIds {
			activate[arn.AccountID(a.AccountId)] = a.ActivateDeepInspection
			ids = append(ids, a.AccountId)
		}
		list, err := inspector.Targets(ctx, tx, standing, ids)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if err := b.write(ctx, tx, t, activate[t.Account]); err != nil {
				return nil, err
			}
		}
		if err := inspector.TellSwitched(ctx, tx, call.Region, b.switched...); err != nil {
			return nil, err
		}
		return &inspector2.BatchUpdateMemberEc2DeepInspectionStatusOutput{AccountIds: b.states, FailedAccountIds: b.failed}, nil
	})
}

// deepBatch collects the reply of a batch about deep inspection.
type deepBatch struct {
	states []inspector2.MemberAccountEc2DeepInspectionStatusState
	failed []inspector2.FailedMemberAccountEc2DeepInspectionStatusState
	// switched are the accounts whose instances are to be judged otherwise.
	switched []arn.AccountID
}

func newDeepBatch() *deepBatch {
	return &deepBatch{
		states: []inspector2.MemberAccountEc2DeepInspectionStatusState{},
		failed: []inspector2.FailedMemberAccountEc2DeepInspectionStatusState{},
	}
}

func (b *deepBatch) fail(t inspector.Target, message string) {
	f := inspector2.FailedMemberAccountEc2DeepInspectionStatusState{AccountId: string(t.Account), ErrorMessage: new(message)}
	if t.Reached {
		f.Ec2ScanStatus = inspector2.Status(t.Scans.Status(activation.EC2))
	}
	b.failed = append(b.failed, f)
}

func (b *deepBatch) read(ctx context.Context, tx *store.Tx, t inspector.Target) error {
	if !t.Reached {
		b.fail(t, inspector.NoAccess)
		return nil
	}
	setting, err := activation.LookupDeepInspection(ctx, tx, t.Account, t.Region)
	b.states = append(b.states, inspector2.MemberAccountEc2DeepInspectionStatusState{
		AccountId: string(t.Account), Status: deepStatus(setting, t.Scans),
	})
	return err
}

func (b *deepBatch) write(ctx context.Context, tx *store.Tx, t inspector.Target, activated bool) error {
	ec2 := t.Scans.Status(activation.EC2)
	if t.Reached && ec2 != activation.Enabled && ec2 != activation.Enabling {
		b.fail(t, "EC2 scanning is not enabled in this account")
		return nil
	}
	if t.Reached {
		setting, err := activation.LookupDeepInspection(ctx, tx, t.Account, t.Region)
		if err != nil {
			return err
		}
		if setting.Activated != activated {
			b.switched = append(b.switched, t.Account)
		}
		setting.Activated = activated
		if err := activation.PutDeepInspection(ctx, tx, t.Account, t.Region, setting); err != nil {
			return err
		}
	}
	return b.read(ctx, tx, t)
}
