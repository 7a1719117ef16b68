package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/config"
	"muster/test/livetest"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	push "github.com/google/go-containerregistry/pkg/v1/remote"
)

// customer runs commands as the root user of an account of a real server.
type customer struct {
	*testing.T
	client *livetest.Client
}

func newCustomer(t *testing.T) *customer {
	t.Helper()
	s := livetest.Start(t, "", func(c *config.Config) { c.RegistryNetworks = []string{"127.0.0.0/8"} })
	_, client := s.Account(t, "web")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": client.Key.ID, "AWS_SECRET_ACCESS_KEY": client.Key.Secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL": s.URL(), "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	c := &customer{t, client}
	c.call("inspector2", "Enable", map[string]any{"resourceTypes": []any{"ECR", "LAMBDA"}})
	return c
}

func (c *customer) call(service, operation string, in map[string]any) map[string]any {
	c.Helper()
	a, err := c.client.Call(c.Context(), service, operation, in)
	if err != nil || !a.OK() {
		c.Fatalf("%s: %v %v", operation, err, a)
	}
	return a.JSON()
}

// muster runs a command that has to end with a code, and reads what it prints.
func (c *customer) muster(code int, args ...string) map[string]any {
	c.Helper()
	var out, messages bytes.Buffer
	if got := Main(args, &out, &messages); got != code {
		c.Fatalf("muster %v: exit %d, want %d: %s%s", args, got, code, out.String(), messages.String())
	}
	answer := map[string]any{}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil && code == 0 {
		c.Fatalf("muster %v: %v: %s", args, err, out.String())
	}
	return answer
}

// awaitCoverage waits until the account's resources of a type are covered so.
func (c *customer) awaitCoverage(resourceType string, want ...string) {
	c.Helper()
	var got []string
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		got = nil
		list, _ := c.call("inspector2", "ListCoverage", map[string]any{"filterCriteria": map[string]any{
			"resourceType": []any{map[string]any{"comparison": "EQUALS", "value": resourceType}}}})["coveredResources"].([]any)
		for _, r := range list {
			got = append(got, fmt.Sprint(livetest.Dig(r, "scanStatus", "reason")))
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
	c.Fatalf("%s are covered as %q, want %q", resourceType, got, want)
}

func (c *customer) file(name string, content []byte) string {
	c.Helper()
	file := filepath.Join(c.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		c.Fatal(err)
	}
	return file
}

// hub is a registry that wants a password, with an image in it.
func (c *customer) hub(password string) string {
	c.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	c.Cleanup(server.Close)
	image, err := random.Image(1024, 1)
	if err != nil {
		c.Fatal(err)
	}
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/team/app:v1")
	if err == nil {
		err = push.Write(ref, image, push.WithAuth(&authn.Basic{Username: "robot", Password: password}))
	}
	if err != nil {
		c.Fatal(err)
	}
	return server.URL
}

// TestRegistryCommands: a connection from its beginning to its end.
func TestRegistryCommands(t *testing.T) {
	c := newCustomer(t)
	const password = "swordfish-1871"
	hub := c.hub(password)
	secret := c.file("password", []byte(password+"\n"))
	c.muster(2, "registry", "nonsense")
	c.muster(2, "registry", "create", "--name", "hub")
	c.muster(2, "registry", "create", "--name", "hub", "--url", hub, "--password-file", secret+".absent")

	made := c.muster(0, "registry", "create", "--name", "hub", "--url", hub, "--username", "robot", "--password-file", secret, "--prefix", "hub/", "--poll", "900")
	id, token := fmt.Sprint(livetest.Dig(made, "connection", "connectionId")), fmt.Sprint(made["notificationToken"])
	if strings.Contains(fmt.Sprint(made), password) || len(token) < 20 {
		t.Errorf("create printed %v", made)
	}
	c.awaitCoverage("AWS_ECR_CONTAINER_IMAGE", "UNSUPPORTED_OS")
	described := c.call("ecr", "DescribeImages", map[string]any{"repositoryName": "hub/team/app"})
	if tag := livetest.Dig(described, "imageDetails", 0, "imageTags", 0); tag != "v1" {
		t.Errorf("ECR describes %v", described)
	}

	list := c.muster(0, "registry", "list")
	if got := livetest.Dig(list, "connections", 0, "connectionId"); got != id || livetest.Dig(list, "connections", 1) != nil || strings.Contains(fmt.Sprint(list), token) {
		t.Errorf("list printed %v", list)
	}
	c.muster(0, "registry", "test", id)
	c.muster(2, "registry", "update", id)
	updated := c.muster(0, "registry", "update", id, "--name", "other", "--rotate-token")
	if again := fmt.Sprint(updated["notificationToken"]); again == token || len(again) < 20 || livetest.Dig(updated, "connection", "name") != "other" {
		t.Errorf("update printed %v", updated)
	}
	c.muster(1, "registry", "delete", "not-there")
	c.muster(0, "registry", "delete", id)
	c.awaitCoverage("AWS_ECR_CONTAINER_IMAGE")
	if list := c.muster(0, "registry", "list"); livetest.Dig(list, "connections", 0) != nil {
		t.Errorf("after its end: %v", list)
	}
}

// TestFunctionsCommands: a function with a layer, from files.
func TestFunctionsCommands(t *testing.T) {
	c := newCustomer(t)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if f, err := z.Create("python/idna.dist-info/METADATA"); err != nil {
		t.Fatal(err)
	} else if _, err := io.WriteString(f, "Metadata-Version: 2.1\nName: idna\nVersion: 2.0\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	code := c.file("code.zip", b.Bytes())
	layer := c.muster(0, "functions", "layers", "publish", "deps", "--code", code)
	arn := fmt.Sprint(livetest.Dig(layer, "layer", "layerVersionArn"))
	c.muster(2, "functions", "upload", "web", "--code", code+".absent", "--runtime", "python3.13", "--role", "arn:aws:iam::111122223333:role/run")
	c.muster(0, "functions", "upload", "web", "--code", code, "--runtime", "python3.13", "--role", "arn:aws:iam::111122223333:role/run", "--layer", arn)
	// Nobody has imported advisories, so finding nothing would be no answer.
	c.awaitCoverage("AWS_LAMBDA_FUNCTION", "PENDING_INITIAL_SCAN")
	c.muster(0, "functions", "tag", "web", "--tag", "InspectorExclusion=LambdaStandardScanning")
	c.awaitCoverage("AWS_LAMBDA_FUNCTION", "EXCLUDED_BY_TAG")
	c.muster(0, "functions", "untag", "web", "InspectorExclusion")
	c.muster(0, "functions", "invoked", "web")
	shown := c.muster(0, "functions", "show", "web")
	if livetest.Dig(shown, "function", "layers", 0) != arn || livetest.Dig(shown, "function", "lastInvokedAt") == nil {
		t.Errorf("show printed %v", shown)
	}
	c.muster(0, "functions", "delete", "web")
	c.awaitCoverage("AWS_LAMBDA_FUNCTION")
	c.muster(1, "functions", "show", "web")
}
