package container_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/source/disk/container"
	"muster/internal/source/disk/disktest"
)

// raw makes a disk with data, zeros and holes, some of it easy to compress.
func raw(t testing.TB, file string, size int64) []byte {
	t.Helper()
	data := make([]byte, size)
	random := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		at, length := random.Int64N(size), random.Int64N(150_000)
		for n := at; n < min(at+length, size); n++ {
			data[n] = byte(random.Uint32N(7))
		}
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return data
}

// formats are qemu-img's words for what is read.
var formats = map[string][]string{
	"qcow2":                       {"-O", "qcow2"},
	"qcow2, version 2":            {"-O", "qcow2", "-o", "compat=0.10"},
	"qcow2, compressed":           {"-c", "-O", "qcow2"},
	"qcow2, zstd":                 {"-c", "-O", "qcow2", "-o", "compression_type=zstd"},
	"qcow2, small clusters":       {"-O", "qcow2", "-o", "cluster_size=512"},
	"qcow2, large clusters":       {"-c", "-O", "qcow2", "-o", "cluster_size=2M"},
	"qcow2, parts of clusters":    {"-O", "qcow2", "-o", "extended_l2=on,cluster_size=128k"},
	"vmdk":                        {"-O", "vmdk"},
	"vmdk, stream":                {"-O", "vmdk", "-o", "subformat=streamOptimized"},
	"vmdk, flat":                  {"-O", "vmdk", "-o", "subformat=monolithicFlat"},
	"vmdk, flat, many files":      {"-O", "vmdk", "-o", "subformat=twoGbMaxExtentFlat"},
	"vmdk, many files":            {"-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"},
	"vhd":                         {"-O", "vpc", "-o", "force_size=on"},
	"vhd, fixed":                  {"-O", "vpc", "-o", "subformat=fixed,force_size=on"},
	"vhdx":                        {"-O", "vhdx"},
	"vhdx, small blocks":          {"-O", "vhdx", "-o", "block_size=1M"},
	"raw":                         {"-O", "raw"},
	"qcow2, nothing of it in one": {"-O", "qcow2", "-S", "0"},
}

// TestFormats: whatever qemu-img writes is read back as the disk was.
func TestFormats(t *testing.T) {
	disktest.Need(t, "qemu-img")
	source := filepath.Join(t.TempDir(), "raw")
	want := raw(t, source, 9<<20+512)
	for name, flags := range formats {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "image")
			disktest.Run(t, "qemu-img", append(append([]string{"convert", "-f", "raw"}, flags...), source, file)...)
			d, err := container.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size))
			if err != nil || !bytes.Equal(got, want) || !strings.HasPrefix(name, d.Format) || len(d.Notes) > 0 {
				t.Errorf("%s of %d bytes, want %d, notes %q: %v", d.Format, len(got), len(want), d.Notes, err)
			}
			piece := make([]byte, 200_000)
			if n, err := d.ReadAt(piece, d.Size-100_000); n != 100_000 || err != io.EOF || !bytes.Equal(piece[:n], want[len(want)-n:]) {
				t.Errorf("at the end: %d, %v", n, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// streamed turns what qemu-img writes, with the directory's place at the
// begin, into what other programs write: with it at the end.
func streamed(vmdk []byte) []byte {
	footer := append(make([]byte, 512), vmdk[:512]...)
	binary.LittleEndian.PutUint64(footer, 1)
	binary.LittleEndian.PutUint32(footer[12:], 3)
	data := append(bytes.Clone(vmdk), append(footer, make([]byte, 512)...)...)
	binary.LittleEndian.PutUint64(data[56:], 1<<64-1)
	return data
}

// TestStream: an image as a virtual machine's export writes it.
func TestStream(t *testing.T) {
	disktest.Need(t, "qemu-img")
	dir := t.TempDir()
	want := raw(t, filepath.Join(dir, "raw"), 1<<20)
	disktest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", filepath.Join(dir, "raw"), filepath.Join(dir, "vmdk"))
	data, err := os.ReadFile(filepath.Join(dir, "vmdk"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vmdk"), streamed(data), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := container.Open(filepath.Join(dir, "vmdk"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestChain: an image that stands on others beside it.
func TestChain(t *testing.T) {
	disktest.Need(t, "qemu-img", "qemu-io")
	dir := t.TempDir()
	want := raw(t, filepath.Join(dir, "base"), 1<<20)
	disktest.Run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", "base", "-F", "raw", filepath.Join(dir, "middle"))
	disktest.Run(t, "qemu-io", "-c", "write -P 9 65536 70000", filepath.Join(dir, "middle"))
	disktest.Run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", "middle", "-F", "qcow2", filepath.Join(dir, "top"), "2M")
	disktest.Run(t, "qemu-io", "-c", "write -z 0 65536", filepath.Join(dir, "top"))
	want = append(want, make([]byte, 1<<20)...)
	copy(want[65536:], bytes.Repeat([]byte{9}, 70000))
	clear(want[:65536])
	d, err := container.Open(filepath.Join(dir, "top"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestRefuses: what cannot be read, and what would read other files of this
// machine, is refused in words.
func TestRefuses(t *testing.T) {
	disktest.Need(t, "qemu-img")
	dir := t.TempDir()
	source := filepath.Join(dir, "raw")
	raw(t, source, 1<<20)
	convert := func(flags ...string) []byte {
		file := filepath.Join(dir, "x")
		disktest.Run(t, "qemu-img", append(append([]string{"convert", "-f", "raw"}, flags...), source, file)...)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	on := func(backing string) []byte {
		file := filepath.Join(dir, "x")
		disktest.Run(t, "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", "raw", file, "1M")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	put := func(data []byte, at int, value uint32) []byte {
		binary.BigEndian.PutUint32(data[at:], value)
		return data
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	qcow, vmdk, vhd := convert("-O", "qcow2"), convert("-O", "vmdk", "-o", "subformat=streamOptimized"), convert("-O", "vpc")
	for what, tt := range map[string]struct {
		data []byte
		want string
	}{
		"of this machine":   {on("/etc/passwd"), "only files beside it"},
		"of another folder": {on("../raw"), "only files beside it"},
		"through a link":    {on("link"), "stands on"},
		"missing":           {on("missing"), "missing"},
		"on itself":         {put(on("x"), 0, 0x514649fb), ""},
		"encrypted":         {put(bytes.Clone(qcow), 32, 2), "encrypted"},
		"version 1":         {put(bytes.Clone(qcow), 4, 1), "version 1"},
		"marked":            {put(bytes.Clone(qcow), 76, 2), "marked as damaged"},
		"unknown":           {put(bytes.Clone(qcow), 76, 256), "not known"},
		"cut table":         {qcow[:1000], "cut off"},
		"huge clusters":     {put(bytes.Clone(qcow), 20, 30), "clusters of 2^30"},
		"cut stream":        {streamed(vmdk)[:len(vmdk)+600], "end of the stream"},
		"flat, of this machine": {[]byte("# Disk DescriptorFile\nRW 8 FLAT \"/etc/passwd\" 0\n"),
			"only files beside it"},
		"flat, too short": {[]byte("# Disk DescriptorFile\nRW 80000 FLAT \"raw\" 0\n"), "cut off"},
		"snapshot":        {[]byte("# Disk DescriptorFile\nparentCID=12345678\nRW 8 FLAT \"raw\" 0\n"), "snapshot"},
		"nothing":         {[]byte("# Disk DescriptorFile\n"), "names no extent"},
		"difference":      {put(bytes.Clone(vhd), len(vhd)-512+60, 4), "difference"},
		"vhd table":       {put(bytes.Clone(vhd), 512+28, 0), "table of 0 blocks"},
	} {
		file := filepath.Join(dir, "x")
		if err := os.WriteFile(file, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := container.Open(file)
		if what == "on itself" && err == nil { // raw, as it is told to be: not a loop
			err = d.Close()
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}

// FuzzOpen: whatever the file is, it is a disk that can be read, or an error.
func FuzzOpen(f *testing.F) {
	for _, start := range []string{"QFI\xfb\x00\x00\x00\x03", "KDMV\x01\x00\x00\x00", "# Disk DescriptorFile\nRW 1 FLAT \"x\" 0", "vhdxfile", "conectix"} {
		f.Add(append([]byte(start), make([]byte, 1024)...))
	}
	seeds, err := filepath.Glob("testdata/*.seed")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range seeds {
		data, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := container.Open(file)
		if err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, io.NewSectionReader(d, 0, d.Size), 1<<20)
		_, _ = d.ReadAt(make([]byte, 1<<16), d.Size-1<<15)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}
