// Package form puts an event into the words of whoever receives it:
// EventBridge's envelope, Security Hub's finding format (ASFF), or a finding
// of the Open Cybersecurity Schema Framework (OCSF). It is pure.
package form

import (
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/finding/eventform"
	"muster/internal/store"
)

// Format is how an event is written.
type Format string

// The formats.
const (
	// EventBridge is EventBridge's envelope; it can tell of every event.
	EventBridge Format = "EVENTBRIDGE"
	// ASFF and OCSF tell of findings only.
	ASFF Format = "ASFF"
	OCSF Format = "OCSF"
)

// Tells reports whether a format has words for an event. Security Hub is not
// told of findings in code and code repositories, as with Inspector.
func Tells(f Format, e *store.Event) bool {
	if f == EventBridge {
		return true
	}
	if e.DetailType != eventform.FindingType {
		return false
	}
	var kind struct {
		Type      string `json:"type"`
		Resources []struct {
			Type string `json:"type"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(e.Detail, &kind); err != nil {
		return false
	}
	if f == OCSF {
		return true
	}
	for _, r := range kind.Resources {
		if r.Type == "CODE_REPOSITORY" {
			return false
		}
	}
	return kind.Type != "CODE_VULNERABILITY"
}

// Render writes an event as a JSON object.
func Render(f Format, e *store.Event) ([]byte, error) {
	if f == EventBridge {
		return json.Marshal(envelopeOf(e))
	}
	var told eventform.Finding
	if err := json.Unmarshal(e.Detail, &told); err != nil {
		return nil, fmt.Errorf("finding of event %s: %w", e.ID, err)
	}
	if len(told.Resources) == 0 {
		return nil, fmt.Errorf("finding of event %s: it has no resource", e.ID)
	}
	if f == ASFF {
		return json.Marshal(hubFinding(&told, e.Region))
	}
	return json.Marshal(schemaFinding(&told, e))
}

// Entry is an event as EventBridge takes it from others (PutEvents).
type Entry struct {
	Source, DetailType string
	Resources          []string
	Detail             string
	Time               time.Time
}

// EntryOf is an event in a format as EventBridge takes it. Security Hub's own
// events name their findings so, too.
func EntryOf(f Format, e *store.Event, source string) (Entry, error) {
	out := Entry{Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Detail: string(e.Detail), Time: e.Time}
	if source != "" {
		out.Source = source
	}
	if f == EventBridge {
		return out, nil
	}
	body, err := Render(f, e)
	if err != nil {
		return out, err
	}
	out.Detail = string(body)
	if f == ASFF {
		out.DetailType, out.Detail = "Security Hub Findings - Imported", `{"findings":[`+string(body)+`]}`
	}
	return out, nil
}

// envelope is EventBridge's (findings interfaces, 9.1).
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

func envelopeOf(e *store.Event) envelope {
	out := envelope{
		Version: "0", ID: UUID(e.ID), DetailType: e.DetailType, Source: e.Source, Account: e.Account,
		Time: e.Time.UTC().Format(time.RFC3339), Region: e.Region, Resources: e.Resources, Detail: e.Detail,
	}
	if out.Resources == nil {
		out.Resources = []string{}
	}
	return out
}

// UUID writes an id of 32 hexadecimal digits as EventBridge writes its own.
func UUID(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// cut is the text within a limit of characters.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}

// iso is a time as ASFF writes it, "" for none.
func iso(t eventform.Time) string {
	if t.IsZero() {
		return ""
	}
	return time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")
}
