// Package agent is the program that runs on a host: it enrols once, then keeps
// muster informed of what is installed. It watches the package databases, so a
// change is reported within seconds; between changes it sends only a hash.
//
// It reads the host and writes nothing but its own state folder, and it speaks
// only to the one server it was enrolled at. Whatever fails is tried again. What
// could not be delivered waits on the disk: one report, because what is
// installed now is all that counts.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"muster/internal/agentwire"
	"muster/internal/extract"
	"muster/internal/inventory"
	"muster/internal/source/host"
)

// DefaultStateDir is where the agent keeps its identity.
const DefaultStateDir = "/var/lib/muster-agent"

// Config says how the agent runs. Only StateDir is needed.
type Config struct {
	// StateDir holds the identity that Enroll wrote.
	StateDir string
	// Server is where the server of the enrolment is now, if it has moved.
	Server string
	// Root is the folder taken for the machine's root; default "/".
	Root string
	// Paths are folders below which language packages are looked for, besides
	// the default ones.
	Paths []string
	// Version is the agent's own.
	Version string
	// Log receives what the agent does; default: nothing.
	Log *slog.Logger
	// Accepted, if set, is called after every report that the server took.
	Accepted func(Accepted)
	// FullLook is the time between looks at everything when nothing seems to
	// change; default 30 minutes (scanning specification 1.1).
	FullLook time.Duration
	// KeyAge is how old the host's key may become before the agent replaces it
	// unasked; 0 means any age.
	KeyAge time.Duration
	// MaxCPU is how much of one processor a look may take, in percent; 0 means
	// all.
	MaxCPU int
	// Stopping reports whether the machine is going down; default: what
	// systemd says.
	Stopping func() bool
	// Peek is the time between looks at the sockets on which the host listens;
	// default one minute.
	Peek time.Duration
	// Transport replaces the network in tests.
	Transport http.RoundTripper
}

// Accepted describes a report that the server took.
type Accepted struct {
	// Hash is the inventory's; Packages its number of items.
	Hash     string
	Packages int
	// Content says that the inventory itself was sent, not its hash alone;
	// Difference that it was sent as a difference.
	Content, Difference bool
	// Bytes is the size of all bodies that were sent for it, as sent.
	Bytes int
	// CollectedAt is when the packages were looked at.
	CollectedAt time.Time
}

// Agent is an enrolled agent.
type Agent struct {
	cfg    Config
	host   *host.Host
	state  *state
	client *client
	look   func(context.Context) (inventory.Inventory, error)
	watch  func() (watcher, error)
	// wanted is where the server wants language packages to be looked for.
	wanted agentwire.DeepInspection
}

// New prepares the agent with the identity in the state folder, which it
// locks until Close. The errors wrap ErrNotEnrolled, ErrOtherMachine or
// ErrInUse where they are the reason.
func New(cfg Config) (*Agent, error) {
	cfg = cfg.withDefaults()
	h, err := host.Open(cfg.Root)
	if err != nil {
		return nil, err
	}
	st, err := openState(cfg.StateDir, false)
	if err != nil {
		return nil, err
	}
	a := &Agent{cfg: cfg, host: h, state: st}
	if err := a.prepare(); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return a, nil
}

func (a *Agent) prepare() error {
	identity, err := a.state.load()
	if err != nil {
		return err
	}
	if id := a.host.MachineID(); identity.MachineIDHash != "" && id != "" && id != identity.MachineIDHash {
		return fmt.Errorf("%w: %s was enrolled as another machine, of which this seems to be a copy", ErrOtherMachine, a.cfg.StateDir)
	}
	if a.cfg.Server != "" {
		a.state.identity.Server = a.cfg.Server
	}
	a.client, err = newClient(a.state.identity.Server, identity.CA, a.cfg.Transport)
	if err != nil {
		return err
	}
	a.wanted = a.state.deepInspection()
	a.look = func(ctx context.Context) (inventory.Inventory, error) {
		opts, err := lookOptions(a.host, a.paths())
		if err != nil {
			return inventory.Inventory{}, err
		}
		opts.NotInspected = !a.wanted.Active
		a.host.Refresh()
		return extract.Root(ctx, paced(a.host.FS(), a.cfg.MaxCPU), opts)
	}
	a.watch = func() (watcher, error) { return newFolderWatcher(a.host.Root()) }
	return nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Root == "" {
		cfg.Root = "/"
	}
	if cfg.StateDir == "" {
		cfg.StateDir = DefaultStateDir
	}
	if cfg.FullLook <= 0 {
		cfg.FullLook = 30 * time.Minute
	}
	if cfg.Peek <= 0 {
		cfg.Peek = time.Minute
	}
	if cfg.Stopping == nil {
		cfg.Stopping = func() bool { return cfg.Root == "/" && systemStopping() }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

func lookOptions(h *host.Host, paths []string) (extract.Options, error) {
	release, machine, err := h.Kernel()
	if err != nil {
		return extract.Options{}, err
	}
	return extract.ForInstance(release, machine, paths...), nil
}

// Close releases the state folder.
func (a *Agent) Close() error { return a.state.close() }

// Identity is who the agent is to the server.
func (a *Agent) Identity() Identity { return a.state.identity }

// Once looks and reports a single time, and again if the answer wants other
// folders to be looked at. A refusal is a *RefusedError.
func (a *Agent) Once(ctx context.Context) (Accepted, error) {
	r := newReporter(a)
	r.resume()
	w := &witness{agent: a}
	w.look("")
	r.testify(w)
	err := a.lookAndReport(ctx, r)
	if err == nil && r.lookAgain {
		err = a.lookAndReport(ctx, r)
	}
	if err != nil {
		return Accepted{}, err
	}
	return r.last, nil
}

func (a *Agent) lookAndReport(ctx context.Context, r *reporter) error {
	inv, err := a.look(ctx)
	if err != nil {
		return fmt.Errorf("look at the installed packages: %w", err)
	}
	r.set(inv, time.Now())
	if _, err := r.report(ctx); err != nil {
		r.keep()
		return err
	}
	return nil
}

// Run reports until ctx ends or the server has revoked the host, which is a
// *RefusedError; everything else is tried again.
func (a *Agent) Run(ctx context.Context) error {
	w, err := a.watch()
	if err != nil {
		// Without watching the agent still looks every FullLook.
		a.cfg.Log.Warn("watching for changes is not possible", "error", err)
		w = noWatcher{}
	}
	a.cfg.Log.Info("agent start", "host", a.state.identity.HostID, "server", a.state.identity.Server)
	l := newLoop(a, w)
	err = l.run(ctx)
	if ctx.Err() != nil && !l.reportAt.IsZero() && a.cfg.Stopping() {
		l.farewell(context.WithoutCancel(ctx))
	}
	if closing := w.Close(); closing != nil {
		a.cfg.Log.Warn("stop watching", "error", closing)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		a.cfg.Log.Info("agent done")
		return nil
	}
	return err
}

// Describe writes as JSON what a report of this machine would contain.
func Describe(ctx context.Context, w io.Writer, root string, paths []string) error {
	h, err := host.Open(Config{Root: root}.withDefaults().Root)
	if err != nil {
		return err
	}
	opts, err := lookOptions(h, paths)
	if err != nil {
		return err
	}
	inv, err := extract.Root(ctx, h.FS(), opts)
	if err != nil {
		return err
	}
	body, err := agentwire.EncodeInventory(inv)
	if err != nil {
		return err
	}
	_, err = w.Write(append(body, '\n'))
	return err
}
