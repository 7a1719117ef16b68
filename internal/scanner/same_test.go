package scanner_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
	"muster/internal/source/disk/disktest"
	"muster/internal/testshared"
)

// goProgram is an ELF file in which Go's linker has left what it was built of,
// and nothing else.
func goProgram(version, modules string) []byte {
	const start, end = "0w\xaf\f\x92t\b\x02A\xe1\xc1\a\xe6\xd6\x18\xe6", "\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2"
	info := append([]byte("\xff Go buildinf:\x08\x02"), make([]byte, 16)...)
	for _, text := range []string{version, start + modules + end} {
		info = append(binary.AppendUvarint(info, uint64(len(text))), text...)
	}
	const at = 128
	file := make([]byte, 8192)
	copy(file, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	for place, v := range map[int]uint16{16: 2, 18: 62, 20: 1, 52: 64, 54: 56, 56: 1, 58: 64} {
		le.PutUint16(file[place:], v)
	}
	le.PutUint64(file[32:], 64) // the only segment, of data
	le.PutUint32(file[64:], 1)
	le.PutUint32(file[68:], 6)
	for place, v := range map[int]uint64{72: at, 80: at, 88: at, 96: uint64(len(file) - at), 104: uint64(len(file) - at), 112: 16} {
		le.PutUint64(file[place:], v)
	}
	copy(file[at:], info)
	return file
}

// javaArchive is a jar that says which artifact it is.
func javaArchive(t testing.TB, group, artifact, version string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create("META-INF/maven/" + group + "/" + artifact + "/pom.properties")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "groupId=%s\nartifactId=%s\nversion=%s\n", group, artifact, version); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// everything is a root with packages of five kinds that have vulnerabilities.
func everything(t testing.TB) disktest.Tree {
	t.Helper()
	status, err := os.ReadFile(filepath.Join(testshared.Dir(t), "targets/os/node-latest-dpkg/var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	release, err := os.ReadFile(filepath.Join(testshared.Dir(t), "targets/os/node-latest-dpkg/etc/os-release"))
	if err != nil {
		t.Fatal(err)
	}
	return disktest.Tree{}.Add(map[string]disktest.Item{
		"usr/lib/os-release": disktest.File(string(release)), "etc/os-release": disktest.Link("../usr/lib/os-release"),
		"etc/fstab": disktest.File("/dev/sda1 / ext4 defaults 0 1\n"), "var/lib/dpkg/status": disktest.File(string(status)), "lib": disktest.Link("usr/lib"),
		"usr/local/lib/node_modules/minimist/package.json":                     disktest.File(`{"name":"minimist","version":"0.0.8"}`),
		"usr/local/lib/python3.11/site-packages/PyYAML-5.3.dist-info/METADATA": disktest.File("Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3\n"),
		"app/package-lock.json": disktest.File(`{"lockfileVersion":3,"packages":{"node_modules/on-headers":{"version":"1.0.1"}}}`),
		"opt/app.jar":           disktest.Program(javaArchive(t, "org.apache.logging.log4j", "log4j-core", "2.14.1")),
		"usr/local/bin/server":  disktest.Program(goProgram("go1.19", "path\tx\nmod\tx\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x\n")),
		"usr/local/bin/script":  disktest.Program([]byte("#!/bin/sh\n" + strings.Repeat("#", 5000))),
	})
}

// writeTar packs a tree as it is, modes and links included.
func writeTar(t testing.TB, tree disktest.Tree, file string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range tree.Names() {
		i := tree[name]
		h := &tar.Header{Name: name, Mode: int64(i.Mode.Perm()), Size: i.Size, Linkname: i.Link, Typeflag: tar.TypeReg}
		switch {
		case i.Mode.IsDir():
			h.Typeflag = tar.TypeDir
		case i.Mode&fs.ModeSymlink != 0:
			h.Typeflag = tar.TypeSymlink
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(i.Content()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t.(*testing.T), file, buf.Bytes())
	return buf.Bytes()
}

func writeZip(t testing.TB, tree disktest.Tree, file string) {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range tree.Names() {
		i := tree[name]
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(i.Mode)
		if i.Mode.IsDir() {
			h.Name += "/"
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		content := i.Content()
		if i.Link != "" {
			content = []byte(i.Link)
		}
		if _, err := f.Write(content); err != nil && !i.Mode.IsDir() {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t.(*testing.T), file, buf.Bytes())
}

// TestSameContent: the same content gives the same matches whatever it comes
// as, and twice the same bytes in every form.
func TestSameContent(t *testing.T) {
	advisories := filepath.Join(testshared.Dir(t), "advisories", "small")
	disktest.Need(t, "mkfs.ext4", "mkfs.xfs", "sfdisk", "qemu-img")
	dir, tree := t.TempDir(), everything(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	tree.Write(t, at("root"))
	data := writeTar(t, tree, at("root.tar"))
	writeZip(t, tree, at("root.zip"))
	disktest.Ext4(t, at("ext4.raw"), at("root"), 32<<20)
	disktest.XFS(t, at("xfs"), at("root"), tree, 64<<20)
	disktest.Sparse(t, at("xfs.raw"), 80<<20)
	disktest.Feed(t, "label: gpt\nstart=2048, size=64M\n", "sfdisk", "-q", "--no-reread", at("xfs.raw"))
	copyInto(t, at("xfs"), at("xfs.raw"), 1<<20)
	disktest.Run(t, "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", at("xfs.raw"), at("xfs.qcow2"))
	disktest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "vmdk", at("ext4.raw"), at("ext4.vmdk"))
	img := built(t, [][]byte{data, pack(t, [][2]string{{"tmp/", ""}})})
	tag, err := name.NewTag("example.com/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(at("docker.tar"), tag, img); err != nil {
		t.Fatal(err)
	}
	layout(t, at("layout"), [][]byte{data, pack(t, [][2]string{{"tmp/", ""}})})
	address := startRegistry(t) + "/team/app:1"
	ref, err := name.ParseReference(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	opts := scanner.Options{Advisories: knowledge.Config{Location: advisories, Dir: t.TempDir()}, Temp: t.TempDir(), Layers: t.TempDir()}
	scan := func(text string) *scanner.Result {
		target, err := scanner.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := scanner.Scan(t.Context(), target, opts)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return r
	}
	base := scan("dir:" + at("root"))
	want := ids(base)
	for _, id := range []string{" minimist 0.0.8", " PyYAML 5.3", " on-headers 1.0.1", "log4j-core 2.14.1", " golang.org/x/net v0.1.0", " stdlib 1.19"} {
		if !strings.Contains(strings.ToLower(want), strings.ToLower(id)) {
			t.Errorf("no finding of%s", id)
		}
	}
	for _, f := range []report.Format{"cyclonedx", "cyclonedx-1.4", "spdx"} {
		put(t, at(string(f)+".json"), []byte(write(t, f, base)))
	}
	for _, target := range []string{
		at("root"), at("root.tar"), at("root.zip"), at("ext4.raw"), at("xfs.raw"), at("xfs.qcow2"), at("ext4.vmdk"), at("docker.tar"), at("layout"),
		"image:" + address, at("cyclonedx.json"), at("cyclonedx-1.4.json"), at("spdx.json"),
	} {
		r := scan(target)
		if got := ids(r); got != want {
			t.Errorf("%s: other findings than of the folder:\n%s", target, difference(got, want))
		}
		if !strings.HasPrefix(target, "image:") && !strings.HasSuffix(target, "qcow2") && !strings.HasSuffix(target, "zip") {
			continue
		}
		again := scan(target)
		for _, f := range report.Formats() {
			if write(t, f, r) != write(t, f, again) {
				t.Errorf("%s as %s: two scans differ", target, f)
			}
		}
	}
}

// difference lists the lines that only one of two texts has.
func difference(got, want string) string {
	out := ""
	for _, side := range []struct{ mark, a, b string }{{"+", got, want}, {"-", want, got}} {
		for line := range strings.Lines(side.a) {
			if !strings.Contains("\n"+side.b, "\n"+line) && len(out) < 3000 {
				out += side.mark + line
			}
		}
	}
	return out
}

func copyInto(t testing.TB, from, to string, at int64) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.NewOffsetWriter(out, at), in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
