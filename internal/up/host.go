package up

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// enrol makes this machine a host of the first workload account, with the
// real agent through the real door. An agent that is enrolled stays so.
func (r *run) enrol(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(r.agentState(), "identity.json")); err == nil {
		return nil
	}
	var activation struct {
		ActivationCode string `json:"activationCode"`
	}
	if err := r.muster(ctx, workload1, "CreateActivation", map[string]any{"hostLabel": hostname()}, &activation); err != nil {
		return fmt.Errorf("activation: %w", err)
	}
	r.say("enrolling this machine as a host of %s", workload1)
	cmd := exec.CommandContext(ctx, r.agent, "enroll", "--server", r.endpoint, "--state", r.agentState(), "--label", hostname())
	// The code goes by the environment: arguments can be read by every
	// process of the machine.
	cmd.Env = append(os.Environ(), "MUSTER_ACTIVATION="+activation.ActivationCode)
	dieWithParent(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("agent: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (r *run) agentState() string { return filepath.Join(r.config.Data, "agent") }

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "this-machine"
	}
	return name
}

// watch runs the agent beside the server until the context ends, and starts
// it again should it stop by itself.
func (r *run) watch(ctx context.Context) {
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, r.agent, "run", "--state", r.agentState(), "--server", r.endpoint)
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 5 * time.Second
		cmd.Stderr = r.log
		dieWithParent(cmd)
		err := cmd.Run()
		if ctx.Err() != nil {
			return
		}
		r.logger.Warn("agent stopped, starting it again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// muster calls an operation of muster's own service, signed as AWS's are.
func (r *run) muster(ctx context.Context, profile, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Muster_20261101."+operation)
	cfg := r.as(profile).config
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "muster", r.region, time.Now()); err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", operation, resp.Status, reply)
	}
	return json.Unmarshal(reply, out)
}

// scanned reports whether this machine was scanned with the advisories at
// hand: its coverage says so and no scan job is left.
func (r *run) scanned(ctx context.Context) (bool, error) {
	covered, err := r.covered(ctx)
	if err != nil || !covered {
		return false, err
	}
	return r.server.ScansSettled(ctx)
}
