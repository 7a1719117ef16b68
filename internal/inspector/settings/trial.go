package settings

import (
	"context"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// trialLength is how long a scan type is free of charge after its first
// activation; the time runs on while the type is off.
const trialLength = 15 * 24 * time.Hour

// BatchGetFreeTrialInfo tells when the trials of accounts began and end. Types
// that were never switched on have none.
func (s *Service) BatchGetFreeTrialInfo(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchGetFreeTrialInfoInput) (*inspector2.BatchGetFreeTrialInfoOutput, error) {
	return inspector.View(ctx, s.desk, call, "BatchGetFreeTrialInfo", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.BatchGetFreeTrialInfoOutput, error) {
		list, err := inspector.Targets(ctx, tx, standing, in.AccountIds)
		if err != nil {
			return nil, err
		}
		out := &inspector2.BatchGetFreeTrialInfoOutput{
			Accounts: []inspector2.FreeTrialAccountInfo{}, FailedAccounts: []inspector2.FreeTrialInfoError{},
		}
		for _, t := range list {
			if !t.Reached {
				out.FailedAccounts = append(out.FailedAccounts, inspector2.FreeTrialInfoError{
					AccountId: string(t.Account), Code: inspector2.FreeTrialInfoErrorCodeAccessDenied, Message: inspector.NoAccess,
				})
				continue
			}
			out.Accounts = append(out.Accounts, inspector2.FreeTrialAccountInfo{
				AccountId: string(t.Account), FreeTrialInfo: trials(t.Scans, call.Time),
			})
		}
		return out, nil
	})
}

func trials(scans activation.Scans, now time.Time) []inspector2.FreeTrialInfo {
	list := []inspector2.FreeTrialInfo{}
	for _, t := range activation.ScanTypes() {
		start := scans[t].FirstEnabledAt
		if start.IsZero() {
			continue
		}
		trial := inspector2.FreeTrialInfo{
			Type: inspector2.FreeTrialType(t), Start: start, End: start.Add(trialLength), Status: inspector2.FreeTrialStatusActive,
		}
		if !now.Before(trial.End) {
			trial.Status = inspector2.FreeTrialStatusInactive
		}
		list = append(list, trial)
	}
	return list
}
