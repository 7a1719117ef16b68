package walk

import (
	"fmt"
	"maps"
	"slices"

	"muster/test/livetest"
)

// settle waits until what a step has begun has come to its end.
func (w *world) settle(m *model, s step, want verdict) error {
	if want.code != "" {
		return nil
	}
	if slices.Contains(policyKinds, s.op) || m.policing && (s.op == "move account" || s.op == "designate") {
		return w.eventually(func() error { return w.enforced(m, s) })
	}
	for _, region := range s.touched() {
		for _, look := range []func(*model, string) error{w.administrators, w.members} {
			if err := w.eventually(func() error { return look(m, region) }); err != nil {
				return err
			}
		}
		names := append(slices.Clone(s.targets), s.caller)
		switch s.op {
		case "create account":
			names = []string{s.text}
		case "close", "accept":
			names = []string{s.target}
		}
		for _, name := range names {
			if err := w.eventually(func() error { return w.scans(m, region, name) }); err != nil {
				return err
			}
		}
	}
	if s.op == "close" {
		return w.eventually(func() error { return w.accounts(m) })
	}
	return nil
}

// enforced compares what a change of policies can change.
func (w *world) enforced(m *model, s step) error {
	if err := w.comparePolicyType(m); err != nil || s.op == "create policy" || s.op == "delete policy" {
		return err
	}
	for _, region := range regions {
		if err := w.members(m, region); err != nil {
			return err
		}
		for _, name := range m.inside() {
			if err := w.scans(m, region, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare reads all that can be read and compares it with the model.
func (w *world) compare(m *model) error {
	for _, look := range []func(*model) error{w.accounts, w.tree, w.trust, w.comparePolicies} {
		if err := look(m); err != nil {
			return err
		}
	}
	for _, region := range regions {
		for _, look := range []func(*model, string) error{w.administrators, w.members, w.configuration} {
			if err := look(m, region); err != nil {
				return err
			}
		}
		for _, name := range m.names() {
			for _, look := range []func(*model, string, string) error{w.scans, w.filtersOf, w.settings} {
				if err := look(m, region, name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// pages reads a list to its end.
func (w *world) pages(caller, region, service, op string, in object, list, token string) ([]any, error) {
	var out []any
	next := maps.Clone(in)
	if next == nil {
		next = object{}
	}
	for {
		a, err := w.must(caller, region, service, op, next)
		if err != nil {
			return nil, err
		}
		page, _ := a.JSON()[list].([]any)
		out = append(out, page...)
		t, more := a.JSON()[token].(string)
		if !more || t == "" {
			return out, nil
		}
		next[token] = t
	}
}

func differ(what string, got, want map[string]string) error {
	if maps.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("%s: %v, want %v", what, got, want)
}

func (w *world) accounts(m *model) error {
	list, err := w.pages(head, regions[0], "organizations", "ListAccounts", nil, "Accounts", "NextToken")
	if err != nil {
		return err
	}
	got, want := map[string]string{}, map[string]string{}
	for _, a := range list {
		got[w.names[fmt.Sprint(livetest.Dig(a, "Id"))]] = fmt.Sprint(livetest.Dig(a, "State"), " ", livetest.Dig(a, "Status"), " ", livetest.Dig(a, "JoinedMethod"))
	}
	for _, name := range m.inside() {
		want[name] = "ACTIVE ACTIVE "
		if m.accounts[name].closed {
			want[name] = "CLOSED SUSPENDED "
		}
		want[name] += map[bool]string{true: "CREATED", false: "INVITED"}[m.accounts[name].created]
	}
	return differ("accounts", got, want)
}

// tree compares the place of every account and unit.
func (w *world) tree(m *model) error {
	got, want := map[string]string{}, map[string]string{}
	for _, unit := range m.unitNames() {
		for _, kind := range []string{"ACCOUNT", "ORGANIZATIONAL_UNIT"} {
			list, err := w.pages(head, regions[0], "organizations", "ListChildren", object{"ParentId": w.ids[unit], "ChildType": kind}, "Children", "NextToken")
			if err != nil {
				return err
			}
			for _, child := range list {
				got[w.names[fmt.Sprint(livetest.Dig(child, "Id"))]] += unit
			}
		}
	}
	for _, name := range m.inside() {
		want[name] = m.accounts[name].parent
	}
	maps.Copy(want, m.units)
	return differ("tree", got, want)
}

func (w *world) trust(m *model) error {
	list, err := w.pages(head, regions[0], "organizations", "ListAWSServiceAccessForOrganization", nil, "EnabledServicePrincipals", "NextToken")
	if err != nil {
		return err
	}
	if got := len(list) == 1; got != m.trusted || len(list) > 1 {
		return fmt.Errorf("trusted access: %v, want %v", list, m.trusted)
	}
	list, err = w.pages(head, regions[0], "organizations", "ListDelegatedAdministrators", object{"ServicePrincipal": principal}, "DelegatedAdministrators", "NextToken")
	if err != nil {
		return err
	}
	got := ""
	for _, a := range list {
		got += w.names[fmt.Sprint(livetest.Dig(a, "Id"))]
	}
	if got != m.registered {
		return fmt.Errorf("registered: %q, want %q", got, m.registered)
	}
	return nil
}

func (w *world) administrators(m *model, region string) error {
	r := m.regions[region]
	a, err := w.call(head, region, "inspector2", "ListDelegatedAdminAccounts", nil)
	if err != nil {
		return err
	}
	if r.administrator == head {
		if a.Code != invalid || a.Message != "Invoking account is the delegated admin." {
			return fmt.Errorf("administrators in %s, asked by itself: %v", region, a)
		}
		return nil
	}
	got, want := map[string]string{}, map[string]string{}
	list, _ := a.JSON()["delegatedAdminAccounts"].([]any)
	for _, d := range list {
		got[w.names[fmt.Sprint(livetest.Dig(d, "accountId"))]] = fmt.Sprint(livetest.Dig(d, "status"))
	}
	if r.administrator != "" {
		want[r.administrator] = "ENABLED"
	}
	if !a.OK() {
		return fmt.Errorf("administrators in %s: %v", region, a)
	}
	return differ("administrators in "+region, got, want)
}

func (w *world) members(m *model, region string) error {
	r := m.regions[region]
	if r.administrator == "" {
		return nil
	}
	for _, only := range []bool{false, true} {
		list, err := w.pages(r.administrator, region, "inspector2", "ListMembers", object{"onlyAssociated": only, "maxResults": 3}, "members", "nextToken")
		if err != nil {
			return err
		}
		got, want := map[string]string{}, map[string]string{}
		for _, member := range list {
			got[w.names[fmt.Sprint(livetest.Dig(member, "accountId"))]] = fmt.Sprint(livetest.Dig(member, "relationshipStatus"))
		}
		for name, a := range m.accounts {
			status := r.members[name]
			if status == "" && a.in {
				status = "REMOVED"
			}
			if status == "" || name == r.administrator || only && !r.managed(name) {
				continue
			}
			want[name] = status
		}
		if err := differ(fmt.Sprintf("members in %s, only associated: %v", region, only), got, want); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) configuration(m *model, region string) error {
	r := m.regions[region]
	if r.administrator == "" {
		return nil
	}
	a, err := w.must(r.administrator, region, "inspector2", "DescribeOrganizationConfiguration", nil)
	if err != nil {
		return err
	}
	got, want := map[string]string{}, map[string]string{"full": "false"}
	got["full"] = fmt.Sprint(a.JSON()["maxAccountLimitReached"])
	for _, t := range types {
		got[t] = fmt.Sprint(livetest.Dig(a.JSON(), "autoEnable", member(t)))
		want[t] = fmt.Sprint(r.auto[t])
	}
	return differ("organization's configuration in "+region, got, want)
}

// watcher is who can ask about an account: itself, or its administrator if it
// is closed.
func (m *model) watcher(region, name string) string {
	r := m.regions[region]
	switch {
	case !m.accounts[name].closed:
		return name
	case r.managed(name):
		return r.administrator
	}
	return ""
}

func (w *world) scans(m *model, region, name string) error {
	caller := m.watcher(region, name)
	if caller == "" {
		return nil
	}
	a, err := w.must(caller, region, "inspector2", "BatchGetAccountStatus", object{"accountIds": []any{w.ids[name]}})
	if err != nil {
		return err
	}
	got, want := map[string]string{}, map[string]string{}
	for _, t := range types {
		got[t] = fmt.Sprint(livetest.Dig(a.JSON(), "accounts", 0, "resourceState", member(t), "status"))
		want[t] = m.regions[region].status(name, t)
	}
	got["account"], want["account"] = fmt.Sprint(livetest.Dig(a.JSON(), "accounts", 0, "state", "status")), overall(want)
	return differ(fmt.Sprintf("scans of %s in %s", name, region), got, want)
}

// overall is an account's status by those of its scan types.
func overall(scans map[string]string) string {
	for _, status := range []string{"SUSPENDED", "ENABLED"} {
		for _, s := range scans {
			if s == status {
				return status
			}
		}
	}
	return "DISABLED"
}

func (w *world) filtersOf(m *model, region, name string) error {
	if m.accounts[name].closed {
		return nil
	}
	list, err := w.pages(name, region, "inspector2", "ListFilters", object{"maxResults": 2}, "filters", "nextToken")
	if err != nil {
		return err
	}
	got := map[string]string{}
	for _, f := range list {
		got[fmt.Sprint(livetest.Dig(f, "name"))] = fmt.Sprint(livetest.Dig(f, "action"))
	}
	return differ(fmt.Sprintf("filters of %s in %s", name, region), got, m.regions[region].at[name].filters)
}

func (w *world) settings(m *model, region, name string) error {
	if m.accounts[name].closed {
		return nil
	}
	r := m.regions[region]
	got, want := map[string]string{}, map[string]string{"rescan": r.rescanOf(name)}
	a, err := w.must(name, region, "inspector2", "GetConfiguration", nil)
	if err != nil {
		return err
	}
	got["rescan"] = fmt.Sprint(livetest.Dig(a.JSON(), "ecrConfiguration", "rescanDurationState", "rescanDuration"))
	if a, err = w.must(name, region, "inspector2", "GetEc2DeepInspectionConfiguration", nil); err != nil {
		return err
	}
	got["paths"], want["paths"] = fmt.Sprint(a.JSON()["packagePaths"]), fmt.Sprint(texts(r.at[name].paths))
	got["organization"], want["organization"] = fmt.Sprint(a.JSON()["orgPackagePaths"]), fmt.Sprint(texts(r.organizationPaths(name)))
	return differ(fmt.Sprintf("settings of %s in %s", name, region), got, want)
}
