package story

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"muster/internal/clienttest"
)

// credentials are what a profile of the scripts signs with.
type credentials struct{ id, secret, token string }

func (c credentials) environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": c.id, "AWS_SECRET_ACCESS_KEY": c.secret, "AWS_SESSION_TOKEN": c.token,
		"AWS_CONFIG_FILE": "testdata/aws-config", "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true",
	}
}

// answer is what a call of the AWS CLI printed and how it ended.
type answer struct {
	Code   int    `json:"code"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
}

// cli calls the AWS CLI.
type cli interface {
	call(c credentials, args []string) (answer, error)
}

// findCLI returns the AWS CLI of this machine: its code kept loaded where
// Python finds it as a package, which makes calls several times quicker, else
// the command. Without any the test is skipped, or fails where CI is set.
func findCLI(t *testing.T) cli {
	t.Helper()
	if exec.Command("python3", "-c", "import awscli.clidriver").Run() == nil {
		return newLoadedCLI(t, 4)
	}
	if _, err := exec.LookPath("aws"); err == nil {
		return command{models: clienttest.Models(t)}
	}
	needed(t, "the AWS CLI")
	return nil
}

// needed skips a test for lack of a tool, or fails where CI is set.
func needed(t *testing.T, tool string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(tool + " is not installed")
	}
	t.Skip(tool + " is not installed: 'make test' installs it")
}

// command starts the CLI for every call.
type command struct{ models string }

func (x command) call(c credentials, args []string) (answer, error) {
	cmd := exec.Command("aws", args...)
	cmd.Env = append(os.Environ(), "AWS_DATA_PATH="+x.models)
	for name, value := range c.environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, failed := err.(*exec.ExitError); failed {
		err = nil
	}
	return answer{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, err
}

// loadedCLI is some processes of testdata/cli.py, each started when first
// needed; a nil one has not been started yet.
type loadedCLI struct {
	free    chan *loaded
	mu      sync.Mutex
	started []*loaded
	// models is for AWS_DATA_PATH.
	models string
}

type loaded struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

func newLoadedCLI(t *testing.T, processes int) *loadedCLI {
	l := &loadedCLI{free: make(chan *loaded, processes), models: clienttest.Models(t)}
	for range processes {
		l.free <- nil
	}
	t.Cleanup(func() {
		for _, p := range l.started {
			if err := p.stdin.Close(); err != nil {
				t.Error(err)
			}
			if err := p.cmd.Wait(); err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

func (l *loadedCLI) call(c credentials, args []string) (a answer, err error) {
	p := <-l.free
	defer func() { l.free <- p }()
	if p == nil {
		if p, err = l.start(); err != nil {
			return a, err
		}
	}
	request, err := json.Marshal(map[string]any{"args": args, "env": c.environment()})
	if err != nil {
		return a, err
	}
	if _, err := p.stdin.Write(append(request, '\n')); err != nil {
		return a, err
	}
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("testdata/cli.py: %w", err)
	}
	return a, json.Unmarshal(line, &a)
}

func (l *loadedCLI) start() (*loaded, error) {
	cmd := exec.Command("python3", "testdata/cli.py")
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE=testdata/aws-config", "AWS_DATA_PATH="+l.models, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &loaded{cmd, stdin, bufio.NewReader(stdout)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = append(l.started, p)
	return p, cmd.Start()
}
