package inspector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/finding"
	"muster/internal/inspector"
	"muster/internal/inspector/encryption"
	"muster/internal/inspector/results"
	"muster/internal/inspector/rules"
	"muster/internal/inspector/settings"
	"muster/internal/inspector/tagging"
	"muster/internal/inspector/usage"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/directory"
	"muster/internal/store/findings"
)

// What a scenario has beside accounts: an organization's tree and policies,
// resources with their findings, and the operations on those.

// handlers are those of all parts of the desk.
func (w *world) handlers(pages inspector.Pager) inspector2.Handlers {
	h := w.desk.Handlers()
	settings.New(w.desk).AddHandlers(&h)
	results.New(results.Config{
		Store: w.store, Pages: pages,
		Intel: func(context.Context, string) (advisorydb.Intel, bool, error) { return advisorydb.Intel{}, false, nil },
	}).AddHandlers(&h)
	rules.New(rules.Config{Store: w.store, Pages: pages, Apply: w.scanner.Resuppress}).AddHandlers(&h)
	usage.New(usage.Config{Store: w.store, Pages: pages, Prices: map[string]float64{"EC2_INSTANCE_HOURS": 0.5}}).AddHandlers(&h)
	encryption.New(w.store).AddHandlers(&h)
	tagging.New(w.store, nil).AddHandlers(&h)
	return h
}

// noAdvisories is a publisher that has published nothing.
type noAdvisories struct{}

func (noAdvisories) CurrentGeneration(context.Context) (*advisorydb.Set, int64, error) {
	return advisorydb.Empty(), 0, nil
}

func (noAdvisories) Generation(context.Context, int64) (*advisorydb.Set, error) {
	return advisorydb.Empty(), nil
}

// happen plays what happens beside operations.
func (s *scenario) happen(words []string) string {
	switch words[0] {
	case "covers":
		s.cover(arn.AccountID(s.id(words[1])), s.at(words), words[2], words[3])
	case "finding":
		s.find(arn.AccountID(s.id(words[1])), s.at(words), words[2], words[3])
	case "scan":
		s.runJobs(s.scanner.Jobs())
	case "opts":
		s.must(s.store.Update(s.t.Context(), func(tx *store.Tx) error {
			return inspector.EnqueueOpening(s.t.Context(), tx, arn.AccountID(s.id(words[1])), arn.Region(words[3]), words[2] == "in")
		}))
		s.runJobs(s.desk.Jobs())
	case "invited":
		s.invite(words[1], words[3])
	case "restart":
		// A new process with the settings as they are now.
		s.setting(words[1], words[2])
		former := s.world
		s.world = newWorld(s.t, s.store, s.clock, s.config)
		s.byName, s.names, s.things = former.byName, former.names, former.things
		s.must(s.desk.CatchUp(s.t.Context()))
	}
	return ""
}

// at is the Region after the word "in".
func (s *scenario) at(words []string) arn.Region {
	if i := slices.Index(words, "in"); i >= 0 {
		return arn.Region(words[i+1])
	}
	return s.region
}

func (s *scenario) cover(account arn.AccountID, region arn.Region, host, state string) {
	now := s.clock.Now()
	coverage := map[string]catalog.Coverage{
		"active":    {Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_SSM_AGENT_BASED", Status: "ACTIVE", Reason: "SUCCESSFUL"},
		"agentless": {Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_AGENTLESS", Status: "ACTIVE", Reason: "SUCCESSFUL"},
		"stopped":   {Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_SSM_AGENT_BASED", Status: "INACTIVE", Reason: "EC2_INSTANCE_STOPPED"},
		"gone":      {},
	}[state]
	s.must(s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		r, err := catalog.PutResource(s.t.Context(), tx, account, region, finding.Resource{Type: finding.Instance, ID: host}, now)
		if err != nil {
			return err
		}
		return catalog.SetCoverage(s.t.Context(), tx, &r, coverage, now)
	}))
}

// find opens a finding of a host.
func (s *scenario) find(account arn.AccountID, region arn.Region, host, vulnerability string) {
	s.must(s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		ctx := s.t.Context()
		r, err := catalog.LookupResource(ctx, tx, catalog.Place{Account: account, Region: region, Type: finding.Instance, ID: host})
		if err != nil {
			return err
		}
		draft := finding.Draft{Content: finding.Content{
			Type: finding.PackageVulnerability, Title: vulnerability, Severity: finding.High,
			Package: &finding.PackageDetails{VulnerabilityID: vulnerability, Source: "DEBIAN_CVE"},
		}}
		var writes []findings.Write
		for _, change := range finding.Evaluate(finding.Evaluation{
			Account: account, Region: region, Resource: r.Resource, Wanted: []finding.Draft{draft}, Now: s.clock.Now(),
		}) {
			writes = append(writes, findings.Write{Resource: r.Number, Change: change})
		}
		return findings.Apply(ctx, tx, writes)
	}))
}

// invite brings an account that stands alone into somebody's organization.
func (s *scenario) invite(name, management string) {
	s.must(s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		o, err := directory.OrganizationOf(s.t.Context(), tx, arn.AccountID(s.id(management)))
		if err != nil {
			return err
		}
		return s.orgs.Join(s.t.Context(), tx, o, arn.AccountID(s.id(name)), directory.Invited, nil, s.clock.Now())
	}))
}

func (s *scenario) root() string {
	var root string
	s.must(s.store.View(s.t.Context(), func(tx *store.Tx) error {
		m, err := organizations.Of(s.t.Context(), tx, arn.AccountID(s.id(s.caller)))
		root = m.Root
		return err
	}))
	return root
}

// thing is the id of a unit, policy, filter or account.
func (s *scenario) thing(name string) string {
	if name == "root" {
		return s.root()
	}
	if id, ok := s.things[name]; ok {
		return id
	}
	return s.id(name)
}

// performTree makes a call about an organization's tree and policies.
func (s *scenario) performTree(op string, words []string) (answer string, err error, ok bool) {
	ctx, call := s.t.Context(), s.call(s.caller, s.region)
	switch op {
	case "CreateOrganizationalUnit":
		out, err := s.orgs.CreateOrganizationalUnit(ctx, call, &api.CreateOrganizationalUnitInput{Name: words[0], ParentId: s.thing(words[2])})
		if err == nil {
			s.things[words[0]] = *out.OrganizationalUnit.Id
		}
		return "done", err, true
	case "MoveAccount":
		_, err = s.orgs.MoveAccount(ctx, call, &api.MoveAccountInput{
			AccountId: s.id(words[0]), SourceParentId: s.thing(words[2]), DestinationParentId: s.thing(words[4]),
		})
	case "EnablePolicyType":
		_, err = s.rules.EnablePolicyType(ctx, call, &api.EnablePolicyTypeInput{RootId: s.root(), PolicyType: api.PolicyTypeInspectorPolicy})
	case "DisablePolicyType":
		_, err = s.rules.DisablePolicyType(ctx, call, &api.DisablePolicyTypeInput{RootId: s.root(), PolicyType: api.PolicyTypeInspectorPolicy})
	case "CreatePolicy":
		out, err := s.rules.CreatePolicy(ctx, call, &api.CreatePolicyInput{
			Name: words[0], Content: document(words[1:]), Type: api.PolicyTypeInspectorPolicy,
		})
		if err == nil {
			s.things[words[0]] = *out.Policy.PolicySummary.Id
		}
		return "done", err, true
	case "UpdatePolicy":
		_, err = s.rules.UpdatePolicy(ctx, call, &api.UpdatePolicyInput{PolicyId: s.thing(words[0]), Content: new(document(words[1:]))})
	case "AttachPolicy":
		_, err = s.rules.AttachPolicy(ctx, call, &api.AttachPolicyInput{PolicyId: s.thing(words[0]), TargetId: s.thing(words[2])})
	case "DetachPolicy":
		_, err = s.rules.DetachPolicy(ctx, call, &api.DetachPolicyInput{PolicyId: s.thing(words[0]), TargetId: s.thing(words[2])})
	default:
		return "", nil, false
	}
	return "done", err, true
}

// document is an Inspector policy from words such as "EC2=+us-east-1",
// "LAMBDA=-ALL_SUPPORTED".
func document(words []string) string {
	names := map[string][]string{
		"EC2": {"ec2_scanning"}, "ECR": {"ecr_scanning"}, "CODE_REPOSITORY": {"code_repository_scanning"},
		"LAMBDA": {"lambda_standard_scanning"}, "LAMBDA_CODE": {"lambda_standard_scanning", "lambda_code_scanning"},
	}
	enablement := map[string]any{}
	for _, w := range words {
		name, regions, _ := strings.Cut(w, "=")
		rule := enablement
		for _, key := range names[name] {
			if rule[key] == nil {
				rule[key] = map[string]any{}
			}
			rule = rule[key].(map[string]any)
		}
		enable, disable := []string{}, []string{}
		for r := range strings.SplitSeq(regions, ",") {
			if name, ok := strings.CutPrefix(r, "-"); ok {
				disable = append(disable, name)
			} else if name, ok := strings.CutPrefix(r, "+"); ok {
				enable = append(enable, name)
			}
		}
		rule["enable_in_regions"] = map[string]any{"@@assign": enable}
		rule["disable_in_regions"] = map[string]any{"@@assign": disable}
	}
	text, _ := json.Marshal(map[string]any{"inspector": map[string]any{"enablement": enablement}})
	return string(text)
}

// tags reads words such as tag:team=red.
func tags(words []string) map[string]string {
	found := map[string]string{}
	for _, w := range words {
		if rest, ok := strings.CutPrefix(w, "tag:"); ok {
			key, value, _ := strings.Cut(rest, "=")
			found[key] = value
		}
	}
	return found
}

func (s *scenario) resultsInput(op string, words []string) any {
	switch op {
	case "ListFindings":
		return &inspector2.ListFindingsInput{}
	case "ListCoverage":
		return &inspector2.ListCoverageInput{}
	case "ListUsageTotals":
		return &inspector2.ListUsageTotalsInput{AccountIds: s.forWhom(words), MaxResults: number(words, "max"), NextToken: s.page(words)}
	case "CreateFilter":
		return &inspector2.CreateFilterInput{
			Name: words[0], Action: inspector2.FilterAction(words[1]), Tags: tags(words),
			FilterCriteria: &inspector2.FilterCriteria{Severity: []inspector2.StringFilter{{Comparison: inspector2.StringComparisonEquals, Value: "HIGH"}}},
		}
	case "ListFilters":
		return &inspector2.ListFiltersInput{}
	case "TagResource":
		return &inspector2.TagResourceInput{ResourceArn: s.thing(words[0]), Tags: tags(words)}
	case "UntagResource":
		return &inspector2.UntagResourceInput{ResourceArn: s.thing(words[0]), TagKeys: words[1:]}
	case "ListTagsForResource":
		return &inspector2.ListTagsForResourceInput{ResourceArn: s.thing(words[0])}
	case "GetEncryptionKey":
		return &inspector2.GetEncryptionKeyInput{ScanType: inspector2.ScanType(words[0]), ResourceType: inspector2.ResourceType(words[1])}
	case "UpdateEncryptionKey":
		return &inspector2.UpdateEncryptionKeyInput{ScanType: inspector2.ScanType(words[0]), ResourceType: inspector2.ResourceType(words[1]), KmsKeyId: words[2]}
	case "ResetEncryptionKey":
		return &inspector2.ResetEncryptionKeyInput{ScanType: inspector2.ScanType(words[0]), ResourceType: inspector2.ResourceType(words[1])}
	}
	s.failf("unknown operation %s", op)
	return nil
}

func (s *scenario) renderResults(out any) string {
	switch out := out.(type) {
	case *inspector2.ListFindingsOutput:
		var list []string
		for _, f := range out.Findings {
			list = append(list, fmt.Sprintf("%s %s %s", s.named(f.AwsAccountId), *f.Title, f.Status))
		}
		slices.Sort(list)
		return orNothing(list, ", ")
	case *inspector2.ListCoverageOutput:
		var list []string
		for _, r := range out.CoveredResources {
			list = append(list, s.named(r.AccountId)+" "+r.ResourceId+" "+string(r.ScanStatus.StatusCode))
		}
		slices.Sort(list)
		return orNothing(list, ", ")
	case *inspector2.ListUsageTotalsOutput:
		return s.usageTotals(out)
	case *inspector2.CreateFilterOutput:
		return "done"
	case *inspector2.ListFiltersOutput:
		var list []string
		for _, f := range out.Filters {
			s.things[f.Name] = f.Arn
			list = append(list, strings.TrimSpace(f.Name+" "+string(f.Action)+" "+pairs(f.Tags)))
		}
		slices.Sort(list)
		return orNothing(list, ", ")
	case *inspector2.ListTagsForResourceOutput:
		if out.Tags == nil {
			return "tags are not sent"
		}
		return orNothing(strings.Fields(pairs(out.Tags)), " ")
	case *inspector2.GetEncryptionKeyOutput:
		return out.KmsKeyId
	case *inspector2.TagResourceOutput, *inspector2.UntagResourceOutput, *inspector2.UpdateEncryptionKeyOutput, *inspector2.ResetEncryptionKeyOutput:
		return "done"
	}
	s.failf("no short form for %T", out)
	return ""
}

func pairs(tags map[string]string) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, key+"="+tags[key])
	}
	return strings.Join(list, " ")
}

// usageTotals leaves out what was not used; that every type is sent is checked.
func (s *scenario) usageTotals(out *inspector2.ListUsageTotalsOutput) string {
	if !slices.IsSortedFunc(out.Totals, func(a, b inspector2.UsageTotal) int { return strings.Compare(*a.AccountId, *b.AccountId) }) {
		s.failf("totals are not in the order of ids")
	}
	var list []string
	for _, t := range out.Totals {
		if len(t.Usage) != 9 {
			s.failf("%d types of usage", len(t.Usage))
		}
		text := s.named(*t.AccountId)
		for _, u := range t.Usage {
			if *u.Total > 0 {
				text += fmt.Sprintf(" %s %g (%s %g)", u.Type, *u.Total, u.Currency, *u.EstimatedMonthlyCost)
			}
		}
		list = append(list, text)
	}
	slices.Sort(list)
	if s.token = *orEmpty(out.NextToken); s.token != "" {
		return fmt.Sprintf("%d and more", len(list))
	}
	return orNothing(list, "; ")
}
