package feedscmd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"muster/internal/cli/feedscmd"
	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestStory runs the scripts in testdata.
func TestStory(t *testing.T) {
	w := &world{t: t, web: feedtest.New(t), sites: map[string]*site{}, now: time.Now()}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"muster": w.muster, "publish": w.publish, "cut": cutFile, "forge": forgeFile,
		},
	})
}

// world is publishers, a clock and installations by name.
type world struct {
	t     *testing.T
	web   *feedtest.Server
	sites map[string]*site
	now   time.Time
}

// site is the installation of a name. That of "online" has a network.
func (w *world) site(ts *testscript.TestScript, name string) *site {
	if s := w.sites[name]; s != nil {
		return s
	}
	s := &site{t: w.t, store: storetest.Open(w.t, "sqlite:"+ts.MkAbs(name+".db"), store.Options{}), dir: ts.MkAbs(name)}
	s.settings = feedscmd.Settings{Source: "imported", Fetch: fetch.Config{Dir: filepath.Join(s.dir, "feeds")}}
	if name == "online" {
		s.settings.Source = ""
		s.settings.Fetch.Addresses = w.web.Addresses()
		s.settings.Fetch.Sources = []string{"osv", "kev", "epss", "debian", "nvd"}
		s.settings.Fetch.Now = func() time.Time { return w.now }
		s.settings.Fetch.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	w.sites[name] = s
	return s
}

// muster runs "muster feeds ARGS" on a site; time passes.
func (w *world) muster(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: muster SITE COMMAND…")
	}
	w.now = w.now.Add(time.Second)
	s := w.site(ts, args[0])
	cmd := feedscmd.New(feedscmd.Openers{
		State: func(*cobra.Command) (feedscmd.State, error) {
			return feedscmd.State{Settings: s.settings, Store: s.store, Dir: filepath.Join(s.dir, "advisories"), Close: func() {}}, nil
		},
		Settings: func(*cobra.Command) (feedscmd.Settings, error) { return s.settings, nil },
	})
	for i, a := range args[1:] {
		if _, err := os.Stat(ts.MkAbs(a)); err == nil || strings.HasSuffix(a, ".bundle") || a == "key" {
			args[1+i] = ts.MkAbs(a)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(args[1:])
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(w.t.Context())
	if err != nil {
		fmt.Fprintln(&stderr, err)
	}
	here := ts.MkAbs(".") + string(filepath.Separator)
	fmt.Fprint(ts.Stdout(), strings.ReplaceAll(stdout.String(), here, ""))
	fmt.Fprint(ts.Stderr(), strings.ReplaceAll(stderr.String(), here, ""))
	if (err != nil) != neg {
		ts.Fatalf("muster %v: %v", args, err)
	}
}

// publish is what the publishers do.
func (w *world) publish(ts *testscript.TestScript, _ bool, args []string) {
	arg := func(i int) string {
		if i >= len(args) {
			ts.Fatalf("publish %v: too few arguments", args)
		}
		return args[i]
	}
	number := func(i int) int {
		n, err := strconv.Atoi(arg(i))
		ts.Check(err)
		return n
	}
	switch arg(0) {
	case "fill":
		w.web.Fill(w.t)
	case "change":
		w.web.Change(number(1), arg(2), arg(3))
	case "cut":
		w.web.Break(arg(1), feedtest.Fault{Cut: number(2), Times: 1})
	case "body":
		w.web.Break(arg(1), feedtest.Fault{Body: []byte(arg(2))})
	case "redirect":
		w.web.Break(arg(1), feedtest.Fault{Redirect: arg(2)})
	case "busy":
		w.web.Break(arg(1), feedtest.Fault{Status: 503, RetryAfter: arg(2)})
	case "mend":
		w.web.Mend()
	case "asked":
		fmt.Fprintln(ts.Stdout(), strings.Join(w.web.Asked(), "\n"))
	default:
		ts.Fatalf("publish %s: unknown", arg(0))
	}
}

// cutFile copies the beginning of a file: cut FROM TO BYTES.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(ts.ReadFile(args[0])[:n]), 0o644))
}

// forgeFile copies a bundle and changes what its manifest says: forge FROM TO.
func forgeFile(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.Replace(ts.ReadFile(args[0]), `"licence": "CC0-1.0"`, `"licence": "CC0-2.0"`, 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}
