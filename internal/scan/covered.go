package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
)

// eventVersion is the version of the details of scan and coverage events.
const eventVersion = "1.0"

// coverageEvent is the detail of "Inspector2 Coverage".
type coverageEvent struct {
	Status struct {
		Reason string `json:"reason"`
		Code   string `json:"statusCodeValue"`
	} `json:"scanStatus"`
	ScanType string    `json:"scanType"`
	At       time.Time `json:"eventTimestamp"`
	Version  string    `json:"version"`
}

// cover stores how a resource is covered. Where that was otherwise before, it
// is announced: the first word about a resource is no change.
func cover(ctx context.Context, tx *store.Tx, r *catalog.Resource, c catalog.Coverage, now time.Time) error {
	before := r.Coverage
	if err := catalog.SetCoverage(ctx, tx, r, c, now); err != nil {
		return err
	}
	if !before.Covered || !c.Covered || before.Status == c.Status && before.Reason == c.Reason {
		return nil
	}
	e := coverageEvent{ScanType: c.ScanType, At: now.UTC(), Version: eventVersion}
	e.Status.Reason, e.Status.Code = c.Reason, c.Status
	return emit(ctx, tx, r, "Inspector2 Coverage", r.ID, e, now)
}

// scanEvent is the detail of "Inspector2 Scan".
type scanEvent struct {
	Status string `json:"scan-status"`
	// Repository is the ARN of an image's repository.
	Repository string           `json:"repository-name,omitempty"`
	Counts     map[string]int64 `json:"finding-severity-counts"`
	InstanceID string           `json:"instance-id,omitempty"`
	Digest     string           `json:"image-digest,omitempty"`
	Tags       []string         `json:"image-tags,omitempty"`
	Version    string           `json:"version"`
}

// scanned announces that the first scan of an instance or an image is
// complete, and what it found.
func scanned(ctx context.Context, tx *store.Tx, r *catalog.Resource, open []finding.Severity, now time.Time) error {
	e := scanEvent{Status: "INITIAL_SCAN_COMPLETE", Counts: map[string]int64{"TOTAL": int64(len(open))}, Version: eventVersion}
	for _, s := range open {
		e.Counts[string(s)]++
	}
	about := r.ID
	switch {
	case r.Instance != nil:
		e.InstanceID = r.ID
	case r.Image != nil:
		e.Repository = fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s", r.Region, r.Account, r.Image.Repository)
		e.Digest, e.Tags, about = r.Image.Hash, r.Image.Tags, e.Repository
	default:
		return nil
	}
	return emit(ctx, tx, r, "Inspector2 Scan", about, e, now)
}

func emit(ctx context.Context, tx *store.Tx, r *catalog.Resource, kind, about string, detail any, now time.Time) error {
	body, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("event %s of %s: %w", kind, r.ID, err)
	}
	return tx.Emit(ctx, store.Event{
		Account: string(r.Account), Region: string(r.Region), Source: inspectorSource, DetailType: kind,
		Resources: []string{about}, Detail: body, Time: now,
	})
}

// openAfter are the severities of the findings that are ACTIVE once the
// changes are made.
func openAfter(stored []findings.Stored, changes []finding.Change) []finding.Severity {
	changed := make(map[string]bool, len(changes))
	var open []finding.Severity
	for i := range changes {
		changed[string(changes[i].After.ARN)] = true
		if changes[i].After.Status == finding.Active {
			open = append(open, changes[i].After.Severity)
		}
	}
	for i := range stored {
		if f := &stored[i].Finding; f.Status == finding.Active && !changed[string(f.ARN)] {
			open = append(open, f.Severity)
		}
	}
	return open
}
