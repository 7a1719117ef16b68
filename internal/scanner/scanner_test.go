package scanner_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
	"muster/internal/testshared"
)

// shared scans a target of the shared data with the small advisories, which
// hold everything that touches it.
func shared(t testing.TB, cache, target string) *scanner.Result {
	t.Helper()
	dir := testshared.Dir(t)
	kind, path, _ := strings.Cut(target, ":")
	parsed, err := scanner.ParseTarget(kind + ":" + filepath.Join(dir, "targets", path))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scanner.Scan(t.Context(), parsed, scanner.Options{
		Advisories: knowledge.Config{Location: filepath.Join(dir, "advisories", "small"), Dir: cache},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write is a result in a format.
func write(t testing.TB, f report.Format, r *scanner.Result) string {
	t.Helper()
	var buf bytes.Buffer
	if err := report.Write(&buf, f, r, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// ids are the findings as "id package version fix", sorted as reported.
func ids(r *scanner.Result) string {
	var b strings.Builder
	for _, f := range r.Findings {
		for _, a := range f.Affects {
			b.WriteString(f.Package.VulnerabilityID + " " + a.Item.Name + " " + a.Item.Version + " " + a.FixedVersion + "\n")
		}
	}
	return b.String()
}

// TestRealTargets: what is found at least, how many packages, what is judged;
// the same bytes twice in every form; and the same findings when the target
// comes back as an SBOM of our own.
func TestRealTargets(t *testing.T) {
	cache := t.TempDir()
	for target, want := range map[string]struct {
		packages int
		finding  string
		gaps     int
	}{
		"lock:lockfiles/redash-2018/package-lock.json":    {1291, "CVE-2025-7339 on-headers 1.0.1 1.1.0", 0},
		"lock:lockfiles/boulder-2021/go.mod":              {76, "CVE-2022-41723 golang.org/x/net v0.0.0-20210405180319-a5a99cb37ef4 0.7.0", 0},
		"lock:lockfiles/rubygems-org-2019/Gemfile.lock":   {176, "CVE-2020-8130 rake 12.3.1 12.3.3", 0},
		"dir:os/node-latest-dpkg":                         {391, "CVE-2023-50387", 0},
		"dir:os/apk-trivy":                                {15, "", 1},
		"sbom:sbom/alpine.cdx.xml":                        {14, "CVE-2018-25032 zlib 1.2.10-r0", 0},
		"sbom:inspector/amazonlinux-latest/sbom.cdx.json": {137, "", 1},
	} {
		r := shared(t, cache, target)
		if len(r.Inventory.Items) != want.packages || len(r.Gaps()) != want.gaps || !strings.Contains(ids(r), want.finding) {
			t.Errorf("%s: %d packages, gaps %+v, findings\n%.2000s", target, len(r.Inventory.Items), r.Gaps(), ids(r))
		}
		again := shared(t, cache, target)
		for _, f := range report.Formats() {
			if write(t, f, r) != write(t, f, again) {
				t.Errorf("%s as %s: two scans differ", target, f)
			}
		}
		for _, f := range []report.Format{"cyclonedx-1.4", "cyclonedx", "spdx"} {
			file := filepath.Join(t.TempDir(), "bom.json")
			if err := os.WriteFile(file, []byte(write(t, f, r)), 0o644); err != nil {
				t.Fatal(err)
			}
			back, err := scanner.Scan(t.Context(), scanner.Target{Kind: scanner.SBOM, Name: file}, scanner.Options{
				Advisories: knowledge.Config{Location: filepath.Join(testshared.Dir(t), "advisories", "small"), Dir: cache},
			})
			if err != nil || ids(back) != ids(r) {
				t.Errorf("%s through %s: other findings, %v", target, f, err)
			}
		}
	}
}

// TestSupport: the end of support is told for the families that publish one.
func TestSupport(t *testing.T) {
	cache, feeds := t.TempDir(), t.TempDir()
	for _, name := range []string{"eol.json", "kev.json"} { // the latter for its date
		data, err := os.ReadFile(filepath.Join(testshared.Dir(t), "advisories", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(feeds, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for release, want := range map[string]string{
		"ID=debian\nVERSION_ID=10":                                     "support ended on 2024-06-30",
		"ID=debian\nVERSION_ID=12":                                     "supported until 2028-06-30",
		"ID=ubuntu\nVERSION_ID=18.04":                                  "support ended on 2023-05-31; with Ubuntu Pro until 2028-",
		"ID=ubuntu\nVERSION_ID=24.10":                                  "support ended on 2025-07-10",
		"ID=ubuntu\nVERSION_ID=24.04":                                  "supported until 2029-05-31; with Ubuntu Pro until 2036-",
		"ID=alpine\nVERSION_ID=3.18.4":                                 "support ended on 2025-05-09",
		"ID=alpine\nVERSION_ID=3.24.0":                                 "supported until 2028-06-01",
		"ID=rhel\nVERSION_ID=7.9":                                      "support ended on 2024-06-30",
		"ID=centos\nVERSION_ID=8\nPRETTY_NAME=\"CentOS Linux 8\"":      "support ended on 2021-12-31",
		"ID=centos\nVERSION_ID=9\nPRETTY_NAME=\"CentOS Stream 9\"":     "supported until 2027-05-31",
		"ID=amzn\nVERSION_ID=2018.03":                                  "support ended on 2023-12-31",
		"ID=amzn\nVERSION_ID=2023":                                     "supported until 2029-06-30",
		"ID=ol\nVERSION_ID=7.9":                                        "support ended on 2024-12-31",
		"ID=sles\nVERSION_ID=15.7\nPRETTY_NAME=\"SUSE Linux 15 SP7\"":  "supported until 2031-07-31",
		"ID=sle-micro\nVERSION_ID=5.2\nPRETTY_NAME=\"SUSE Micro 5.2\"": "support ended on 2026-04-30",
		"ID=fedora\nVERSION_ID=38":                                     "support ended on 2024-05-21",
		"ID=opensuse-leap\nVERSION_ID=15.4":                            "support ended on 2023-12-07",
		"ID=photon\nVERSION_ID=3.0":                                    "support ended on 2025-10-02",
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"etc/os-release":      release,
			"var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		} {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := scanner.Scan(t.Context(), scanner.Target{Kind: scanner.Dir, Name: dir}, scanner.Options{
			Advisories: knowledge.Config{Location: feeds, Dir: cache},
		})
		if err != nil {
			t.Fatal(err)
		}
		if text := write(t, report.Table, r); !strings.Contains(text, want) {
			t.Errorf("%s: want %q\n%s", release, want, text)
		}
	}
}

// TestNothingIsNotSafety: a table says "no known vulnerabilities" only where
// everything was judged.
func TestNothingIsNotSafety(t *testing.T) {
	cache := t.TempDir()
	text := write(t, report.Table, shared(t, cache, "sbom:inspector/amazonlinux-latest/sbom.cdx.json"))
	if !strings.Contains(text, "Nothing could be judged.") || !strings.Contains(text, "NOT JUDGED: there are no advisories of Amazon Linux") {
		t.Error(text)
	}
	text = write(t, report.Table, shared(t, cache, "lock:lockfiles/fastapi-template-2024/uv.lock"))
	if strings.Contains(text, "NOT JUDGED") {
		t.Error(text)
	}
	text = write(t, report.Table, shared(t, cache, "archive:images/alpine-310.tar.gz"))
	if !strings.Contains(text, "support ended on 2021-05-01") {
		t.Error(text)
	}
}

func TestParseTarget(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for text, want := range map[string]string{
		"dir:/":                     "dir:/",
		"image:debian:12":           "image:debian:12",
		dir:                         "dir:" + dir,
		put("go.mod", "module x\n"): "lock:" + filepath.Join(dir, "go.mod"),
		put("a.json", `{"bomFormat":"CycloneDX"}`): "sbom:" + filepath.Join(dir, "a.json"),
		put("a.bin", "PK\x03\x04"):                 "archive:" + filepath.Join(dir, "a.bin"),
		"":                                         "it is empty",
		"lock:":                                    "nothing after the colon",
		"debian:12":                                "image:debian:12",
		filepath.Join(dir, "absent"):               "no file or folder",
		"lock:" + filepath.Join(dir, "absent.lock"): "no file or folder",
		"nginx":                   "write image:nginx",
		"ghcr.example/team/app:1": "write image:ghcr.example/team/app:1",
		"docker://nginx:1":        "write image:nginx:1",
		put("a.txt", "hello"):     "is no lock file, SBOM, archive or disk",
	} {
		got, err := scanner.ParseTarget(text)
		switch {
		case err != nil && !errors.Is(err, scanner.ErrTarget):
			t.Errorf("%q: %v is not ErrTarget", text, err)
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want %s", text, err, want)
		case err == nil && got.String() != want:
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestExplain: both that something is reported and that it is not have a
// reason that a reader can check.
func TestExplain(t *testing.T) {
	dir := testshared.Dir(t)
	for id, want := range map[string][]string{
		"CVE-2022-41723": {"is reported", "GHSA-vvpx-j8f3-3w6h: the version lies within the range", "[0, 0.7.0)", "in go.mod"},
		"CVE-2000-0001":  {"is not reported", "No advisory at hand"},
	} {
		r, err := scanner.Scan(t.Context(), scanner.Target{Kind: scanner.Lock, Name: filepath.Join(dir, "targets/lockfiles/boulder-2021/go.mod")}, scanner.Options{
			Advisories: knowledge.Config{Location: filepath.Join(dir, "advisories", "small"), Dir: t.TempDir()}, Explain: id,
		})
		if err != nil {
			t.Fatal(err)
		}
		text := write(t, report.Table, r)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", id, w, text)
			}
		}
	}
}

// TestExplanationAgrees: what is reported is explained as reported, package by
// package.
func TestExplanationAgrees(t *testing.T) {
	cache := t.TempDir()
	dir := testshared.Dir(t)
	target := scanner.Target{Kind: scanner.Lock, Name: filepath.Join(dir, "targets/lockfiles/boulder-2021/go.mod")}
	opts := scanner.Options{Advisories: knowledge.Config{Location: filepath.Join(dir, "advisories", "small"), Dir: cache}}
	r, err := scanner.Scan(t.Context(), target, opts)
	if err != nil || len(r.Findings) < 20 {
		t.Fatalf("%d findings, %v", len(r.Findings), err)
	}
	for _, f := range r.Findings[:20] {
		opts.Explain = f.Package.VulnerabilityID
		explained, err := scanner.Scan(t.Context(), target, opts)
		if err != nil {
			t.Fatal(err)
		}
		reported := 0
		for _, d := range explained.Explanation.Decisions {
			if d.Reported {
				reported++
			}
		}
		if !explained.Explanation.Reported || reported != len(f.Affects) {
			t.Errorf("%s: %d packages explained as reported, %d are", opts.Explain, reported, len(f.Affects))
		}
	}
}

// BenchmarkWarm is a scan with everything compiled, without the start of a
// process: the lock file of 1,291 npm packages, the SBOM of an image.
func BenchmarkWarm(b *testing.B) {
	cache := b.TempDir()
	for _, target := range []string{
		"lock:lockfiles/redash-2018/package-lock.json", "sbom:inspector/node-latest/sbom.cdx.json", "dir:os/bookworm-developer-machine",
	} {
		b.Run(filepath.Base(target), func(b *testing.B) {
			dir := testshared.Dir(b)
			kind, path, _ := strings.Cut(target, ":")
			opts := scanner.Options{Advisories: knowledge.Config{Location: filepath.Join(dir, "advisories"), Dir: cache}}
			for b.Loop() {
				if _, err := scanner.Scan(b.Context(), scanner.Target{Kind: scanner.Kind(kind), Name: filepath.Join(dir, "targets", path)}, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
