package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/feed/bundle"
	"muster/internal/feed/layout"
)

// folder writes a feeds folder with a manifest; day says when it was fetched.
func folder(t *testing.T, day int, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	fill(t, dir, files)
	var list layout.FileList
	for path, body := range files {
		f, err := layout.File{Path: path, URL: "https://example.com/" + path, Size: int64(len(body)), SHA256: sum(body), FetchedAt: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)}.Describe()
		if err != nil {
			t.Fatal(err)
		}
		list.Files = append(list.Files, f)
	}
	if err := layout.WriteList(dir, list); err != nil {
		t.Fatal(err)
	}
	return dir
}

func fill(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, body := range files {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var first = map[string]string{"kev.json": "{kev}", "osv/Debian.zip": strings.Repeat("debian", 5000), "osv/Red Hat.zip": "redhat", "alpine/v3.20/main.json": "{}"}

// keys makes a key and the trust in it.
func keys(t *testing.T) (ed25519.PrivateKey, bundle.Trust) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if _, err := bundle.GenerateKey(path); err != nil {
		t.Fatal(err)
	}
	key, err := bundle.ReadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.ReadTrust([]string{path + ".pub"})
	if err != nil {
		t.Fatal(err)
	}
	return key, trust
}

// export writes a bundle and returns its path.
func export(t *testing.T, dir string, opts bundle.Options) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "feeds.bundle")
	if _, err := bundle.Write(t.Context(), out, dir, opts); err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t *testing.T, path string, trust bundle.Trust) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Open(path, trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// content reads a folder back, without what is private.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.IsDir() && strings.HasPrefix(info.Name(), ".") && path != dir {
			return filepath.SkipDir
		}
		if err != nil {
			return err
		}
		if name, _ := filepath.Rel(dir, path); !info.IsDir() && name != layout.Manifest {
			b, err := os.ReadFile(path)
			out[filepath.ToSlash(name)] = string(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(a, b map[string]string) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

func TestABundleCarriesAFolder(t *testing.T) {
	key, trust := keys(t)
	path := export(t, folder(t, 1, first), bundle.Options{Key: key})
	if !bundle.Is(path) || bundle.Is(filepath.Dir(path)) {
		t.Error("Is does not know it")
	}
	b := open(t, path, trust)
	if b.Signer == "" || len(b.Manifest.Files) != 4 || !b.Manifest.Created.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", b)
	}
	if f, ok := b.Find("kev.json"); !ok || f.Licence != "CC0-1.0" || f.Attribution != "CISA" || f.URL != "https://example.com/kev.json" || f.Schema == "" || f.FetchedAt.IsZero() {
		t.Errorf("%+v", f)
	}
	to := t.TempDir()
	changed, err := b.Import(t.Context(), to, bundle.ImportOptions{})
	if err != nil || len(changed) != 4 || !same(content(t, to), first) {
		t.Errorf("%v, %v", changed, err)
	}
	if l, err := layout.ReadList(to); err != nil || len(l.Files) != 4 || l.Files[0].Licence == "" {
		t.Errorf("%+v, %v", l, err)
	}
	if changed, err := b.Import(t.Context(), to, bundle.ImportOptions{}); err != nil || len(changed) != 0 {
		t.Errorf("the second time: %v, %v", changed, err)
	}
	if again := export(t, to, bundle.Options{Key: key}); !bytes.Equal(read(t, again), read(t, path)) {
		t.Error("the same content makes other bytes")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhoIsBelieved(t *testing.T) {
	key, trust := keys(t)
	other, otherTrust := keys(t)
	dir := folder(t, 1, first)
	signed, unsigned := export(t, dir, bundle.Options{Key: key}), export(t, dir, bundle.Options{})
	for name, c := range map[string]struct {
		path  string
		trust bundle.Trust
		want  error
	}{
		"trusted":                      {signed, trust, nil},
		"one of several":               {signed, bundle.Trust{Keys: slices.Concat(otherTrust.Keys, trust.Keys)}, nil},
		"another key":                  {signed, otherTrust, bundle.ErrUntrusted},
		"no keys":                      {signed, bundle.Trust{}, bundle.ErrUntrusted},
		"no signature":                 {unsigned, trust, bundle.ErrUnsigned},
		"no signature, believed":       {unsigned, bundle.Trust{Unsigned: true}, nil},
		"another key, believed":        {signed, bundle.Trust{Unsigned: true}, nil},
		"the signature of another one": {transplant(t, signed, export(t, folder(t, 2, first), bundle.Options{Key: key})), trust, bundle.ErrSignature},
		"believed, but a wrong one":    {transplant(t, signed, export(t, folder(t, 2, first), bundle.Options{Key: key})), bundle.Trust{Keys: trust.Keys, Unsigned: true}, bundle.ErrSignature},
		"someone else's signature":     {export(t, dir, bundle.Options{Key: other}), trust, bundle.ErrUntrusted},
	} {
		b, err := bundle.Open(c.path, c.trust)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err == nil {
			_ = b.Close()
		}
	}
}

// transplant puts the signature of one bundle on another of the same length.
func transplant(t *testing.T, to, from string) string {
	t.Helper()
	a, b := read(t, to), read(t, from)
	const mark = "ed25519 "
	at, of := bytes.Index(a, []byte(mark)), bytes.Index(b, []byte(mark))
	copy(a[at:at+130], b[of:of+130])
	return save(t, a)
}

func save(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDamagedBundlesChangeNothing cuts a bundle anywhere and turns bytes
// around: it is refused, or what it brings is right.
func TestDamagedBundlesChangeNothing(t *testing.T) {
	key, trust := keys(t)
	whole := read(t, export(t, folder(t, 2, map[string]string{"kev.json": "{new}", "osv/Debian.zip": strings.Repeat("d", 2000)}), bundle.Options{Key: key}))
	to := folder(t, 1, first)
	try := func(b []byte) error {
		opened, err := bundle.Open(save(t, b), trust)
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		_, err = opened.Import(t.Context(), to, bundle.ImportOptions{})
		return err
	}
	for _, cut := range []int{0, 1, 100, 512, 600, 1024, 3000, len(whole) / 2, len(whole) - 1024, len(whole) - 1} {
		if err := try(whole[:cut]); !errors.Is(err, bundle.ErrTruncated) && !errors.Is(err, bundle.ErrNotBundle) {
			t.Errorf("cut to %d bytes: %v", cut, err)
		}
	}
	if err := try(append(bytes.Clone(whole), 'x')); !errors.Is(err, bundle.ErrDamaged) {
		t.Errorf("with more at the end: %v", err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := bytes.Clone(whole)
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "xor"))
		if err := try(b); err == nil {
			rt.Logf("byte %d does not matter", at)
			if have := content(t, to); have["kev.json"] != "{new}" || have["osv/Debian.zip"] != strings.Repeat("d", 2000) {
				rt.Fatalf("byte %d: %v", at, have)
			}
			for path, body := range first {
				fill(t, to, map[string]string{path: body})
			}
		} else if !same(content(t, to), first) {
			rt.Fatalf("byte %d: refused (%v), and the folder changed", at, err)
		}
		if err := os.RemoveAll(filepath.Join(to, layout.Manifest)); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestInterruptedImportsGoOn breaks off after each file, as a killed process
// does, and imports again.
func TestInterruptedImportsGoOn(t *testing.T) {
	key, trust := keys(t)
	b := open(t, export(t, folder(t, 1, first), bundle.Options{Key: key}), trust)
	to := t.TempDir()
	for after := 1; after <= 4; after++ {
		ctx, cancel := context.WithCancel(t.Context())
		staged := 0
		_, err := b.Import(ctx, to, bundle.ImportOptions{Progress: func(done, total int, _ bundle.File) {
			if staged = done; done == after {
				cancel()
			}
		}})
		cancel()
		if after < 4 && (!errors.Is(err, context.Canceled) || len(content(t, to)) > 0) {
			t.Fatalf("after %d of %d files: %v; %v", after, staged, err, content(t, to))
		}
	}
	if _, err := os.Stat(filepath.Join(to, ".import")); err == nil {
		t.Error("the staged files are still there")
	}
	if !same(content(t, to), first) {
		t.Error("the folder is not what the bundle says")
	}
}

// TestStagedFilesAreNotReadAgain: going on costs what was missing, and a
// staged file that was spoilt is brought again.
func TestStagedFilesAreNotReadAgain(t *testing.T) {
	_, trust := keys(t)
	trust.Unsigned = true
	b := open(t, export(t, folder(t, 1, first), bundle.Options{}), trust)
	to := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := b.Import(ctx, to, bundle.ImportOptions{Progress: func(done, _ int, _ bundle.File) {
		if done == 3 {
			cancel()
		}
	}})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	staging := filepath.Join(to, ".import", b.ID)
	before, err := os.Stat(filepath.Join(staging, "kev.json"))
	if err != nil {
		t.Fatal(err)
	}
	fill(t, staging, map[string]string{"alpine/v3.20/main.json": "!!"})
	if _, err := b.Import(t.Context(), to, bundle.ImportOptions{}); err != nil || !same(content(t, to), first) {
		t.Fatal(err)
	}
	if after, err := os.Stat(filepath.Join(to, "kev.json")); err != nil || !os.SameFile(before, after) {
		t.Errorf("a staged file was written again: %v", err)
	}
}

func TestOlderBundlesAreRefused(t *testing.T) {
	key, trust := keys(t)
	old := open(t, export(t, folder(t, 1, first), bundle.Options{Key: key}), trust)
	newer := map[string]string{"kev.json": "{newer}"}
	to := folder(t, 2, newer)
	if _, err := old.Import(t.Context(), to, bundle.ImportOptions{}); !errors.Is(err, bundle.ErrOlder) || !same(content(t, to), newer) {
		t.Errorf("%v", err)
	}
	if _, err := old.Import(t.Context(), to, bundle.ImportOptions{Older: true}); err != nil || !same(content(t, to), first) {
		t.Errorf("%v", err)
	}
}

func TestContinuedBundlesCarryWhatChanged(t *testing.T) {
	key, trust := keys(t)
	base := open(t, export(t, folder(t, 1, first), bundle.Options{Key: key}), trust)
	second := map[string]string{"kev.json": "{newer}", "osv/Debian.zip": first["osv/Debian.zip"], "osv/Red Hat.zip": "redhat", "alpine/v3.20/main.json": "{}"}
	path := export(t, folder(t, 2, second), bundle.Options{Key: key, Base: base})
	if n := len(read(t, path)); n > 10_000 {
		t.Errorf("%d bytes for a change of a few", n)
	}
	next := open(t, path, trust)
	empty := t.TempDir()
	if _, err := next.Import(t.Context(), empty, bundle.ImportOptions{}); !errors.Is(err, bundle.ErrBase) || len(content(t, empty)) > 0 {
		t.Errorf("without the base: %v", err)
	}
	if f, _ := next.Find("osv/Debian.zip"); !f.FromBase || next.Extract(t.Context(), f, io.Discard) == nil {
		t.Error("a file that is not there was extracted")
	}
	to := t.TempDir()
	for _, b := range []*bundle.Bundle{base, next} {
		if _, err := b.Import(t.Context(), to, bundle.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if !same(content(t, to), second) {
		t.Error("the folder is not what the second bundle says")
	}
}

func TestExportRefusals(t *testing.T) {
	if _, err := bundle.Write(t.Context(), filepath.Join(t.TempDir(), "b"), t.TempDir(), bundle.Options{}); !errors.Is(err, bundle.ErrEmpty) {
		t.Errorf("an empty folder: %v", err)
	}
	dir := folder(t, 1, first)
	fill(t, dir, map[string]string{"notes.txt": "x", ".fetch/x.json": "x", "osv/.tmp.zip": "x", ".import/1/kev.json": "x"})
	if b := open(t, export(t, dir, bundle.Options{}), bundle.Trust{Unsigned: true}); len(b.Manifest.Files) != 4 {
		t.Errorf("%+v", b.Manifest.Files)
	}
	if b := open(t, export(t, dir, bundle.Options{Sources: []string{"osv"}}), bundle.Trust{Unsigned: true}); len(b.Manifest.Files) != 2 {
		t.Errorf("%+v", b.Manifest.Files)
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := bundle.GenerateKey(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := bundle.GenerateKey(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key was replaced: %v", err)
	}
	if _, err := bundle.ReadKey(path + ".pub"); err == nil {
		t.Error("a public key signs")
	}
	both := save(t, slices.Concat(read(t, path+".pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})))
	for _, bad := range []string{path, both, save(t, nil), path + ".none"} {
		if _, err := bundle.ReadTrust([]string{bad}); err == nil {
			t.Errorf("%s is trusted", bad)
		}
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kev.json"), []byte("{}"), 0o644); err != nil {
		f.Fatal(err)
	}
	out := filepath.Join(dir, "b")
	if _, err := bundle.Write(f.Context(), out, dir, bundle.Options{}); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(out)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:600])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "b")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Open(path, bundle.Trust{Unsigned: true})
		if err != nil {
			return
		}
		defer func() { _ = b.Close() }()
		for _, file := range b.Manifest.Files {
			_ = b.Extract(t.Context(), file, io.Discard) // any error, but no crash
		}
	})
}

func sum(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}
