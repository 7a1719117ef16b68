package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"encoding/json"
)

// errNotYet is what may still come about; everything else is wrong for good.
var errNotYet = errors.New("not yet")

// settled waits until every account shows what its hosts reported.
func (o *outing) settled(ctx context.Context) error {
	deadline := time.Now().Add(o.Patience)
	for _, a := range o.accounts {
		for {
			err := errors.Join(o.findings(ctx, a), o.coverage(ctx, a))
			if err == nil {
				break
			}
			put, _ := errors.AsType[*refusal](err)
			if !errors.Is(err, errNotYet) && (put == nil || put.after == 0) || time.Now().After(deadline) {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
	return nil
}

// pages reads all pages of a list.
func pages[T any](ctx context.Context, a *account, path string, take func(T) error) error {
	in := map[string]any{"maxResults": 100}
	for {
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		var page struct {
			Findings         []T
			CoveredResources []T
			NextToken        string
		}
		if err := a.post(ctx, path, string(body), &page); err != nil {
			return err
		}
		for _, item := range append(page.Findings, page.CoveredResources...) {
			if err := take(item); err != nil {
				return err
			}
		}
		if page.NextToken == "" {
			return nil
		}
		in["nextToken"] = page.NextToken
	}
}

type listed struct {
	FindingArn, Status          string
	PackageVulnerabilityDetails struct{ VulnerabilityID string }
	Resources                   []struct{ ID string }
}

// findings holds an account's findings to what its hosts have, and to what was
// told of them.
func (o *outing) findings(ctx context.Context, a *account) error {
	arns := map[string]bool{}
	found := map[string]map[string]string{}
	err := pages(ctx, a, "/findings/list", func(f listed) error {
		id, cve := f.Resources[0].ID, f.PackageVulnerabilityDetails.VulnerabilityID
		if arns[f.FindingArn] || found[id][cve] != "" {
			return fmt.Errorf("finding %s of %s is listed twice", cve, id)
		}
		arns[f.FindingArn] = true
		if found[id] == nil {
			found[id] = map[string]string{}
		}
		found[id][cve] = f.Status
		if opened, last := o.events.told(f.FindingArn); !opened || last != f.Status {
			return fmt.Errorf("%w: %s of %s is %s, it was told to be %q", errNotYet, cve, id, f.Status, last)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, h := range a.hosts {
		if want := wanted(h.taken, h.taken > 0); !maps.Equal(found[string(h.id)], want) {
			return fmt.Errorf("%w: %s has the findings %v, its last report wants %v", errNotYet, h.id, found[string(h.id)], want)
		}
	}
	if len(found) != len(a.hosts) {
		return fmt.Errorf("there are findings of %d hosts, want %d", len(found), len(a.hosts))
	}
	return nil
}

type coveredHost struct {
	ResourceID string
	ScanStatus struct{ StatusCode, Reason string }
}

// coverage holds an account's coverage to its hosts.
func (o *outing) coverage(ctx context.Context, a *account) error {
	seen := map[string]bool{}
	err := pages(ctx, a, "/coverage/list", func(r coveredHost) error {
		if seen[r.ResourceID] {
			return fmt.Errorf("%s is covered twice", r.ResourceID)
		}
		seen[r.ResourceID] = true
		if r.ScanStatus.Reason != "SUCCESSFUL" {
			return fmt.Errorf("%w: %s is covered as %s", errNotYet, r.ResourceID, r.ScanStatus.Reason)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, h := range a.hosts {
		if !seen[string(h.id)] {
			return fmt.Errorf("%w: %s is not covered", errNotYet, h.id)
		}
	}
	return nil
}
