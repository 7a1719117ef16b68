package cli

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/collect/collecttest"
)

// TestNetworkCollect: the facts of two accounts, read by one command, are
// what the others work on.
func TestNetworkCollect(t *testing.T) {
	s := collecttest.New(t)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_REGION": "eu-west-1", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
	} {
		t.Setenv(name, value)
	}
	dir := filepath.Join(t.TempDir(), "facts")
	run := func(code int, want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		if got := Main(append([]string{"network"}, args...), &out, &out); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("muster network %v: exit %d, want %d with %q; it said:\n%s", args, got, code, want, out.String())
		}
	}
	run(2, "--out is required", "collect")
	run(2, "need --role", "collect", "--out", dir, "--accounts", "444455556666")
	run(2, "no account id", "collect", "--out", dir, "--role", "reader", "--accounts", "mine")
	run(0, "111122223333 eu-west-1: ", "collect", "--out", dir, "--aws-endpoint", s.URL)
	run(0, "444455556666 eu-west-1: ", "collect", "--out", dir, "--aws-endpoint", s.URL, "--role", "team/reader", "--external-id", "x-1",
		"--accounts", "111122223333,444455556666", "--regions", "all")
	run(0, "YES: ", "why", "i-0bb1", "i-0aa2:5432", "--facts", dir)
	for _, c := range s.Calls() {
		if c.Action == "AssumeRole" && (c.Params.Get("ExternalId") != "x-1" || !strings.HasSuffix(c.Params.Get("RoleArn"), ":role/team/reader")) {
			t.Errorf("assumed %v", c.Params)
		}
	}
	s.Fail = func(c collecttest.Call) *collecttest.Failure {
		if c.Action == "DescribeVpnGateways" || c.Account == "444455556666" && c.Action == "DescribeVpcs" {
			return &collecttest.Failure{Status: http.StatusForbidden, Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation."}
		}
		return nil
	}
	run(3, "not answered: ec2:DescribeVpnGateways: UnauthorizedOperation", "collect", "--out", dir, "--aws-endpoint", s.URL)
	run(0, "not complete; not answered: ec2:DescribeVpnGateways: UnauthorizedOperation", "why", "i-0bb1", "i-0aa2:5432", "--facts", dir)
	run(1, "1 of 2 accounts and Regions could not be read", "collect", "--out", dir, "--aws-endpoint", s.URL, "--role", "r", "--accounts", "111122223333,444455556666")
}
