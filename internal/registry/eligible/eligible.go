// Package eligible decides which images of a registry are scanned and until
// when: by the registry's rules, and by the windows after a push, a pull or a
// use in which an image is scanned again (scanning specification 1.7).
//
// It works on values alone, but for the jobs that follow from a decision.
package eligible

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/registry"
)

// JobRead reads the content of an image; the payload is a registry.Key.
const JobRead = "registry.read"

// JobWindows judges the images of an account, and of the members that it
// administers, after a change of the windows in which they are scanned again;
// the payload is an Administrator.
const JobWindows = "scan.windows-changed"

// Administrator is the account whose configuration changed.
type Administrator struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
}

// WindowsChanged asks for JobWindows in the transaction of the change.
func WindowsChanged(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	body, err := json.Marshal(Administrator{account, region})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobWindows, Key: string(account) + "/" + string(region), Account: string(account), Region: string(region), Payload: body})
}

// ECR's words for how often a repository is scanned, and for who scans.
const (
	Continuous = "CONTINUOUS_SCAN"
	OnPush     = "SCAN_ON_PUSH"
	Manual     = "MANUAL"

	Basic    = "BASIC"
	Enhanced = "ENHANCED"
)

// Everything is the filter that every repository meets.
const Everything = "*"

// InForce is how a registry is scanned: set, which may be nil for never set,
// under the state of Inspector's scanning. Switching Inspector on makes
// scanning enhanced; who then chooses basic scanning has it until the next
// time. Without Inspector there is basic scanning only.
func InForce(set *registry.Scanning, scan activation.Scan) registry.Scanning {
	on := scan.Status == activation.Enabled || scan.Status == activation.Enabling
	switch {
	case !on && set != nil && set.Type == Basic:
		return *set
	case !on:
		return registry.Scanning{Type: Basic}
	case set != nil && (set.Type == Enhanced || set.UpdatedAt.After(scan.ChangedAt)):
		return *set
	}
	return registry.Scanning{Type: Enhanced, Rules: []registry.Rule{{Frequency: Continuous, Filters: []string{Everything}}}}
}

// Frequency is how often Inspector scans a repository: continuously where any
// such rule fits, else on push, and by hand, which is never, where none does.
// applied are the filters that fit in the rules of that frequency.
func Frequency(s registry.Scanning, repository string) (frequency string, applied []string) {
	if s.Type != Enhanced {
		return Manual, nil
	}
	for _, f := range []string{Continuous, OnPush} {
		if applied := Applied(s.Rules, f, repository); applied != nil {
			return f, applied
		}
	}
	return Manual, nil
}

// Applied are the filters of the rules of a frequency that a repository meets.
func Applied(rules []registry.Rule, frequency, repository string) (applied []string) {
	for _, r := range rules {
		for _, f := range r.Filters {
			if r.Frequency == frequency && Meets(repository, f) {
				applied = append(applied, f)
			}
		}
	}
	return applied
}

// Meets reports whether a repository's name meets a filter: it contains the
// text, or, where there is a *, it is the text as a whole with any characters
// for each *.
func Meets(name, filter string) bool {
	parts := strings.Split(filter, "*")
	if len(parts) == 1 {
		return strings.Contains(name, filter)
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		at := strings.Index(name, p)
		if at < 0 {
			return false
		}
		name = name[at+len(p):]
	}
	return true
}

// Windows are the times in which an image is scanned again.
type Windows struct {
	// Push is counted from the push, 0 means for life; Pull from the last
	// pull, or from the last use where ByUse.
	Push, Pull time.Duration
	ByUse      bool
}

// WindowsOf reads an account's configuration; what it leaves out is as AWS has
// it.
func WindowsOf(c activation.Configuration) Windows {
	const day = 24 * time.Hour
	days := map[string]time.Duration{
		"LIFETIME": 0, "DAYS_3": 3 * day, "DAYS_7": 7 * day, "DAYS_14": 14 * day, "DAYS_30": 30 * day, "DAYS_60": 60 * day,
		"DAYS_90": 90 * day, "DAYS_180": 180 * day,
	}
	return Windows{
		Push: days[cmp.Or(c.RescanDuration, "DAYS_14")], Pull: days[cmp.Or(c.PullRescanDuration, "DAYS_14")],
		ByUse: cmp.Or(c.PullRescanMode, "LAST_IN_USE_AT") == "LAST_IN_USE_AT",
	}
}

// active is when an image was last pulled or used, by what counts.
func (w Windows) active(e *registry.Entry) time.Time {
	if w.ByUse {
		return e.UsedAt
	}
	return e.PulledAt
}

// pushed is from when the window after a push counts: who takes an image out of
// the archive has as good as pushed it.
func pushed(e *registry.Entry) time.Time {
	if e.ActivatedAt.After(e.PushedAt) {
		return e.ActivatedAt
	}
	return e.PushedAt
}

// Closes is when the last window of an image closes; the zero time means
// never.
func (w Windows) Closes(e *registry.Entry) time.Time {
	if w.Push == 0 {
		return time.Time{}
	}
	end := pushed(e).Add(w.Push)
	if at := w.active(e); !at.IsZero() && at.Add(w.Pull).After(end) {
		end = at.Add(w.Pull)
	}
	return end
}

// Open reports whether an image is in a window. One whose windows have closed
// stays out, however long windows become, until it is pushed, pulled or used
// again.
func (w Windows) Open(e *registry.Entry, now time.Time) bool {
	if !e.LapsedAt.IsZero() && !pushed(e).After(e.LapsedAt) && !w.active(e).After(e.LapsedAt) {
		return false
	}
	end := w.Closes(e)
	return end.IsZero() || now.Before(end)
}
