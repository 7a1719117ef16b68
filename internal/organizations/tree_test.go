package organizations_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestTreeKeepsItsShape does random things to the trees of two organizations
// at once, each of which a model must permit or refuse alike, and compares the
// trees that the reading operations show in the end with the model's: one
// parent each, unique sibling names, five levels, nothing lost, and nothing of
// one organization in the other.
func TestTreeKeepsItsShape(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{Limits: organizations.DefaultLimits()})
		run := 0
		fewChecks(t)
		rapid.Check(t, func(rt *rapid.T) {
			run++
			forests := []*forest{}
			for i := range 2 {
				o := w.mustFound(t, fmt.Sprintf("management-%d-%d", run, i))
				f := &forest{organization: o, parent: map[string]string{string(o.management): o.root}, name: map[string]string{}}
				f.parent[string(o.add(t))] = o.root
				forests = append(forests, f)
			}
			forests[0].other, forests[1].other = forests[1], forests[0]
			for _, f := range forests {
				f.plant(rt)
			}
			rt.Repeat(map[string]func(*rapid.T){
				"create": func(rt *rapid.T) { rapid.SampledFrom(forests).Draw(rt, "forest").create(t, rt) },
				"rename": func(rt *rapid.T) { rapid.SampledFrom(forests).Draw(rt, "forest").rename(t, rt) },
				"delete": func(rt *rapid.T) { rapid.SampledFrom(forests).Draw(rt, "forest").remove(t, rt) },
				"move":   func(rt *rapid.T) { rapid.SampledFrom(forests).Draw(rt, "forest").move(t, rt) },
			})
			for _, f := range forests {
				f.compare(t, rt)
			}
		})
	})
}

// fewChecks lowers rapid's number of checks, each of which is a hundred
// transactions, unless the command line asks for a number.
func fewChecks(t *testing.T) {
	t.Helper()
	const name = "rapid.checks"
	f := flag.Lookup(name)
	if f.Value.String() != f.DefValue {
		return
	}
	if err := flag.Set(name, "25"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, f.DefValue) })
}

// forest is the model of one organization: the parent of everything and the
// names of units.
type forest struct {
	*organization
	other  *forest
	parent map[string]string
	name   map[string]string
}

// plant makes a chain of units, so that the depth limit is near.
func (f *forest) plant(rt *rapid.T) {
	at := f.root
	for range rapid.IntRange(0, 5).Draw(rt, "chain") {
		out, err := f.do(rt.Context(), f.management, "CreateOrganizationalUnit", fmt.Appendf(nil, `{"ParentId":%q,"Name":"a"}`, at))
		if err != nil {
			rt.Fatal(err)
		}
		u := out.(*api.CreateOrganizationalUnitOutput).OrganizationalUnit
		f.parent[*u.Id], f.name[*u.Id] = at, "a"
		at = *u.Id
	}
}

func (f *forest) depth(id string) int {
	n := 0
	for ; id != f.root; id = f.parent[id] {
		n++
	}
	return n
}

func (f *forest) units() []string { return slices.Sorted(maps.Keys(f.name)) }

// places are the root, the units, and sometimes a place of the other
// organization.
func (f *forest) places() []string {
	return append(append([]string{f.root}, f.units()...), f.other.root)
}

func (f *forest) own(place string) bool { return place == f.root || f.name[place] != "" }

func (f *forest) sibling(parent, name, except string) bool {
	for id, n := range f.name {
		if id != except && n == name && f.parent[id] == parent {
			return true
		}
	}
	return false
}

func (f *forest) empty(id string) bool {
	return !slices.Contains(slices.Collect(maps.Values(f.parent)), id)
}

var names = rapid.SampledFrom([]string{"a", "b", "A"})

// try calls an operation and checks its refusal's code; "" is success.
func (f *forest) try(t *testing.T, rt *rapid.T, want, op, input string, args ...any) any {
	t.Helper()
	out, err := f.do(t.Context(), f.management, op, fmt.Appendf(nil, input, args...))
	if got := code(err); got != want {
		rt.Fatalf("%s %s: refusal %q, want %q", op, fmt.Sprintf(input, args...), got, want)
	}
	return out
}

func (f *forest) create(t *testing.T, rt *rapid.T) {
	parent, name := rapid.SampledFrom(f.places()).Draw(rt, "parent"), names.Draw(rt, "name")
	want := ""
	switch {
	case !f.own(parent):
		want = "ParentNotFoundException"
	case f.depth(parent) == 5:
		want = "ConstraintViolationException"
	case f.sibling(parent, name, ""):
		want = "DuplicateOrganizationalUnitException"
	}
	out := f.try(t, rt, want, "CreateOrganizationalUnit", `{"ParentId":%q,"Name":%q}`, parent, name)
	if want == "" {
		id := *out.(*api.CreateOrganizationalUnitOutput).OrganizationalUnit.Id
		f.parent[id], f.name[id] = parent, name
	}
}

// unit draws a unit, or one of the other organization.
func (f *forest) unit(rt *rapid.T) string {
	all := append(f.units(), f.other.units()...)
	if len(all) == 0 {
		rt.Skip("no units")
	}
	return rapid.SampledFrom(all).Draw(rt, "unit")
}

func (f *forest) rename(t *testing.T, rt *rapid.T) {
	id, name := f.unit(rt), names.Draw(rt, "name")
	want := ""
	switch {
	case !f.own(id):
		want = "OrganizationalUnitNotFoundException"
	case f.sibling(f.parent[id], name, id):
		want = "DuplicateOrganizationalUnitException"
	}
	f.try(t, rt, want, "UpdateOrganizationalUnit", `{"OrganizationalUnitId":%q,"Name":%q}`, id, name)
	if want == "" {
		f.name[id] = name
	}
}

func (f *forest) remove(t *testing.T, rt *rapid.T) {
	id := f.unit(rt)
	want := ""
	switch {
	case !f.own(id):
		want = "OrganizationalUnitNotFoundException"
	case !f.empty(id):
		want = "OrganizationalUnitNotEmptyException"
	}
	f.try(t, rt, want, "DeleteOrganizationalUnit", `{"OrganizationalUnitId":%q}`, id)
	if want == "" {
		delete(f.parent, id)
		delete(f.name, id)
	}
}

func (f *forest) accounts() []string {
	var ids []string
	for id := range f.parent {
		if arn.AccountID(id).Valid() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (f *forest) move(t *testing.T, rt *rapid.T) {
	account := rapid.SampledFrom(append(f.accounts(), f.other.accounts()[0])).Draw(rt, "account")
	from := rapid.SampledFrom(append(f.places(), f.parent[account], f.parent[account])).Draw(rt, "from")
	if from == "" {
		from = f.root
	}
	to := rapid.SampledFrom(f.places()).Draw(rt, "to")
	want := ""
	switch {
	case f.parent[account] == "":
		want = "AccountNotFoundException"
	case !f.own(from):
		want = "SourceParentNotFoundException"
	case !f.own(to):
		want = "DestinationParentNotFoundException"
	case f.parent[account] == to:
		want = "DuplicateAccountException"
	case f.parent[account] != from:
		want = "SourceParentNotFoundException"
	}
	f.try(t, rt, want, "MoveAccount", `{"AccountId":%q,"SourceParentId":%q,"DestinationParentId":%q}`, account, from, to)
	if want == "" {
		f.parent[account] = to
	}
}

// compare reads the whole tree, from the root down and from the leaves up.
func (f *forest) compare(t *testing.T, rt *rapid.T) {
	seen := map[string]string{}
	f.descend(t, rt, f.root, string(f.id)+"/"+f.root+"/", seen)
	if !maps.Equal(seen, f.parent) {
		rt.Fatalf("the tree is %v, want %v", seen, f.parent)
	}
	for id, parent := range f.parent {
		up := must[api.ListParentsOutput](t, f.world, f.management, "ListParents", `{"ChildId":%q}`, id).Parents
		if len(up) != 1 || *up[0].Id != parent {
			rt.Fatalf("parents of %s: %v, want %s", id, up, parent)
		}
	}
}

func (f *forest) descend(t *testing.T, rt *rapid.T, at, path string, seen map[string]string) {
	accounts := must[api.ListAccountsForParentOutput](t, f.world, f.management, "ListAccountsForParent", `{"ParentId":%q}`, at)
	for _, a := range accounts.Accounts {
		if _, twice := seen[*a.Id]; twice || a.Paths[0] != path+*a.Id+"/" {
			rt.Fatalf("account %s under %s: twice %v, path %s", *a.Id, path, twice, a.Paths[0])
		}
		seen[*a.Id] = at
	}
	units := must[api.ListOrganizationalUnitsForParentOutput](t, f.world, f.management, "ListOrganizationalUnitsForParent", `{"ParentId":%q}`, at)
	for _, u := range units.OrganizationalUnits {
		if _, twice := seen[*u.Id]; twice || *u.Path != path+*u.Id+"/" || *u.Name != f.name[*u.Id] {
			rt.Fatalf("unit %s under %s: twice %v, path %s, name %s", *u.Id, path, twice, *u.Path, *u.Name)
		}
		seen[*u.Id] = at
		f.descend(t, rt, *u.Id, *u.Path, seen)
	}
}
