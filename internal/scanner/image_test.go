package scanner_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/zstd"

	"muster/internal/inventory"
	"muster/internal/scanner"
	"muster/internal/source/image"
)

// pack makes a tar archive; a name that ends in "/" is a folder.
func pack(t *testing.T, contents [][2]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, c := range contents {
		h := &tar.Header{Name: c[0], Mode: 0o644, Size: int64(len(c[1])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(c[0], "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, c[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func dpkgStatus(packages ...string) string {
	out := ""
	for _, p := range packages {
		n, v, _ := strings.Cut(p, "=")
		out += fmt.Sprintf("Package: %s\nStatus: install ok installed\nVersion: %s\nArchitecture: amd64\n\n", n, v)
	}
	return out
}

const node = "usr/local/lib/node_modules/"

// imageLayers are three layers: a system, an upgrade with an application, and
// the removal of a part of it.
func imageLayers(t *testing.T) [][]byte {
	t.Helper()
	return [][]byte{
		pack(t, [][2]string{
			{"etc/os-release", "ID=debian\nVERSION_ID=12\n"}, {"var/lib/dpkg/status", dpkgStatus("bash=5.2-1", "zlib1g=1.2.13-1", "gone=1")},
		}),
		pack(t, [][2]string{
			{"var/lib/dpkg/status", dpkgStatus("bash=5.2-1", "zlib1g=1.2.13-2", "curl=7-1")},
			{node + "a/package.json", `{"name":"a","version":"1.0.0"}`}, {node + "b/package.json", `{"name":"b","version":"2.0.0"}`},
			{"app/package-lock.json", `{"lockfileVersion":3,"packages":{"node_modules/c":{"version":"3.0.0"}}}`},
		}),
		pack(t, [][2]string{{node + ".wh.a", ""}, {"tmp/", ""}}),
	}
}

// wantImage is what the layers amount to: package, version, number of layer.
const wantImage = "bash 5.2-1 0\ncurl 7-1 1\nzlib1g 1.2.13-2 1\nb 2.0.0 1\nc 3.0.0 1\n"

func diffID(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// contents tells an inventory with the numbers of its layers.
func contents(inv inventory.Inventory, layers [][]byte) string {
	out := ""
	for _, it := range inv.Items {
		number := -1
		for n, l := range layers {
			if it.Layer == diffID(l) {
				number = n
			}
		}
		out += fmt.Sprintln(it.Name, it.Version, number)
	}
	return out
}

func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// layout writes an OCI layout with the layers packed in different ways, and
// another image for another platform beside it.
func layout(t *testing.T, dir string, layers [][]byte) {
	t.Helper()
	blob := func(data []byte) map[string]any {
		d := diffID(data)
		put(t, filepath.Join(dir, "blobs", "sha256", d[7:]), data)
		return map[string]any{"digest": d, "size": len(data)}
	}
	text := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var diffs []string
	var blobs []any
	for n, l := range layers {
		diffs = append(diffs, diffID(l))
		blobs = append(blobs, blob([][]byte{l, gzipped(t, l), zstandard(t, l)}[n%3]))
	}
	config := blob(text(map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"diff_ids": diffs}}))
	manifest := blob(text(map[string]any{"config": config, "layers": blobs}))
	manifest["platform"] = map[string]any{"os": "linux", "architecture": "amd64"}
	other := blob([]byte("{}"))
	other["platform"] = map[string]any{"os": "linux", "architecture": "arm64"}
	index := blob(text(map[string]any{"manifests": []any{other, manifest}}))
	put(t, filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`))
	put(t, filepath.Join(dir, "index.json"), text(map[string]any{"manifests": []any{index}}))
}

// tarOf packs a folder.
func tarOf(t *testing.T, dir string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := w.AddFS(os.DirFS(dir)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// built is the image as go-containerregistry makes it.
func built(t *testing.T, layers [][]byte) v1.Image {
	t.Helper()
	img := empty.Image
	for _, data := range layers {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, l); err != nil {
			t.Fatal(err)
		}
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file.OS, file.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, file); err != nil {
		t.Fatal(err)
	}
	return img
}

// TestImages: the same content gives the same packages and layers whatever it
// comes as.
func TestImages(t *testing.T) {
	layers := imageLayers(t)
	dir := t.TempDir()
	layout(t, filepath.Join(dir, "layout"), layers)
	archive := tarOf(t, filepath.Join(dir, "layout"))
	put(t, filepath.Join(dir, "oci.tar"), archive)
	put(t, filepath.Join(dir, "oci.tar.gz"), gzipped(t, archive))
	img := built(t, layers)
	ref, err := name.NewTag("example.com/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(filepath.Join(dir, "docker.tar"), ref, img); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://") + "/team/app:1"
	pushed, err := name.ParseReference(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(pushed, img); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"archive:" + dir + "/layout", "archive:" + dir + "/oci.tar", "archive:" + dir + "/oci.tar.gz", "archive:" + dir + "/docker.tar", "image:" + address,
	} {
		parsed, err := scanner.ParseTarget(target)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := scanner.Inventory(t.Context(), parsed, scanner.Options{Temp: t.TempDir()})
		if got := contents(inv, layers); err != nil || got != wantImage || inv.OS.Arch != "X86_64" || len(inv.Notes) != 0 {
			t.Errorf("%s: %v, %+v, notes %q\n%s", target, err, inv.OS, inv.Notes, got)
		}
	}
}

// TestRootArchive: an exported root is an image of one layer.
func TestRootArchive(t *testing.T) {
	file := put(t, filepath.Join(t.TempDir(), "root.tar"), imageLayers(t)[1])
	inv, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Archive, Name: file}, scanner.Options{})
	if err != nil || len(inv.Items) != 6 {
		t.Errorf("%d items, %v", len(inv.Items), err)
	}
}

// TestBrokenImages: every broken image is an error that says what is broken.
func TestBrokenImages(t *testing.T) {
	layers := imageLayers(t)
	dir := t.TempDir()
	layout(t, filepath.Join(dir, "layout"), layers)
	whole := tarOf(t, filepath.Join(dir, "layout"))
	docker := func(manifest, config string) []byte {
		return pack(t, [][2]string{{"manifest.json", manifest}, {"c.json", config}, {"l.tar", string(layers[0])}})
	}
	for what, tt := range map[string]struct {
		data []byte
		want string
	}{
		"cut":              {whole[:len(whole)/2], ""},
		"cut packed":       {gzipped(t, whole)[:900], "unexpected EOF"},
		"empty":            {nil, "neither manifest.json"},
		"text":             {bytes.Repeat([]byte("hello "), 500), "not an image"},
		"no list":          {docker(`{}`, ``), "manifest.json"},
		"empty list":       {docker(`[]`, ``), "lists no image"},
		"no configuration": {docker(`[{"Config":"x","Layers":["l.tar"]}]`, `{}`), "configuration"},
		"lying number":     {docker(`[{"Config":"c.json","Layers":["l.tar"]}]`, `{"rootfs":{"diff_ids":[]}}`), "names 0 layers, the manifest 1"},
		"missing layer":    {docker(`[{"Config":"c.json","Layers":["../../etc/passwd"]}]`, `{"rootfs":{"diff_ids":["x"]}}`), "layer 1"},
		"bad digest":       {pack(t, [][2]string{{"index.json", `{"manifests":[{"digest":"sha256:../../x"}]}`}}), "is no digest"},
		"other platform":   {pack(t, [][2]string{{"index.json", `{"manifests":[{"digest":"sha256:0","platform":{"os":"linux","architecture":"arm64"}}]}`}}), "only for linux/arm64"},
	} {
		file := put(t, filepath.Join(dir, "x"), tt.data)
		_, err := scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Archive, Name: file}, scanner.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", what, err, tt.want)
		}
	}
	if _, err := image.ParsePlatform("linux"); err == nil {
		t.Error("half a platform is accepted")
	}
}

// forger serves large blobs with one byte changed.
type forger struct {
	registry.BlobHandler
	registry.BlobPutHandler
}

func (f forger) Get(ctx context.Context, repo string, h v1.Hash) (io.ReadCloser, error) {
	r, err := f.BlobHandler.Get(ctx, repo, h)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if gzip := bytes.HasPrefix(data, []byte{0x1f, 0x8b}); gzip {
		data[8] ^= 2 // the header's word about how hard it was packed: unpacks the same
	}
	return io.NopCloser(bytes.NewReader(data)), errors.Join(err, r.Close())
}

// TestRegistryLies: a layer that is not what its digest says is refused.
func TestRegistryLies(t *testing.T) {
	blobs := registry.NewInMemoryBlobHandler()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(forger{blobs, blobs.(registry.BlobPutHandler)})))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://") + "/app:1"
	ref, err := name.ParseReference(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, built(t, imageLayers(t))); err != nil {
		t.Fatal(err)
	}
	_, err = scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Image, Name: address}, scanner.Options{})
	if err == nil {
		t.Error("a forged layer is accepted")
	}
	_, err = scanner.Inventory(t.Context(), scanner.Target{Kind: scanner.Image, Name: strings.TrimPrefix(server.URL, "http://") + "/absent:1"}, scanner.Options{})
	if err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("an image that is not there: %v", err)
	}
}
