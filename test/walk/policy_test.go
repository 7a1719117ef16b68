package walk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"muster/test/livetest"
)

// lists are what a policy says of a scan type: Regions to be on and off in.
type lists struct{ enable, disable []string }

const everywhere = "ALL_SUPPORTED"

func (l lists) verdict(region string) string {
	switch {
	case slices.Contains(l.disable, region), slices.Contains(l.disable, everywhere):
		return "off"
	case slices.Contains(l.enable, region), slices.Contains(l.enable, everywhere):
		return "on"
	}
	return ""
}

// document is an INSPECTOR_POLICY by scan type. One about LAMBDA says
// something about LAMBDA_CODE, too, which is never on where LAMBDA is not.
type document map[string]lists

// text is the policy as Organizations takes it.
func (d document) text() string {
	entry := func(l lists) object {
		return object{"enable_in_regions": object{"@@assign": texts(l.enable)}, "disable_in_regions": object{"@@assign": texts(l.disable)}}
	}
	enablement := object{}
	for t, name := range map[string]string{"EC2": "ec2_scanning", "ECR": "ecr_scanning", "CODE_REPOSITORY": "code_repository_scanning"} {
		if l, ok := d[t]; ok {
			enablement[name] = entry(l)
		}
	}
	if l, ok := d["LAMBDA"]; ok {
		functions := entry(l)
		functions["lambda_code_scanning"] = entry(d["LAMBDA_CODE"])
		enablement["lambda_standard_scanning"] = functions
	}
	b, err := json.Marshal(object{"inspector": object{"enablement": enablement}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// effective merges what is attached from the root down: nearer wins, and of
// several at one place the last attached.
func (m *model) effective(name string) document {
	out := document{}
	if !m.policing || !m.accounts[name].in {
		return out
	}
	path := []string{name}
	for at := m.accounts[name].parent; ; at = m.units[at] {
		path = append(path, at)
		if at == root {
			break
		}
	}
	slices.Reverse(path)
	for _, at := range path {
		for _, policy := range m.attached[at] {
			maps.Copy(out, m.policies[policy])
		}
	}
	return out
}

// verdict is what the policies want of a scan type: "on", "off" or "".
func (m *model) verdict(name, region, scan string) string {
	d := m.effective(name)
	if scan == "LAMBDA_CODE" && d["LAMBDA"].verdict(region) == "off" {
		return "off"
	}
	return d[scan].verdict(region)
}

func (m *model) covered(name, region string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return m.verdict(name, region, t) != "" })
}

// enforce makes every account what the policies want it to be.
func (m *model) enforce() {
	for _, name := range m.inside() {
		for _, region := range regions {
			if !m.accounts[name].closed {
				m.enforceAt(name, region)
			}
		}
	}
}

func (m *model) enforceAt(name, region string) {
	r := m.regions[region]
	was := r.active(name)
	for _, t := range types {
		switch m.verdict(name, region, t) {
		case "on":
			r.at[name].scans[t] = "ENABLED"
		case "off":
			delete(r.at[name].scans, t)
		}
	}
	if was && !r.active(name) {
		r.deactivate(name)
	}
	if r.administrator != "" && name != r.administrator && m.covered(name, region) && !r.managed(name) {
		r.members[name] = "ENABLED"
	}
}

// policy predicts the operations on policies.
func (m *model) policy(s step) string {
	_, exists := m.policies[s.text]
	switch s.op {
	case "enable policies":
		switch {
		case m.policing:
			return "PolicyTypeAlreadyEnabledException"
		case !m.trusted:
			return constraint
		}
		m.policing = true
	case "disable policies":
		if !m.policing {
			return "PolicyTypeNotEnabledException"
		}
		m.policing = false
		m.attached = map[string][]string{}
	case "create policy":
		if exists {
			return "DuplicatePolicyException"
		}
		m.policies[s.text] = s.document
	case "update policy":
		m.policies[s.text] = s.document
	case "delete policy":
		for _, list := range m.attached {
			if slices.Contains(list, s.text) {
				return "PolicyInUseException"
			}
		}
		delete(m.policies, s.text)
	default:
		return m.attachment(s)
	}
	return ""
}

func (m *model) attachment(s step) string {
	there := slices.Contains(m.attached[s.target], s.text)
	switch {
	case s.op == "attach" && !m.policing:
		return "PolicyTypeNotEnabledException"
	case s.op == "attach" && there:
		return "DuplicatePolicyAttachmentException"
	case s.op == "attach":
		m.attached[s.target] = append(m.attached[s.target], s.text)
	case !there:
		return "PolicyNotAttachedException"
	default:
		m.attached[s.target] = slices.DeleteFunc(slices.Clone(m.attached[s.target]), func(p string) bool { return p == s.text })
	}
	return ""
}

// policyKinds are the operations on policies.
var policyKinds = []string{"enable policies", "disable policies", "create policy", "update policy", "delete policy", "attach", "detach"}

// policyStep draws one of them.
func (d *dice) policyStep(s *step) {
	names := slices.Sorted(maps.Keys(d.m.policies))
	switch s.op {
	case "create policy":
		d.serial++
		s.text, s.document = fmt.Sprintf("policy-%d", d.serial), d.document()
		if len(names) > 0 && (d.IntN(6) == 0 || len(names) > 6) {
			s.text = pick(d, names)
		}
	case "update policy", "delete policy", "attach", "detach":
		if len(names) == 0 {
			s.caller = "" // draw again
			return
		}
		s.text, s.document = pick(d, names), d.document()
		s.target = pick(d, append(d.m.unitNames(), d.m.inside()...))
		for _, target := range slices.Sorted(maps.Keys(d.m.attached)) {
			if list := d.m.attached[target]; s.op == "detach" && len(list) > 0 && d.IntN(3) > 0 {
				s.target, s.text = target, pick(d, list)
			}
		}
	}
}

func (d *dice) document() document {
	some := func(among []string) []string {
		list := []string{}
		for _, r := range among {
			if d.IntN(3) == 0 {
				list = append(list, r)
			}
		}
		if len(among) == len(regions) && d.IntN(12) == 0 {
			return []string{everywhere}
		}
		return list
	}
	out := document{}
	for _, t := range []string{"EC2", "ECR", "LAMBDA", "CODE_REPOSITORY"} {
		if d.IntN(2) == 0 {
			continue
		}
		l := lists{enable: some(regions)}
		if d.IntN(2) == 0 {
			l.disable = some(regions)
		}
		out[t] = l
		if t == "LAMBDA" {
			out["LAMBDA_CODE"] = lists{enable: some(l.enable), disable: nil}
		}
	}
	if len(out) == 0 {
		out["EC2"] = lists{enable: []string{pick(d, regions)}}
	}
	return out
}

const policyType = "INSPECTOR_POLICY"

// policyRequest is what a step on policies sends.
func (w *world) policyRequest(s step) (op string, in object) {
	id := w.ids["policy "+s.text]
	switch s.op {
	case "enable policies":
		return "EnablePolicyType", object{"RootId": w.ids[root], "PolicyType": policyType}
	case "disable policies":
		return "DisablePolicyType", object{"RootId": w.ids[root], "PolicyType": policyType}
	case "create policy":
		return "CreatePolicy", object{"Name": s.text, "Description": "walk", "Type": policyType, "Content": s.document.text()}
	case "update policy":
		return "UpdatePolicy", object{"PolicyId": id, "Content": s.document.text()}
	case "delete policy":
		return "DeletePolicy", object{"PolicyId": id}
	case "attach":
		return "AttachPolicy", object{"PolicyId": id, "TargetId": w.ids[s.target]}
	}
	return "DetachPolicy", object{"PolicyId": id, "TargetId": w.ids[s.target]}
}

// comparePolicies compares the policies, where they are attached and what they
// come to for every account.
func (w *world) comparePolicies(m *model) error {
	if err := w.comparePolicyType(m); err != nil {
		return err
	}
	list, err := w.pages(head, regions[0], "organizations", "ListPolicies", object{"Filter": policyType}, "Policies", "NextToken")
	if err != nil {
		return err
	}
	got, want := map[string]string{}, map[string]string{}
	for _, p := range list {
		name := fmt.Sprint(livetest.Dig(p, "Name"))
		targets, err := w.pages(head, regions[0], "organizations", "ListTargetsForPolicy", object{"PolicyId": livetest.Dig(p, "Id")}, "Targets", "NextToken")
		if err != nil {
			return err
		}
		var at []string
		for _, t := range targets {
			at = append(at, w.names[fmt.Sprint(livetest.Dig(t, "TargetId"))])
		}
		slices.Sort(at)
		got[name] = fmt.Sprint(at)
	}
	for name := range m.policies {
		var at []string
		for target, names := range m.attached {
			if slices.Contains(names, name) {
				at = append(at, target)
			}
		}
		slices.Sort(at)
		want[name] = fmt.Sprint(at)
	}
	if err := differ("policies", got, want); err != nil {
		return err
	}
	for _, name := range m.inside() {
		if err := w.compareEffective(m, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) comparePolicyType(m *model) error {
	a, err := w.must(head, regions[0], "organizations", "ListRoots", nil)
	if err != nil {
		return err
	}
	found := ""
	enabled, _ := livetest.Dig(a.JSON(), "Roots", 0, "PolicyTypes").([]any)
	for _, t := range enabled {
		if livetest.Dig(t, "Type") == policyType {
			found = fmt.Sprint(livetest.Dig(t, "Status"))
		}
	}
	if want := map[bool]string{true: "ENABLED"}[m.policing]; found != want {
		return fmt.Errorf("policy type: %q, want %q", found, want)
	}
	return nil
}

func (w *world) compareEffective(m *model, name string) error {
	want := m.effective(name)
	a, err := w.call(head, regions[0], "organizations", "DescribeEffectivePolicy", object{"PolicyType": policyType, "TargetId": w.ids[name]})
	if err != nil {
		return err
	}
	if len(want) == 0 {
		if a.Code != "EffectivePolicyNotFoundException" {
			return fmt.Errorf("effective policy of %s: %v, want none", name, a)
		}
		return nil
	}
	content, _ := livetest.Dig(a.JSON(), "EffectivePolicy", "PolicyContent").(string)
	var d object
	if err := json.Unmarshal([]byte(content), &d); err != nil {
		return fmt.Errorf("effective policy of %s: %w: %v", name, err, a)
	}
	got, wanted := map[string]string{}, map[string]string{}
	at := map[string][]any{"EC2": {"ec2_scanning"}, "ECR": {"ecr_scanning"}, "CODE_REPOSITORY": {"code_repository_scanning"}, "LAMBDA": {"lambda_standard_scanning"}, "LAMBDA_CODE": {"lambda_standard_scanning", "lambda_code_scanning"}}
	for t, path := range at {
		entry := livetest.Dig(d, append([]any{"inspector", "enablement"}, path...)...)
		if entry != nil {
			got[t] = fmt.Sprint(livetest.Dig(entry, "enable_in_regions"), livetest.Dig(entry, "disable_in_regions"))
		}
		if l, ok := want[t]; ok {
			wanted[t] = fmt.Sprint(texts(l.enable), texts(l.disable))
		}
	}
	return differ("effective policy of "+name, got, wanted)
}
