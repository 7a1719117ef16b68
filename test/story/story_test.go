// Package story walks muster as its users do: scripts of real AWS CLI calls
// against a running server, with the answers and refusals that must come.
package story

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/config"
	"muster/internal/server"
	"muster/internal/store/storetest"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories runs every script of testdata on both stores.
func TestStories(t *testing.T) {
	needAWS(t)
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:   "testdata",
				Setup: func(env *testscript.Env) error { return setup(t, env, engine) },
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"aws": awsCommand, "wait": waitCommand, "json": jsonCommand, "member": memberCommand,
					"host": hostCommand, "feeds": feedsCommand, "names": namesCommand,
				},
			})
		})
	}
}

func needAWS(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("aws"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("the AWS CLI is not installed")
	}
	t.Skip("the AWS CLI is not installed: 'make test' installs it")
}

// world is what a script's commands work on.
type world struct {
	server   *server.Server
	endpoint string
	dir      string
	profiles map[string]credentials
	stdout   string
	hosts    map[string]*host
}

type credentials struct{ id, secret, token string }

// worldKey finds the world in the script's environment.
type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// setup starts a server of its own for each script, with one account, and
// writes the profile "management" for that account's administrator.
func setup(t *testing.T, env *testscript.Env, engine string) error {
	cfg := config.Default()
	cfg.Data = filepath.Join(env.WorkDir, "data")
	cfg.Listen = "127.0.0.1:0"
	cfg.FeedsInterval = 0
	cfg.Feeds = filepath.Join(env.WorkDir, "feeds")
	cfg.Transition = 0
	if engine == "postgres" {
		cfg.Store = storetest.PostgresURL(t)
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv, err := server.New(ctx, cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		cancel()
		return err
	}
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	env.Defer(func() {
		cancel()
		<-done
		srv.Close()
	})
	w := &world{server: srv, endpoint: srv.URL(), dir: env.WorkDir, profiles: map[string]credentials{}, hosts: map[string]*host{}}
	env.Values[worldKey{}] = w
	return w.signUp(ctx, env)
}

// signUp makes the first account and an administrator in it.
func (w *world) signUp(ctx context.Context, env *testscript.Env) error {
	op := w.server.Operator()
	id, err := op.CreateAccount(ctx, "management", "management@example.com")
	if err != nil {
		return err
	}
	root, err := op.IssueRootKey(ctx, id)
	if err != nil {
		return err
	}
	w.profiles["root"] = credentials{root.ID, root.Secret, ""}
	env.Setenv("MANAGEMENT", string(id))
	for _, call := range [][]string{
		{"iam", "create-user", "--user-name", "admin"},
		{"iam", "attach-user-policy", "--user-name", "admin", "--policy-arn", "arn:aws:iam::aws:policy/AdministratorAccess"},
	} {
		if _, stderr, err := w.call("root", call...); err != nil {
			return fmt.Errorf("%v: %w: %s", call, err, stderr)
		}
	}
	stdout, stderr, err := w.call("root", "iam", "create-access-key", "--user-name", "admin")
	if err != nil {
		return fmt.Errorf("create-access-key: %w: %s", err, stderr)
	}
	var out struct {
		AccessKey struct{ AccessKeyID, SecretAccessKey string }
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		return err
	}
	w.profiles["management"] = credentials{out.AccessKey.AccessKeyID, out.AccessKey.SecretAccessKey, ""}
	return nil
}

// call runs the AWS CLI as a profile. A profile "name@region" asks another
// Region than us-east-1.
func (w *world) call(profile string, args ...string) (stdout, stderr string, err error) {
	name, region, ok := strings.Cut(profile, "@")
	if !ok {
		region = "us-east-1"
	}
	c, known := w.profiles[name]
	if !known {
		return "", "", fmt.Errorf("no profile %q", name)
	}
	cmd := exec.Command("aws", append([]string{"--endpoint-url", w.endpoint, "--region", region, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+c.id, "AWS_SECRET_ACCESS_KEY="+c.secret, "AWS_SESSION_TOKEN="+c.token,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true")
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

// awsCommand: aws PROFILE SERVICE OPERATION …; with "!" the call must fail.
func awsCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	stdout, stderr, err := w.call(args[0], args[1:]...)
	w.stdout = stdout
	fmt.Fprint(ts.Stdout(), stdout)
	fmt.Fprint(ts.Stderr(), stderr)
	switch {
	case err != nil && !neg:
		ts.Fatalf("aws %v: %v: %s", args, err, stderr)
	case err == nil && neg:
		ts.Fatalf("aws %v succeeded: %s", args, stdout)
	}
}

// waitLimit bounds how long a script waits for what must come by itself.
const waitLimit = 20 * time.Second

// waitCommand: wait PATTERN PROFILE SERVICE OPERATION … repeats a call until
// its output, blanks removed, matches; with "!" until it no longer does.
func waitCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	re := regexp.MustCompile(args[0])
	deadline := time.Now().Add(waitLimit)
	for {
		stdout, stderr, err := w.call(args[1], args[2:]...)
		w.stdout = stdout
		flat := strings.Join(strings.Fields(stdout), "")
		if err == nil && re.MatchString(flat) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("wait %v: last answer %v %s%s", args, err, stdout, stderr)
		}
	}
}

// jsonCommand: json PATH VALUE compares a value of the last answer;
// json PATH -> NAME keeps it as an environment variable. A path is field names
// and list indexes joined by dots; "#" is a list's length.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	got, err := lookup(worldOf(ts).stdout, args[0])
	if err != nil {
		ts.Fatalf("json %s: %v", args[0], err)
	}
	if len(args) == 3 && args[1] == "->" {
		ts.Setenv(args[2], got)
		return
	}
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE | json PATH -> NAME")
	}
	if (got == args[1]) == neg {
		ts.Fatalf("json %s: got %q, want%s %q", args[0], got, map[bool]string{true: " anything but"}[neg], args[1])
	}
}

func lookup(body, path string) (string, error) {
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return "", fmt.Errorf("%w: %s", err, body)
	}
	for _, step := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			if step == "#" {
				return strconv.Itoa(len(x)), nil
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return "", fmt.Errorf("no element %s of %d in %s", step, len(x), body)
			}
			v = x[i]
		default:
			return "", fmt.Errorf("%s: nothing below %v in %s", step, v, body)
		}
	}
	switch x := v.(type) {
	case nil:
		return "absent", nil
	case string:
		return x, nil
	default:
		b, err := json.Marshal(x)
		return string(b), err
	}
}

// namesCommand: names LIST FIELD WANT… compares the sorted, space-joined
// values of a field over a list of the last answer.
func namesCommand(ts *testscript.TestScript, neg bool, args []string) {
	n, err := lookup(worldOf(ts).stdout, args[0]+".#")
	if err != nil {
		ts.Fatalf("names: %v", err)
	}
	count, _ := strconv.Atoi(n)
	got := map[string]bool{}
	for i := range count {
		v, err := lookup(worldOf(ts).stdout, fmt.Sprintf("%s.%d.%s", args[0], i, args[1]))
		if err != nil {
			ts.Fatalf("names: %v", err)
		}
		got[v] = true
	}
	want := args[2:]
	ok := len(got) == len(want)
	for _, v := range want {
		ok = ok && got[v]
	}
	if ok == neg {
		ts.Fatalf("names %s.%s: got %v, want %v", args[0], args[1], got, want)
	}
}

// memberCommand: member NAME FROM ACCOUNT enters an account through its access
// role and keeps the session as a profile.
func memberCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	stdout, stderr, err := w.call(args[1], "sts", "assume-role", "--role-session-name", "story",
		"--role-arn", "arn:aws:iam::"+args[2]+":role/OrganizationAccountAccessRole")
	if err != nil {
		ts.Fatalf("member %v: %v: %s", args, err, stderr)
	}
	var out struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		ts.Fatalf("member %v: %v", args, err)
	}
	w.profiles[args[0]] = credentials{out.Credentials.AccessKeyID, out.Credentials.SecretAccessKey, out.Credentials.SessionToken}
}
