// Package rust reads the list of crates that cargo-auditable leaves in
// executables: compressed JSON in the section ".dep-v0".
package rust

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// Bounds of the list: as it lies in the file, unpacked, and its entries.
const (
	maxSection  = 8 << 20
	maxUnpacked = 64 << 20
	maxCrates   = 100_000
)

// ErrNotAuditable is wrapped by Read's error for files without the list.
var ErrNotAuditable = errors.New("no list of crates")

// Read returns the crates linked into an executable. Those needed only to
// build it, and its own from no registry, are left out.
func Read(r io.ReaderAt) ([]inventory.Component, error) {
	section, err := section(r)
	if err != nil {
		return nil, err
	}
	unpacked, err := zlib.NewReader(bytes.NewReader(section))
	if err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(unpacked, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	return parse(data)
}

func parse(data []byte) ([]inventory.Component, error) {
	var list struct {
		Packages json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	var found []inventory.Component
	err := bounded.EachJSON(list.Packages, maxCrates, func(d *json.Decoder) error {
		var p crate
		err := d.Decode(&p)
		if err == nil && p.Name != "" && p.Version != "" && p.Kind != "build" && (p.Source == "crates.io" || p.Source == "registry") {
			found = append(found, inventory.Component{Ecosystem: "crates.io", Name: p.Name, Version: p.Version, Manager: inventory.ManagerCargo})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	return found, nil
}

type crate struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  string `json:"source"`
	Kind    string `json:"kind"`
}

// section finds the list in ELF, PE and Mach-O files. The parsers of the
// standard library bound what headers may claim.
func section(r io.ReaderAt) ([]byte, error) {
	const name = ".dep-v0"
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return nil, ErrNotAuditable
	}
	switch {
	case string(magic[:]) == elf.ELFMAG:
		f, err := elf.NewFile(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotAuditable, err)
		}
		if s := f.Section(name); s != nil {
			return content(s.Open(), s.Size)
		}
	case string(magic[:2]) == "MZ":
		f, err := pe.NewFile(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotAuditable, err)
		}
		if s := f.Section(name); s != nil {
			return content(s.Open(), uint64(s.Size))
		}
	default:
		f, err := macho.NewFile(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotAuditable, err)
		}
		if s := f.Section(name); s != nil {
			return content(s.Open(), s.Size)
		}
	}
	return nil, ErrNotAuditable
}

func content(r io.Reader, size uint64) ([]byte, error) {
	if size > maxSection {
		return nil, fmt.Errorf("list of crates: %d bytes, at most %d", size, maxSection)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxSection))
	if err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	return data, nil
}
