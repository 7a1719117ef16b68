package recount

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"muster/test/livetest"
)

// metadata are the files by which Python's packages are known.
func metadata(folder string, packages []pkg) map[string]string {
	files := map[string]string{}
	for _, p := range packages {
		files[folder+p.Name+".dist-info/METADATA"] = "Metadata-Version: 2.1\nName: " + p.Name + "\nVersion: " + p.text() + "\n\n"
	}
	return files
}

func zipped(files map[string]string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write([]byte(files[name]))
		}
		if err != nil { // memory
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// functions uploads functions, with no layer, one and two.
func (w *world) functions() {
	role := "arn:aws:iam::%s:role/%s"
	for n, at := range []struct{ account, region string }{{"ann", near}, {"ann", near}, {"ben", near}, {"ben", near}, {"ann", far}, {"stranger", near}} {
		r := &resource{Account: at.account, Region: at.region, Type: "AWS_LAMBDA_FUNCTION", Tags: odd[(n+1)%len(odd)]}
		fn := fmt.Sprintf("Fn-%c", 'c'-n%3)
		in := map[string]any{"functionName": fn, "runtime": []string{"python3.12", "python3.9"}[n%2], "architecture": []string{"arm64", "x86_64"}[n%2], "roleArn": fmt.Sprintf(role, w.id(at.account), fn)}
		var all []pkg
		layers := []any{}
		for l := range n % 3 {
			packages := install(w.r, pypi, 1, func(name string) string { return "python/" + name + ".dist-info/METADATA" })
			up := w.upload(at.account, at.region, zipped(metadata("python/", packages)))
			out := w.ask(at.account, at.region, "muster", "PublishFunctionLayer", map[string]any{"layerName": fmt.Sprintf("deps-%d", l), "uploadId": up})
			arn := livetest.Dig(out, "layer", "layerVersionArn").(string)
			layers = append(layers, arn)
			for _, p := range packages {
				// What lies at one path is the last layer's.
				all = slices.DeleteFunc(all, func(other pkg) bool { return other.Path == p.Path })
				p.Layer = arn
				all = append(all, p)
			}
		}
		own := install(w.r, pypi, 2, func(name string) string { return name + ".dist-info/METADATA" })
		all = append(all, own...)
		in["uploadId"], in["layers"] = w.upload(at.account, at.region, zipped(metadata("", own))), layers
		if len(r.Tags) > 0 {
			in["tags"] = tagsOf(r.Tags)
		}
		if n == 3 {
			r.End, r.Tags = "excluded", map[string]string{"InspectorExclusion": "LambdaStandardScanning"}
			in["tags"] = tagsOf(r.Tags)
		}
		out := w.ask(at.account, at.region, "muster", "PutFunction", in)
		r.ID = livetest.Dig(out, "function", "functionArn").(string)
		r.Reports, r.Details = [][]pkg{all}, map[string]any{"functionName": fn, "layers": layers, "executionRoleArn": in["roleArn"]}
		w.Resources = append(w.Resources, r)
	}
}

// code uploads source trees.
func (w *world) code() {
	for n, at := range []struct{ account, region string }{{"ann", near}, {"ben", near}, {"audit", far}} {
		packages := install(w.r, npm, 3, func(string) string { return "web/package-lock.json" })
		in := map[string]any{"name": fmt.Sprintf("shop.%d", n), "commitId": strings.Repeat(fmt.Sprint(n), 40),
			"uploadId": w.upload(at.account, at.region, zipped(map[string]string{"web/package-lock.json": lockFile(packages)}))}
		out := w.ask(at.account, at.region, "muster", "PutCodeRepositoryTree", in)
		w.Resources = append(w.Resources, &resource{Account: at.account, Region: at.region, Type: "CODE_REPOSITORY", ID: livetest.Dig(out, "repository", "resourceId").(string),
			Reports: [][]pkg{packages}, Details: map[string]any{"projectName": in["name"]}})
	}
}

// layer is a layer of an image with files, and its digest.
func (w *world) layer(files map[string]string) (v1.Layer, string) {
	var buf bytes.Buffer
	out := tar.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w.must(out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		_, err := io.WriteString(out, files[name])
		w.must(err)
	}
	w.must(out.Close())
	l := static.NewLayer(buf.Bytes(), types.OCIUncompressedLayer)
	digest, err := l.Digest()
	w.must(err)
	return l, digest.String()
}

// images pushes images to a registry of each account: few base layers, many
// repositories, one digest under several tags and in several repositories.
func (w *world) images() {
	type base struct {
		layer    v1.Layer
		packages []pkg
	}
	var bases []base
	for _, version := range []string{"11", "12"} {
		packages, status := install(w.r, debian, 5, nil), ""
		for _, p := range packages {
			status += fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", p.Name, p.text())
		}
		l, digest := w.layer(map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=\"" + version + "\"\n", "var/lib/dpkg/status": status})
		for i := range packages {
			packages[i].Layer = digest
		}
		bases = append(bases, base{l, packages})
	}
	repositories := map[string][]string{"ann": {"app", "app-web", "app/web", "manual"}, "ben": {"app", "app_web", "zoo"}, "stranger": {"app"}}
	for _, account := range slices.Sorted(maps.Keys(repositories)) {
		hub := httptest.NewServer(fake.New(fake.Logger(log.New(io.Discard, "", 0))))
		w.Cleanup(hub.Close)
		rules := []any{frequency("CONTINUOUS_SCAN", "app*"), frequency("SCAN_ON_PUSH", "zoo")}
		w.ask(account, near, "ecr", "PutRegistryScanningConfiguration", map[string]any{"scanType": "ENHANCED", "rules": rules})
		for n, repository := range repositories[account] {
			for i := range 1 + n%2 {
				b := bases[(n+i)%2]
				packages := install(w.r, pypi, 1+i, func(name string) string { return "usr/lib/python3/dist-packages/" + name + ".dist-info/METADATA" })
				l, digest := w.layer(metadata("usr/lib/python3/dist-packages/", packages))
				for k := range packages {
					packages[k].Layer = digest
				}
				w.push(hub.URL, account, repository, i, slices.Concat(b.packages, packages), b.layer, l)
			}
		}
		names := []any{}
		for _, n := range repositories[account] {
			names = append(names, n)
		}
		w.ask(account, near, "muster", "CreateRegistryConnection", map[string]any{"name": "hub", "url": hub.URL, "repositories": names, "pollSeconds": 86400})
	}
	w.found()
	w.used()
}

func frequency(word, filter string) map[string]any {
	return map[string]any{"scanFrequency": word, "repositoryFilters": []any{map[string]any{"filter": filter, "filterType": "WILDCARD"}}}
}

// push pushes an image under two tags, and plans what is in it.
func (w *world) push(url, account, repository string, i int, packages []pkg, layers ...v1.Layer) {
	image := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	image, err := mutate.AppendLayers(image, layers...)
	w.must(err)
	file, err := image.ConfigFile()
	w.must(err)
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Author = "linux", []string{"amd64", "arm64"}[i%2], "ann"
	image, err = mutate.ConfigFile(image, file)
	w.must(err)
	tags := []any{fmt.Sprintf("V%d", i), fmt.Sprintf("v%d_x", i)}
	for _, tag := range tags {
		ref, err := name.ParseReference(strings.TrimPrefix(url, "http://") + "/" + repository + ":" + tag.(string))
		w.must(err)
		w.must(remote.Write(ref, image))
	}
	digest, err := image.Digest()
	w.must(err)
	r := &resource{Account: account, Region: near, Type: "AWS_ECR_CONTAINER_IMAGE", Reports: [][]pkg{packages},
		ID:      fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s/%s", near, w.id(account), repository, digest),
		Details: map[string]any{"repositoryName": repository, "imageHash": digest.String(), "registry": w.id(account), "architecture": file.Architecture, "imageTags": tags}}
	if repository == "manual" {
		r.Reports = nil
	}
	w.Resources = append(w.Resources, r)
}

// found waits until every image is covered and scanned.
func (w *world) found() {
	for _, r := range w.Resources {
		if r.Type == "AWS_ECR_CONTAINER_IMAGE" {
			w.await(r.ID+" is covered", func() bool {
				out := w.ask(r.Account, near, "inspector2", "ListCoverage", map[string]any{"filterCriteria": map[string]any{"resourceId": []any{map[string]any{"comparison": "EQUALS", "value": r.ID}}}})
				return livetest.Dig(out, "coveredResources", 0, "resourceId") == r.ID &&
					livetest.Dig(out, "coveredResources", 0, "scanStatus", "reason") != "PENDING_INITIAL_SCAN"
			})
		}
	}
}

// used says of ann's first images that they run.
func (w *world) used() {
	cluster := "arn:aws:eks:" + near + ":" + w.id("ann") + ":cluster/one"
	var list []any
	for _, r := range w.Resources {
		if r.Account == "ann" && r.Type == "AWS_ECR_CONTAINER_IMAGE" && len(list) < 2 {
			u := use{Account: "ann", Digest: r.Details["imageHash"].(string), Cluster: cluster, Running: 2 + 3*len(list), Stopped: 1}
			w.Uses = append(w.Uses, u)
			list = append(list, map[string]any{"digest": u.Digest, "runningCount": u.Running, "stoppedCount": u.Stopped, "namespace": "shop", "workloadName": "web", "workloadType": "Deployment"})
		}
	}
	w.ask("ann", near, "muster", "ReportClusterImages", map[string]any{"clusterArn": cluster, "images": list})
}
