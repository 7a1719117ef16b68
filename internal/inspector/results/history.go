package results

import (
	"context"

	"muster/internal/inspector/desk"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/findings"
)

// AddOwnHandlers adds the operations that AWS does not have.
func (s *Service) AddOwnHandlers(h *muster.Handlers) {
	h.GetFindingHistory = s.GetFindingHistory
	h.GetSummary = s.GetSummary
	h.GetFindingTrend = s.GetFindingTrend
	h.ListUnitSummaries = s.ListUnitSummaries
	h.SearchComponents = s.SearchComponents
	h.ListResourcePackages = s.ListResourcePackages
}

// GetFindingHistory tells what happened to a finding that the caller sees, the
// oldest first, and why: the rule that hid it, what closed it.
func (s *Service) GetFindingHistory(ctx context.Context, call *awsmodel.Call, in *muster.GetFindingHistoryInput) (*muster.GetFindingHistoryOutput, error) {
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.GetFindingHistoryOutput, error) {
		_, hidden, err := visibleFinding(ctx, tx, scope, arn.ARN(in.FindingArn))
		if err != nil {
			return nil, err
		}
		if hidden != nil {
			return nil, refusedHistory(hidden)
		}
		account, region, id, _ := finding.ParseARN(arn.ARN(in.FindingArn)) // visibleFinding has parsed it
		list, err := findings.History(ctx, tx, account, region, id)
		out := &muster.GetFindingHistoryOutput{Entries: []muster.FindingHistoryEntry{}}
		for _, e := range list {
			out.Entries = append(out.Entries, muster.FindingHistoryEntry{
				At: store.Time(e.At), Kind: muster.FindingHistoryKind(e.Kind), PreviousStatus: optional(string(e.Before)), Status: string(e.After), Reason: e.Why,
			})
		}
		return out, err
	})
}

func refusedHistory(e *inspector2.FindingDetailsError) error {
	switch e.ErrorCode {
	case inspector2.FindingDetailsErrorCodeAccessDenied:
		return &muster.AccessDeniedException{Message: e.ErrorMessage}
	case inspector2.FindingDetailsErrorCodeInvalidInput:
		return &muster.ValidationException{Message: e.ErrorMessage, Reason: muster.ValidationExceptionReasonOther}
	}
	return &muster.ResourceNotFoundException{Message: e.ErrorMessage}
}
