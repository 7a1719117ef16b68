package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
)

// A second evaluator, written from IAM's documentation without a look at the
// first: it works on the documents' JSON values, turns wildcards into regular
// expressions, and collects verdicts instead of stopping early.

type stmt = map[string]any

// scenario is everything that bears on a request, as JSON values. A nil layer
// is absent.
type scenario struct {
	identity, boundary, session []stmt
	control                     [][]stmt
	resource                    []stmt
	owner                       arn.AccountID
	optional                    bool
	request                     Request
}

// verdicts of one document: does any statement deny, or allow; and for
// resource policies, how precisely the allowing one names the caller.
type verdicts struct {
	denies, allows bool
	named          string // "", "account", "someone", "me"
}

func (s *scenario) read(list []stmt) verdicts {
	var v verdicts
	for _, st := range list {
		named := "someone"
		if p, ok := st["Principal"]; ok {
			named = s.names(p)
		} else if p, ok := st["NotPrincipal"]; ok {
			named = map[bool]string{true: "someone"}[s.names(p) == ""]
		}
		if named == "" || !s.fits(st) {
			continue
		}
		if st["Effect"] == "Deny" {
			v.denies = true
			continue
		}
		v.allows = true
		order := []string{"", "account", "someone", "me"}
		if slices.Index(order, named) > slices.Index(order, v.named) {
			v.named = named
		}
	}
	return v
}

// names says how a Principal element names the caller.
func (s *scenario) names(p any) string {
	who := s.request.Principal
	best := ""
	if p == "*" {
		best = "someone"
	}
	m, _ := p.(map[string]any)
	values, _ := m["AWS"].([]string)
	for _, v := range values {
		switch {
		case v == string(who.ARN) && who.Kind != arn.RootUser:
			return "me"
		case v == "*", v == string(who.RoleARN) && v != "":
			best = "someone"
		case v == string(who.Account) || v == "arn:aws:iam::"+string(who.Account)+":root":
			if who.Kind == arn.RootUser {
				best = "someone"
			} else if best == "" {
				best = "account"
			}
		}
	}
	return best
}

func like(pattern, text string) bool {
	q := regexp.QuoteMeta(pattern)
	q = strings.ReplaceAll(strings.ReplaceAll(q, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile("(?s)^" + q + "$").MatchString(text)
}

func anyLike(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return like(p, text) })
}

// fits reports whether a statement applies to the request.
func (s *scenario) fits(st stmt) bool {
	action := strings.ToLower(s.request.Action)
	lower := func(v any) []string {
		var out []string
		for _, a := range v.([]string) {
			out = append(out, strings.ToLower(a))
		}
		return out
	}
	if a, ok := st["Action"]; ok && !anyLike(lower(a), action) {
		return false
	}
	if a, ok := st["NotAction"]; ok && anyLike(lower(a), action) {
		return false
	}
	if r, ok := st["Resource"]; ok && !anyLike(r.([]string), s.request.Resource) {
		return false
	}
	if r, ok := st["NotResource"]; ok && anyLike(r.([]string), s.request.Resource) {
		return false
	}
	conditions, _ := st["Condition"].(map[string]map[string][]string)
	for operator, keys := range conditions {
		for key, want := range keys {
			if !s.satisfied(operator, key, want) {
				return false
			}
		}
	}
	return true
}

// satisfied decides one operator, key and list of values.
func (s *scenario) satisfied(operator, key string, want []string) bool {
	have := s.request.Context[strings.ToLower(key)]
	present := len(have) > 0
	if operator == "Null" {
		return slices.Contains(want, map[bool]string{true: "false", false: "true"}[present])
	}
	each, some := strings.HasPrefix(operator, "ForAllValues:"), strings.HasPrefix(operator, "ForAnyValue:")
	operator = operator[strings.Index(operator, ":")+1:]
	ifExists := strings.HasSuffix(operator, "IfExists")
	operator = strings.TrimSuffix(operator, "IfExists")
	negated := strings.Contains(operator, "Not")
	if !present {
		return ifExists || each || negated && !some
	}
	matches := func(value string) bool {
		hit := false
		for _, w := range want {
			switch strings.Replace(operator, "Not", "", 1) {
			case "StringEquals":
				hit = hit || w == value
			case "StringLike":
				hit = hit || like(w, value)
			case "Bool":
				hit = hit || strings.EqualFold(w, value)
			default:
				panic(operator)
			}
		}
		return hit != negated
	}
	if each || negated && !some {
		return !slices.ContainsFunc(have, func(v string) bool { return !matches(v) })
	}
	return slices.ContainsFunc(have, matches)
}

// decide is IAM's logic as its documentation tells it.
func (s *scenario) decide() Decision {
	who := s.request.Principal
	identity, boundary, session, resource := s.read(s.identity), s.read(s.boundary), s.read(s.session), s.read(s.resource)
	for _, level := range s.control {
		if s.read(level).denies {
			return Decision{Explicit: true, Layer: ControlLayer}
		}
	}
	for _, d := range []struct {
		denies bool
		layer  Layer
	}{{resource.denies, ResourceLayer}, {identity.denies, IdentityLayer}, {boundary.denies, BoundaryLayer}, {session.denies, SessionLayer}} {
		if d.denies {
			return Decision{Explicit: true, Layer: d.layer}
		}
	}
	for _, level := range s.control {
		if !s.read(level).allows {
			return Decision{Layer: ControlLayer}
		}
	}
	root := who.Kind == arn.RootUser
	same := s.owner == who.Account
	if s.resource != nil && !resource.allows && !(same && s.optional) {
		return Decision{Layer: ResourceLayer}
	}
	byResource := s.resource != nil && same && (resource.named == "someone" || resource.named == "me")
	byName := byResource && resource.named == "me"
	if !root && !identity.allows && !byResource {
		return Decision{Layer: IdentityLayer}
	}
	if s.boundary != nil && !root && !boundary.allows && !byName {
		return Decision{Layer: BoundaryLayer}
	}
	if s.session != nil && !session.allows && !(byName && who.Kind != arn.User) {
		return Decision{Layer: SessionLayer}
	}
	return Decision{Allowed: true}
}

// policies gives the scenario to the evaluator under test.
func (s *scenario) policies(t *rapid.T) Policies {
	layer := func(list []stmt) []*Document {
		switch {
		case list == nil:
			return nil
		case len(list) == 0:
			return []*Document{}
		}
		return []*Document{parsed(t, list, Identity)}
	}
	p := Policies{Identity: layer(s.identity), Boundary: layer(s.boundary), Session: layer(s.session), ResourceAccount: s.owner, ResourceOptional: s.optional}
	for _, level := range s.control {
		p.Control = append(p.Control, layer(level))
	}
	if s.resource != nil {
		p.Resource = parsed(t, s.resource, Resource)
	}
	return p
}

func parsed(t *rapid.T, list []stmt, kind Kind) *Document {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(string(text), kind)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}

// Small alphabets make statements and requests meet often.
func stmts(principals bool, effects ...string) *rapid.Generator[stmt] {
	return rapid.Custom(func(t *rapid.T) stmt {
		not := func(name string) string { return rapid.SampledFrom([]string{"", "", "Not"}).Draw(t, "not") + name }
		s := stmt{
			"Effect":        rapid.SampledFrom(effects).Draw(t, "effect"),
			not("Action"):   rapid.SliceOfN(actionPattern(), 1, 2).Draw(t, "actions"),
			not("Resource"): rapid.SliceOfN(rapid.SampledFrom([]string{"*", "arn:aws:s:::x", "arn:aws:s:::?", "arn:aws:s:::xy*"}), 1, 2).Draw(t, "resources"),
		}
		if principals {
			s[not("Principal")] = somebody(t)
		}
		if rapid.Bool().Draw(t, "conditional") {
			s["Condition"] = someConditions(t)
		}
		return s
	})
}

func somebody(t *rapid.T) any {
	list := rapid.SliceOfN(rapid.SampledFrom([]string{
		"*", "111111111111", "arn:aws:iam::111111111111:root", "222222222222", "arn:aws:iam::111111111111:user/ada", "arn:aws:iam::111111111111:user/bob",
		"arn:aws:iam::111111111111:role/Ops", "arn:aws:sts::111111111111:assumed-role/Ops/run", "arn:aws:sts::111111111111:federated-user/fay",
	}), 0, 2).Draw(t, "principals")
	if len(list) == 0 {
		return "*"
	}
	return map[string]any{"AWS": list}
}

func someConditions(t *rapid.T) map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for range rapid.IntRange(1, 2).Draw(t, "conditions") {
		op := rapid.SampledFrom([]string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "Bool"}).Draw(t, "operator")
		op = rapid.SampledFrom([]string{"", "ForAllValues:", "ForAnyValue:"}).Draw(t, "set") + op + rapid.SampledFrom([]string{"", "IfExists"}).Draw(t, "exists")
		if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
			op = "Null"
		}
		out[op] = map[string][]string{
			rapid.SampledFrom([]string{"k:a", "K:B"}).Draw(t, "key"): rapid.SliceOfN(rapid.SampledFrom([]string{"true", "false"}), 1, 2).Draw(t, "values"),
		}
	}
	return out
}

var fay = arn.Principal{Kind: arn.FederatedUser, Account: "111111111111", ARN: "arn:aws:sts::111111111111:federated-user/fay", ID: "111111111111:fay"}

func scenarios() *rapid.Generator[scenario] {
	return rapid.Custom(func(t *rapid.T) scenario {
		layer := func(name string) []stmt {
			if rapid.Bool().Draw(t, "has "+name) {
				return rapid.SliceOfN(stmts(false, "Allow", "Allow", "Deny"), 0, 3).Draw(t, name)
			}
			return nil
		}
		s := scenario{identity: layer("identity"), boundary: layer("boundary"), session: layer("session")}
		for range rapid.IntRange(0, 2).Draw(t, "levels") {
			s.control = append(s.control, rapid.SliceOfN(stmts(false, "Allow", "Allow", "Deny"), 0, 2).Draw(t, "control"))
		}
		if rapid.Bool().Draw(t, "has resource") {
			s.resource = rapid.SliceOfN(stmts(true, "Allow", "Allow", "Deny"), 1, 3).Draw(t, "resource")
			s.owner = rapid.SampledFrom([]arn.AccountID{"111111111111", "222222222222"}).Draw(t, "owner")
			s.optional = rapid.Bool().Draw(t, "optional")
		}
		c := Context{}
		c.Set("k:a", rapid.SliceOfN(rapid.SampledFrom([]string{"true", "false", "TRUE"}), 0, 2).Draw(t, "a")...)
		c.Set("k:b", rapid.SliceOfN(rapid.SampledFrom([]string{"true", "false", ""}), 0, 2).Draw(t, "b")...)
		s.request = Request{
			Principal: rapid.SampledFrom([]arn.Principal{callers["user"], callers["role"], callers["root"], fay}).Draw(t, "who"),
			Action:    rapid.SampledFrom([]string{"s:A", "s:AB", "s:B", "r:A", "S:a"}).Draw(t, "action"),
			Resource:  rapid.SampledFrom([]string{"*", "arn:aws:s:::x", "arn:aws:s:::y", "arn:aws:s:::xyz", "arn:aws:r:::x"}).Draw(t, "on"),
			Context:   c,
		}
		return s
	})
}

func TestEvaluatorAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios().Draw(t, "scenario")
		if got, want := s.policies(t).Evaluate(s.request), s.decide(); got != want {
			t.Fatalf("got %+v, the oracle says %+v", got, want)
		}
	})
}

// TestScenariosHaveBothOutcomes looks at the same scenarios each time: a check
// that chance decides now and then would fail for nothing.
func TestScenariosHaveBothOutcomes(t *testing.T) {
	const total = 1000
	allowed := 0
	for seed := range total {
		s := scenarios().Example(seed)
		if s.decide().Allowed {
			allowed++
		}
	}
	if t.Logf("%d of %d are allowed", allowed, total); allowed < 10 || allowed == total {
		t.Errorf("%d of %d scenarios allowed: the oracle's test does not see both outcomes", allowed, total)
	}
}

// TestExplanationsAgree wants the explanation to reach Evaluate's decision, and
// the statements it names to be of the effect that decided.
func TestExplanationsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios().Draw(t, "scenario")
		p := s.policies(t)
		e := p.Explain(s.request)
		if e.Decision != p.Evaluate(s.request) {
			t.Fatalf("explained as %+v", e.Decision)
		}
		root := s.request.Principal.Kind == arn.RootUser
		if named := len(e.Matches) > 0; named != (e.Allowed || e.Explicit) && !(root && e.Allowed) {
			t.Fatalf("%+v with %d statements", e.Decision, len(e.Matches))
		}
		if !e.Explicit {
			return
		}
		for _, m := range e.Matches {
			if m.Layer == e.Layer {
				return
			}
		}
		t.Fatalf("no statement of the layer that denies, %s", e.Layer)
	})
}
