package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func noEnv(string) string { return "" }

func write(t *testing.T, body string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "muster.yaml")
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnEmptyFileMeansTheDefaults(t *testing.T) {
	got, err := Load(write(t, ""), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, Default()) {
		t.Errorf("got %+v, want the defaults", got)
	}
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	file := write(t, "listen: 127.0.0.1:1\nfeeds: /from/file\ntransition: 1s\n")
	env := map[string]string{"MUSTER_FEEDS": "/from/env", "MUSTER_REGIONS": "a-1,b-2", "MUSTER_ALLOW_PLAIN_HTTP": "true", "MUSTER_MAX_BODY": "5"}
	got, err := Load(file, func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if got.Listen != "127.0.0.1:1" || got.Feeds != "/from/env" || got.Transition != time.Second ||
		!reflect.DeepEqual(got.Regions, []string{"a-1", "b-2"}) || !got.AllowPlainHTTP || got.MaxBody != 5 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatCannotWorkIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		"lisen: x\n":                        "lisen",
		"listen: nowhere\n":                 "listen",
		"listen: 0.0.0.0:8440\n":            "loopback",
		"tls_cert: a.pem\n":                 "tls_cert and tls_key",
		"regions: []\n":                     "regions",
		"max_body: 0\n":                     "max_body",
		"transition: -1s\n":                 "transition",
		"store: mysql://x\n":                "store",
		"transition: soon\n":                "transition",
		"quotas: [acounts=5]\n":             "quotas",
		"throttle: some\n":                  "throttle",
		"organization_wait_period: -1h\n":   "organization_wait_period",
		"data: \"\"\n":                      "data",
		"openid_issuer: login\n":            "openid_issuer",
		"openid_issuer: https://x.test\n":   "openid_client_id",
		"public_url: muster.example.com\n":  "public_url",
		"listen: 192.0.2.1:1\ntls_key: k\n": "tls_cert",
	} {
		if _, err := Load(write(t, body), noEnv); err == nil || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "cannot unmarshal") {
			t.Errorf("%q: got %v, want an error naming %q", body, err, want)
		}
	}
	if _, err := Load("", func(k string) string {
		if k == "MUSTER_TRANSITION" {
			return "soon"
		}
		return ""
	}); err == nil || !strings.Contains(err.Error(), "MUSTER_TRANSITION") {
		t.Errorf("got %v, want an error naming MUSTER_TRANSITION", err)
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeOf(Config{})
	for i := range typ.NumField() {
		key := typ.Field(i).Tag.Get("yaml")
		if !strings.Contains(string(page), "| `"+key+"` |") {
			t.Errorf("docs/operating.md does not list the key %q", key)
		}
	}
}
