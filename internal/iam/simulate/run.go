package simulate

import (
	"strings"

	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/policy"
)

// answer is a page of results.
type answer struct {
	results []api.EvaluationResult
	more    *bool
	marker  *string
}

// run decides every action on every resource that the page shows.
func (r *Room) run(p *desk.Page, s *scene, w wish) (answer, error) {
	given := len(w.resources) > 0
	if err := w.apply(s); err != nil {
		return answer{}, err
	}
	out := answer{results: []api.EvaluationResult{}}
	start, end, more, marker := p.Window(len(w.actions) * len(w.resources))
	out.more, out.marker = more, marker
	for i := start; i < end; i++ {
		action, resource := w.actions[i/len(w.resources)], w.resources[i%len(w.resources)]
		// A role's trust policy always has to agree; others need not in their own account.
		s.policies.ResourceOptional = !strings.HasPrefix(strings.ToLower(action), "sts:")
		s.policies.ResourceAccount = w.ownerOf(resource, s.principal.Account)
		out.results = append(out.results, r.decide(s, action, resource, given && resource != "*"))
	}
	return out, nil
}

// decide is one result. Where the resource was named, its own result repeats
// what holds for it, as in AWS's answers.
func (r *Room) decide(s *scene, action, resource string, named bool) api.EvaluationResult {
	q := policy.Request{Principal: s.principal, Action: action, Resource: resource, Context: s.context}
	e := s.policies.Explain(q)
	out := api.EvaluationResult{
		EvalActionName: action, EvalResourceName: &resource, EvalDecision: decision(e.Decision),
		MatchedStatements: s.statements(e.Matches), MissingContextValues: append([]string{}, e.Missing...),
	}
	if c := s.policies.Control; c != nil {
		allowed := r.alone(q, policy.Policies{Control: c}).Allowed
		out.OrganizationsDecisionDetail = &api.OrganizationsDecisionDetail{AllowedByOrganizations: &allowed}
	}
	if b := s.policies.Boundary; b != nil {
		allowed := r.alone(q, policy.Policies{Boundary: b}).Allowed
		out.PermissionsBoundaryDecisionDetail = &api.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: &allowed}
	}
	if named && e.Layer != policy.ControlLayer {
		out.EvalDecisionDetails = r.details(s, q)
	}
	if named {
		out.ResourceSpecificResults = []api.ResourceSpecificResult{{
			EvalResourceName: resource, EvalResourceDecision: out.EvalDecision, MatchedStatements: out.MatchedStatements,
			MissingContextValues: out.MissingContextValues, EvalDecisionDetails: out.EvalDecisionDetails,
			PermissionsBoundaryDecisionDetail: out.PermissionsBoundaryDecisionDetail,
		}}
	}
	return out
}

// alone decides by one layer, the caller being allowed everything otherwise.
func (r *Room) alone(q policy.Request, p policy.Policies) policy.Decision {
	p.Identity = []*policy.Document{r.everything}
	return p.Evaluate(q)
}

// details says across accounts what each side decides; within one account it
// is empty.
func (r *Room) details(s *scene, q policy.Request) map[string]api.PolicyEvaluationDecisionType {
	p := s.policies
	if p.Resource == nil || p.ResourceAccount == s.principal.Account {
		return map[string]api.PolicyEvaluationDecisionType{}
	}
	own := p
	own.Resource = nil
	return map[string]api.PolicyEvaluationDecisionType{
		string(iamPolicy):      decision(own.Evaluate(q)),
		string(resourcePolicy): decision(r.alone(q, policy.Policies{Resource: p.Resource, ResourceAccount: p.ResourceAccount})),
	}
}

func decision(d policy.Decision) api.PolicyEvaluationDecisionType {
	switch {
	case d.Allowed:
		return api.PolicyEvaluationDecisionTypeAllowed
	case d.Explicit:
		return api.PolicyEvaluationDecisionTypeExplicitDeny
	}
	return api.PolicyEvaluationDecisionTypeImplicitDeny
}

// statements shows the statements that decided. Service control policies have
// no place in the answer but OrganizationsDecisionDetail.
func (s *scene) statements(matches []policy.Match) []api.Statement {
	out := []api.Statement{}
	for _, m := range matches {
		from, ok := s.names[m.Document]
		if !ok {
			continue
		}
		out = append(out, api.Statement{
			SourcePolicyId: &from.id, SourcePolicyType: from.kind,
			StartPosition: at(m.Span.Start), EndPosition: at(m.Span.End),
		})
	}
	return out
}

func at(p policy.Position) *api.Position {
	return &api.Position{Line: new(int32(p.Line)), Column: new(int32(p.Column))}
}
