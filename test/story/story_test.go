// Package story walks muster as its users do: scripts of real AWS CLI calls
// against a running server, with the answers and refusals that must come.
package story

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/config"
	"muster/internal/server"
	"muster/internal/store/storetest"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories runs every script of testdata on both stores.
func TestStories(t *testing.T) {
	aws := findCLI(t)
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir: "testdata",
				Setup: func(env *testscript.Env) error {
					cloud := newCloud(env)
					w, err := newWorldWith(env.WorkDir, database(t), aws, func(c *config.Config) { c.NetworkEndpoint = cloud.URL })
					if err != nil {
						return err
					}
					cloud.world.Store(w)
					env.Defer(w.close)
					env.Values[worldKey{}] = w
					env.Setenv("MANAGEMENT", w.management)
					return nil
				},
				Cmds: commands,
			})
		})
	}
}

// engines give the URL of a fresh database of each kind.
var engines = map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}

// world is a server of its own, with one account that "management" is the
// profile of.
type world struct {
	server     *server.Server
	endpoint   string
	dir        string
	management string
	close      func()

	aws      cli
	profiles map[string]credentials
	// accounts are the ids of accounts by name.
	accounts map[string]string
	hosts    map[string]*host
	// stdout is what the last call printed.
	stdout string
}

// worldKey finds the world in a script's environment.
type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// newWorld starts a server on a database, with its other state in a folder.
func newWorld(dir, database string, aws cli) (*world, error) {
	return newWorldWith(dir, database, aws, func(*config.Config) {})
}

// newWorldWith is newWorld with a changed configuration.
func newWorldWith(dir, database string, aws cli, change func(*config.Config)) (*world, error) {
	c := config.Default()
	c.Data, c.Store, c.Feeds = filepath.Join(dir, "data"), database, filepath.Join(dir, "feeds")
	c.Listen, c.FeedsInterval, c.Transition, c.AuditLog = "127.0.0.1:0", 0, 0, "off"
	change(&c)
	ctx, cancel := context.WithCancel(context.Background())
	srv, err := server.New(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		cancel()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		_ = srv.Run(ctx) // a server that fails answers no call of the story
		close(done)
	}()
	w := &world{
		server: srv, endpoint: srv.URL(), dir: dir, aws: aws,
		profiles: map[string]credentials{}, accounts: map[string]string{}, hosts: map[string]*host{},
	}
	w.close = func() {
		cancel()
		<-done
		_ = srv.Close() // nothing is read from it any more
	}
	if err := w.signUp(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// signUp makes the first account and an administrator in it.
func (w *world) signUp(ctx context.Context) error {
	op := w.server.Operator()
	id, err := op.CreateAccount(ctx, "management", "management@example.com")
	if err != nil {
		return err
	}
	root, err := op.IssueRootKey(ctx, id)
	if err != nil {
		return err
	}
	w.management = string(id)
	w.profiles["root"] = credentials{root.ID, root.Secret, ""}
	return w.user("management", "root", []string{"AdministratorAccess"})
}

// call runs the AWS CLI as a profile; "name@region" asks another Region than
// us-east-1.
func (w *world) call(profile string, args ...string) (answer, error) {
	name, region, ok := strings.Cut(profile, "@")
	if !ok {
		region = "us-east-1"
	}
	c, known := w.profiles[name]
	if !known {
		return answer{}, fmt.Errorf("no profile %q", name)
	}
	a, err := w.aws.call(c, append([]string{"--endpoint-url", w.endpoint, "--region", region, "--output", "json"}, args...))
	w.stdout = a.Stdout
	return a, err
}

// answerTo is call for what must succeed, with the answer read into out.
func (w *world) answerTo(profile string, out any, args ...string) error {
	a, err := w.call(profile, args...)
	if err != nil {
		return err
	}
	if a.Code != 0 {
		return fmt.Errorf("aws %v: %s", args, a.Stderr)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal([]byte(a.Stdout), out)
}

// user makes an IAM user with AWS-managed policies in a profile's account and
// keeps its key as a profile of the user's name.
func (w *world) user(name, profile string, policies []string) error {
	if err := w.answerTo(profile, nil, "iam", "create-user", "--user-name", name); err != nil {
		return err
	}
	for _, p := range policies {
		err := w.answerTo(profile, nil, "iam", "attach-user-policy", "--user-name", name, "--policy-arn", "arn:aws:iam::aws:policy/"+p)
		if err != nil {
			return err
		}
	}
	var out struct {
		AccessKey struct{ AccessKeyID, SecretAccessKey string }
	}
	err := w.answerTo(profile, &out, "iam", "create-access-key", "--user-name", name)
	w.profiles[name] = credentials{out.AccessKey.AccessKeyID, out.AccessKey.SecretAccessKey, ""}
	return err
}

// enter assumes an account's access role and keeps the session as a profile.
func (w *world) enter(name, profile, account string) error {
	var out struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	}
	err := w.answerTo(profile, &out, "sts", "assume-role", "--role-session-name", "story",
		"--role-arn", "arn:aws:iam::"+account+":role/OrganizationAccountAccessRole")
	c := out.Credentials
	w.profiles[name] = credentials{c.AccessKeyID, c.SecretAccessKey, c.SessionToken}
	return err
}

// createAccount creates an account in the organization of "management" and
// waits until it is there.
func (w *world) createAccount(name string) (string, error) {
	var out struct {
		CreateAccountStatus struct{ ID, State, AccountID, FailureReason string }
	}
	err := w.answerTo("management", &out, "organizations", "create-account", "--account-name", name, "--email", name+"@example.com")
	request := out.CreateAccountStatus.ID
	for err == nil && out.CreateAccountStatus.State == "IN_PROGRESS" {
		err = w.answerTo("management", &out, "organizations", "describe-create-account-status", "--create-account-request-id", request)
	}
	if err == nil && out.CreateAccountStatus.State != "SUCCEEDED" {
		err = fmt.Errorf("account %s: %s", name, out.CreateAccountStatus.FailureReason)
	}
	return out.CreateAccountStatus.AccountID, err
}
