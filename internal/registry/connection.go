package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	source "muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
)

const (
	// maxConnections is how many connections an account has in a Region.
	maxConnections = 100
	// shortestPoll keeps registries from being asked all the time.
	shortestPoll = time.Minute
	// testWithin is how long a registry may take to answer a test.
	testWithin = 30 * time.Second
	pageSize   = 100
)

// Prefix begins the paths that registries notify.
const Prefix = "/registry/"

// CreateRegistryConnection connects the caller's account to a registry. The
// token that notifications have to carry is in the answer and nowhere else.
func (s *Service) CreateRegistryConnection(ctx context.Context, call *awsmodel.Call, in *muster.CreateRegistryConnectionInput) (*muster.CreateRegistryConnectionOutput, error) {
	address, err := s.address(in.Url)
	if err != nil {
		return nil, err
	}
	c := cellar.Connection{
		Account: call.Account(), Region: call.Region, Name: in.Name, URL: address, Prefix: value(in.Prefix), Repositories: in.Repositories,
		User: value(in.Username), CreatedAt: call.Time, UpdatedAt: call.Time, State: cellar.Untried,
	}
	if c.PollEvery, err = pollEvery(in.PollSeconds); err != nil {
		return nil, err
	}
	out := &muster.CreateRegistryConnectionOutput{}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		n, err := cellar.CountConnections(ctx, tx, c.Account, c.Region)
		if err == nil && n >= maxConnections {
			err = invalid("name", fmt.Sprintf("An account has at most %d registry connections in a Region.", maxConnections))
		}
		if err == nil {
			err = free(ctx, tx, &c)
		}
		if err != nil {
			return err
		}
		c.ID = tx.NewID()
		s.seal(&c, value(in.Password))
		out.NotificationToken, c.Token = newToken()
		if err := cellar.InsertConnection(ctx, tx, c); err != nil {
			return err
		}
		return askToPoll(ctx, tx, &c, call.Time)
	})
	if err != nil {
		return nil, err
	}
	out.Connection = show(&c)
	return out, nil
}

// address checks a registry's address. A name is looked up when it is used; an
// address in figures is refused at once.
func (s *Service) address(text string) (string, error) {
	u, err := source.Address(text)
	if err != nil {
		return "", invalid("url", "The url is no registry's: "+err.Error()+".")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !s.config.Guard.Allows(a) {
		return "", invalid("url", "The address "+u.Hostname()+" is not allowed by the server's configuration.")
	}
	return u.String(), nil
}

func pollEvery(seconds *int32) (time.Duration, error) {
	if seconds == nil || *seconds == 0 {
		return 0, nil
	}
	every := time.Duration(*seconds) * time.Second
	if every < shortestPoll {
		return 0, invalid("pollSeconds", fmt.Sprintf("Registries are polled every %d seconds at most; 0 means never.", int(shortestPoll.Seconds())))
	}
	return every, nil
}

// free refuses a name that another connection has.
func free(ctx context.Context, tx *store.Tx, c *cellar.Connection) error {
	other, err := cellar.ConnectionNamed(ctx, tx, c.Account, c.Region, c.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && other.ID == c.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return &muster.ConflictException{Message: "There is a registry connection named " + c.Name + " already.", ResourceId: other.ID, ResourceType: "RegistryConnection"}
}

func (s *Service) seal(c *cellar.Connection, password string) {
	c.Secret = nil
	if password != "" {
		c.Secret = s.config.Secrets.Seal(binding(c), []byte(password))
	}
}

// newToken makes a token and what is kept of it.
func newToken() (token string, kept []byte) {
	token = rand.Text()
	sum := sha256.Sum256([]byte(token))
	return token, sum[:]
}

func askToPoll(ctx context.Context, tx *store.Tx, c *cellar.Connection, when time.Time) error {
	body, err := json.Marshal(refOf(c))
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobPoll, Key: refOf(c).String(), Account: string(c.Account), Region: string(c.Region), Payload: body, RunAt: when,
	})
}

// ListRegistryConnections lists the connections of the caller's account and
// Region, without their secrets.
func (s *Service) ListRegistryConnections(ctx context.Context, call *awsmodel.Call, in *muster.ListRegistryConnectionsInput) (*muster.ListRegistryConnectionsOutput, error) {
	const op = "ListRegistryConnections"
	size, after := pageSize, ""
	if in.MaxResults != nil {
		size = min(max(int(*in.MaxResults), 1), pageSize)
	}
	if t := value(in.NextToken); t != "" {
		cursor, err := s.config.Pages.Open(call, op, nil, t)
		if err != nil {
			return nil, invalid("nextToken", "The nextToken is not valid for this request.")
		}
		after = string(cursor)
	}
	list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]cellar.Connection, error) {
		return cellar.Connections(ctx, tx, call.Account(), call.Region, after, size+1)
	})
	if err != nil {
		return nil, err
	}
	out := &muster.ListRegistryConnectionsOutput{Connections: []muster.RegistryConnection{}}
	if len(list) > size {
		list = list[:size]
		out.NextToken = new(s.config.Pages.Seal(call, op, nil, []byte(list[size-1].ID)))
	}
	for i := range list {
		out.Connections = append(out.Connections, *show(&list[i]))
	}
	return out, nil
}

// UpdateRegistryConnection changes what is given. The address stays: stored
// credentials go to no other registry than they were given for.
func (s *Service) UpdateRegistryConnection(ctx context.Context, call *awsmodel.Call, in *muster.UpdateRegistryConnectionInput) (*muster.UpdateRegistryConnectionOutput, error) {
	every, err := pollEvery(in.PollSeconds)
	if err != nil {
		return nil, err
	}
	return store.Write(ctx, s.store, func(tx *store.Tx) (*muster.UpdateRegistryConnectionOutput, error) {
		c, err := lookup(ctx, tx, call, in.ConnectionId)
		if err != nil {
			return nil, err
		}
		c.UpdatedAt = call.Time
		if in.Name != nil {
			c.Name = *in.Name
		}
		if in.Username != nil {
			c.User = *in.Username
		}
		if in.Repositories != nil {
			c.Repositories = in.Repositories
		}
		if in.PollSeconds != nil {
			c.PollEvery = every
		}
		if in.Password != nil {
			s.seal(&c, *in.Password)
		}
		if in.Password != nil || in.Username != nil {
			c.State, c.Message = cellar.Untried, ""
		}
		out := &muster.UpdateRegistryConnectionOutput{}
		if in.RotateToken != nil && *in.RotateToken {
			token, kept := newToken()
			out.NotificationToken, c.Token = &token, kept
		}
		out.Connection = show(&c)
		if err := free(ctx, tx, &c); err != nil {
			return nil, err
		}
		if err := cellar.UpdateConnection(ctx, tx, c); err != nil {
			return nil, err
		}
		return out, askToPoll(ctx, tx, &c, call.Time)
	})
}

// lookup returns a connection of the caller's.
func lookup(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) (cellar.Connection, error) {
	c, err := cellar.LookupConnection(ctx, tx, call.Account(), call.Region, id)
	if errors.Is(err, store.ErrNotFound) {
		err = &muster.ResourceNotFoundException{Message: "There is no registry connection " + id + " in this account and Region."}
	}
	return c, err
}

// DeleteRegistryConnection ends a connection. Its repositories and images go
// with it, and their findings close.
func (s *Service) DeleteRegistryConnection(ctx context.Context, call *awsmodel.Call, in *muster.DeleteRegistryConnectionInput) (*muster.DeleteRegistryConnectionOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := lookup(ctx, tx, call, in.ConnectionId)
		if err != nil {
			return err
		}
		if err := cellar.DeleteConnection(ctx, tx, c.Account, c.Region, c.ID); err != nil {
			return err
		}
		body, err := json.Marshal(refOf(&c))
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: JobForget, Key: refOf(&c).String(), Account: string(c.Account), Region: string(c.Region), Payload: body})
	})
	if err != nil {
		return nil, err
	}
	return &muster.DeleteRegistryConnectionOutput{}, nil
}

// TestRegistryConnection asks the registry now whether it answers.
func (s *Service) TestRegistryConnection(ctx context.Context, call *awsmodel.Call, in *muster.TestRegistryConnectionInput) (*muster.TestRegistryConnectionOutput, error) {
	c, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Connection, error) { return lookup(ctx, tx, call, in.ConnectionId) })
	if err != nil {
		return nil, err
	}
	state, message := cellar.Working, ""
	if err := s.ping(ctx, &c); err != nil {
		state, message = cellar.Failing, tell(err)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error { return cellar.Visited(ctx, tx, &c, state, message, call.Time) })
	if err != nil {
		return nil, err
	}
	return &muster.TestRegistryConnectionOutput{Connection: show(&c)}, nil
}

func (s *Service) ping(ctx context.Context, c *cellar.Connection) error {
	client, err := s.client(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	return client.Ping(ctx)
}

// show is a connection as callers see it.
func show(c *cellar.Connection) *muster.RegistryConnection {
	out := &muster.RegistryConnection{
		ConnectionId: c.ID, Name: c.Name, Url: c.URL, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, PollSeconds: int32(c.PollEvery / time.Second),
		Status: muster.RegistryConnectionStatus(c.State), NotificationPath: path(c), Repositories: c.Repositories,
	}
	for member, text := range map[**string]string{&out.Username: c.User, &out.Prefix: c.Prefix, &out.StatusMessage: c.Message} {
		if text != "" {
			*member = &text
		}
	}
	for member, t := range map[**time.Time]time.Time{&out.CheckedAt: c.CheckedAt, &out.NotifiedAt: c.NotifiedAt} {
		if !t.IsZero() {
			*member = &t
		}
	}
	return out
}

// path is where a registry's notifications go.
func path(c *cellar.Connection) string {
	return Prefix + string(c.Account) + "/" + url.PathEscape(string(c.Region)) + "/" + c.ID
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func invalid(name, message string) error {
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: name, Message: message}},
	}
}
