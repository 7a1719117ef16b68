package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/testshared"
)

// TestScanCommand: exit codes, and words that help, for right and wrong input.
func TestScanCommand(t *testing.T) {
	shared := testshared.Dir(t)
	targets, dir := filepath.Join(shared, "targets"), t.TempDir()
	t.Setenv("MUSTER_FEEDS", filepath.Join(shared, "advisories", "small"))
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	redash := filepath.Join(targets, "lockfiles/redash-2018/package-lock.json")
	amazon := filepath.Join(targets, "inspector/amazonlinux-latest/sbom.cdx.json")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--help", 0, "Exit codes:"},
		{"", 2, "takes one target"},
		{"a b", 2, "takes one target"},
		{redash, 0, "vulnerabilities:"},
		{"lock:" + redash + " --fail-on critical", 3, "the worst finding is CRITICAL"},
		{"lock:" + redash + " --fail-on nonsense", 2, "--fail-on"},
		{"lock:" + redash + " --format nonsense", 2, "is none of cyclonedx"},
		{"lock:" + redash + " --platform nonsense", 2, "--platform"},
		{"lock:" + redash + " --dev nonsense", 2, "is none of include, exclude"},
		{"lock:" + redash, 0, " dev "},
		{"lock:" + redash + " --feeds /nowhere", 1, "feeds folder"},
		{"lock:" + redash + " --feeds " + dir, 1, "nothing there"},
		{"lock:" + redash + " --output /nowhere/report", 1, "nowhere"},
		{amazon, 0, "Nothing could be judged"},
		{amazon + " --strict", 4, "could not be judged"},
		{filepath.Join(targets, "lockfiles/boulder-2021/go.mod") + " --explain CVE-2022-41723", 0, "is reported"},
		{filepath.Join(dir, "absent"), 1, "no file or folder"},
		{"lock:" + filepath.Join(dir, "absent.lock"), 1, "no file or folder"},
		{"lock:" + filepath.Join(dir, "go.mod"), 1, "no file or folder"},
		{"lock:" + put("package-lock.json", "{ cut"), 1, "package-lock.json"},
		{"sbom:" + put("a.json", "[1]"), 1, "not an SBOM"},
		{"sbom:" + put("b.json", `{"bomFormat":"CycloneDX","components":[{`), 1, "not an SBOM"},
		{"archive:" + put("c.tar", "hello"), 1, "not an image"},
		{"archive:" + put("d.zip", "PK\x03\x04 cut"), 1, "zip"},
		{"dir:" + filepath.Join(dir, "c.tar"), 1, "not a folder"},
		{"sbom:/dev/null", 1, "write it to a file first"},
		{"/dev/null", 1, "write it to a file first"},
		{put("e.txt", "hello"), 1, "where you know better"},
		{"debian:12", 1, "image:debian:12"},
		{"image:", 1, "nothing after the colon"},
		{"image:UPPER CASE", 2, ""},
		{"image:127.0.0.1:1/a:1", 1, "connect"},
	} {
		var out bytes.Buffer
		args := append([]string{"scan", "--cache", filepath.Join(dir, "cache")}, strings.Fields(c.args)...)
		code := Main(args, &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("muster scan %s: exit %d, want %d with %q; it said:\n%.1500s", c.args, code, c.code, c.want, out.String())
		}
	}
}

// TestScanReportFile: a report goes to a file as a whole, and is what standard
// output would have got.
func TestScanReportFile(t *testing.T) {
	shared := testshared.Dir(t)
	dir := t.TempDir()
	args := []string{
		"scan", filepath.Join(shared, "targets/os/apk-syft"), "--feeds", filepath.Join(shared, "advisories", "small"),
		"--cache", filepath.Join(dir, "cache"), "--format", "json",
	}
	var out, messages bytes.Buffer
	if code := Main(args, &out, &messages); code != 0 || !json.Valid(out.Bytes()) {
		t.Fatalf("exit %d, %s", code, messages.String())
	}
	file := filepath.Join(dir, "report.json")
	if code := Main(append(args, "--output", file), &messages, &messages); code != 0 {
		t.Fatal(messages.String())
	}
	data, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(data, out.Bytes()) {
		t.Errorf("the file differs, %v", err)
	}
}
