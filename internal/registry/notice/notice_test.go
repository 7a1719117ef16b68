package notice_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/internal/registry/notice"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// messages are in the forms that the registries document.
var messages = map[string]struct{ kind, body, want string }{
	"distribution, a push with its layer": {"", `{"events":[
		{"id":"1","timestamp":"2026-11-22T10:00:00.5Z","action":"push","target":{"mediaType":"application/octet-stream","digest":"` + digest + `","repository":"team/app"},"actor":{},"source":{}},
		{"id":"2","timestamp":"2026-11-22T10:00:01Z","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":708,"digest":"` + digest + `","length":708,"repository":"team/app","url":"http://r/v2/team/app/manifests/x","tag":"1"},
		 "request":{"id":"x","addr":"10.0.0.9:1","host":"r","method":"PUT","useragent":"docker/27"},"actor":{"name":"ci"}}]}`,
		"push team/app a 1 10:00:01 ci docker/27"},
	"distribution, an index is pulled": {"", `{"events":[{"timestamp":"2026-11-22T10:00:00Z","action":"pull","target":{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"` + digest + `","repository":"app"}}]}`,
		"pull app a  10:00:00  "},
	"distribution, a deletion and a mount": {"", `{"events":[{"timestamp":"2026-11-22T10:00:00Z","action":"delete","target":{"digest":"` + digest + `","repository":"app"}},{"action":"mount","target":{"mediaType":"x.manifest.v1","digest":"` + digest + `","repository":"app"}}]}`,
		"delete app a  10:00:00  "},
	"Harbor": {"", `{"type":"PUSH_ARTIFACT","occur_at":1795341600,"operator":"robot$ci","event_data":{"resources":[{"digest":"` + digest + `","tag":"latest","resource_url":"h/lib/app:latest"},{"digest":"` + digest + `","tag":"` + digest + `"}],"repository":{"name":"app","namespace":"lib","repo_full_name":"lib/app","repo_type":"private"}}}`,
		"push lib/app a latest 10:00:00 robot$ci \npush lib/app a  10:00:00 robot$ci "},
	"Harbor, a scan": {"", `{"type":"SCANNING_COMPLETED","occur_at":1795341600,"event_data":{"resources":[{"digest":"` + digest + `"}],"repository":{"repo_full_name":"lib/app"}}}`, ""},
	"Harbor, CloudEvents": {"", `{"specversion":"1.0","type":"harbor.artifact.pulled","source":"/projects/2/webhook/policies/15","id":"1","time":"2026-11-22T10:00:00Z","operator":"admin","data":{"resources":[{"digest":"` + digest + `","tag":"v1"}],"repository":{"repo_full_name":"lib/app"}}}`,
		"pull lib/app a v1 10:00:00 admin "},
	"ECR": {"", `{"version":"0","id":"1","detail-type":"ECR Image Action","source":"aws.ecr","account":"123456789012","time":"2026-11-22T10:00:00Z","region":"us-west-2","resources":[],"detail":{"result":"SUCCESS","repository-name":"app","image-digest":"` + digest + `","action-type":"PUSH","image-tag":"latest"}}`,
		"push app a latest 10:00:00  "},
	"ECR, a failure":   {"", `{"detail-type":"ECR Image Action","detail":{"result":"FAILURE","repository-name":"app","image-digest":"` + digest + `","action-type":"PUSH"}}`, ""},
	"ECR, a scan":      {"", `{"detail-type":"ECR Image Scan","detail":{"repository-name":"app","image-digest":"` + digest + `"}}`, ""},
	"zot":              {"zotregistry.image.updated", `{"name":"app","reference":"v1","digest":"` + digest + `","mediaType":"x"}`, "push app a v1 00:00:00  "},
	"zot, whole event": {"", `{"specversion":"1.0","type":"zotregistry.image.deleted","data":{"name":"app","reference":"` + digest + `"}}`, "delete app a  00:00:00  "},
	"nothing to name":  {"", `{"events":[{"action":"push","target":{"mediaType":"a.manifest.v1","repository":"app"}}]}`, ""},
}

func TestForms(t *testing.T) {
	for what, m := range messages {
		list, err := notice.Parse(http.Header{"Ce-Type": {m.kind}}, []byte(m.body))
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		var lines []string
		for _, n := range list {
			short, _, _ := strings.Cut(strings.TrimPrefix(n.Digest, "sha256:"), "aaa")
			if n.Digest == digest {
				short = "a"
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %s %s %s %s", n.Action, n.Repository, short, n.Tag, n.At.Format(time.TimeOnly), n.Actor, n.UserAgent))
		}
		if got := strings.Join(lines, "\n"); got != m.want {
			t.Errorf("%s:\n%s\nwant\n%s", what, got, m.want)
		}
	}
}

func TestRefused(t *testing.T) {
	many := `{"events":[` + strings.TrimSuffix(strings.Repeat(`{"action":"delete","target":{"digest":"d","repository":"r"}},`, notice.Max+1), ",") + `]}`
	for _, body := range []string{"", "null", "[]", "{}", `{"events":{}}`, `{"type":"other"}`, `{"events":[{"timestamp":"yesterday"}]}`, many} {
		if list, err := notice.Parse(nil, []byte(body)); !errors.Is(err, notice.ErrForm) {
			t.Errorf("%.40s: %v, %v", body, list, err)
		}
	}
}

// FuzzParse: whatever comes is a bounded list of notices that name something,
// or refused.
func FuzzParse(f *testing.F) {
	for _, m := range messages {
		f.Add(m.kind, []byte(m.body))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		list, err := notice.Parse(http.Header{"Ce-Type": {kind}}, body)
		if err != nil && !errors.Is(err, notice.ErrForm) {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.Action == "" || n.Repository == "" || n.Digest == "" && n.Tag == "" {
				t.Fatalf("%+v", n)
			}
		}
		if len(list) > notice.Max {
			t.Fatal(len(list))
		}
	})
}
