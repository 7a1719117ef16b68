package rules

import (
	"context"
	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/filters"
)

// GetFilterSettings tells what rules must have: those of the caller, or of the
// administrator whose rules govern it.
func (s *Service) GetFilterSettings(ctx context.Context, call *awsmodel.Call, _ *muster.GetFilterSettingsInput) (*muster.GetFilterSettingsOutput, error) {
	return desk.View(ctx, s.store, call, func(tx *store.Tx, _ inspector.Scope) (*muster.GetFilterSettingsOutput, error) {
		account, err := inspector.RulesOf(ctx, tx, call.Account(), call.Region)
		if err != nil {
			return nil, err
		}
		v, err := filters.SettingsOf(ctx, tx, account, call.Region)
		return &muster.GetFilterSettingsOutput{Settings: settings(v)}, err
	})
}

// PutFilterSettings sets what the caller's rules must have: those for its whole
// organization if it is the delegated administrator. Rules that exist stay.
func (s *Service) PutFilterSettings(ctx context.Context, call *awsmodel.Call, in *muster.PutFilterSettingsInput) (*muster.PutFilterSettingsOutput, error) {
	return desk.Update(ctx, s.store, call, func(tx *store.Tx, _ inspector.Scope) (*muster.PutFilterSettingsOutput, error) {
		if err := inspector.PermitRule(ctx, tx, call, "CreateFilter"); err != nil {
			return nil, own(err)
		}
		v := filters.Settings{Account: call.Account(), Region: call.Region, ReasonRequired: in.ReasonRequired, UpdatedAt: call.Time, UpdatedBy: call.Principal.ARN}
		return &muster.PutFilterSettingsOutput{Settings: settings(v)}, filters.PutSettings(ctx, tx, v)
	})
}

func settings(v filters.Settings) *muster.FilterSettings {
	return &muster.FilterSettings{ReasonRequired: v.ReasonRequired, UpdatedAt: when(v.UpdatedAt), UpdatedBy: optional(string(v.UpdatedBy))}
}
