package fetch_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/feed/fetch/web"
	"muster/internal/feed/layout"
)

func TestCutTransfersGoOnWhereTheyStopped(t *testing.T) {
	f := newFixture(t)
	long := "BZh" + strings.Repeat("0123456789", 50_000)
	f.web.SetText("/oracle/elsa.xml.bz2", long)
	f.web.Break("/oracle/elsa.xml.bz2", feedtest.Fault{Cut: 200_000, Times: 1})
	f.good("oracle")
	if f.file(layout.OracleOVAL) != long {
		t.Error("the file differs")
	}
	if asked := f.web.Asked(); len(asked) != 2 || !strings.HasSuffix(asked[1], "206") {
		t.Errorf("%v", asked)
	}
}

func TestTransfersGoOnAfterTheProcessEnded(t *testing.T) {
	f := newFixture(t)
	long := "BZh" + strings.Repeat("0123456789", 50_000)
	f.web.SetText("/oracle/elsa.xml.bz2", long)
	f.web.Break("/oracle/elsa.xml.bz2", feedtest.Fault{Cut: 60_000, Times: 1, Then: &feedtest.Fault{Status: 403}})
	f.bad("oracle", layout.OracleOVAL, "403")
	f.web.Mend()
	f.web.Asked()
	f.good("oracle")
	if f.file(layout.OracleOVAL) != long {
		t.Error("the file differs")
	}
	if asked := f.web.Asked(); len(asked) != 1 || !strings.Contains(asked[0], "bytes=60000-") || !strings.HasSuffix(asked[0], "206") {
		t.Errorf("%v", asked)
	}
	f.tidy()
}

func TestAFileThatChangedMeanwhileBeginsAgain(t *testing.T) {
	f := newFixture(t)
	f.web.SetText("/oracle/elsa.xml.bz2", "BZh"+strings.Repeat("a", 100_000))
	f.web.Break("/oracle/elsa.xml.bz2", feedtest.Fault{Cut: 60_000, Times: 1, Then: &feedtest.Fault{Status: 403}})
	f.bad("oracle", layout.OracleOVAL, "403")
	f.web.Mend()
	other := "BZh" + strings.Repeat("b", 100_000)
	f.web.SetText("/oracle/elsa.xml.bz2", other)
	f.good("oracle")
	if f.file(layout.OracleOVAL) != other {
		t.Error("two files were mixed")
	}
}

func TestACompletePartialFileIsNotAskedForBeyondItsEnd(t *testing.T) {
	f := newFixture(t)
	f.good("oracle")
	body := f.file(layout.OracleOVAL)
	part := filepath.Join(f.dir, ".fetch", "oracle!com.oracle.elsa-all.xml.bz2.part")
	write(t, part, body)
	write(t, part+".json", `{"url":"`+f.web.URL+`/oracle/elsa.xml.bz2","etag":"\"`+feedtest.Sum([]byte(body))[:16]+`\""}`)
	if err := os.Remove(filepath.Join(f.dir, layout.OracleOVAL)); err != nil {
		t.Fatal(err)
	}
	f.good("oracle")
	if f.file(layout.OracleOVAL) != body {
		t.Error("the file is not back")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLies: whatever a publisher sends, the file stays as it was, and the
// status says why.
func TestLies(t *testing.T) {
	kev, vex := "/cisa/kev.json", "/redhat/vex/csaf_vex_2026-11-08.tar.zst"
	for name, c := range map[string]struct {
		source, file string
		lie          func(f *fixture)
		why          string
	}{
		"an HTML page": {"kev", layout.KEV, func(f *fixture) {
			f.web.Break(kev, feedtest.Fault{Body: []byte("<!DOCTYPE html><title>Sorry</title>")})
		}, "quarantined: it is an HTML page"},
		"an HTML page in place of XML": {"oracle", layout.OracleOVAL, func(f *fixture) {
			f.web.Break("/oracle/elsa.xml.bz2", feedtest.Fault{Body: []byte("  <html>")})
		}, "quarantined: it is an HTML page"},
		"nothing":       {"kev", layout.KEV, func(f *fixture) { f.web.Break(kev, feedtest.Fault{Body: []byte{}}) }, "the file is empty"},
		"half":          {"kev", layout.KEV, func(f *fixture) { f.web.Break(kev, feedtest.Fault{Body: []byte(feedtest.KEV(9)[:400])}) }, "which no json does"},
		"another thing": {"kev", layout.KEV, func(f *fixture) { f.web.SetText(kev, `{"hello":"you"}`) }, "not a KEV catalogue"},
		"fewer":         {"kev", layout.KEV, func(f *fixture) { f.web.SetText(kev, feedtest.KEV(7)) }, "it has shrunk from 10 records to 7, by more than 20 %"},
		"smaller": {"debian", layout.DebianTracker, func(f *fixture) { f.web.SetText("/debian/tracker/data/json", "{}") },
			"it has shrunk from 70 bytes to 2"},
		"a wrong checksum in metadata": {"amazon", layout.Amazon("2", "core"), func(f *fixture) {
			f.web.Set("/amazon/2/core/2.0/x86_64/1/repodata/updateinfo.xml.gz", feedtest.Gzip(f.t, []byte("<updates/>")))
		}, "the publisher says"},
		"a wrong checksum beside the archive": {"redhat-vex", layout.RedHatVEX, func(f *fixture) {
			f.web.SetVEXArchive(f.t, "csaf_vex_2026-11-08.tar.zst", map[string]string{"2024/cve-2024-0009.json": "{}"})
			f.web.SetText(vex+".sha256", feedtest.Sum(nil))
			f.now = f.now.Add(8 * 24 * time.Hour)
		}, "the publisher says"},
		"a bad archive": {"redhat-vex", layout.RedHatVEX, func(f *fixture) {
			f.web.SetVEXArchive(f.t, "csaf_vex_2026-11-08.tar.zst", nil)
			f.web.SetText(vex, "not zstd")
			f.web.Remove(vex + ".sha256")
			f.now = f.now.Add(8 * 24 * time.Hour)
		}, "quarantined: "},
		"an archive of nothing": {"redhat-vex", layout.RedHatVEX, func(f *fixture) {
			f.web.SetVEXArchive(f.t, "csaf_vex_2026-11-08.tar.zst", nil)
			f.now = f.now.Add(8 * 24 * time.Hour)
		}, "it holds no documents"},
		"a name that leads away": {"redhat-vex", layout.RedHatVEX, func(f *fixture) {
			f.web.SetText("/redhat/vex/archive_latest.txt", "../../etc/passwd")
		}, "is no name of an archive"},
		"a description of another file": {"nvd", layout.NVD("modified"), func(f *fixture) {
			f.web.SetText("/nvd/nvdcve-2.0-modified.meta", "sha256:"+feedtest.Sum([]byte("x")))
		}, "the publisher says"},
		"a longer file than announced": {"kev", layout.KEV, func(f *fixture) {
			f.web.Break(kev, feedtest.Fault{Body: []byte(feedtest.KEV(10) + "x")})
		}, "which no json does"},
		"an endless body": {"kev", layout.KEV, func(f *fixture) { f.web.Break(kev, feedtest.Fault{Endless: true}) }, "more than 67108864 bytes"},
		"silence":         {"kev", layout.KEV, func(f *fixture) { f.web.Break(kev, feedtest.Fault{Hang: true}) }, "no byte came for 200ms"},
		"no index":        {"alpine", layout.Alpine("edge", "main"), func(f *fixture) { f.web.SetText("/alpine", "hello") }, "the index names nothing"},
		"a shorter index": {"alpine", layout.Alpine("v3.20", "main"), func(f *fixture) { f.web.SetText("/alpine", `<a href="edge/">`) }, "names only 1 of 3 files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.good(c.source)
			c.lie(f)
			err := f.bad(c.source, c.file, c.why)
			if refused := new(fetch.RefusedError); errors.As(err, &refused) {
				if s := f.status(c.source); s.NextAt.Sub(s.CheckedAt) < time.Hour {
					t.Errorf("what is refused is asked for again at %s", s.NextAt)
				}
			}
		})
	}
}

func TestAnOperatorTakesAShrunkenFile(t *testing.T) {
	f := newFixture(t)
	f.good("kev")
	f.web.SetText("/cisa/kev.json", feedtest.KEV(1))
	f.bad("kev", layout.KEV, "shrunk")
	if aside, err := os.ReadFile(filepath.Join(f.dir, ".fetch", "quarantine", "kev.json")); err != nil || string(aside) != feedtest.KEV(1) {
		t.Errorf("quarantine: %v", err)
	}
	if r := f.run(fetch.Options{Sources: []string{"kev"}, AcceptShrunken: true}); r[0].Err != nil || f.file(layout.KEV) != feedtest.KEV(1) {
		t.Errorf("%+v", r)
	}
}

func TestServersThatAreBusy(t *testing.T) {
	for name, c := range map[string]struct {
		fault feedtest.Fault
		why   string
		least time.Duration
	}{
		"a short pause":    {feedtest.Fault{Status: 429, RetryAfter: "30", Times: 2}, "", time.Minute},
		"a pause by date":  {feedtest.Fault{Status: 503, RetryAfter: "Fri, 20 Nov 2026 12:01:00 GMT", Times: 1}, "", time.Minute},
		"no word":          {feedtest.Fault{Status: 503, Times: 4}, "", 15 * time.Second},
		"an error":         {feedtest.Fault{Status: 500, Times: 1}, "", time.Second},
		"for good":         {feedtest.Fault{Status: 502}, "502", 15 * time.Second},
		"a long pause":     {feedtest.Fault{Status: 429, RetryAfter: "7200"}, "asks to come back after 2026-11-20T14:00:00Z", 0},
		"forbidden":        {feedtest.Fault{Status: 403}, "403", 0},
		"elsewhere":        {feedtest.Fault{Redirect: "http://elsewhere.example.com/kev.json"}, "the address is not allowed: elsewhere.example.com", 0},
		"around in rings":  {feedtest.Fault{Redirect: "/cisa/kev.json"}, "more than 5 redirects", 0},
		"into a local one": {feedtest.Fault{Redirect: "file:///etc/passwd"}, "not allowed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.web.Break("/cisa/kev.json", c.fault)
			if c.why == "" {
				f.good("kev")
			} else {
				f.bad("kev", layout.KEV, c.why)
			}
			if f.waited < c.least || f.waited > 5*time.Minute {
				t.Errorf("it waited %s", f.waited)
			}
			if s := f.status("kev"); c.fault.RetryAfter == "7200" && s.NextAt.Before(s.CheckedAt.Add(2*time.Hour)) {
				t.Errorf("asked to come back in two hours, comes at %s", s.NextAt)
			}
		})
	}
}

func TestRedirectsToAllowedHostsAreFollowed(t *testing.T) {
	f := newFixture(t)
	other := feedtest.New(t)
	other.SetText("/there.json", feedtest.KEV(5))
	f.web.Break("/cisa/kev.json", feedtest.Fault{Redirect: other.URL + "/there.json"})
	f.bad("kev", layout.KEV, "not allowed")
	f.config = func(c *fetch.Config) { c.Hosts = []string{strings.TrimPrefix(other.URL, "http://")} }
	f.good("kev")
	if f.file(layout.KEV) != feedtest.KEV(5) {
		t.Error("another file")
	}
}

func TestAMirrorListMayNotLeadAway(t *testing.T) {
	f := newFixture(t)
	f.web.SetText("/amazon/2/core/latest/x86_64/mirror.list", "https://elsewhere.example.com/2/core\n")
	f.good("kev")
	r := f.run(fetch.Options{Sources: []string{"amazon"}})
	if r[0].Err == nil || !errors.Is(r[0].Err, web.ErrNotAllowed) || !slices.Contains(r[0].Changed, layout.Amazon("2023", "core")) {
		t.Errorf("one bad repository should not hold up the others: %+v", r)
	}
}

func TestServersWithoutRangesAndValidators(t *testing.T) {
	f := newFixture(t)
	f.web.Break("/cisa/kev.json", feedtest.Fault{Plain: true})
	if changed := f.good("kev"); len(changed) != 1 {
		t.Error(changed)
	}
	if changed := f.good("kev"); len(changed) != 0 {
		t.Errorf("the same content is a change: %v", changed)
	}
}
