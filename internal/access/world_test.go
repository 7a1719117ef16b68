package access_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	iamapi "muster/internal/awsmodel/iam"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/iam/federation"
	"muster/internal/iam/managed"
	"muster/internal/keyring"
	"muster/internal/pagetoken"
	"muster/internal/policy"
	"muster/internal/source/guard"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
	"muster/internal/sts"
	"muster/internal/webidentity"
)

const (
	home = arn.AccountID("111111111111")
	away = arn.AccountID("222222222222")
)

// world is two accounts of one organization, home managing it, with the iam,
// sts and access desks.
type world struct {
	t        testing.TB
	store    *store.Store
	keys     *iam.Keys
	iam      *iam.Service
	sts      *sts.Service
	desk     *access.Desk
	now      time.Time
	controls [][]*policy.Document
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel() // most of the time goes into making databases
	storetest.Each(t, func(t *testing.T, s *store.Store) { fn(t, newWorld(t, s)) })
}

// redFilter is tagged team=red.
const redFilter = "arn:aws:inspector2:us-east-1:111111111111:owner/111111111111/filter/c1c0fe5d28e39baa"

func newWorld(t testing.TB, s *store.Store) *world {
	t.Helper()
	w := &world{t: t, store: s, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	set, err := managed.Load()
	w.must(err)
	kr, err := keyring.New(make([]byte, keyring.KeySize))
	w.must(err)
	pages, err := pagetoken.New(make([]byte, 32))
	w.must(err)
	w.keys = iam.NewKeys(s, kr, set, func() time.Time { return w.now })
	w.iam = iam.New(w.keys, iam.Options{Pages: pages})
	w.sts = sts.New(s, w.keys, set)
	w.sts.Factor = w.iam.Logins().UseFactor
	near, err := guard.New([]string{"127.0.0.0/8"})
	w.must(err)
	w.sts.Federation = federation.New(s, webidentity.NewVerifier(near.Transport))
	w.desk = access.New(access.Config{
		InspectorTags: func(_ context.Context, resource arn.ARN) (map[string]string, error) {
			if resource == redFilter {
				return map[string]string{"team": "red"}, nil
			}
			return nil, nil
		},
		Store: s, Keys: w.keys, WebIdentity: w.sts.Federation.Verify,
		Relations: map[string]access.Relation{"inspector2": relation},
		Controls:  func(context.Context, arn.AccountID) ([][]*policy.Document, error) { return w.controls, nil },
	})
	w.must(s.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(w.account(tx, home), w.account(tx, away),
			directory.InsertOrganization(t.Context(), tx, directory.Organization{ID: "o-exampleorgid", Management: home, FeatureSet: directory.AllFeatures, Root: "r-abcd", CreatedAt: w.now}),
			directory.AddMember(t.Context(), tx, "o-exampleorgid", home, "r-abcd", directory.Created, w.now),
			directory.AddMember(t.Context(), tx, "o-exampleorgid", away, "r-abcd", directory.Created, w.now))
	}))
	return w
}

func (w *world) account(tx *store.Tx, id arn.AccountID) error {
	return directory.InsertAccount(w.t.Context(), tx, directory.Account{
		ID: id, Email: string(id) + "@example.com", Name: "A", State: directory.Active, CreatedAt: w.now,
	})
}

// relation is a desk's rule: only GetMember has one, and refuses.
func relation(_ context.Context, _ *awsmodel.Call, op *awsmodel.Operation, _ any) error {
	if op.Name == "GetMember" {
		return &awsmodel.Fault{Code: "AccessDeniedException", Message: "Invoking account does not have access to get member account", Status: 403}
	}
	return nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// root is an account's root user.
func root(account arn.AccountID) arn.Principal {
	return arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root(), ID: string(account)}
}

// call is a request by a principal.
func (w *world) call(p arn.Principal) *awsmodel.Call {
	return &awsmodel.Call{Principal: p, Region: "us-east-1", Time: w.now, SourceIP: "192.0.2.7"}
}

// user makes a user of home with inline policies and signs in.
func (w *world) user(name string, documents ...string) arn.Principal {
	w.t.Helper()
	do(w, root(home), w.iam.CreateUser, iamapi.CreateUserInput{UserName: name})
	for i, d := range documents {
		do(w, root(home), w.iam.PutUserPolicy, iamapi.PutUserPolicyInput{UserName: name, PolicyName: string(rune('a' + i)), PolicyDocument: d})
	}
	k := do(w, root(home), w.iam.CreateAccessKey, iamapi.CreateAccessKeyInput{UserName: &name}).AccessKey
	return w.signIn(k.AccessKeyId, "")
}

func (w *world) signIn(id, token string) arn.Principal {
	w.t.Helper()
	c, err := w.keys.Lookup(w.t.Context(), id, token)
	w.must(err)
	return c.Principal
}

// role makes a role.
func (w *world) role(account arn.AccountID, name, trust string, documents ...string) string {
	w.t.Helper()
	r := do(w, root(account), w.iam.CreateRole, iamapi.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: trust}).Role
	for i, d := range documents {
		do(w, root(account), w.iam.PutRolePolicy, iamapi.PutRolePolicyInput{RoleName: name, PolicyName: string(rune('a' + i)), PolicyDocument: d})
	}
	return r.Arn
}

// assume authorizes and assumes a role as the door would.
func (w *world) assume(p arn.Principal, in stsapi.AssumeRoleInput) (arn.Principal, error) {
	w.t.Helper()
	if in.RoleSessionName == "" {
		in.RoleSessionName = "run"
	}
	if err := w.authorize(p, "sts", "AssumeRole", &in); err != nil {
		return arn.Principal{}, err
	}
	out, err := w.sts.AssumeRole(w.t.Context(), w.call(p), &in)
	if err != nil {
		return arn.Principal{}, err
	}
	return w.signIn(out.Credentials.AccessKeyId, out.Credentials.SessionToken), nil
}

func (w *world) authorize(p arn.Principal, service, op string, in any) error {
	return w.desk.Authorize(w.t.Context(), w.call(p), &awsmodel.Operation{Service: service, Name: op, Path: "/" + strings.ToLower(op)}, in)
}

// do runs an operation that must succeed.
func do[I, O any](w *world, p arn.Principal, op func(context.Context, *awsmodel.Call, *I) (*O, error), in I) *O {
	w.t.Helper()
	out, err := op(w.t.Context(), w.call(p), &in)
	w.must(err)
	return out
}

// refused wants a fault.
func (w *world) refused(err error, status int, code, message string) {
	w.t.Helper()
	var e awsmodel.Error
	if !errors.As(err, &e) || e.ErrorCode() != code || e.HTTPStatus() != status || strings.TrimPrefix(e.Error(), code+": ") != message {
		w.t.Errorf("got %v\nwant %d %s: %s", err, status, code, message)
	}
}

func allow(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

func deny(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
}

func trust(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

// openEngine opens a fresh database of one engine.
func openEngine(t testing.TB, engine string) *store.Store {
	if engine == "sqlite" {
		return storetest.Open(t, storetest.SQLite(t), store.Options{})
	}
	return storetest.Open(t, storetest.Postgres(t), store.Options{})
}
