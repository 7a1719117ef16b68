package settings

import (
	"cmp"
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/inspector/relation"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// GetConfiguration returns the scan configuration in effect: a member's is its
// delegated administrator's.
func (s *Service) GetConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.GetConfigurationInput) (*inspector2.GetConfigurationOutput, error) {
	return inspector.View(ctx, s.desk, call, "GetConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.GetConfigurationOutput, error) {
		c, err := activation.LookupConfiguration(ctx, tx, configurator(standing), call.Region)
		return s.showConfiguration(c, call.Time), ignore(err, store.ErrNotFound)
	})
}

// configurator is the account whose settings apply to the caller.
func configurator(standing relation.Standing) arn.AccountID {
	if standing.IsMember() {
		return standing.Administrator
	}
	return standing.Account
}

func (s *Service) showConfiguration(c activation.Configuration, now time.Time) *inspector2.GetConfigurationOutput {
	ecr := &inspector2.EcrRescanDurationState{
		RescanDuration:         inspector2.EcrRescanDuration(cmp.Or(c.RescanDuration, "DAYS_14")),
		PullDateRescanDuration: inspector2.EcrPullDateRescanDuration(cmp.Or(c.PullRescanDuration, "DAYS_14")),
		PullDateRescanMode:     inspector2.EcrPullDateRescanMode(cmp.Or(c.PullRescanMode, "LAST_IN_USE_AT")),
		Status:                 inspector2.EcrRescanDurationStatusSuccess,
	}
	if !c.ECRUpdatedAt.IsZero() {
		ecr.UpdatedAt = new(c.ECRUpdatedAt)
	}
	if s.desk.Pending(c.ECRUpdatedAt, now) {
		ecr.Status = inspector2.EcrRescanDurationStatusPending
	}
	ec2 := &inspector2.Ec2ScanModeState{
		ScanMode:       inspector2.Ec2ScanMode(cmp.Or(c.ScanMode, "EC2_HYBRID")),
		ScanModeStatus: inspector2.Ec2ScanModeStatusSuccess,
	}
	if s.desk.Pending(c.EC2UpdatedAt, now) {
		ec2.ScanModeStatus = inspector2.Ec2ScanModeStatusPending
	}
	return &inspector2.GetConfigurationOutput{
		EcrConfiguration: &inspector2.EcrConfigurationState{RescanDurationState: ecr},
		Ec2Configuration: &inspector2.Ec2ConfigurationState{ScanModeState: ec2},
	}
}

// UpdateConfiguration sets the scan configuration of the caller and, for a
// delegated administrator, of every member. A part that is not named keeps
// its values.
func (s *Service) UpdateConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateConfigurationInput) (*inspector2.UpdateConfigurationOutput, error) {
	return inspector.Update(ctx, s.desk, call, "UpdateConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.UpdateConfigurationOutput, error) {
		c, err := activation.LookupConfiguration(ctx, tx, standing.Account, call.Region)
		if err := ignore(err, store.ErrNotFound); err != nil {
			return nil, err
		}
		if ecr := in.EcrConfiguration; ecr != nil {
			c.RescanDuration, c.ECRUpdatedAt = string(ecr.RescanDuration), call.Time
			c.PullRescanDuration = cmp.Or(string(ecr.PullDateRescanDuration), c.PullRescanDuration)
			c.PullRescanMode = cmp.Or(string(ecr.PullDateRescanMode), c.PullRescanMode)
			if err := eligible.WindowsChanged(ctx, tx, standing.Account, call.Region); err != nil {
				return nil, err
			}
		}
		if ec2 := in.Ec2Configuration; ec2 != nil {
			c.ScanMode, c.EC2UpdatedAt = string(ec2.ScanMode), call.Time
		}
		return &inspector2.UpdateConfigurationOutput{},
			activation.PutConfiguration(ctx, tx, standing.Account, call.Region, c)
	})
}
