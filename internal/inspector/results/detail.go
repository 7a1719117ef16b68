package results

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/inspector"
	"muster/internal/inspector/desk"
	"muster/internal/store"
	"muster/internal/store/findings"
	"muster/internal/store/topology"
)

// mostReferences bounds the reference URLs of an answer.
const mostReferences = 100

// BatchGetFindingDetails tells what is known of the vulnerabilities of
// findings; each finding fails on its own.
func (s *Service) BatchGetFindingDetails(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchGetFindingDetailsInput) (*inspector2.BatchGetFindingDetailsOutput, error) {
	found := map[string]finding.Finding{}
	out := &inspector2.BatchGetFindingDetailsOutput{FindingDetails: []inspector2.FindingDetail{}, Errors: []inspector2.FindingDetailsError{}}
	_, err := desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (struct{}, error) {
		for _, name := range in.FindingArns {
			f, refusal, err := visibleFinding(ctx, tx, scope, arn.ARN(name))
			switch {
			case err != nil:
				return struct{}{}, err
			case refusal != nil:
				out.Errors = append(out.Errors, *refusal)
			default:
				if err := agedFacts(ctx, tx, &f); err != nil {
					return struct{}{}, err
				}
				found[name] = f
			}
		}
		return struct{}{}, nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range in.FindingArns {
		f, ok := found[name]
		if !ok {
			continue
		}
		detail, err := s.detail(ctx, &f)
		if err != nil {
			return nil, err
		}
		out.FindingDetails = append(out.FindingDetails, detail)
	}
	return out, nil
}

// visibleFinding returns a finding of the scope, or why it cannot be told of.
func visibleFinding(ctx context.Context, tx *store.Tx, scope inspector.Scope, name arn.ARN) (finding.Finding, *inspector2.FindingDetailsError, error) {
	refuse := func(code inspector2.FindingDetailsErrorCode, message string) (finding.Finding, *inspector2.FindingDetailsError, error) {
		return finding.Finding{}, &inspector2.FindingDetailsError{FindingArn: string(name), ErrorCode: code, ErrorMessage: message}, nil
	}
	account, region, id, ok := finding.ParseARN(name)
	if !ok || region != scope.Region {
		return refuse(inspector2.FindingDetailsErrorCodeInvalidInput, "This is not the ARN of a finding in this Region.")
	}
	sees, err := scope.Sees(ctx, tx, account)
	if err != nil {
		return finding.Finding{}, nil, err
	}
	if !sees {
		return refuse(inspector2.FindingDetailsErrorCodeAccessDenied, "Invoking account does not have access to this account")
	}
	f, err := findings.Lookup(ctx, tx, account, region, id)
	if errors.Is(err, store.ErrNotFound) {
		return refuse(inspector2.FindingDetailsErrorCodeFindingDetailsNotFound, "The finding does not exist.")
	}
	return f.Finding, nil, err
}

func (s *Service) detail(ctx context.Context, f *finding.Finding) (inspector2.FindingDetail, error) {
	d := inspector2.FindingDetail{FindingArn: new(string(f.ARN)), EpssScore: f.EPSS, Cwes: []string{}, ReferenceUrls: []string{}, Evidences: []inspector2.Evidence{}, Ttps: []string{}, Tools: []string{}}
	if f.Package == nil {
		if f.Code != nil {
			d.Cwes = f.Code.CWEs
		}
		if f.Network != nil {
			d.Evidences = networkEvidence(f)
		}
		return d, nil
	}
	d.ReferenceUrls = first(f.Package.ReferenceURLs, mostReferences)
	for _, p := range f.Package.Packages {
		for _, e := range p.Evidence {
			d.Evidences = append(d.Evidences, inspector2.Evidence{
				EvidenceRule:   new("muster/" + e.Comparator),
				EvidenceDetail: new(p.Name + " " + e.Compared + " lies in " + e.Range + " of " + e.Advisory + " for " + e.Package),
				Severity:       new(string(f.Severity)),
			})
		}
	}
	// Of what no feed tells more about, the finding alone says how bad it is.
	intel, _, err := s.config.Intel(ctx, f.Package.VulnerabilityID)
	d.Cwes, d.CisaData, d.ExploitObserved = append(d.Cwes, intel.CWEs...), cisa(&intel), observed(f)
	d.RiskScore = new(riskScore(f, &intel))
	return d, err
}

// agedFacts adds how old the facts are that a network finding rests on, and
// what lacks of them; a finding does not change with them.
func agedFacts(ctx context.Context, tx *store.Tx, f *finding.Finding) error {
	if f.Network == nil {
		return nil
	}
	account, region, _, _ := finding.ParseARN(f.ARN)
	n, err := topology.LookupSnapshot(ctx, tx, account, region)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		details, text := *f.Network, "the facts are of "+n.CollectedAt.UTC().Format(time.RFC3339)
		if n.Failure != "" {
			text += ". " + n.FailureText
		}
		details.Evidence = append(slices.Clip(details.Evidence), finding.NetworkEvidence{Rule: "muster/facts", Detail: text})
		f.Network = &details
	}
	return err
}

// networkEvidence says which rules open the path and what listens at its end.
func networkEvidence(f *finding.Finding) []inspector2.Evidence {
	list := []inspector2.Evidence{}
	for _, e := range f.Network.Evidence {
		list = append(list, inspector2.Evidence{EvidenceRule: new(e.Rule), EvidenceDetail: new(e.Detail), Severity: new(string(f.Severity))})
	}
	return list
}

func first[T any](list []T, n int) []T { return append([]T{}, list[:min(n, len(list))]...) }

func cisa(i *advisorydb.Intel) *inspector2.CisaData {
	if i.KEV == nil {
		return nil
	}
	return &inspector2.CisaData{DateAdded: when(i.KEV.Added), DateDue: when(i.KEV.Due), Action: optional(i.KEV.Action)}
}

func observed(f *finding.Finding) *inspector2.ExploitObserved {
	if f.LastExploitAt.IsZero() {
		return nil
	}
	return &inspector2.ExploitObserved{LastSeen: when(f.LastExploitAt)}
}

// riskScore is 0 to 100: how likely exploitation is (certain when CISA lists
// it, else EPSS) times how bad it would be (scanning specification 5.3).
func riskScore(f *finding.Finding, i *advisorydb.Intel) int32 {
	likely := 0.0
	switch {
	case i.KEV != nil:
		likely = 1
	case f.EPSS != nil:
		likely = *f.EPSS
	}
	bad := 5.0
	if f.Score != nil {
		bad = f.Score.Value
	}
	return int32(math.Round(100 * likely * bad / 10))
}
