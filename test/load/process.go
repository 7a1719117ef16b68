package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// process is a `muster server` on a fixed address with state that outlives it.
type process struct {
	muster, address string
	environment     []string
	cmd             *exec.Cmd
	log             bytes.Buffer // what it wrote, read when it has ended
}

func newProcess(c Config) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	return &process{muster: c.Muster, address: address, environment: append(os.Environ(),
		"MUSTER_DATA="+filepath.Join(c.Data, "data"), "MUSTER_LISTEN="+address, "MUSTER_STORE="+c.Store, "MUSTER_FEEDS_INTERVAL=0s",
		"MUSTER_TRANSITION=1ms", "MUSTER_SINK_NETWORKS=127.0.0.0/8")}, l.Close()
}

// start runs the server until it answers.
func (p *process) start(ctx context.Context) error {
	p.log.Reset()
	p.cmd = exec.Command(p.muster, "server")
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.environment, &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); ; {
		if res, err := http.Get("http://" + p.address + "/healthz"); err == nil {
			status := res.StatusCode
			if err := res.Body.Close(); err == nil && status == http.StatusOK {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return errors.Join(errors.New("the server does not answer"), p.stop())
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), p.stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server as an operator does; one that has ended stays so.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the server has ended: %w: %s", err, p.log.String())
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the server: %w: %s", err, p.log.String())
	}
	return nil
}

// command runs one of the operator's commands.
func (p *process) command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, p.muster, args...)
	cmd.Env = p.environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("muster %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

func (p *process) account(ctx context.Context, name string) (*account, error) {
	out, err := p.command(ctx, "admin", "create-account", "--name", name, "--email", name+"@example.com")
	field := map[string]string{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 2 {
			field[f[0]] = f[1]
		}
	}
	return &account{url: "http://" + p.address, credentials: aws.Credentials{AccessKeyID: field["aws_access_key_id"], SecretAccessKey: field["aws_secret_access_key"]}}, err
}

// used is what the running server has used of processors; 0 where the system
// does not tell.
func (p *process) used() time.Duration {
	if p.cmd == nil {
		return 0
	}
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name may hold anything; the fields after it are counted from 3.
	fields := strings.Fields(string(body[bytes.LastIndexByte(body, ')')+1:]))
	const ticks = 100 // a second, on every Linux
	var sum int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// memory is what the running server takes now and took at most, in MiB.
func (p *process) memory() (now, peak float64) {
	if p.cmd == nil {
		return 0, 0
	}
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	read := func(name string) float64 {
		for line := range strings.Lines(string(body)) {
			if rest, ok := strings.CutPrefix(line, name+":"); ok {
				if n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
					return n / 1024
				}
			}
		}
		return 0
	}
	return read("VmRSS"), read("VmHWM")
}
