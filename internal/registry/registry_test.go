package registry_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/registry"
	"muster/internal/source/disk/disktest"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
)

// serveDebianRegistry runs Debian's registry at an address, with notifications
// to the path of a connection.
func serveDebianRegistry(t *testing.T, address, notify, token string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: info}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http: {addr: %s}
notifications:
  endpoints:
  - {name: muster, url: %q, headers: {Authorization: ["Bearer %s"]}, timeout: 10s, threshold: 5, backoff: 100ms}
`, t.TempDir(), address, notify, token)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "docker-registry", "serve", config)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "listening on") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	t.Fatalf("the registry ended: %v", cmd.Wait())
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestFromPushToFinding: Debian's registry tells of what is pushed to it, the
// image is pulled and read, its packages are matched; a deletion there closes
// the findings here.
func TestFromPushToFinding(t *testing.T) {
	disktest.Need(t, "docker-registry")
	each(t, func(w *world) {
		address := freeAddress(w.T)
		c, token := w.connect("http://"+address, muster.CreateRegistryConnectionInput{Prefix: new("hub/")})
		door, answered := w.door()
		serveDebianRegistry(w.T, address, door+c.NotificationPath, token)

		index := mutate.AppendManifests(empty.Index,
			mutate.IndexAddendum{Add: debian(w.T, "amd64", "bash=5.2-1", "zlib1g=1"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
			mutate.IndexAddendum{Add: debian(w.T, "arm64", "bash=5.2-9"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
			mutate.IndexAddendum{Add: debian(w.T, "amd64", "attestation=1"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
		single := w.push("http://"+address, "team/app:1", debian(w.T, "amd64", "bash=5.2-1"))
		w.push("http://"+address, "team/app:multi", index)
		// Manifests of both images, of the index and of its three parts.
		w.await(answered, func() bool {
			if failed := w.work(); failed != nil {
				w.Fatal(failed)
			}
			return len(w.entries("hub/team/app")) == 5
		})
		w.expect("the single image", "hub/team/app", single, "ACTIVE SUCCESSFUL 1")
		r, _ := w.image("hub/team/app", single)
		got := fmt.Sprintf("%s %s %s %s %s %v", r.ID, r.Image.Platform, r.Image.Architecture, r.Image.Author, r.Image.Registry, r.Image.Tags)
		if want := "arn:aws:ecr:us-east-1:111111111111:repository/hub/team/app/" + single + " DEBIAN_12 amd64 ann 111111111111 [1]"; got != want {
			w.Errorf("resource %s", got)
		}
		open := 0
		for _, e := range w.entries("hub/team/app") {
			if e.Kind == cellar.Index {
				continue
			}
			_, count := w.image("hub/team/app", e.Digest)
			open += count[finding.Active]
		}
		if open != 2 {
			w.Errorf("%d findings, want one for each image with the old package", open)
		}

		w.delete("http://"+address+"/v2/team/app/manifests/"+single, http.StatusAccepted)
		w.await(answered, func() bool {
			if failed := w.work(); failed != nil {
				w.Fatal(failed)
			}
			return len(w.entries("hub/team/app")) == 4
		})
		if r, count := w.image("hub/team/app", single); r.Covered || count[finding.Active] != 0 || count[finding.Closed] != 1 {
			w.Errorf("deleted: covered %v, %v", r.Covered, count)
		}
	})
}

// await works after every notification until something holds.
func (w *world) await(answered <-chan int, holds func() bool) {
	w.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case code := <-answered:
			if code != http.StatusOK {
				w.Fatalf("a notification was answered with %d", code)
			}
		case <-deadline:
			w.Fatal("nothing more is told")
		}
	}
}

func (w *world) entries(repository string) (list []cellar.Entry) {
	w.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = cellar.Page(ctx, tx, account, region, repository, "", 1000)
		return err
	})
	return list
}

func (w *world) delete(address string, want int) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodDelete, address, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth("robot", secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		w.Fatalf("%s: %s", address, resp.Status)
	}
}

// TestPoll: a registry that tells nothing is looked through; what moved or is
// gone there does so here.
func TestPoll(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		in := robot()
		in.PollSeconds = new(int32(3600))
		old := w.push(hub.URL, "app:1", debian(w.T, "amd64", "bash=5.2-1"))
		other := w.push(hub.URL, "other:latest", debian(w.T, "amd64", "zlib1g=1"))
		c, _ := w.connect(hub.URL, in)
		if failed := w.work(); failed != nil {
			w.Fatal(failed)
		}
		w.expect("found", "app", old, "ACTIVE SUCCESSFUL 1")
		w.expect("found", "other", other, "ACTIVE SUCCESSFUL 0")

		fixed := w.push(hub.URL, "app:1", debian(w.T, "amd64", "bash=5.2-9"))
		if w.work() != nil || len(w.entries("app")) != 1 {
			w.Error("polled before its time")
		}
		w.now = w.now.Add(time.Hour)
		if failed := w.work(); failed != nil {
			w.Fatal(failed)
		}
		w.expect("the new one", "app", fixed, "ACTIVE SUCCESSFUL 0")
		w.expect("the old one, untagged", "app", old, "ACTIVE SUCCESSFUL 1")
		if r, _ := w.image("app", old); len(r.Image.Tags) != 0 {
			w.Errorf("the old one has the tags %v", r.Image.Tags)
		}
		w.delete(hub.URL+"/v2/app/manifests/"+old, http.StatusAccepted)
		w.delete(hub.URL+"/v2/other/manifests/latest", http.StatusAccepted)
		w.delete(hub.URL+"/v2/other/manifests/"+other, http.StatusAccepted)
		w.now = w.now.Add(time.Hour)
		if failed := w.work(); failed != nil {
			w.Fatal(failed)
		}
		if r, count := w.image("app", old); r.Covered || count[finding.Active] != 0 {
			w.Errorf("deleted and covered %v, %v", r.Covered, count)
		}
		if r, _ := w.image("other", other); r.Covered {
			w.Error("the deleted one of the other repository is covered")
		}

		if _, err := w.desk.DeleteRegistryConnection(w.Context(), w.call(), &muster.DeleteRegistryConnectionInput{ConnectionId: c.ConnectionId}); err != nil {
			w.Fatal(err)
		}
		if failed := w.work(); failed != nil {
			w.Fatal(failed)
		}
		if r, _ := w.image("app", fixed); r.Covered || len(w.entries("app")) != 0 {
			w.Error("an image outlives its connection")
		}
	})
}

// TestContentIsReadOnce: the content of a digest that the account has read is
// not pulled again, nor are layers.
func TestContentIsReadOnce(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		blobs := 0
		counting := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				blobs++
			}
			target, err := url.Parse(hub.URL)
			if err != nil {
				w.Error(err)
			}
			r.URL.Scheme, r.URL.Host, r.RequestURI = target.Scheme, target.Host, ""
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				w.Error(err)
				return
			}
			defer resp.Body.Close()
			for k, v := range resp.Header {
				rw.Header()[k] = v
			}
			rw.WriteHeader(resp.StatusCode)
			_, _ = io.Copy(rw, resp.Body)
		}))
		defer counting.Close()
		c, token := w.connect(counting.URL, robot())
		i := debian(w.T, "amd64", "bash=5.2-1")
		first := w.pushAndTell(c, token, counting.URL, "aa:1", i)
		if blobs != 3 { // the configuration is read when looking, and with its layer
			w.Errorf("%d blobs fetched", blobs)
		}
		w.pushAndTell(c, token, counting.URL, "bb:1", i)
		w.expect("again", "bb", first, "ACTIVE SUCCESSFUL 1")
		if blobs != 4 { // the configuration alone
			w.Errorf("%d blobs fetched for content that is known", blobs)
		}
	})
}

// TestProblems: what cannot be read is told as coverage, and read when that
// ends.
func TestProblems(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		chart := mutate.ConfigMediaType(debian(w.T, "amd64", "x=1"), "application/vnd.cncf.helm.config.v1+json")
		digest := w.pushAndTell(c, token, hub.URL, "chart:1", chart)
		w.expect("a chart", "chart", digest, "INACTIVE UNSUPPORTED_MEDIA_TYPE 0")
		digest = w.pushAndTell(c, token, hub.URL, "empty:1", debian(w.T, "amd64"))
		w.expect("without packages", "empty", digest, "ACTIVE SUCCESSFUL 0")

		digest = w.push(hub.URL, "app:1", debian(w.T, "amd64", "bash=5.2-1"))
		update := func(password string) {
			_, err := w.desk.UpdateRegistryConnection(w.Context(), w.call(), &muster.UpdateRegistryConnectionInput{ConnectionId: c.ConnectionId, Password: &password})
			if err != nil {
				w.Fatal(err)
			}
		}
		update("wrong")
		if err := w.tell(c, token, "push", "app", digest, "1", nil); err != nil {
			w.Fatal(err)
		}
		if failed := w.work(); len(failed) != 1 || !strings.Contains(failed[0], "denies access") {
			w.Errorf("with the wrong password: %q", failed)
		}
		if shown := w.connection(); shown.Status != muster.RegistryConnectionStatusFailed || !strings.Contains(*shown.StatusMessage, "denies access") {
			w.Errorf("the connection is shown as %s", shown.Status)
		}
		update(secret)
		if failed := w.work(); failed != nil {
			w.Fatal(failed)
		}
		w.expect("with the right one", "app", digest, "ACTIVE SUCCESSFUL 1")
		if shown := w.connection(); shown.Status != muster.RegistryConnectionStatusConnected || shown.StatusMessage != nil {
			w.Errorf("the connection is shown as %s", shown.Status)
		}
	})
}

func (w *world) connection() muster.RegistryConnection {
	w.Helper()
	out, err := w.desk.ListRegistryConnections(w.Context(), w.call(), &muster.ListRegistryConnectionsInput{})
	if err != nil || len(out.Connections) != 1 {
		w.Fatal(out, err)
	}
	return out.Connections[0]
}

// TestNobodyElseIsHeard: without the token nothing is taken, and passwords are
// neither shown nor stored as they are.
func TestNobodyElseIsHeard(t *testing.T) {
	each(t, func(w *world) {
		c, token := w.connect("https://registry.example.com", robot())
		for what, n := range map[string]registry.Notification{
			"a wrong token":      {Account: account, Region: region, Connection: c.ConnectionId, Token: token + "x"},
			"no token":           {Account: account, Region: region, Connection: c.ConnectionId},
			"another account":    {Account: "222222222222", Region: region, Connection: c.ConnectionId, Token: token},
			"no such connection": {Account: account, Region: region, Connection: "x", Token: token},
		} {
			if _, err := w.desk.Open(w.Context(), n); !errors.Is(err, registry.ErrToken) {
				w.Errorf("%s: %v", what, err)
			}
		}
		out, err := w.desk.UpdateRegistryConnection(w.Context(), w.call(), &muster.UpdateRegistryConnectionInput{ConnectionId: c.ConnectionId, RotateToken: new(true)})
		if err != nil || out.NotificationToken == nil {
			w.Fatal(err)
		}
		if err := w.tell(c, token, "delete", "app", "sha256:"+strings.Repeat("a", 64), "", nil); !errors.Is(err, registry.ErrToken) {
			w.Errorf("the token of before: %v", err)
		}
		if err := w.tell(c, *out.NotificationToken, "delete", "app", "sha256:"+strings.Repeat("a", 64), "", nil); err != nil {
			w.Errorf("the new token: %v", err)
		}
		var stored cellar.Connection
		w.update(func(ctx context.Context, tx *store.Tx) (err error) {
			stored, err = cellar.LookupConnection(ctx, tx, account, region, c.ConnectionId)
			return err
		})
		if strings.Contains(fmt.Sprintf("%s %s", stored.Secret, stored.Token), secret) || len(stored.Secret) == 0 || strings.Contains(string(stored.Token), *out.NotificationToken) {
			w.Error("a secret is stored as it is")
		}
		if strings.Contains(fmt.Sprintf("%+v %v", out.Connection, w.connection()), secret) {
			w.Error("the password is shown")
		}
	})
}

// TestAddressesThatAreRefused: neither figures nor names lead into networks
// that the configuration does not allow.
func TestAddressesThatAreRefused(t *testing.T) {
	each(t, func(w *world) {
		for _, address := range []string{"http://169.254.169.254", "https://10.0.0.1:5000", "http://[::1]:5000", "ftp://example.com", "https://u:p@example.com", "https://example.com/v2/", "example.com"} {
			_, err := w.desk.CreateRegistryConnection(w.Context(), w.call(), &muster.CreateRegistryConnectionInput{Name: "x", Url: address})
			if _, ok := errors.AsType[*muster.ValidationException](err); !ok {
				w.Errorf("%s: %v", address, err)
			}
		}
		hits := 0
		inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
		defer inside.Close()
		closed := registry.New(registry.Config{Store: w.store, Images: w.scan, Now: func() time.Time { return w.now }})
		_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
		c, err := closed.CreateRegistryConnection(w.Context(), w.call(), &muster.CreateRegistryConnectionInput{Name: "r", Url: "http://localhost:" + port})
		if err != nil {
			w.Fatal(err)
		}
		out, err := closed.TestRegistryConnection(w.Context(), w.call(), &muster.TestRegistryConnectionInput{ConnectionId: c.Connection.ConnectionId})
		if err != nil || out.Connection.Status != muster.RegistryConnectionStatusFailed || !strings.Contains(*out.Connection.StatusMessage, "not allowed by the server's configuration") {
			w.Errorf("%+v, %v", out, err)
		}
		if hits != 0 {
			w.Errorf("%d requests came through", hits)
		}
	})
}
