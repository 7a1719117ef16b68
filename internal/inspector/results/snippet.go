package results

import (
	"context"

	"muster/internal/inspector/desk"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/store"
)

// BatchGetCodeSnippet tells of each finding why there is no code to show: muster
// keeps none, because it does not scan code, so that even a finding that the
// caller sees has no snippet.
func (s *Service) BatchGetCodeSnippet(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchGetCodeSnippetInput) (*inspector2.BatchGetCodeSnippetOutput, error) {
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.BatchGetCodeSnippetOutput, error) {
		out := &inspector2.BatchGetCodeSnippetOutput{CodeSnippetResults: []inspector2.CodeSnippetResult{}, Errors: []inspector2.CodeSnippetError{}}
		for _, name := range in.FindingArns {
			refusal := inspector2.CodeSnippetError{
				FindingArn: name, ErrorCode: inspector2.CodeSnippetErrorCodeCodeSnippetNotFound, ErrorMessage: "There is no code snippet for this finding.",
			}
			_, hidden, err := visibleFinding(ctx, tx, scope, arn.ARN(name))
			if err != nil {
				return nil, err
			}
			if hidden != nil {
				refusal.ErrorMessage = hidden.ErrorMessage
				switch hidden.ErrorCode {
				case inspector2.FindingDetailsErrorCodeInvalidInput:
					refusal.ErrorCode = inspector2.CodeSnippetErrorCodeInvalidInput
				case inspector2.FindingDetailsErrorCodeAccessDenied:
					refusal.ErrorCode = inspector2.CodeSnippetErrorCodeAccessDenied
				}
			}
			out.Errors = append(out.Errors, refusal)
		}
		return out, nil
	})
}
