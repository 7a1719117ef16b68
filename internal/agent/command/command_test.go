package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"muster/internal/agent"
	"muster/internal/agent/install"
	"muster/internal/agentwire"
	"muster/internal/inventory"
)

// run executes a command line.
func run(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Execute(t.Context(), args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

// server enrols everyone who knows the code and takes the first report; the
// second is refused because the host was revoked.
func server(t *testing.T) string {
	t.Helper()
	reports := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		plain, err := agentwire.OpenBody(body, r.Header.Get("Content-Encoding"))
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == agentwire.PathEnroll {
			var in agentwire.EnrollRequest
			if err := json.NewDecoder(plain).Decode(&in); err != nil {
				t.Error(err)
			}
			if in.ActivationCode != "good" {
				w.WriteHeader(http.StatusForbidden)
				reply(t, w, agentwire.ErrorResponse{Code: agentwire.CodeActivation, Message: "unknown code"})
				return
			}
			reply(t, w, agentwire.EnrollResponse{HostID: "i-0123456789abcdef0", AccountID: "111122223333", Region: "eu-central-1"})
			return
		}
		if _, err := agentwire.DecodeReport(plain, inventory.DefaultLimits()); err != nil {
			t.Error(err)
		}
		if reports++; reports > 1 {
			w.WriteHeader(http.StatusForbidden)
			reply(t, w, agentwire.ErrorResponse{Code: agentwire.CodeRevoked, Message: "revoked"})
			return
		}
		reply(t, w, agentwire.ReportResponse{Accepted: true, NextReportSeconds: 60})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func reply(t *testing.T, w io.Writer, answer any) {
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		t.Error(err)
	}
}

func TestTheLifeOfAHost(t *testing.T) {
	url, state, root := server(t), filepath.Join(t.TempDir(), "state"), t.TempDir()
	steps := []struct {
		in   string
		args []string
		code int
		want string
	}{
		{"", []string{"once", "--state", state}, ExitRefused, "not enrolled"},
		{"", []string{"enroll", "--server", url, "--activation", "bad", "--state", state}, ExitRefused, "unknown code"},
		{"good\n", []string{"enroll", "--server", url, "--activation", "-", "--state", state}, ExitOK, "Enrolled as i-0123456789abcdef0 in account 111122223333, Region eu-central-1"},
		{"", []string{"enroll", "--server", url, "--activation", "good", "--state", state}, ExitFailed, "already enrolled"},
		{"", []string{"once", "--state", state}, ExitOK, "packages of i-0123456789abcdef0"},
		{"", []string{"run", "--state", state}, ExitRefused, "HostRevoked"},
	}
	for _, step := range steps {
		code, out, errs := run(t, step.in, append(step.args, "--root", root)...)
		if code != step.code || !strings.Contains(out+errs, step.want) {
			t.Errorf("%v: code %d, want %d; %s%s", step.args, code, step.code, out, errs)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Setenv("MUSTER_ACTIVATION", "")
	for _, args := range [][]string{
		{"enroll"}, {"enroll", "--server", "https://x"}, {"run", "extra"}, {"once", "--unknown"}, {"unknown"},
	} {
		if code, _, errs := run(t, "", args...); code != ExitUsage || errs == "" {
			t.Errorf("%v: code %d, %q", args, code, errs)
		}
	}
	for _, args := range [][]string{{}, {"--help"}, {"enroll", "--help"}, {"run", "--help"}, {"once", "--help"}, {"--version"}} {
		if code, out, _ := run(t, "", args...); code != ExitOK || out == "" {
			t.Errorf("%v: code %d, %q", args, code, out)
		}
	}
}

func TestActivationFromTheEnvironment(t *testing.T) {
	t.Setenv("MUSTER_ACTIVATION", "good")
	state := filepath.Join(t.TempDir(), "state")
	if code, _, errs := run(t, "", "enroll", "--server", server(t), "--state", state); code != ExitOK {
		t.Errorf("code %d, %s", code, errs)
	}
	if code, _, errs := run(t, "", "enroll", "--server", "https://x", "--state", state, "--ca", filepath.Join(state, "absent")); code != ExitFailed {
		t.Errorf("absent authorities: code %d, %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(state, "identity.json")); err != nil {
		t.Error(err)
	}
}

func TestPrint(t *testing.T) {
	code, out, errs := run(t, "", "once", "--print", "--root", t.TempDir())
	if code != ExitOK {
		t.Fatalf("code %d, %s", code, errs)
	}
	if _, err := agentwire.DecodeInventory(strings.NewReader(out), inventory.DefaultLimits()); err != nil {
		t.Error(err)
	}
}

// TestTheUnitIsTheWallBehindTheAgentsOwnBounds holds the systemd unit against
// what the agent keeps to by itself.
func TestTheUnitIsTheWallBehindTheAgentsOwnBounds(t *testing.T) {
	unit, cmd := install.Service(install.Program), newRun()
	number := func(key, unitOfMeasure string) float64 {
		_, rest, _ := strings.Cut(unit, "\n"+key+"=")
		text, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseFloat(strings.TrimSuffix(text, unitOfMeasure), 64)
		if err != nil || !strings.HasSuffix(text, unitOfMeasure) {
			t.Fatalf("%s is %q", key, text)
		}
		return n
	}
	own := func(flag string) float64 {
		n, err := strconv.ParseFloat(cmd.Flags().Lookup(flag).DefValue, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if high, most := number("MemoryHigh", "M"), number("MemoryMax", "M"); high < 2*own("max-memory") || most <= high {
		t.Errorf("MemoryHigh %v and MemoryMax %v MiB, the agent keeps to %v", high, most, own("max-memory"))
	}
	if quota := number("CPUQuota", "%"); quota < own("max-cpu") || quota > 100 {
		t.Errorf("CPUQuota %v, the agent keeps to %v", quota, own("max-cpu"))
	}
	if !strings.Contains(unit, "StateDirectory="+filepath.Base(agent.DefaultStateDir)+"\n") {
		t.Error("the unit's state folder is another than the agent's")
	}
	if want := fmt.Sprintf("RestartPreventExitStatus=%d\n", ExitRefused); !strings.Contains(unit, want) {
		t.Errorf("the unit lacks %q", want)
	}
}
