// Package push pushes images to a whole server as people do: with the token of
// GetAuthorizationToken, by the open interface of registries and by the
// operations of ECR, and waits for what is found in them.
package push

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"muster/internal/config"
	"muster/internal/store/storetest"
	"muster/test/livetest"
)

const region = "us-east-1"

// world is a server, an account on it with scanning switched on, and the
// account's way into its registry.
type world struct {
	*testing.T
	server  *livetest.Server
	account string
	root    *livetest.Client
	host    string
	login   authn.Authenticator
}

func each(t *testing.T, do func(*world), options ...livetest.Option) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		do(found(t, url, options...))
	})
}

func found(t *testing.T, url string, options ...livetest.Option) *world {
	feeds := filepath.Join(t.TempDir(), "feeds")
	publish(t, feeds)
	server := livetest.Start(t, url, append([]livetest.Option{func(c *config.Config) { c.Feeds = feeds }}, options...)...)
	w := &world{T: t, server: server}
	if _, err := server.SyncFeeds(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	account, root := server.Account(t, "ann")
	w.account, w.root = string(account), root.In(region)
	w.host = strings.TrimPrefix(server.URL(), "http://")
	w.ask("inspector2", "Enable", map[string]any{"resourceTypes": []any{"ECR"}})
	w.login = w.token(w.root)
	w.settle()
	return w
}

// publish writes the advisories: one flaw of openssl, mended by 2-1.
func publish(t *testing.T, feeds string) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	f, err := z.Create("a.json")
	if err == nil {
		_, err = io.WriteString(f, `{"schema_version":"1.7.0","id":"DEBIAN-CVE-2026-0001","upstream":["CVE-2026-0001"],"modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z","details":"A flaw.",
"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2-1"}]}]}]}`)
	}
	err = errors.Join(err, z.Close())
	if err := errors.Join(err, os.MkdirAll(filepath.Join(feeds, "osv"), 0o755), os.WriteFile(filepath.Join(feeds, "osv", "Debian.zip"), out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) ask(service, operation string, in map[string]any) map[string]any {
	w.Helper()
	a, err := w.root.Call(w.Context(), service, operation, in)
	if err != nil || !a.OK() {
		w.Fatalf("%s: %s %v", operation, a, err)
	}
	return a.JSON()
}

// refused asks for something that is to fail with a code.
func (w *world) refused(operation string, in map[string]any, code string) {
	w.Helper()
	a, err := w.root.Call(w.Context(), "ecr", operation, in)
	if err != nil || a.Code != code {
		w.Errorf("%s: %s %v, want %s", operation, a, err, code)
	}
}

// token is what `docker login` would be given.
func (w *world) token(c *livetest.Client) authn.Authenticator {
	w.Helper()
	a, err := c.Call(w.Context(), "ecr", "GetAuthorizationToken", nil)
	if err != nil || !a.OK() {
		w.Fatalf("GetAuthorizationToken: %s %v", a, err)
	}
	data := livetest.Dig(a.JSON(), "authorizationData", 0)
	if at := livetest.Dig(data, "proxyEndpoint"); at != w.server.URL() {
		w.Errorf("the registry is at %v, not %s", at, w.server.URL())
	}
	text, err := base64.StdEncoding.DecodeString(livetest.Dig(data, "authorizationToken").(string))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok || user != "AWS" {
		w.Fatalf("the token is %s, %v", text, err)
	}
	return &authn.Basic{Username: user, Password: password}
}

func (w *world) create(name string, more map[string]any) {
	in := map[string]any{"repositoryName": name}
	for k, v := range more {
		in[k] = v
	}
	made := w.ask("ecr", "CreateRepository", in)
	if uri := livetest.Dig(made, "repository", "repositoryUri"); uri != w.host+"/"+name {
		w.Errorf("the repository is at %v", uri)
	}
}

func (w *world) ref(text string) name.Reference {
	w.Helper()
	ref, err := name.ParseReference(w.host+"/"+text, name.Insecure)
	if err != nil {
		w.Fatal(err)
	}
	return ref
}

func (w *world) write(text string, image v1.Image) error {
	return remote.Write(w.ref(text), image, remote.WithAuth(w.login), remote.WithContext(w.Context()))
}

// debian is an image with one package, and a layer of noise.
func debian(t testing.TB, version string, noise int) v1.Image {
	t.Helper()
	var buf bytes.Buffer
	out := tar.NewWriter(&buf)
	files := [][2]string{{"etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"},
		{"var/lib/dpkg/status", "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n\n"}}
	for _, f := range files {
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
	layers := []v1.Layer{static.NewLayer(buf.Bytes(), types.OCIUncompressedLayer)}
	if noise > 0 {
		l, err := random.Layer(int64(noise), types.OCILayer)
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	image := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	image, err := mutate.AppendLayers(image, layers...)
	if err == nil {
		var file *v1.ConfigFile
		if file, err = image.ConfigFile(); err == nil {
			file = file.DeepCopy()
			file.OS, file.Architecture, file.Author = "linux", "amd64", "ann"
			image, err = mutate.ConfigFile(image, file)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func digestOf(t testing.TB, i interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// settle waits until no scan is due or under way.
func (w *world) settle() {
	w.await("the scans end", func() bool {
		settled, err := w.server.ScansSettled(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		return settled
	})
}

func (w *world) await(what string, so func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Logf("covered: %v\njobs: %v", w.ask("inspector2", "ListCoverage", nil), w.ask("muster", "ListJobs", nil))
			w.Fatal("in vain: " + what)
		}
	}
}

// statuses are those of the findings of an image.
func (w *world) statuses(repository, digest string) string {
	out := w.ask("inspector2", "ListFindings", map[string]any{"filterCriteria": map[string]any{
		"resourceId": []any{map[string]any{"comparison": "EQUALS", "value": fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s/%s", region, w.account, repository, digest)}}}})
	var list []string
	for _, f := range out["findings"].([]any) {
		list = append(list, fmt.Sprint(livetest.Dig(f, "status")))
	}
	return strings.Join(list, " ")
}

// TestPushedImagesAreScanned: an image that is pushed has its findings by
// itself, ECR tells of them, it can be pulled again, and when it is deleted the
// findings close and its content goes.
func TestPushedImagesAreScanned(t *testing.T) {
	each(t, func(w *world) {
		w.create("team/app", nil)
		image := debian(w, "1-1", 3<<20)
		if err := w.write("team/app:v1", image); err != nil {
			w.Fatal(err)
		}
		digest := digestOf(w, image)
		w.await("the finding opens", func() bool { return w.statuses("team/app", digest) == "ACTIVE" })
		of := map[string]any{"repositoryName": "team/app", "imageId": map[string]any{"imageTag": "v1"}}
		scanned := w.ask("ecr", "DescribeImageScanFindings", of)
		if id := livetest.Dig(scanned, "imageScanFindings", "enhancedFindings", 0, "packageVulnerabilityDetails", "vulnerabilityId"); id != "CVE-2026-0001" {
			w.Errorf("found %v", scanned)
		}
		described := w.ask("ecr", "DescribeImages", map[string]any{"repositoryName": "team/app"})
		if livetest.Dig(described, "imageDetails", 0, "imageDigest") != digest || livetest.Dig(described, "imageDetails", 0, "imageTags", 0) != "v1" {
			w.Errorf("described as %v", described)
		}
		w.pulls("team/app:v1", image)
		w.ask("ecr", "BatchDeleteImage", map[string]any{"repositoryName": "team/app", "imageIds": []any{map[string]any{"imageDigest": digest}}})
		w.await("the finding closes", func() bool { return w.statuses("team/app", digest) == "CLOSED" })
		if _, err := remote.Head(w.ref("team/app:v1"), remote.WithAuth(w.login)); err == nil {
			w.Error("a deleted image is still there")
		}
		w.ask("ecr", "DeleteRepository", map[string]any{"repositoryName": "team/app"})
	})
}

// pulls pulls an image and compares every byte.
func (w *world) pulls(text string, want v1.Image) {
	w.Helper()
	got, err := remote.Image(w.ref(text), remote.WithAuth(w.login))
	if err != nil {
		w.Fatal(err)
	}
	if a, b := digestOf(w, got), digestOf(w, want); a != b {
		w.Errorf("pulled %s, pushed %s", a, b)
	}
	layers, err := got.Layers()
	if err != nil {
		w.Fatal(err)
	}
	for _, l := range layers {
		body, err := l.Compressed()
		if err != nil {
			w.Fatal(err)
		}
		h, _, err := v1.SHA256(body)
		if d, _ := l.Digest(); err != nil || h != d {
			w.Errorf("a layer of %s came as %s: %v", d, h, err)
		}
	}
}

// TestTags: tags move unless they are immutable, an index has its images, and a
// layer is taken from another repository.
func TestTags(t *testing.T) {
	each(t, func(w *world) {
		w.create("app", nil)
		w.create("other", map[string]any{"imageTagMutability": "IMMUTABLE"})
		first, second := debian(w, "1-1", 0), debian(w, "2-1", 0)
		for _, text := range []string{"app:v1", "app:latest", "other:v1"} {
			if err := w.write(text, first); err != nil {
				w.Fatal(err)
			}
		}
		if err := w.write("app:latest", second); err != nil {
			w.Fatal(err)
		}
		if err := w.write("other:v1", second); err == nil || !strings.Contains(err.Error(), "immutable") {
			w.Errorf("an immutable tag moved: %v", err)
		}
		if err := w.write("other:v1", first); err != nil {
			w.Errorf("the same image again: %v", err)
		}
		tags, err := remote.List(w.ref("app:x").Context(), remote.WithAuth(w.login), remote.WithPageSize(1))
		if err != nil || strings.Join(tags, " ") != "latest v1" {
			w.Errorf("tags %v, %v", tags, err)
		}
		w.await("the mended image is clean", func() bool {
			return w.statuses("app", digestOf(w, first)) == "ACTIVE" && w.statuses("app", digestOf(w, second)) == ""
		})
		index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: first}, mutate.IndexAddendum{Add: second})
		if err := remote.WriteIndex(w.ref("app:all"), index, remote.WithAuth(w.login)); err != nil {
			w.Fatal(err)
		}
		got, err := remote.Index(w.ref("app:all"), remote.WithAuth(w.login))
		if err != nil || digestOf(w, got) != digestOf(w, index) {
			w.Errorf("the index came back as %v", err)
		}
		// One of two tags goes alone.
		out := w.ask("ecr", "BatchDeleteImage", map[string]any{"repositoryName": "app", "imageIds": []any{map[string]any{"imageTag": "v1"}}})
		if livetest.Dig(out, "imageIds", 0, "imageTag") != "v1" {
			w.Errorf("deleted %v", out)
		}
		if w.statuses("app", digestOf(w, first)) != "CLOSED" {
			w.await("an image goes with its last tag", func() bool { return w.statuses("app", digestOf(w, first)) == "CLOSED" })
		}
	})
}

// TestOperations pushes by the operations of ECR, and breaks their rules.
func TestOperations(t *testing.T) {
	each(t, func(w *world) {
		w.create("app", nil)
		image := debian(w, "1-1", 0)
		layers, err := image.Layers()
		if err != nil {
			w.Fatal(err)
		}
		config, err := image.RawConfigFile()
		if err != nil {
			w.Fatal(err)
		}
		manifest, err := image.RawManifest()
		if err != nil {
			w.Fatal(err)
		}
		in := func(more map[string]any) map[string]any {
			out := map[string]any{"repositoryName": "app"}
			for k, v := range more {
				out[k] = v
			}
			return out
		}
		w.refused("PutImage", in(map[string]any{"imageManifest": string(manifest), "imageTag": "v1"}), "LayersNotFoundException")
		blobs := [][]byte{config}
		for _, l := range layers {
			body, err := l.Compressed()
			if err != nil {
				w.Fatal(err)
			}
			data, err := io.ReadAll(body)
			if err != nil {
				w.Fatal(err)
			}
			blobs = append(blobs, data)
		}
		for _, data := range blobs {
			h, _, err := v1.SHA256(bytes.NewReader(data))
			if err != nil {
				w.Fatal(err)
			}
			id := w.ask("ecr", "InitiateLayerUpload", in(nil))["uploadId"]
			w.refused("CompleteLayerUpload", in(map[string]any{"uploadId": id, "layerDigests": []any{h.String()}}), "EmptyUploadException")
			half := len(data) / 2
			part := func(from, to int) map[string]any {
				return in(map[string]any{"uploadId": id, "partFirstByte": from, "partLastByte": to - 1, "layerPartBlob": base64.StdEncoding.EncodeToString(data[from:to])})
			}
			w.ask("ecr", "UploadLayerPart", part(0, half))
			w.refused("UploadLayerPart", part(half+1, len(data)), "InvalidLayerPartException")
			w.refused("CompleteLayerUpload", in(map[string]any{"uploadId": id, "layerDigests": []any{h.String()}}), "InvalidLayerException")
			out := w.ask("ecr", "UploadLayerPart", part(half, len(data)))
			if last := out["lastByteReceived"]; fmt.Sprint(last) != fmt.Sprint(len(data)-1) {
				w.Errorf("%v bytes of %d came", last, len(data))
			}
			w.ask("ecr", "CompleteLayerUpload", in(map[string]any{"uploadId": id, "layerDigests": []any{h.String()}}))
			w.refused("UploadLayerPart", part(0, half), "UploadNotFoundException")
			there := w.ask("ecr", "BatchCheckLayerAvailability", in(map[string]any{"layerDigests": []any{h.String(), "sha256:" + strings.Repeat("0", 64)}}))
			if livetest.Dig(there, "layers", 0, "layerAvailability") != "AVAILABLE" || livetest.Dig(there, "layers", 1, "layerAvailability") != "UNAVAILABLE" {
				w.Errorf("layers are %v", there)
			}
			w.downloads(fmt.Sprint(w.ask("ecr", "GetDownloadUrlForLayer", in(map[string]any{"layerDigest": h.String()}))["downloadUrl"]), data)
		}
		put := in(map[string]any{"imageManifest": string(manifest), "imageTag": "v1", "imageManifestMediaType": string(types.OCIManifestSchema1)})
		w.ask("ecr", "PutImage", put)
		w.refused("PutImage", put, "ImageAlreadyExistsException")
		put["imageDigest"] = "sha256:" + strings.Repeat("0", 64)
		w.refused("PutImage", put, "ImageDigestDoesNotMatchException")
		w.await("the finding opens", func() bool { return w.statuses("app", digestOf(w, image)) == "ACTIVE" })
		w.pulls("app:v1", image)
	})
}

// downloads follows a link without any credentials.
func (w *world) downloads(link string, want []byte) {
	w.Helper()
	for at, status := range map[string]int{link: http.StatusOK, strings.Replace(link, "link=", "link=x", 1): http.StatusUnauthorized,
		strings.Replace(link, "/v2/app/", "/v2/other/", 1): http.StatusUnauthorized} {
		resp, err := http.Get(at)
		if err != nil {
			w.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != status || status == http.StatusOK && !bytes.Equal(body, want) {
			w.Errorf("%s: %s, %d bytes, %v", at, resp.Status, len(body), err)
		}
	}
}

// TestStrangers: nobody comes in without a token, with that of another account,
// or beyond what its policies allow.
func TestStrangers(t *testing.T) {
	each(t, func(w *world) {
		w.create("app", nil)
		image := debian(w, "1-1", 0)
		if err := w.write("app:v1", image); err != nil {
			w.Fatal(err)
		}
		look := func(who authn.Authenticator, text string) string {
			_, err := remote.Get(w.ref(text), remote.WithAuth(who))
			return fmt.Sprint(err)
		}
		for who, login := range map[string]authn.Authenticator{"nobody": authn.Anonymous, "a liar": &authn.Basic{Username: "AWS", Password: "x"}, "another name": &authn.Basic{Username: "ann", Password: password(w)}} {
			if err := look(login, "app:v1"); !strings.Contains(err, "UNAUTHORIZED") {
				w.Errorf("%s was told %s", who, err)
			}
		}
		_, other := w.server.Account(w, "ben")
		if err := look(w.token(other.In(region)), "app:v1"); !strings.Contains(err, "NAME_UNKNOWN") {
			w.Errorf("another account was told %s", err)
		}
		if err := look(w.token(w.root.In("eu-west-1")), "app:v1"); !strings.Contains(err, "NAME_UNKNOWN") {
			w.Errorf("another Region has it: %s", err)
		}
		user, key := w.user("reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchGetImage"],"Resource":"*"}]}`)
		login := w.token(user)
		if err := look(login, "app:v1"); err != "<nil>" {
			w.Errorf("a reader was told %s", err)
		}
		if err := remote.Write(w.ref("app:v2"), debian(w, "2-1", 0), remote.WithAuth(login)); err == nil || !strings.Contains(err.Error(), "403") {
			w.Errorf("a reader pushed: %v", err)
		}
		if err := remote.Delete(w.ref("app@"+digestOf(w, image)), remote.WithAuth(login)); err == nil || !strings.Contains(err.Error(), "DENIED") {
			w.Errorf("a reader deleted: %v", err)
		}
		w.ask("iam", "DeleteAccessKey", map[string]any{"UserName": "reader", "AccessKeyId": key})
		w.await("the token ends with its key", func() bool { return strings.Contains(look(login, "app:v1"), "UNAUTHORIZED") })
	})
}

func password(w *world) string {
	c, err := w.login.Authorization()
	if err != nil {
		w.Fatal(err)
	}
	return c.Password
}

// user makes a user with a policy, and returns its client.
func (w *world) user(name, document string) (*livetest.Client, string) {
	w.ask("iam", "CreateUser", map[string]any{"UserName": name})
	w.ask("iam", "PutUserPolicy", map[string]any{"UserName": name, "PolicyName": "p", "PolicyDocument": document})
	a, err := w.root.Call(w.Context(), "iam", "CreateAccessKey", map[string]any{"UserName": name})
	if err != nil || !a.OK() {
		w.Fatalf("CreateAccessKey: %s %v", a, err)
	}
	id, secret := a.Field("AccessKeyId"), a.Field("SecretAccessKey")
	return w.server.Client(livetest.Key{ID: id, Secret: secret}).In(region), id
}

// TestProtocol holds the open interface to its specification where clients are
// not strict: pieces, places, cancelling, what cannot be.
func TestProtocol(t *testing.T) {
	each(t, func(w *world) {
		w.create("a/blobs/b", nil)
		data := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // more than three parts
		h, _, err := v1.SHA256(bytes.NewReader(data))
		if err != nil {
			w.Fatal(err)
		}
		digest := h.String()
		const base = "/v2/a/blobs/b/blobs/"
		begin := func() string { return w.do("POST", base+"uploads/", nil, nil, 202).Get("Location") }
		at := begin()
		third := len(data) / 3
		w.do("PATCH", at, data[:third], map[string]string{"Content-Range": fmt.Sprintf("0-%d", third-1)}, 202)
		w.do("PATCH", at, data[third+1:], map[string]string{"Content-Range": fmt.Sprintf("%d-%d", third+1, len(data)-1)}, 416)
		if got := w.do("GET", at, nil, nil, 204).Get("Range"); got != fmt.Sprintf("0-%d", third-1) {
			w.Errorf("the upload is at %s", got)
		}
		w.do("PATCH", at, data[third:2*third], nil, 202)
		w.do("PUT", at+"?digest=sha256:"+strings.Repeat("0", 64), data[2*third:], nil, 400)
		at = begin()
		w.do("PATCH", at, data[:third], nil, 202)
		w.do("PUT", at+"?digest="+digest, data[third:], nil, 201)
		w.do("PUT", at+"?digest="+digest, nil, nil, 404)
		if n := w.do("HEAD", base+digest, nil, nil, 200).Get("Content-Length"); n != fmt.Sprint(len(data)) {
			w.Errorf("the blob has %s bytes", n)
		}
		req := w.request("GET", base+digest, nil, map[string]string{"Range": "bytes=1048570-1048585"})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			w.Fatal(err)
		}
		part, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusPartialContent || !bytes.Equal(part, data[1048570:1048586]) {
			w.Errorf("a part over two parts: %s %q %v", resp.Status, part, err)
		}
		w.do("POST", base+"uploads/?digest="+digest, data, nil, 201)
		gone := begin()
		w.do("DELETE", gone, nil, nil, 204)
		w.do("PATCH", gone, data[:1], nil, 404)
		w.do("POST", "/v2/nowhere/blobs/uploads/", nil, nil, 404)
		w.do("POST", "/v2/Bad/blobs/uploads/", nil, nil, 400)
		w.do("GET", base+"sha256:1", nil, nil, 400)
		w.do("DELETE", base+digest, nil, nil, 405)
		w.do("PUT", "/v2/a/blobs/b/manifests/v1", []byte("{"), map[string]string{"Content-Type": string(types.OCIManifestSchema1)}, 400)
		w.do("PUT", "/v2/a/blobs/b/manifests/.x", []byte("{}"), map[string]string{"Content-Type": string(types.OCIManifestSchema1)}, 400)
		w.do("PUT", "/v2/a/blobs/b/manifests/v1", bytes.Repeat([]byte(" "), 4<<20+1), nil, 413)
		w.create("other", nil)
		w.do("POST", "/v2/other/blobs/uploads/?mount="+digest+"&from=a/blobs/b", nil, nil, 201)
		w.do("HEAD", "/v2/other/blobs/"+digest, nil, nil, 200)
		w.do("POST", "/v2/other/blobs/uploads/?mount=sha256:"+strings.Repeat("1", 64)+"&from=a/blobs/b", nil, nil, 202)
		w.do("GET", "/v2/", nil, nil, 200)
	})
}

func (w *world) request(method, path string, body []byte, header map[string]string) *http.Request {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.server.URL()+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.SetBasicAuth("AWS", password(w))
	for k, v := range header {
		req.Header.Set(k, v)
	}
	return req
}

func (w *world) do(method, path string, body []byte, header map[string]string, status int) http.Header {
	w.Helper()
	resp, err := http.DefaultClient.Do(w.request(method, path, body, header))
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		w.Errorf("%s %s: %s %.300s %v, want %d", method, path, resp.Status, text, err, status)
	}
	if status >= 400 && method != "HEAD" {
		var problem struct{ Errors []struct{ Code string } }
		if err := json.Unmarshal(text, &problem); err != nil || len(problem.Errors) != 1 || problem.Errors[0].Code == "" {
			w.Errorf("%s %s says %s", method, path, text)
		}
	}
	return resp.Header
}

// TestSkopeo pushes, looks and copies by a program that people use.
func TestSkopeo(t *testing.T) {
	program, err := exec.LookPath("skopeo")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("skopeo is not installed")
		}
		t.Skip("skopeo is not installed: 'make test' installs it")
	}
	each(t, func(w *world) {
		w.create("app", nil)
		w.create("copy", nil)
		dir, image := w.TempDir(), debian(w, "1-1", 1<<20)
		path, err := layout.Write(dir, empty.Index)
		if err == nil {
			err = path.AppendImage(image, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "v1"}))
		}
		if err != nil {
			w.Fatal(err)
		}
		run := func(args ...string) string {
			w.Helper()
			cmd := exec.CommandContext(w.Context(), program, args...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				w.Fatalf("skopeo %v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		auth := filepath.Join(dir, "auth.json")
		run("login", "--tls-verify=false", "--authfile", auth, "--username", "AWS", "--password", password(w), w.host)
		run("--insecure-policy", "copy", "--preserve-digests", "--authfile", auth, "--dest-tls-verify=false", "oci:"+dir+":v1", "docker://"+w.host+"/app:v1")
		if out := run("inspect", "--authfile", auth, "--tls-verify=false", "docker://"+w.host+"/app:v1"); !strings.Contains(out, digestOf(w, image)) {
			w.Errorf("inspected as %s", out)
		}
		run("--insecure-policy", "copy", "--preserve-digests", "--authfile", auth, "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+w.host+"/app:v1", "docker://"+w.host+"/copy:v1")
		w.pulls("copy:v1", image)
		w.await("the finding opens", func() bool { return w.statuses("copy", digestOf(w, image)) == "ACTIVE" })
		run("delete", "--authfile", auth, "--tls-verify=false", "docker://"+w.host+"/copy:v1")
		w.await("the finding closes", func() bool { return w.statuses("copy", digestOf(w, image)) == "CLOSED" })
	})
}

// TestRoom: an account that has pushed what it may is refused more.
func TestRoom(t *testing.T) {
	each(t, func(w *world) {
		w.create("app", nil)
		var err error
		for n := 0; n < 4 && err == nil; n++ {
			err = w.write(fmt.Sprintf("app:v%d", n), debian(w, "1-1", 2<<20))
		}
		if err == nil || !strings.Contains(err.Error(), "may not keep more") {
			w.Errorf("pushed until %v", err)
		}
	}, func(c *config.Config) { c.ImageStorage = 3 << 20 })
}
