// Package notice reads what registries tell about pushes, pulls and deletions:
// the notification envelope of Docker's distribution, Harbor's webhooks in both
// of their forms, the events of ECR as EventBridge sends them, and those of
// zot. What a notice says is a hint to look, never believed.
package notice

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Action is what happened to an image.
type Action string

// The actions.
const (
	Push   Action = "push"
	Pull   Action = "pull"
	Delete Action = "delete"
)

// Notice is one event of a registry.
type Notice struct {
	Action     Action
	Repository string
	// Digest and Tag name the manifest; one of them may be "".
	Digest, Tag string
	// At is when it happened, by the registry's clock.
	At time.Time
	// Actor and UserAgent say who did it, where the registry tells.
	Actor, UserAgent string
}

// Max is how many events one message may have.
const Max = 1000

// ErrForm says that a message is none of the forms that are read.
var ErrForm = errors.New("not a notification of a registry")

// Parse reads a message with its headers. Events about something else than
// images are left out.
func Parse(header http.Header, body []byte) ([]Notice, error) {
	var probe struct {
		Events     *json.RawMessage `json:"events"`
		EventData  *json.RawMessage `json:"event_data"`
		DetailType string           `json:"detail-type"`
		Type       string           `json:"type"`
		Data       json.RawMessage  `json:"data"`
	}
	if err := json.Unmarshal(body, &probe); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	var list []Notice
	var err error
	switch kind := header.Get("Ce-Type"); {
	case probe.Events != nil:
		list, err = distribution(body)
	case probe.EventData != nil:
		list, err = harbor(body)
	case probe.DetailType != "":
		list, err = ecr(body)
	case strings.HasPrefix(probe.Type, "harbor."):
		list, err = harborEvent(body)
	case strings.HasPrefix(probe.Type, "zotregistry."):
		list, err = zot(probe.Type, probe.Data)
	case strings.HasPrefix(kind, "zotregistry."):
		list, err = zot(kind, body)
	default:
		return nil, ErrForm
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	case len(list) > Max:
		return nil, fmt.Errorf("%w: %d events, at most %d", ErrForm, len(list), Max)
	}
	return useful(list), nil
}

// useful leaves out what names no manifest.
func useful(list []Notice) []Notice {
	kept := list[:0]
	for _, n := range list {
		if n.Repository != "" && (n.Digest != "" || n.Tag != "") && n.Action != "" {
			kept = append(kept, n)
		}
	}
	return kept
}

// distribution reads the envelope of Docker's distribution.
func distribution(body []byte) ([]Notice, error) {
	var envelope struct {
		Events []struct {
			Timestamp time.Time `json:"timestamp"`
			Action    string    `json:"action"`
			Target    struct {
				MediaType  string `json:"mediaType"`
				Digest     string `json:"digest"`
				Repository string `json:"repository"`
				Tag        string `json:"tag"`
			} `json:"target"`
			Request struct {
				UserAgent string `json:"useragent"`
			} `json:"request"`
			Actor struct {
				Name string `json:"name"`
			} `json:"actor"`
		} `json:"events"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil, err
	}
	var list []Notice
	for _, e := range envelope.Events {
		action := Action(e.Action)
		if action != Delete && !manifest(e.Target.MediaType) || action != Push && action != Pull && action != Delete {
			continue // blobs are told, too
		}
		list = append(list, Notice{
			Action: action, Repository: e.Target.Repository, Digest: e.Target.Digest, Tag: e.Target.Tag, At: e.Timestamp,
			Actor: e.Actor.Name, UserAgent: e.Request.UserAgent,
		})
	}
	return list, nil
}

// manifest tells manifests from blobs.
func manifest(mediaType string) bool {
	return strings.Contains(mediaType, ".manifest.") || strings.Contains(mediaType, ".index.")
}

// harborData is what both of Harbor's forms say of an event.
type harborData struct {
	Resources []struct {
		Digest string `json:"digest"`
		Tag    string `json:"tag"`
	} `json:"resources"`
	Repository struct {
		FullName string `json:"repo_full_name"`
	} `json:"repository"`
}

func (d *harborData) notices(action Action, actor string, at time.Time) (list []Notice) {
	for _, r := range d.Resources {
		tag := r.Tag
		if strings.HasPrefix(tag, "sha256:") {
			tag = "" // Harbor names untagged artifacts so
		}
		list = append(list, Notice{Action: action, Repository: d.Repository.FullName, Digest: r.Digest, Tag: tag, At: at, Actor: actor})
	}
	return list
}

// harbor reads a webhook in Harbor's own form.
func harbor(body []byte) ([]Notice, error) {
	var hook struct {
		Type     string     `json:"type"`
		OccurAt  int64      `json:"occur_at"`
		Operator string     `json:"operator"`
		Data     harborData `json:"event_data"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		return nil, err
	}
	actions := map[string]Action{"PUSH_ARTIFACT": Push, "PULL_ARTIFACT": Pull, "DELETE_ARTIFACT": Delete}
	return hook.Data.notices(actions[hook.Type], hook.Operator, time.Unix(hook.OccurAt, 0).UTC()), nil
}

// harborEvent reads a webhook in the form of CloudEvents.
func harborEvent(body []byte) ([]Notice, error) {
	var hook struct {
		Type     string     `json:"type"`
		Time     time.Time  `json:"time"`
		Operator string     `json:"operator"`
		Data     harborData `json:"data"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		return nil, err
	}
	actions := map[string]Action{"harbor.artifact.pushed": Push, "harbor.artifact.pulled": Pull, "harbor.artifact.deleted": Delete}
	return hook.Data.notices(actions[hook.Type], hook.Operator, hook.Time), nil
}

// ecr reads "ECR Image Action" as EventBridge delivers it.
func ecr(body []byte) ([]Notice, error) {
	var event struct {
		DetailType string    `json:"detail-type"`
		Time       time.Time `json:"time"`
		Detail     struct {
			Result     string `json:"result"`
			Repository string `json:"repository-name"`
			Digest     string `json:"image-digest"`
			Tag        string `json:"image-tag"`
			Action     string `json:"action-type"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	d := event.Detail
	if event.DetailType != "ECR Image Action" || d.Result != "SUCCESS" {
		return nil, nil
	}
	actions := map[string]Action{"PUSH": Push, "DELETE": Delete}
	return []Notice{{Action: actions[d.Action], Repository: d.Repository, Digest: d.Digest, Tag: d.Tag, At: event.Time}}, nil
}

// zot reads an event of zot.
func zot(kind string, data []byte) ([]Notice, error) {
	var event struct {
		Name      string `json:"name"`
		Reference string `json:"reference"`
		Digest    string `json:"digest"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return nil, err
	}
	actions := map[string]Action{"zotregistry.image.updated": Push, "zotregistry.image.deleted": Delete}
	n := Notice{Action: actions[kind], Repository: event.Name, Digest: event.Digest, Tag: event.Reference}
	if strings.Contains(n.Tag, ":") {
		n.Digest, n.Tag = n.Tag, ""
	}
	return []Notice{n}, nil
}
