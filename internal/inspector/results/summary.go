package results

import (
	"context"

	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
)

// GetSummary adds up, over all accounts that the caller sees, how many findings
// and covered resources there are, told apart by everything that is counted.
// AWS tells the numbers of one account at a time.
func (s *Service) GetSummary(ctx context.Context, call *awsmodel.Call, _ *muster.GetSummaryInput) (*muster.GetSummaryOutput, error) {
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.GetSummaryOutput, error) {
		out := &muster.GetSummaryOutput{Findings: []muster.FindingTally{}, Coverage: []muster.CoverageTally{}}
		found, err := findings.Tallies(ctx, tx, scope, call.Region)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			out.Findings = append(out.Findings, muster.FindingTally{
				Status: string(t.Status), FindingType: string(t.Type), ResourceType: string(t.ResourceType), Severity: string(t.Severity),
				Count: t.Count, ExploitAvailable: t.Exploitable, FixAvailable: t.Fixable,
			})
		}
		covered, err := catalog.CoverageTallies(ctx, tx, scope, string(call.Region))
		for _, t := range covered {
			out.Coverage = append(out.Coverage, muster.CoverageTally{
				ResourceType: string(t.Type), ScanType: t.ScanType, ScanMode: optional(t.ScanMode), StatusCode: t.Status, Reason: t.Reason, Count: t.Count,
			})
		}
		return out, err
	})
}
