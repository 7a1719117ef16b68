package scan

import (
	"encoding/json"
	"fmt"
	"slices"

	"muster/internal/finding"
	"muster/internal/finding/eventform"
	"muster/internal/store"
)

// The sources of events: Inspector's own kinds, and those that AWS does not
// have.
const (
	inspectorSource = "aws.inspector2"
	musterSource    = "muster"
)

// announcements are the events of a change that is published: the finding as
// it now is, in EventBridge's form (findings interfaces, 9.1), and what has
// become known about its vulnerability in events of their own.
func announcements(c *finding.Change) ([]store.Event, error) {
	f := &c.After
	detail, err := json.Marshal(eventform.Of(f))
	if err != nil {
		return nil, fmt.Errorf("event of %s: %w", f.ARN, err)
	}
	e := store.Event{
		Account: string(f.Account), Region: string(f.Region), Source: inspectorSource, DetailType: eventform.FindingType,
		Resources: []string{f.Resource.ID}, Detail: detail, Time: f.UpdatedAt, Ordered: true,
	}
	events := []store.Event{e}
	for _, kind := range news(c) {
		e.Source, e.DetailType = musterSource, kind
		events = append(events, e)
	}
	return events, nil
}

// news are the kinds of events for what has become known about the
// vulnerability of a finding that was, and is, there for everybody to see.
func news(c *finding.Change) []string {
	if c.Before.Status != finding.Active || c.After.Status != finding.Active {
		return nil
	}
	var kinds []string
	order := []finding.Availability{finding.No, finding.Partial, finding.Yes}
	if slices.Index(order, c.After.Fix) > max(slices.Index(order, c.Before.Fix), 0) {
		kinds = append(kinds, eventform.FixType)
	}
	if c.After.Exploit == finding.Yes && c.Before.Exploit != finding.Yes {
		kinds = append(kinds, eventform.ExploitType)
	}
	return kinds
}
