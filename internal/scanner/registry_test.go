package scanner_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"muster/internal/scanner"
	"muster/internal/source/disk/disktest"
	"muster/internal/source/image"
)

// startRegistry runs Debian's registry on loopback and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()
	disktest.Need(t, "docker-registry")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	config := put(t, filepath.Join(t.TempDir(), "config.yml"), fmt.Appendf(nil,
		"version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: %s\n", t.TempDir(), address))
	cmd := exec.CommandContext(t.Context(), "docker-registry", "serve", config)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "listening on") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return address
		}
	}
	t.Fatalf("the registry ended: %v", cmd.Wait())
	return ""
}

// counting counts the requests for blobs.
type counting struct {
	mu    sync.Mutex
	blobs int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/blobs/") {
		c.mu.Lock()
		c.blobs++
		c.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// pushed makes an image of layers, packed in different ways, of a platform.
func pushed(t *testing.T, platform string, layers [][]byte) v1.Image {
	t.Helper()
	img := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	var diffs []v1.Hash
	for n, data := range layers {
		packed, kind := gzipped(t, data), types.OCILayer
		switch n % 3 {
		case 1:
			packed, kind = zstandard(t, data), types.OCILayerZStd
		case 2:
			packed, kind = data, types.OCIUncompressedLayer
		}
		var err error
		if img, err = mutate.Append(img, mutate.Addendum{Layer: static.NewLayer(packed, kind)}); err != nil {
			t.Fatal(err)
		}
		diffs = append(diffs, v1.Hash{Algorithm: "sha256", Hex: diffID(data)[7:]})
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, _ = strings.Cut(platform, "/")
	file.RootFS.DiffIDs = diffs
	if img, err = mutate.ConfigFile(img, file); err != nil {
		t.Fatal(err)
	}
	return img
}

// TestRegistry: from a real registry, an index in an index leads to the image
// of each platform; layers that were seen before are not fetched again.
func TestRegistry(t *testing.T) {
	address := startRegistry(t)
	all := imageLayers(t)
	arm := [][]byte{all[0], all[2]}
	inner := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: pushed(t, "linux/arm64", arm), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}}},
		mutate.IndexAddendum{Add: pushed(t, "linux/amd64", all)})
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: inner})
	ref, err := name.ParseReference(address + "/team/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	count := &counting{}
	opts := scanner.Options{Layers: filepath.Join(t.TempDir(), "layers"), Registry: image.Registry{Transport: count}}
	scan := func(platform string) (string, int) {
		p, err := image.ParsePlatform(platform)
		if err != nil {
			t.Fatal(err)
		}
		opts.Platform, count.blobs = p, 0
		inv, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Image, Name: address + "/team/app:1"}, opts)
		if err != nil {
			return err.Error(), 0
		}
		return contents(inv, all), count.blobs
	}
	const wantArm = "bash 5.2-1 0\ngone 1 0\nzlib1g 1.2.13-1 0\n"
	for _, tt := range []struct {
		platform, want string
		blobs          int // the configuration is one, too
	}{
		{"linux/amd64", wantImage, 4}, {"linux/amd64", wantImage, 1}, {"linux/arm64", wantArm, 1}, {"windows/amd64", "only for linux/arm64/v8", 0},
	} {
		if got, blobs := scan(tt.platform); !strings.Contains(got, tt.want) || blobs != tt.blobs {
			t.Errorf("%s: %d blobs fetched, want %d\n%s", tt.platform, blobs, tt.blobs, got)
		}
	}
	// What is remembered and damaged is fetched again.
	files, err := filepath.Glob(filepath.Join(opts.Layers, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("remembered: %q, %v", files, err)
	}
	put(t, files[0], []byte("damaged"))
	if got, blobs := scan("linux/amd64"); got != wantImage || blobs != 2 {
		t.Errorf("damaged: %d blobs fetched\n%s", blobs, got)
	}
}

// TestCredentials: from docker's configuration, from a credential helper, and
// given.
func TestCredentials(t *testing.T) {
	blobs := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		blobs.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	ref, err := name.ParseReference(host + "/app:1")
	if err != nil {
		t.Fatal(err)
	}
	given := image.Registry{User: "robot", Password: "secret"}
	layers := imageLayers(t)
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	config := func(v map[string]any) {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "config.json"), data)
	}
	secret := base64.StdEncoding.EncodeToString([]byte("robot:secret"))
	config(map[string]any{"auths": map[string]any{host: map[string]any{"auth": secret}}})
	if err := remote.Write(ref, built(t, layers), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		t.Fatal(err)
	}
	scan := func(r image.Registry) error {
		_, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Image, Name: host + "/app:1"}, scanner.Options{Registry: r})
		return err
	}
	if err := scan(image.Registry{}); err != nil {
		t.Errorf("docker's configuration: %v", err)
	}
	config(map[string]any{"credHelpers": map[string]any{host: "test"}})
	script := "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"robot\",\"Secret\":\"secret\"}'\n"
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := scan(image.Registry{}); err != nil {
		t.Errorf("credential helper: %v", err)
	}
	config(map[string]any{})
	if err := scan(given); err != nil {
		t.Errorf("given: %v", err)
	}
	if err := scan(image.Registry{}); err == nil || !strings.Contains(strings.ToLower(err.Error()), "unauthorized") {
		t.Errorf("without: %v", err)
	}
}

// lying is an image archive whose configuration or manifest is made up.
func lying(t *testing.T, config, manifest map[string]any, layers ...[]byte) []byte {
	t.Helper()
	text := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	members := [][2]string{}
	blob := func(data string) string {
		members = append(members, [2]string{"blobs/sha256/" + diffID([]byte(data))[7:], data})
		return diffID([]byte(data))
	}
	for _, l := range layers {
		blob(string(l))
	}
	manifest["config"] = map[string]any{"digest": blob(text(config)), "mediaType": manifest["configType"]}
	index := text(map[string]any{"manifests": []any{map[string]any{"digest": blob(text(manifest))}}})
	return pack(t, append(members, [2]string{"index.json", index}))
}

// TestLayersThatAreNot: layers that are something else, elsewhere or locked
// are told in words.
func TestLayersThatAreNot(t *testing.T) {
	layer, other := imageLayers(t)[0], imageLayers(t)[1]
	config := func(diffs ...string) map[string]any {
		return map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"diff_ids": diffs}}
	}
	of := func(data []byte, more ...any) map[string]any {
		d := map[string]any{"digest": diffID(data)}
		for n := 0; n < len(more); n += 2 {
			d[more[n].(string)] = more[n+1]
		}
		return map[string]any{"layers": []any{d}}
	}
	packed := gzipped(t, other)
	helm := of(layer)
	helm["configType"] = "application/vnd.cncf.helm.config.v1+json"
	for what, tt := range map[string]struct {
		archive []byte
		want    string
	}{
		"something else":         {lying(t, config(diffID(layer)), of(other), other), "not what its digest says"},
		"something else, packed": {lying(t, config(diffID(layer)), of(packed), packed), "not what its digest says"},
		"no digest":              {lying(t, config("sha256:abc"), of(layer), layer), "no digest that can be verified"},
		"encrypted":              {lying(t, config(diffID(layer)), of(layer, "mediaType", "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"), layer), "layer 1 is encrypted"},
		"a chart":                {lying(t, config(diffID(layer)), helm, layer), "it is no container image"},
		"forged configuration":   {bytes.Replace(lying(t, config(diffID(layer)), of(layer), layer), []byte(`"os":"linux"`), []byte(`"os":"linUx"`), 1), "not what its name says"},
	} {
		file := put(t, filepath.Join(t.TempDir(), "x.tar"), tt.archive)
		for _, cache := range []string{"", filepath.Join(t.TempDir(), "layers")} {
			_, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Archive, Name: file}, scanner.Options{Layers: cache})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s", what, err, tt.want)
			}
			if left, err := filepath.Glob(filepath.Join(cache, "*")); cache != "" && (err != nil || len(left) > 0) {
				t.Errorf("%s is remembered: %q, %v", what, left, err)
			}
		}
	}
	foreign := lying(t, config(diffID(other), diffID(layer)), map[string]any{"layers": []any{
		map[string]any{"digest": diffID(other), "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": []string{"http://127.0.0.1:1/x"}},
		map[string]any{"digest": diffID(layer)},
	}}, layer)
	inv, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Archive, Name: put(t, filepath.Join(t.TempDir(), "x.tar"), foreign)}, scanner.Options{})
	if err != nil || len(inv.Items) != 3 || len(inv.Notes) != 1 || !strings.Contains(inv.Notes[0], "layer 1 is kept elsewhere") {
		t.Errorf("foreign: %v, %d items, notes %q", err, len(inv.Items), inv.Notes)
	}
}

// TestFunction: a function's layers lie below /opt, the later ones on top, and
// packages know which archive brought them.
func TestFunction(t *testing.T) {
	dir := t.TempDir()
	module := func(name, version string) disktest.Item {
		return disktest.File(fmt.Sprintf(`{"name":%q,"version":%q}`, name, version))
	}
	write := func(file string, items map[string]disktest.Item) string {
		writeZip(t, disktest.Tree{}.Add(items), filepath.Join(dir, file))
		return filepath.Join(dir, file)
	}
	function := write("function.zip", map[string]disktest.Item{"index.js": disktest.File(""), "node_modules/a/package.json": module("a", "1.0.0"),
		"bootstrap": disktest.Program(goProgram("go1.21.0", "path\tx\nmod\tx\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x\n"))})
	first := write("first.zip", map[string]disktest.Item{"nodejs/node_modules/b/package.json": module("b", "1.0.0"), "nodejs/node_modules/c/package.json": module("c", "1.0.0")})
	second := write("second.zip", map[string]disktest.Item{"nodejs/node_modules/b/package.json": module("b", "2.0.0"),
		"python/lib/python3.12/site-packages/d-1.dist-info/METADATA": disktest.File("Metadata-Version: 2.1\nName: d\nVersion: 1\n"),
		"java/lib/e.jar": disktest.Program(javaArchive(t, "g", "e", "1.0"))})
	inv, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Archive, Name: function}, scanner.Options{FunctionLayers: []string{first, second}})
	if err != nil {
		t.Fatal(err)
	}
	digests := map[string]string{}
	for _, file := range []string{function, first, second} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		digests[diffID(data)] = strings.TrimSuffix(filepath.Base(file), ".zip")
	}
	got := ""
	for _, it := range inv.Items {
		got += fmt.Sprintln(it.Name, it.Version, it.Path, digests[it.Layer])
	}
	const want = `a 1.0.0 /var/task/node_modules/a/package.json function
b 2.0.0 /opt/nodejs/node_modules/b/package.json second
c 1.0.0 /opt/nodejs/node_modules/c/package.json first
d 1 /opt/python/lib/python3.12/site-packages/d-1.dist-info/METADATA second
g:e 1.0 /opt/java/lib/e.jar second
golang.org/x/net v0.1.0 /var/task/bootstrap function
stdlib 1.21.0 /var/task/bootstrap function
`
	for _, line := range strings.SplitAfter(want, "\n") {
		if !strings.Contains(got, line) {
			t.Errorf("no %sin\n%s", line, got)
		}
	}
	if strings.Count(got, "\n") != strings.Count(want, "\n") {
		t.Errorf("items:\n%s", got)
	}
}
