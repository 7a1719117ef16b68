// Package up is the one-machine shape: it starts the server on its embedded
// store and, on the first start, builds a demonstration organization through
// the server's own public API, with this machine as a host of it. Every step
// looks first at what is there, so that an interrupted start continues.
package up

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"muster/internal/config"
	"muster/internal/server"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

// region is where the demonstration organization lives.
const region = "us-east-1"

// Options say how to start.
type Options struct {
	Config config.Config
	// Bare starts the server alone, without the demonstration organization.
	Bare bool
	// Out gets progress and the report; Log the log lines.
	Out, Log io.Writer
	Logger   *slog.Logger
}

// run is one start of the one-machine shape.
type run struct {
	config   config.Config
	server   *server.Server
	operator *server.Operator
	endpoint string
	region   string
	http     aws.HTTPClient
	profiles *profiles
	// accounts are the ids of the demonstration accounts by name.
	accounts map[string]string
	// shown: the first findings have been reported.
	shown bool
	// agent is the path of the agent's binary.
	agent   string
	out     io.Writer
	log     io.Writer
	logger  *slog.Logger
	started time.Time
}

// Run starts and serves until the context ends.
func Run(ctx context.Context, o Options) error {
	started := time.Now()
	if err := os.MkdirAll(o.Config.Data, 0o700); err != nil {
		return err
	}
	srv, err := server.New(ctx, o.Config, o.Logger)
	if err != nil {
		return err
	}
	r := &run{
		config: o.Config, server: srv, operator: srv.Operator(), endpoint: srv.URL(), region: region, http: HTTPClient(),
		accounts: map[string]string{}, out: o.Out, log: o.Log, logger: o.Logger, started: started,
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return srv.Run(ctx) })
	g.Go(func() error {
		if o.Bare {
			return r.bare(ctx)
		}
		return r.demonstrate(ctx)
	})
	err = g.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, srv.Close())
}

// bare only says where the server is; advisories come by the schedule.
func (r *run) bare(context.Context) error {
	r.say("listening at %s, state in %s", r.endpoint, r.config.Data)
	fmt.Fprintf(r.out, "\nNo account yet? muster admin create-account --data %s --name NAME --email ADDRESS\n", r.config.Data)
	return nil
}

// demonstrate builds the organization on the first start, waits for the
// findings and reports them; meanwhile the agent watches.
func (r *run) demonstrate(ctx context.Context) error {
	var err error
	if r.profiles, err = readProfiles(r.config.Data); err != nil {
		return err
	}
	if r.agent, err = agentBinary(); err != nil {
		return err
	}
	known, err := r.remember()
	if err != nil {
		return err
	}
	r.say("muster listens at %s, state in %s", r.endpoint, r.config.Data)
	begin := r.build
	if known {
		begin = r.resume
	}
	if err := begin(ctx); err != nil {
		return err
	}
	watching := make(chan struct{})
	go func() { defer close(watching); r.watch(ctx) }()
	if !r.server.HasAdvisories(ctx) {
		if err := r.printHowTo(ctx); err != nil {
			return err
		}
		if err := r.awaitAdvisories(ctx); err != nil {
			return err
		}
	}
	if err := r.show(ctx); err != nil {
		return err
	}
	<-watching
	return nil
}

// advisories loads them once at the start; later ones come by the schedule.
// Without any the server serves all the same: they can be given while it runs.
func (r *run) advisories(ctx context.Context) error {
	source := r.config.Feeds
	if source == "" {
		source = "the publishers"
	}
	r.say("loading advisories from %s", source)
	report, err := r.server.SyncFeeds(ctx, func(source string, done, total int) {
		r.say("advisories: %s (%d of %d)", source, done, total)
	})
	switch {
	case err == nil:
		r.say("%d records of %d sources in service", report.Records, report.Sources)
	case ctx.Err() != nil:
		return ctx.Err()
	case r.server.HasAdvisories(ctx):
		r.say("some advisories could not be refreshed, going on with those at hand: %v", err)
	default:
		r.say("no advisories could be loaded: %v", err)
		r.say("without them nothing can be found. Give a folder or mirror with --feeds DIR-or-URL or MUSTER_FEEDS,")
		r.say("or while this runs: muster feeds sync --data %s --from DIR-or-URL", r.config.Data)
	}
	return nil
}

// awaitAdvisories waits until somebody has given some.
func (r *run) awaitAdvisories(ctx context.Context) error {
	r.say("waiting for advisories")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !r.server.HasAdvisories(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// settled waits until this machine has been scanned and no scan is due.
func (r *run) settled(ctx context.Context) error {
	r.say("scanning this machine")
	return until(ctx, "first scan", 5*time.Minute, func() (bool, error) { return r.scanned(ctx) })
}

// say prints one line of progress with the time since the start.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.out, "%6.1fs  %s\n", time.Since(r.started).Seconds(), fmt.Sprintf(format, args...))
}

func (r *run) blank() { fmt.Fprintln(r.out) }

// as gives the clients of a written profile.
func (r *run) as(profile string) *clients {
	return r.clients(r.profiles.keys[profile], "")
}

// agentBinary finds muster-agent beside this program.
func agentBinary() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), "muster-agent")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("muster-agent is not beside %s: build both with 'make build'", self)
	}
	return path, nil
}
