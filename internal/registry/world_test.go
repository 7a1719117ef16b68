package registry_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/keyring"
	"muster/internal/pagetoken"
	"muster/internal/registry"
	"muster/internal/registryapi"
	"muster/internal/scan"
	"muster/internal/source/guard"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/feeds"
	"muster/internal/store/findings"
	cellar "muster/internal/store/registry"
	"muster/internal/store/storetest"
)

const (
	account = arn.AccountID("111111111111")
	region  = arn.Region("us-east-1")
	secret  = "swordfish-7261"
)

// world is a registry desk with a scan desk over one store, and a clock that
// stands still.
type world struct {
	*testing.T
	store   *store.Store
	scan    *scan.Service
	desk    *registry.Service
	now     time.Time
	guard   *guard.Guard
	layers  string
	sources *advisories
}

// advisories are one file about Debian.
type advisories struct{ dir string }

func (a *advisories) CurrentGeneration(ctx context.Context) (*advisorydb.Set, int64, error) {
	set, err := a.Generation(ctx, 1)
	return set, 1, err
}

func (a *advisories) Generation(_ context.Context, n int64) (*advisorydb.Set, error) {
	if n == 0 {
		return advisorydb.Empty(), nil
	}
	return advisorydb.Open(a.dir)
}

// newAdvisories say that bash before 5.2-9 is vulnerable.
func newAdvisories(t *testing.T) *advisories {
	t.Helper()
	a := &advisories{t.TempDir()}
	file := filepath.Join(a.dir, "Debian.adv")
	b, err := advisorydb.NewBuilder(file, "Debian")
	if err != nil {
		t.Fatal(err)
	}
	record := `{"id":"DEBIAN-CVE-2026-1000","upstream":["CVE-2026-1000"],"modified":"2026-01-01T00:00:00Z","details":"bash is weak",
		"affected":[{"package":{"ecosystem":"Debian:12","name":"bash"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.2-9"}]}]}]}`
	parsed, err := advisory.Parse([]byte(record))
	if err == nil {
		err = b.Add(&parsed, []byte(record))
	}
	if err == nil {
		_, err = b.Finish()
	}
	stat, statErr := os.Stat(file)
	if err != nil || statErr != nil {
		t.Fatal(err, statErr)
	}
	err = advisorydb.WriteManifest(a.dir, []advisorydb.Info{{Kind: advisorydb.Advisories, Ecosystem: "Debian", File: "Debian.adv", Size: stat.Size()}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func each(t *testing.T, fn func(w *world)) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := &world{now: time.Now().UTC().Truncate(time.Microsecond)}
		fn(w.set(t, storetest.Open(t, url, store.Options{Now: func() time.Time { return w.now }})))
	})
}

func (w *world) set(t *testing.T, s *store.Store) *world {
	w.T, w.store, w.layers, w.sources = t, s, t.TempDir(), newAdvisories(t)
	clock := func() time.Time { return w.now }
	w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := feeds.Advance(ctx, tx, 0, feeds.Generation{Number: 1, CreatedAt: w.now}); err != nil {
			return err
		}
		return activation.PutScans(ctx, tx, []activation.Scan{{Account: account, Region: region, Type: activation.ECR, Status: activation.Enabled, ChangedAt: w.now.Add(-time.Hour)}})
	})
	ring, err := keyring.New(bytes.Repeat([]byte{7}, keyring.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if w.guard, err = guard.New([]string{"127.0.0.0/8"}); err != nil {
		t.Fatal(err)
	}
	w.scan = scan.New(scan.Config{Store: s, Advisories: w.sources, Now: clock})
	w.desk = registry.New(registry.Config{Store: s, Images: w.scan, Secrets: ring, Pages: pages, Guard: w.guard, Layers: w.layers, Now: clock})
	return w
}

func (w *world) update(fn func(ctx context.Context, tx *store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), func(tx *store.Tx) error { return fn(w.Context(), tx) }); err != nil {
		w.Fatal(err)
	}
}

func (w *world) call() *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root()}, Region: region, Time: w.now}
}

// work runs the jobs that are due by the world's clock, and those that follow.
// It returns what failed.
func (w *world) work() (failed []string) {
	w.Helper()
	handlers := w.scan.Jobs()
	maps.Copy(handlers, w.desk.Jobs())
	for range 200 {
		ran := false
		for _, kind := range slices.Sorted(maps.Keys(handlers)) {
			jobs, err := w.store.Claim(w.Context(), kind, 100, time.Minute)
			if err != nil {
				w.Fatal(err)
			}
			for _, job := range jobs {
				ran = true
				if err := handlers[kind](w.Context(), job); err != nil {
					failed = append(failed, kind+": "+err.Error())
				}
				if err := w.store.Complete(w.Context(), job); err != nil {
					w.Fatal(err)
				}
			}
		}
		if !ran {
			return failed
		}
	}
	w.Fatal("the jobs never end")
	return nil
}

// connect makes a connection to a registry.
func (w *world) connect(url string, in muster.CreateRegistryConnectionInput) (*muster.RegistryConnection, string) {
	w.Helper()
	in.Name, in.Url = "r", url
	out, err := w.desk.CreateRegistryConnection(w.Context(), w.call(), &in)
	if err != nil {
		w.Fatal(err)
	}
	return out.Connection, out.NotificationToken
}

// door serves notifications; every one that was answered is told.
func (w *world) door() (url string, answered <-chan int) {
	told := make(chan int, 1000)
	door := registryapi.New(w.desk, func() time.Time { return w.now }, nil)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, r)
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Bytes())
		told <- rec.Code
	}))
	w.Cleanup(server.Close)
	return server.URL, told
}

// memory is a registry in memory that asks for a password.
func (w *world) memory() *httptest.Server {
	blobs := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != secret {
			rw.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(rw, "who are you?", http.StatusUnauthorized)
			return
		}
		blobs.ServeHTTP(rw, r)
	}))
	w.Cleanup(server.Close)
	return server
}

func robot() muster.CreateRegistryConnectionInput {
	return muster.CreateRegistryConnectionInput{Username: new("robot"), Password: new(secret)}
}

// debian is an image of Debian 12 with packages ("bash=5.2-1").
func debian(t *testing.T, architecture string, packages ...string) v1.Image {
	t.Helper()
	status := ""
	for _, p := range packages {
		n, v, _ := strings.Cut(p, "=")
		status += fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: %s\nVersion: %s\n\n", n, architecture, v)
	}
	var buf bytes.Buffer
	out := tar.NewWriter(&buf)
	for _, f := range [][2]string{{"etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"}, {"var/lib/dpkg/status", status}} {
		if f[1] == "" {
			continue
		}
		if err := out.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return imageOf(t, architecture, static.NewLayer(buf.Bytes(), types.OCIUncompressedLayer))
}

func imageOf(t *testing.T, architecture string, layer v1.Layer) v1.Image {
	t.Helper()
	i := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	i, err := mutate.Append(i, mutate.Addendum{Layer: layer})
	if err != nil {
		t.Fatal(err)
	}
	file, err := i.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Author = "linux", architecture, "ann"
	if i, err = mutate.ConfigFile(i, file); err != nil {
		t.Fatal(err)
	}
	return i
}

func auth() remote.Option {
	return remote.WithAuth(&authn.Basic{Username: "robot", Password: secret})
}

// push pushes an image or index and returns its digest.
func (w *world) push(url, reference string, what remote.Taggable) string {
	w.Helper()
	ref, err := name.ParseReference(strings.TrimPrefix(url, "http://") + "/" + reference)
	if err != nil {
		w.Fatal(err)
	}
	switch what := what.(type) {
	case v1.Image:
		err = remote.Write(ref, what, auth())
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, what, auth())
	}
	if err != nil {
		w.Fatal(err)
	}
	head, err := remote.Head(ref, auth())
	if err != nil {
		w.Fatal(err)
	}
	return head.Digest.String()
}

// tell notifies the desk of an event in distribution's form.
func (w *world) tell(c *muster.RegistryConnection, token, action, repository, digest, tag string, more map[string]any) error {
	w.Helper()
	event := map[string]any{"timestamp": w.now, "action": action, "target": map[string]any{
		"mediaType": "application/vnd.oci.image.manifest.v1+json", "repository": repository, "digest": digest, "tag": tag,
	}}
	maps.Copy(event, more)
	body, err := json.Marshal(map[string]any{"events": []any{event}})
	if err != nil {
		w.Fatal(err)
	}
	opened, err := w.desk.Open(w.Context(), registry.Notification{Account: account, Region: region, Connection: c.ConnectionId, Token: token})
	if err != nil {
		return err
	}
	return w.desk.Accept(w.Context(), opened, http.Header{}, body, w.now)
}

// pushed pushes, tells, and works.
func (w *world) pushAndTell(c *muster.RegistryConnection, token, url, reference string, what remote.Taggable) string {
	w.Helper()
	digest := w.push(url, reference, what)
	repository, tag, _ := strings.Cut(reference, ":")
	if err := w.tell(c, token, "push", repository, digest, tag, nil); err != nil {
		w.Fatal(err)
	}
	if failed := w.work(); failed != nil {
		w.Fatal(failed)
	}
	return digest
}

// image is the resource of an image with its findings by status.
func (w *world) image(repository, digest string) (r catalog.Resource, count map[finding.Status]int) {
	w.Helper()
	count = map[finding.Status]int{}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		clear(count)
		k := cellar.Key{Account: account, Region: region, Repository: repository, Digest: digest}
		var err error
		r, err = catalog.LookupResource(ctx, tx, catalog.Place{Account: account, Region: region, Type: finding.ContainerImage, ID: string(k.ARN())})
		if err != nil {
			return err
		}
		list, err := findings.OfResource(ctx, tx, r.Number)
		for _, f := range list {
			count[f.Status]++
		}
		return err
	})
	return r, count
}

// covered is an image's coverage and the number of its open findings.
func (w *world) covered(repository, digest string) string {
	w.Helper()
	r, count := w.image(repository, digest)
	return strings.TrimSpace(fmt.Sprintf("%s %s %d", r.Status, r.Reason, count[finding.Active]))
}

func (w *world) expect(what, repository, digest, want string) {
	w.Helper()
	if got := w.covered(repository, digest); got != want {
		w.Errorf("%s: %s, want %s", what, got, want)
	}
}
