package up

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// demonstration is what later starts remember of the first one. Once it is
// written the organization belongs to whoever uses it: nothing that they
// change is set right again, and nothing that they take away is missed.
type demonstration struct {
	Accounts map[string]string `json:"accounts"`
	// Shown says that the first findings have been reported.
	Shown bool `json:"shown"`
}

func (r *run) demonstrationFile() string {
	return filepath.Join(r.config.Data, "demonstration.json")
}

// remember reports whether the demonstration is complete, and reads it.
func (r *run) remember() (bool, error) {
	body, err := os.ReadFile(r.demonstrationFile())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var d demonstration
	if err := json.Unmarshal(body, &d); err != nil {
		return false, fmt.Errorf("%s: %w", r.demonstrationFile(), err)
	}
	r.accounts, r.shown = d.Accounts, d.Shown
	return true, nil
}

// note writes the demonstration down.
func (r *run) note() error {
	body, err := json.Marshal(demonstration{r.accounts, r.shown})
	if err != nil {
		return err
	}
	return writeFile(r.demonstrationFile(), append(body, '\n'))
}

// build makes the demonstration while advisories are loaded. Every step looks
// first at what is there, so that an interrupted start continues.
func (r *run) build(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.advisories(ctx) })
	g.Go(func() error {
		for _, step := range []func(context.Context) error{r.organization, r.scanning, r.enrol} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return r.note()
}

// resume is a later start: only the address may be another one.
func (r *run) resume(ctx context.Context) error {
	if err := r.profiles.writeConfig(r.endpoint, r.region); err != nil {
		return err
	}
	return r.advisories(ctx)
}

// patience is how long a later start waits for scans before it reports.
const patience = time.Minute

// show reports the findings: the first time when this machine has been
// scanned, later what there is. Whatever the account that is asked has become,
// the server goes on serving.
func (r *run) show(ctx context.Context) error {
	whose, wait := "on this machine, as the delegated administrator sees them", r.settled
	if r.shown {
		whose = "that the " + audit + " account sees"
		wait = func(ctx context.Context) error {
			return until(ctx, "scans", patience, func() (bool, error) { return r.server.ScansSettled(ctx) })
		}
	}
	err := wait(ctx)
	if err != nil && ctx.Err() == nil {
		r.say("reporting as far as it has come: %v", err)
	}
	if err = r.report(ctx, whose); err == nil {
		r.shown = true
		return r.note()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.say("nothing to report: %v", err)
	return r.printHowTo(ctx)
}
