package crash

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// process is a real server process on a fixed port with state that outlives it.
type process struct {
	binary, data, address string
	cmd                   *exec.Cmd
	log                   bytes.Buffer
}

type clients struct {
	iam           *iam.Client
	organizations *organizations.Client
	inspector     *inspector2.Client
}

func newProcess(t *testing.T) *process {
	t.Helper()
	p := &process{binary: filepath.Join(t.TempDir(), "muster"), data: filepath.Join(t.TempDir(), "data")}
	if out, err := exec.Command("go", "build", "-o", p.binary, "muster/cmd/muster").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	l.Close()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("server log:\n%s", p.log.String())
		}
	})
	return p
}

func (p *process) environment() []string {
	return append(os.Environ(), "MUSTER_DATA="+p.data, "MUSTER_LISTEN="+p.address, "MUSTER_FEEDS_INTERVAL=0s", "MUSTER_TRANSITION=20ms")
}

// start runs the server and waits until it answers.
func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(p.binary, "server")
	p.cmd.Env = p.environment()
	p.cmd.Stderr, p.cmd.Stdout = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		resp, err := http.Get("http://" + p.address + "/healthz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v\n%s", err, p.log.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// kill ends the process without warning.
func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may be gone already
	_ = p.cmd.Wait()
	p.cmd = nil
}

// signUp makes the first account with the operator's command and returns
// clients of its root that never retry by themselves.
func (p *process) signUp(t *testing.T) *clients {
	t.Helper()
	cmd := exec.Command(p.binary, "admin", "create-account", "--name", "management", "--email", "management@example.com")
	cmd.Env = p.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("create-account: %v: %s", err, out)
	}
	var id, secret string
	for _, line := range strings.Split(string(out), "\n") {
		if f := strings.Fields(line); len(f) == 2 {
			switch f[0] {
			case "aws_access_key_id":
				id = f[1]
			case "aws_secret_access_key":
				secret = f[1]
			}
		}
	}
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(fmt.Sprintf("http://%s", p.address)),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	return &clients{iam: iam.NewFromConfig(cfg), organizations: organizations.NewFromConfig(cfg), inspector: inspector2.NewFromConfig(cfg)}
}
