package organizations_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/policies"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	stored "muster/internal/store/policies"
	"muster/internal/store/storetest"
)

// create makes a policy and returns its id.
func (o *organization) create(t testing.TB, policyType, name, content string) string {
	t.Helper()
	made := must[api.CreatePolicyOutput](t, o.world, o.management, "CreatePolicy",
		`{"Type":%q,"Name":%q,"Description":"","Content":%q}`, policyType, name, content)
	return *made.Policy.PolicySummary.Id
}

func (o *organization) attach(t testing.TB, id, target string) {
	t.Helper()
	must[api.AttachPolicyOutput](t, o.world, o.management, "AttachPolicy", `{"PolicyId":%q,"TargetId":%q}`, id, target)
}

func (o *organization) detach(t testing.TB, id, target string) {
	t.Helper()
	must[api.DetachPolicyOutput](t, o.world, o.management, "DetachPolicy", `{"PolicyId":%q,"TargetId":%q}`, id, target)
}

func (o *organization) unit(t testing.TB, parent, name string) string {
	t.Helper()
	made := must[api.CreateOrganizationalUnitOutput](t, o.world, o.management, "CreateOrganizationalUnit",
		`{"ParentId":%q,"Name":%q}`, parent, name)
	return *made.OrganizationalUnit.Id
}

func (o *organization) move(t testing.TB, account arn.AccountID, from, to string) {
	t.Helper()
	must[api.MoveAccountOutput](t, o.world, o.management, "MoveAccount",
		`{"AccountId":%q,"SourceParentId":%q,"DestinationParentId":%q}`, account, from, to)
}

func (o *organization) enable(t testing.TB, policyType string) {
	t.Helper()
	must[api.EnablePolicyTypeOutput](t, o.world, o.management, "EnablePolicyType", `{"RootId":%q,"PolicyType":%q}`, o.root, policyType)
	o.settle(t)
}

// settle lets a second pass and what is due happen.
func (o *organization) settle(t testing.TB) {
	t.Helper()
	o.clock.advance(time.Second)
	if err := o.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// obeys asks which of some actions the service control policies of an account
// leave to its root user.
func obeys(t testing.TB, c *policies.Controls, account arn.AccountID) (allowed []string) {
	t.Helper()
	levels, err := c.Of(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"ec2:RunInstances", "inspector2:Enable", "s3:GetObject"} {
		d := policy.Policies{Control: levels}.Evaluate(policy.Request{
			Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root()}, Action: action, Resource: "*",
		})
		if d.Allowed {
			allowed = append(allowed, action)
		} else if d.Layer != policy.ControlLayer {
			t.Errorf("%s is refused by %s", action, d.Layer)
		}
	}
	return allowed
}

const (
	denyS3        = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`
	allowSome     = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["inspector2:*","s3:*"],"Resource":"*"}}`
	allowInspect  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"inspector2:*","Resource":"*"}}`
	fullAWSAccess = "p-FullAWSAccess"
)

// TestServiceControlPolicies: every level must allow, one denial is enough, the
// management account is exempt. What this process changes counts at once, what
// others change within a second.
func TestServiceControlPolicies(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newClock()
		st := storetest.Open(t, url, store.Options{Now: c.Now})
		here, elsewhere := policies.NewControls(st, c.Now), policies.NewControls(st, c.Now)
		w := newWorld(t, st, c, organizations.Options{Observers: []organizations.Observer{here}})
		o := w.mustFound(t, "management")
		member, other := o.add(t), o.add(t)
		loner := w.mustSignUp(t, "loner")
		unit := o.unit(t, o.root, "unit")
		expect := func(when string, account arn.AccountID, want ...string) {
			t.Helper()
			if got := obeys(t, here, account); !slices.Equal(got, want) {
				t.Errorf("%s: allowed are %v, want %v", when, got, want)
			}
			c.advance(time.Second)
			if got := obeys(t, elsewhere, account); !slices.Equal(got, want) {
				t.Errorf("%s, elsewhere: allowed are %v, want %v", when, got, want)
			}
		}
		all := []string{"ec2:RunInstances", "inspector2:Enable", "s3:GetObject"}
		expect("at first", member, all...)
		expect("alone", loner, all...)

		deny := o.create(t, "SERVICE_CONTROL_POLICY", "deny", denyS3)
		o.attach(t, deny, o.root)
		expect("denied at the root", member, "ec2:RunInstances", "inspector2:Enable")
		expect("the management account", o.management, all...)
		o.detach(t, deny, o.root)
		expect("no longer denied", member, all...)
		o.attach(t, deny, string(member))
		expect("denied for the account", member, "ec2:RunInstances", "inspector2:Enable")
		expect("not for another", other, all...)

		some := o.create(t, "SERVICE_CONTROL_POLICY", "some", allowSome)
		o.attach(t, some, unit)
		o.move(t, other, o.root, unit)
		expect("a list beside FullAWSAccess", other, all...)
		o.detach(t, fullAWSAccess, unit)
		expect("the list alone", other, "inspector2:Enable", "s3:GetObject")
		must[api.UpdatePolicyOutput](t, w, o.management, "UpdatePolicy", `{"PolicyId":%q,"Content":%q}`, some, allowInspect)
		expect("a shorter list", other, "inspector2:Enable")
		o.move(t, other, unit, o.root)
		expect("moved away", other, all...)
		o.move(t, other, o.root, unit)
		expect("moved back", other, "inspector2:Enable")
		must[api.RemoveAccountFromOrganizationOutput](t, w, o.management, "RemoveAccountFromOrganization", `{"AccountId":%q}`, other)
		expect("removed", other, all...)

		// A policy with so many targets that they are not told of one by one.
		for i := range 25 {
			o.attach(t, some, o.unit(t, o.root, fmt.Sprint(i)))
		}
		o.attach(t, some, string(member))
		o.detach(t, fullAWSAccess, string(member))
		o.detach(t, deny, string(member))
		expect("a list with many targets", member, "inspector2:Enable")
		must[api.UpdatePolicyOutput](t, w, o.management, "UpdatePolicy", `{"PolicyId":%q,"Content":%q}`, some, allowSome)
		expect("a longer list with many targets", member, "inspector2:Enable", "s3:GetObject")
		o.attach(t, deny, string(member))

		must[api.DisablePolicyTypeOutput](t, w, o.management, "DisablePolicyType",
			`{"RootId":%q,"PolicyType":"SERVICE_CONTROL_POLICY"}`, o.root)
		expect("while being disabled", member, "inspector2:Enable")
		o.settle(t)
		expect("disabled", member, all...)
		o.enable(t, "SERVICE_CONTROL_POLICY")
		expect("enabled again, everything detached", member, all...)
	})
}

const inspectRegion = `{"inspector":{"enablement":{"ec2_scanning":{"enable_in_regions":{"@@append":[%q]},"disable_in_regions":{"@@assign":[]}}}}}`

// TestManyAccountsAndOneAreOneMeaning: what NewEffective says of an account is
// what EffectiveContent says, and a policy at the root costs one row however
// many accounts there are.
func TestManyAccountsAndOneAreOneMeaning(t *testing.T) {
	const accounts = 300
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newClock()
		st := storetest.Open(t, url, store.Options{Now: c.Now})
		w := newWorld(t, st, c, organizations.Options{})
		o := w.mustFound(t, "management")
		o.delegate(t, o.add(t), organizations.InspectorPrincipal)
		o.enable(t, "INSPECTOR_POLICY")
		outer := o.unit(t, o.root, "outer")
		inner := o.unit(t, outer, "inner")
		parents := []string{o.root, outer, inner}
		var ids []arn.AccountID
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			ids = nil
			for i := range accounts {
				id := arn.AccountID(fmt.Sprintf("%012d", 300_000_000_000+i))
				ids = append(ids, id)
				a := directory.Account{ID: id, Email: string(id) + "@example.com", Name: "bulk", State: directory.Active, CreatedAt: c.Now()}
				err := errors.Join(directory.InsertAccount(t.Context(), tx, a),
					directory.AddMember(t.Context(), tx, o.id, id, parents[i%3], directory.Invited, c.Now()))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		east := o.create(t, "INSPECTOR_POLICY", "east", fmt.Sprintf(inspectRegion, "us-east-1"))
		west := o.create(t, "INSPECTOR_POLICY", "west", fmt.Sprintf(inspectRegion, "eu-west-1"))
		o.attach(t, east, o.root)
		o.attach(t, west, inner)
		o.attach(t, west, string(ids[1]))
		err = st.View(t.Context(), func(tx *store.Tx) error {
			rows, err := stored.Attachments(t.Context(), tx, o.id, "INSPECTOR_POLICY")
			if err != nil || len(rows) != 3 {
				t.Errorf("%d rows for three attachments, %v", len(rows), err)
			}
			e, err := policies.NewEffective(t.Context(), tx, o.id, "INSPECTOR_POLICY")
			if err != nil {
				return err
			}
			for i, id := range ids {
				many, err := e.Of(t.Context(), tx, id)
				if err != nil {
					return err
				}
				regions := []string{"us-east-1"}
				if i%3 == 2 || i == 1 {
					regions = append(regions, "eu-west-1")
				}
				if got := enabledIn(t, many); !slices.Equal(got, regions) {
					t.Errorf("account %d: %v, want %v", i, got, regions)
				}
				if i > 5 {
					continue
				}
				one, err := policies.EffectiveContent(t.Context(), tx, id, "INSPECTOR_POLICY")
				if err != nil || string(one) != string(many) {
					t.Errorf("account %d: alone %s (%v), among many %s", i, one, err, many)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func enabledIn(t testing.TB, content json.RawMessage) []string {
	t.Helper()
	var p struct {
		Inspector struct {
			Enablement struct {
				EC2 struct {
					Enable []string `json:"enable_in_regions"`
				} `json:"ec2_scanning"`
			}
		}
	}
	if err := json.Unmarshal(content, &p); err != nil {
		t.Fatal(err)
	}
	return p.Inspector.Enablement.EC2.Enable
}

// TestNothingApplies: what EffectiveContent answers without a policy.
func TestNothingApplies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		loner := w.mustSignUp(t, "loner")
		err := st.View(t.Context(), func(tx *store.Tx) error {
			for _, account := range []arn.AccountID{loner, o.management, "999999999999"} {
				if _, err := policies.EffectiveContent(t.Context(), tx, account, "TAG_POLICY"); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s: %v", account, err)
				}
			}
			e, err := policies.NewEffective(t.Context(), tx, o.id, "TAG_POLICY")
			if err != nil {
				return err
			}
			if _, err := e.Of(t.Context(), tx, o.management); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("among many: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestPoliciesAreRacedFor: what may be made or attached once is, however many
// ask at the same moment.
func TestPoliciesAreRacedFor(t *testing.T) {
	const many = 6
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		member := string(o.add(t))
		call := func(op, input string, args ...any) error {
			_, err := w.do(t.Context(), o.management, op, fmt.Appendf(nil, input, args...))
			return err
		}
		codes := together(many, func(int) error {
			return call("CreatePolicy", `{"Type":"SERVICE_CONTROL_POLICY","Name":"same","Description":"","Content":%q}`, denyS3)
		})
		if codes[""] != 1 || codes["DuplicatePolicyException"] != many-1 {
			t.Errorf("policies of one name: %v", codes)
		}
		id := o.create(t, "SERVICE_CONTROL_POLICY", "other", denyS3)
		codes = together(many, func(int) error { return call("AttachPolicy", `{"PolicyId":%q,"TargetId":%q}`, id, member) })
		if codes[""] != 1 || codes["DuplicatePolicyAttachmentException"] != many-1 {
			t.Errorf("attachments: %v", codes)
		}
		// Either of the two may go, not both.
		codes = together(2, func(i int) error {
			return call("DetachPolicy", `{"PolicyId":%q,"TargetId":%q}`, []string{id, fullAWSAccess}[i], member)
		})
		if codes[""] != 1 || codes["ConstraintViolationException"] != 1 {
			t.Errorf("detachments: %v", codes)
		}
		codes = together(many, func(int) error {
			return call("EnablePolicyType", `{"RootId":%q,"PolicyType":"TAG_POLICY"}`, o.root)
		})
		if codes[""] != 1 || codes["PolicyTypeAlreadyEnabledException"] != many-1 {
			t.Errorf("types: %v", codes)
		}
		codes = together(many, func(int) error { return call("PutResourcePolicy", `{"Content":%q}`, denyTagging) })
		if codes[""] != many {
			t.Errorf("resource policies: %v", codes)
		}
	})
}

const denyTagging = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"organizations:TagResource","Resource":"*"}}`

// BenchmarkPoliciesOfTenThousand: what a policy at the root of 10,000 accounts
// costs to attach, and all their effective policies to work out.
func BenchmarkPoliciesOfTenThousand(b *testing.B) {
	const accounts = 10_000
	for engine, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		st := storetest.Open(b, url(b), store.Options{})
		w := newWorld(b, st, newClock(), organizations.Options{})
		o := w.mustFound(b, "management")
		o.enable(b, "TAG_POLICY")
		unit := o.unit(b, o.root, "unit")
		for from := 0; from < accounts; from += 1000 {
			err := st.Update(b.Context(), func(tx *store.Tx) error {
				for i := range 1000 {
					id := arn.AccountID(fmt.Sprintf("%012d", 300_000_000_000+from+i))
					a := directory.Account{ID: id, Email: string(id) + "@example.com", Name: "bulk", State: directory.Active}
					err := errors.Join(directory.InsertAccount(b.Context(), tx, a),
						directory.AddMember(b.Context(), tx, o.id, id, []string{o.root, unit}[i%2], directory.Invited, w.clock.Now()))
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		id := o.create(b, "TAG_POLICY", "tags", `{"tags":{"owner":{"tag_key":{"@@assign":"Owner"}}}}`)
		b.Run(engine+"/attach", func(b *testing.B) {
			for b.Loop() {
				o.attach(b, id, o.root)
				o.detach(b, id, o.root)
			}
		})
		o.attach(b, id, o.root)
		b.Run(engine+"/effective", func(b *testing.B) {
			for b.Loop() {
				n := 0
				err := st.View(b.Context(), func(tx *store.Tx) error {
					e, err := policies.NewEffective(b.Context(), tx, o.id, "TAG_POLICY")
					if err != nil {
						return err
					}
					for a, err := range organizations.AccountsOf(b.Context(), tx, o.id) {
						if err != nil {
							return err
						}
						if _, err := e.OfMember(b.Context(), tx, a); err != nil {
							return err
						}
						n++
					}
					return nil
				})
				if err != nil || n != accounts+1 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// TestDenialsOfTheResourcePolicyHoldForReads: what delegated administrators may
// read by being registered, a resource policy can take from them, and from
// nobody else.
func TestDenialsOfTheResourcePolicyHoldForReads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		first, second := o.add(t), o.add(t)
		o.delegate(t, first, "sso.amazonaws.com")
		o.delegate(t, second, "config.amazonaws.com")
		must[api.PutResourcePolicyOutput](t, w, o.management, "PutResourcePolicy", `{"Content":%q}`, fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"%s"},"Action":"organizations:ListPolicies","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"TAG_POLICY"}}}}`, first))
		for _, c := range []struct {
			caller arn.AccountID
			op     string
			in     any
			denied bool
		}{
			{first, "ListPolicies", &api.ListPoliciesInput{Filter: "TAG_POLICY"}, true},
			{first, "ListPolicies", &api.ListPoliciesInput{Filter: "BACKUP_POLICY"}, false},
			{first, "ListAccounts", &api.ListAccountsInput{}, false},
			{second, "ListPolicies", &api.ListPoliciesInput{Filter: "TAG_POLICY"}, false},
			{o.management, "ListPolicies", &api.ListPoliciesInput{Filter: "TAG_POLICY"}, false},
		} {
			op := w.operations[c.op]
			call := &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: c.caller, ARN: c.caller.Root()}, Time: w.clock.Now()}
			if err := w.desk.Relation(t.Context(), call, &op, c.in); (code(err) == "AccessDeniedException") != c.denied {
				t.Errorf("%s %+v by %s: %v", c.op, c.in, c.caller, err)
			}
		}
	})
}
