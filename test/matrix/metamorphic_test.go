package matrix

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/policy"
	"muster/internal/store/storetest"
)

// few lowers the number of rapid's checks, unless it was asked for: each takes
// many decisions.
func few(t *testing.T, n string) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	if former := checks.Value.String(); former == checks.DefValue {
		if err := checks.Value.Set(n); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = checks.Value.Set(former) })
	}
}

// carried are the documents of a caller, by layer.
type carried struct {
	identity, boundary, session []line
	control                     [][]line
	// bounded and restricted tell whether those layers are there at all.
	bounded, restricted bool
}

// line is a statement of any form.
type line map[string]any

func (p carried) clone() carried {
	p.identity, p.boundary, p.session = slices.Clone(p.identity), slices.Clone(p.boundary), slices.Clone(p.session)
	control := make([][]line, len(p.control))
	for i, level := range p.control {
		control[i] = slices.Clone(level)
	}
	p.control = control
	return p
}

// layers are the places of all statements.
func (p *carried) layers() []*[]line {
	list := []*[]line{&p.identity}
	if p.bounded {
		list = append(list, &p.boundary)
	}
	if p.restricted {
		list = append(list, &p.session)
	}
	for i := range p.control {
		list = append(list, &p.control[i])
	}
	return list
}

func write(lines []line) string {
	if len(lines) == 0 {
		// A policy has a statement; this one is about nothing.
		lines = []line{{"Effect": "Deny", "Action": "none:None", "Resource": "*"}}
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": lines})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func drawLine(rt *rapid.T, effect string, actions []string) line {
	l := line{"Effect": effect}
	action := rapid.OneOf(
		rapid.SampledFrom([]string{"*", "inspector2:*", "organizations:*", "inspector2:List*", "organizations:Describe*", "inspector2:?et*", "iam:*"}),
		rapid.SampledFrom(actions),
	)
	l[rapid.SampledFrom([]string{"Action", "Action", "Action", "NotAction"}).Draw(rt, "element")] = rapid.SliceOfN(action, 1, 3).Draw(rt, "actions")
	resource := rapid.SampledFrom([]string{"*", "*", "*", "arn:aws:inspector2:*", "arn:aws:inspector2:eu-west-1:*:*", "arn:aws:iam::*:user/*", "arn:aws:inspector2:*:*:*list*"})
	l[rapid.SampledFrom([]string{"Resource", "Resource", "Resource", "NotResource"}).Draw(rt, "resources")] = resource.Draw(rt, "resource")
	if rapid.IntRange(0, 3).Draw(rt, "condition") == 0 {
		l["Condition"] = rapid.SampledFrom([]map[string]any{
			{"StringEquals": map[string]any{"aws:RequestedRegion": "eu-west-1"}},
			{"StringNotEquals": map[string]any{"aws:RequestedRegion": "eu-west-1"}},
			{"StringLike": map[string]any{"aws:PrincipalOrgID": "o-*"}},
			{"StringEqualsIfExists": map[string]any{"organizations:ServicePrincipal": "inspector2.amazonaws.com"}},
			{"Null": map[string]any{"aws:MultiFactorAuthPresent": "true"}},
			{"IpAddress": map[string]any{"aws:SourceIp": "198.51.100.0/24"}},
			{"DateGreaterThan": map[string]any{"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
			{"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": []string{"team"}}},
		}).Draw(rt, "test")
	}
	return l
}

func drawLines(rt *rapid.T, actions []string) []line {
	n := rapid.IntRange(0, 3).Draw(rt, "statements")
	var list []line
	// Most layers allow much to begin with, so that there is something to lose.
	if rapid.IntRange(0, 4).Draw(rt, "generous") > 0 {
		list = append(list, line{"Effect": "Allow", "Action": rapid.SampledFrom([]any{"*", []string{"inspector2:*", "organizations:*"}}).Draw(rt, "much"), "Resource": "*"})
	}
	for range n {
		list = append(list, drawLine(rt, rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(rt, "effect"), actions))
	}
	return list
}

func drawPolicies(rt *rapid.T, actions []string) carried {
	p := carried{
		identity: drawLines(rt, actions),
		bounded:  rapid.Bool().Draw(rt, "bounded"), restricted: rapid.Bool().Draw(rt, "restricted"),
	}
	if p.bounded {
		p.boundary = drawLines(rt, actions)
	}
	if p.restricted {
		p.session = drawLines(rt, actions)
	}
	for range rapid.IntRange(0, 2).Draw(rt, "levels") {
		p.control = append(p.control, drawLines(rt, actions))
	}
	return p
}

// permitted are the actions that a caller with the policies may do.
func (w *world) permitted(account string, p carried, actions []string) map[string]bool {
	w.t.Helper()
	w.serial++
	name := fmt.Sprintf("subject-%d", w.serial)
	boundary := ""
	if p.bounded {
		boundary = write(p.boundary)
	}
	subject := w.user(account, name, boundary, write(p.identity))
	if p.restricted {
		subject.SessionPolicy = write(p.session)
	}
	delete(w.controls, w.accounts[account])
	for _, level := range p.control {
		d, err := policy.Parse(write(level), policy.Control)
		w.must(err)
		w.controls[w.accounts[account]] = append(w.controls[w.accounts[account]], []*policy.Document{d})
	}
	out := map[string]bool{}
	for _, action := range actions {
		op := w.operations[action]
		if w.access.Authorize(w.t.Context(), w.call(subject, here), &op, op.NewInput()) == nil {
			out[action] = true
		}
	}
	delete(w.controls, w.accounts[account])
	return out
}

// TestPoliciesNeverWidenByLosing: adding a denial and taking away a permission,
// in any layer, permit nothing that was not permitted before.
func TestPoliciesNeverWidenByLosing(t *testing.T) {
	few(t, "60")
	w := newWorld(t, storetest.SQLite(t))
	arrange(w)
	actions := slices.Sorted(maps.Keys(w.operations))
	changed := 0
	rapid.Check(t, func(rt *rapid.T) {
		account := rapid.SampledFrom([]string{"management", "administrator", "member", "solo"}).Draw(rt, "account")
		before := drawPolicies(rt, actions)
		after := before.clone()
		places := after.layers()
		layer := places[rapid.IntRange(0, len(places)-1).Draw(rt, "layer")]
		switch rapid.IntRange(0, 1).Draw(rt, "loss") {
		case 0:
			*layer = append(*layer, drawLine(rt, "Deny", actions))
		case 1:
			if n := len(*layer); n > 0 {
				i := rapid.IntRange(0, n-1).Draw(rt, "statement")
				if (*layer)[i]["Effect"] == "Allow" {
					*layer = slices.Delete(*layer, i, i+1)
				}
			}
		}
		had, has := w.permitted(account, before, actions), w.permitted(account, after, actions)
		for action := range has {
			if !had[action] {
				rt.Errorf("%s is permitted after the loss, and was not before", action)
			}
		}
		if len(had) > len(has) {
			changed++
		}
	})
	if changed == 0 {
		t.Error("no loss ever took anything away")
	}
	t.Logf("%d losses took something away", changed)
}

// sight is which accounts' data each account sees, and which operations for an
// organization it may call, by "account in Region".
type sight struct{ accounts, operations map[string]map[string]bool }

var regions = []arn.Region{here, there}

// organizational are the operations that nobody may call for himself alone.
var organizational = []string{
	"inspector2:EnableDelegatedAdminAccount", "inspector2:ListDelegatedAdminAccounts", "inspector2:GetDelegatedAdminAccount",
	"inspector2:ListMembers", "inspector2:AssociateMember", "inspector2:DescribeOrganizationConfiguration",
	"inspector2:UpdateOrgEc2DeepInspectionConfiguration", "inspector2:BatchGetMemberEc2DeepInspectionStatus",
	"organizations:ListAccounts", "organizations:DescribeOrganization", "organizations:CreateAccount", "organizations:ListRoots",
	"organizations:EnableAWSServiceAccess", "organizations:DescribeAccount", "organizations:ListPolicies",
}

func (w *world) look(names []string) sight {
	w.t.Helper()
	s := sight{map[string]map[string]bool{}, map[string]map[string]bool{}}
	ids := make([]string, len(names))
	byID := map[string]string{}
	for i, n := range names {
		ids[i] = string(w.accounts[n])
		byID[ids[i]] = n
	}
	body, err := json.Marshal(map[string]any{"AccountIds": ids})
	w.must(err)
	for _, name := range names {
		for _, region := range regions {
			key := fmt.Sprintf("%s in %s", name, region)
			s.accounts[key], s.operations[key] = map[string]bool{}, map[string]bool{}
			out, err := w.try(w.root(name), region, "inspector2:BatchGetAccountStatus", string(body))
			w.must(err)
			for _, id := range w.seen(out) {
				s.accounts[key][byID[id]] = true
			}
			for _, action := range organizational {
				op := w.operations[action]
				if w.access.Authorize(w.t.Context(), w.call(w.root(name), region), &op, op.NewInput()) == nil {
					s.operations[key][action] = true
				}
			}
		}
	}
	return s
}

// gains lists what b has and a has not.
func gains(a, b sight) []string {
	var list []string
	for key := range b.accounts {
		for name := range b.accounts[key] {
			if !a.accounts[key][name] {
				list = append(list, key+" sees "+name)
			}
		}
		for action := range b.operations[key] {
			if !a.operations[key][action] {
				list = append(list, key+" may call "+action)
			}
		}
	}
	slices.Sort(list)
	return list
}

// TestNobodyGainsByLosing plays random histories of an organization. Whatever
// ends a relationship (leaving, removal, disassociation, the end of an
// administrator, of trusted access, of a registration) lets nobody see or do
// anything new; whatever begins one gives only what it is for.
func TestNobodyGainsByLosing(t *testing.T) {
	few(t, "12")
	names := []string{"head", "a", "b", "c", "d"}
	w := newWorld(t, storetest.SQLite(t))
	lost := 0
	rapid.Check(t, func(rt *rapid.T) {
		w.accounts = map[string]arn.AccountID{}
		w.serial++
		for _, n := range names {
			w.signUpAs(n, fmt.Sprintf("%s-%d", n, w.serial))
		}
		h := history{w: w, rt: rt, names: names}
		h.attempt("head", there, "organizations:CreateOrganization", `{}`)
		for _, n := range names[1:] {
			w.join("head", n)
		}
		steps := map[string]func(){
			"designate": h.designate, "undesignate": h.undesignate, "associate": h.associate, "disassociate": h.disassociate,
			"leave": h.leave, "remove": h.remove, "rejoin": h.rejoin, "trust off": h.distrust, "deregister": h.deregister, "register": h.register,
		}
		order := slices.Sorted(maps.Keys(steps))
		before := w.look(names)
		for range 25 {
			// The beginnings are drawn more often, so that there is something to lose.
			step := rapid.SampledFrom(append(order, "designate", "associate", "associate", "associate", "rejoin", "register")).Draw(rt, "step")
			h.expected = nil
			steps[step]()
			w.settle()
			after := w.look(names)
			for _, gain := range gains(before, after) {
				if !slices.ContainsFunc(h.expected, func(e string) bool { return strings.HasPrefix(gain, e) }) {
					rt.Errorf("after %s: %s", strings.Join(h.log, "; "), gain)
				}
			}
			lost += len(gains(after, before))
			before = after
		}
	})
	if lost == 0 {
		t.Error("nobody ever lost anything")
	}
	t.Logf("%d losses", lost)
}
