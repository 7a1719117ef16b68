package settings

import (
	"context"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// DescribeOrganizationConfiguration tells what is switched on for accounts
// that join, and whether there is room for them.
func (s *Service) DescribeOrganizationConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.DescribeOrganizationConfigurationInput) (*inspector2.DescribeOrganizationConfigurationOutput, error) {
	return inspector.View(ctx, s.desk, call, "DescribeOrganizationConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.DescribeOrganizationConfigurationOutput, error) {
		auto, err := activation.LookupAutoEnable(ctx, tx, standing.Account, call.Region)
		if err != nil {
			return nil, err
		}
		full, err := s.desk.Full(ctx, tx, standing.Account, call.Region)
		return &inspector2.DescribeOrganizationConfigurationOutput{
			AutoEnable: showAutoEnable(auto), MaxAccountLimitReached: new(full),
		}, err
	})
}

// UpdateOrganizationConfiguration sets what is switched on for accounts that
// join from now on. A type that is not named keeps its setting, so that old
// clients do not reset what they do not know.
func (s *Service) UpdateOrganizationConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateOrganizationConfigurationInput) (*inspector2.UpdateOrganizationConfigurationOutput, error) {
	return inspector.Update(ctx, s.desk, call, "UpdateOrganizationConfiguration", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.UpdateOrganizationConfigurationOutput, error) {
		scans, err := activation.ScansOf(ctx, tx, standing.Account, call.Region)
		if err != nil {
			return nil, err
		}
		if !scans.Active() {
			return nil, invalid("Invoking account is not enabled")
		}
		had, err := activation.LookupAutoEnable(ctx, tx, standing.Account, call.Region)
		if err != nil {
			return nil, err
		}
		auto := merge(had, in.AutoEnable)
		if auto.LambdaCode && !auto.Lambda {
			return nil, invalid("Scan type LAMBDA_CODE needs LAMBDA: autoEnable.lambdaCode without autoEnable.lambda.")
		}
		return &inspector2.UpdateOrganizationConfigurationOutput{AutoEnable: showAutoEnable(auto)},
			activation.PutAutoEnable(ctx, tx, standing.Account, call.Region, auto)
	})
}

func merge(had activation.AutoEnable, in *inspector2.AutoEnable) activation.AutoEnable {
	return activation.AutoEnable{
		EC2: in.Ec2, ECR: in.Ecr,
		Lambda: value(in.Lambda, had.Lambda), LambdaCode: value(in.LambdaCode, had.LambdaCode),
		CodeRepository: value(in.CodeRepository, had.CodeRepository),
	}
}

// value is what p points to, or otherwise when it points to nothing.
func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func showAutoEnable(a activation.AutoEnable) *inspector2.AutoEnable {
	return &inspector2.AutoEnable{
		Ec2: a.EC2, Ecr: a.ECR, Lambda: new(a.Lambda), LambdaCode: new(a.LambdaCode), CodeRepository: new(a.CodeRepository),
	}
}
