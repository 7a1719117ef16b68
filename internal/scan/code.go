package scan

import (
	"context"
	"encoding/json"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/code"
)

// The words of coverage that only code repositories have.
const (
	reasonUnconfigured = "NO_SCAN_CONFIGURATION_ASSOCIATED"
	reasonLanguage     = "UNSUPPORTED_LANGUAGE"
)

// judgeCode decides how a code repository is covered (scanning specification 2
// and 13). What was found in one that cannot be reached, or that nothing says
// how to scan, stays and is judged by new advisories, as its content is what
// was last seen.
func (s *Service) judgeCode(q *question) verdict {
	d := q.resource.Code
	if d == nil {
		d = &finding.CodeRepoDetails{}
	}
	v := q.codeContent()
	if d.Hindrance != "" {
		v.Coverage, v.read = q.covered(codeInactive, d.Hindrance), false
	}
	return v
}

// codeContent judges a code repository by what was read of it.
func (q *question) codeContent() verdict {
	switch {
	case q.inventory == nil:
		return verdict{Coverage: q.covered(codeActive, reasonPending), read: true}
	case q.empty:
		return verdict{Coverage: q.covered(codeInactive, reasonLanguage), judged: true}
	case q.missing:
		return q.active(reasonPending)
	}
	return q.active(reasonSuccessful)
}

// followCode asks for the first scan of a code repository.
func followCode(ctx context.Context, e *evaluator, q *question, v *verdict) error {
	if !v.read {
		return nil
	}
	r := q.resource
	body, err := json.Marshal(targetOf(r.Place()))
	if err != nil {
		return err
	}
	return e.tx.Enqueue(ctx, store.Job{
		Kind: code.JobFirst, Key: r.ID, Account: string(r.Account), Region: string(r.Region), Payload: body,
	})
}
