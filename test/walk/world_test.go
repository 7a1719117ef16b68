package walk

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/test/livetest"
)

// installation is a server that can be stopped in the midst of things.
type installation interface {
	// signUp makes an account of its own and returns a client of its root user.
	signUp(name string) (id string, c *livetest.Client, err error)
	// client returns a client with a key.
	client(key livetest.Key) *livetest.Client
	// crash stops the server and starts it on the same state.
	crash() error
}

// world drives an installation by the names of the model.
type world struct {
	ctx          context.Context
	installation installation
	clients      map[string]*livetest.Client
	ids          map[string]string // of accounts and units
	names        map[string]string // the other way round
	filters      map[string]string // ARNs by Region, account and name
	handshakes   map[string]string // ids by account
	// visitor is a user of the management account, who enters new accounts.
	visitor *livetest.Client
	// patience is how long a transition may take.
	patience time.Duration
}

type object = map[string]any

// found makes an organization whose management account is head.
func found(ctx context.Context, i installation) (*world, error) {
	w := &world{ctx: ctx, installation: i, clients: map[string]*livetest.Client{}, ids: map[string]string{}, names: map[string]string{}, filters: map[string]string{}, handshakes: map[string]string{}, patience: patience}
	for _, name := range []string{head, "stranger"} {
		id, c, err := i.signUp(name)
		if err != nil {
			return nil, err
		}
		w.know(name, id)
		w.clients[name] = c
	}
	for _, c := range []struct {
		service, op string
		in          object
	}{
		{"organizations", "CreateOrganization", nil},
		{"iam", "CreateUser", object{"UserName": "visitor"}},
		{"iam", "AttachUserPolicy", object{"UserName": "visitor", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}},
	} {
		if _, err := w.must(head, "us-east-1", c.service, c.op, c.in); err != nil {
			return nil, err
		}
	}
	key, err := w.must(head, "us-east-1", "iam", "CreateAccessKey", object{"UserName": "visitor"})
	if err != nil {
		return nil, err
	}
	w.visitor = i.client(livetest.Key{ID: key.Field("AccessKeyId"), Secret: key.Field("SecretAccessKey")})
	roots, err := w.must(head, "us-east-1", "organizations", "ListRoots", nil)
	if err != nil {
		return nil, err
	}
	w.know(root, livetest.Dig(roots.JSON(), "Roots", 0, "Id").(string))
	return w, nil
}

func (w *world) know(name, id string) { w.ids[name], w.names[id] = id, name }

// call sends an operation. The server's own failures are errors.
func (w *world) call(caller, region, service, op string, in object) (livetest.Answer, error) {
	c := w.clients[caller]
	if c == nil {
		return livetest.Answer{}, fmt.Errorf("no client of %s", caller)
	}
	a, err := c.In(region).Call(w.ctx, service, op, in)
	if err == nil && a.Status >= 500 {
		err = fmt.Errorf("%s by %s of %v: the server failed: %v", op, caller, in, a)
	}
	return a, err
}

// must is call for what cannot be refused.
func (w *world) must(caller, region, service, op string, in object) (livetest.Answer, error) {
	a, err := w.call(caller, region, service, op, in)
	if err == nil && !a.OK() {
		err = fmt.Errorf("%s by %s in %s of %v: %v", op, caller, region, in, a)
	}
	return a, err
}

// enter gets a client for an account that the organization has created.
func (w *world) enter(name, id string) error {
	a, err := w.visitor.In(regions[0]).Call(w.ctx, "sts", "AssumeRole", object{"RoleArn": "arn:aws:iam::" + id + ":role/OrganizationAccountAccessRole", "RoleSessionName": "walk"})
	if err != nil {
		return err
	}
	if !a.OK() {
		return fmt.Errorf("enter %s: %v", name, a)
	}
	w.know(name, id)
	w.clients[name] = w.installation.client(livetest.Key{ID: a.Field("AccessKeyId"), Secret: a.Field("SecretAccessKey"), Token: a.Field("SessionToken")})
	return nil
}

// patience is usually how long a transition may take: on PostgreSQL the leases of a
// killed server run out first.
const patience = 45 * time.Second

// eventually looks until there is nothing wrong any more.
func (w *world) eventually(look func() error) error {
	deadline := time.Now().Add(w.patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := look()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-w.ctx.Done():
			return errors.Join(err, w.ctx.Err())
		case <-time.After(pause):
		}
	}
}

// inProcess is a server in this process, stopped in an orderly way.
type inProcess struct {
	t *testing.T
	s *livetest.Server
}

func (p inProcess) signUp(name string) (string, *livetest.Client, error) {
	id, c := p.s.Account(p.t, name)
	return string(id), c, nil
}

func (p inProcess) client(key livetest.Key) *livetest.Client { return p.s.Client(key) }
func (p inProcess) crash() error                             { return p.s.Reopen() }
