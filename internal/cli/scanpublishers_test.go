package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/feed/feedtest"
)

// TestScanFromPublishers: one command scans with what the publishers have, and
// one fills a folder with which another scans.
func TestScanFromPublishers(t *testing.T) {
	web := feedtest.New(t)
	web.Fill(t)
	var addresses []string
	for source, address := range web.Addresses() {
		addresses = append(addresses, source+"="+address)
	}
	t.Setenv("MUSTER_FEEDS", "")
	t.Setenv("MUSTER_FEEDS_ADDRESSES", strings.Join(addresses, ","))
	dir := t.TempDir()
	machine := filepath.Join(dir, "windows.json")
	text := `{"currentVersion":{"ProductName":"Windows Server 2019 Datacenter","CurrentMajorVersionNumber":10,"CurrentBuild":"17763","UBR":5206}}`
	if err := os.WriteFile(machine, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Main(args, &out, &errs); code != 0 {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, out.String(), errs.String())
		}
		return out.String()
	}
	if got := run("scan", machine, "--cache", filepath.Join(dir, "cache")); !strings.Contains(got, "KB5034127") {
		t.Errorf("from the publishers:\n%s", got)
	}
	feeds := filepath.Join(dir, "feeds")
	run("feeds", "fetch", "--dir", feeds, "--data", filepath.Join(dir, "data"))
	t.Setenv("MUSTER_FEEDS_ADDRESSES", "")
	if got := run("scan", machine, "--cache", filepath.Join(dir, "other"), "--feeds", feeds); !strings.Contains(got, "KB5034127") {
		t.Errorf("from the folder:\n%s", got)
	}
}
