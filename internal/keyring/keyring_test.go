package keyring

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func fixed(t testing.TB, fill byte) *Keyring {
	t.Helper()
	k, err := New(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedSecretsOpenOnlyForTheirRecord(t *testing.T) {
	k := fixed(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		aad := rapid.String().Draw(t, "aad")
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := k.Seal(aad, plain)
		got, err := k.Open(aad, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %q, %v; want %q", got, err, plain)
		}
		if _, err := k.Open(aad+"x", sealed); !errors.Is(err, ErrDamaged) {
			t.Fatalf("opened for another record: %v", err)
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "flip")
		sealed[i] ^= 1
		if _, err := k.Open(aad, sealed); err == nil {
			t.Fatalf("opened with byte %d changed", i)
		}
	})
}

func TestWrongKeyIsNamed(t *testing.T) {
	sealed := fixed(t, 1).Seal("AKIAEXAMPLE", []byte("secret"))
	if _, err := fixed(t, 2).Open("AKIAEXAMPLE", sealed); !errors.Is(err, ErrWrongKey) {
		t.Fatalf("Open with another key: %v", err)
	}
	for n := range sealed {
		if _, err := fixed(t, 1).Open("AKIAEXAMPLE", sealed[:n]); err == nil {
			t.Fatalf("opened %d of %d bytes", n, len(sealed))
		}
	}
}

func TestDerivedKeysAreStableAndApart(t *testing.T) {
	k := fixed(t, 1)
	if !bytes.Equal(k.Derive("page tokens"), fixed(t, 1).Derive("page tokens")) {
		t.Error("same key and purpose gave different bytes")
	}
	if bytes.Equal(k.Derive("page tokens"), k.Derive("session tokens")) {
		t.Error("different purposes gave the same bytes")
	}
	if k.Fingerprint() == fixed(t, 2).Fingerprint() {
		t.Error("different keys have the same fingerprint")
	}
}

func TestLoadCreatesTheFileOnceForItsOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "muster.key")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), ".key-123"), []byte("left by a killed process"), 0o600); err != nil {
		t.Fatal(err)
	}
	rings := make([]*Keyring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			k, err := Load("", file)
			if err != nil {
				t.Error(err)
			}
			rings[i] = k
		})
	}
	wg.Wait()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	for _, k := range rings {
		if k.Fingerprint() != rings[0].Fingerprint() {
			t.Error("processes that started together hold different keys")
		}
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".key-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := base64.StdEncoding.EncodeToString(make([]byte, KeySize))
	for _, c := range []struct{ name, encoded, file, want string }{
		{"not base64", "?", "", "not base64"},
		{"short", base64.StdEncoding.EncodeToString(make([]byte, 16)), "", "32 bytes, not 16"},
		{"readable by others", "", write("open", good, 0o644), "chmod 600"},
		{"empty file", "", write("empty", "", 0o600), "32 bytes, not 0"},
		{"no folder", "", filepath.Join(dir, "none", "key"), "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Load(c.encoded, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Load = %v, want ...%s...", err, c.want)
			}
		})
	}
	k, err := Load(good, "")
	if err != nil || k == nil {
		t.Fatalf("Load of a good value: %v", err)
	}
}
