package partition

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Bounds of LVM's metadata.
const (
	maxMetadata = 16 << 20
	maxSegments = 1 << 16
	// maxWords is how many values and blocks the metadata of all volumes of a
	// disk may have together; a logical volume has some twenty.
	maxWords = 1 << 18
)

// withLogical replaces the physical volumes of LVM by the logical volumes in
// them. Only linear ones are read; of others a note tells.
func withLogical(volumes []Volume, notes []string) ([]Volume, []string, error) {
	physical := map[string]Volume{}
	groups := map[string]*group{}
	var plain []Volume
	words := maxWords
	for _, v := range volumes {
		label, err := readLabel(v)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v", v, err))
		}
		if label == nil {
			plain = append(plain, v)
			continue
		}
		physical[label.id] = v
		if len(label.text) == 0 {
			continue
		}
		g, err := parseGroup(label.text, &words)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v", v, err))
			continue
		}
		if old := groups[g.name]; old == nil || old.numbers["seqno"] < g.numbers["seqno"] {
			groups[g.name] = g // every volume of a group has the same, but for what failed
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		logical, more := groups[name].volumes(physical)
		plain, notes = append(plain, logical...), append(notes, more...)
		if len(plain) > maxVolumes {
			return nil, nil, refuse("more than %d volumes", maxVolumes)
		}
	}
	return plain, notes, nil
}

// pvLabel is what a physical volume says of itself.
type pvLabel struct {
	id   string
	text []byte
}

// readLabel finds LVM's label in the first four sectors; nil where there is
// none.
func readLabel(v Volume) (*pvLabel, error) {
	b := make([]byte, 4*sectorSize)
	if v.Size < int64(len(b)) {
		return nil, nil
	}
	if err := full(v, b, 0); err != nil {
		return nil, err
	}
	for at := 0; at < len(b); at += sectorSize {
		s := b[at : at+sectorSize]
		if string(s[:8]) == "LABELONE" && string(s[24:32]) == "LVM2 001" {
			return parseLabel(v, s)
		}
	}
	return nil, nil
}

// parseLabel reads id and metadata: two lists of places, of data and of
// metadata areas, each ended by zeros.
func parseLabel(v Volume, s []byte) (*pvLabel, error) {
	le := binary.LittleEndian
	at := le.Uint32(s[20:])
	if at > sectorSize-64 {
		return nil, refuse("damaged: LVM's label")
	}
	p := s[at:]
	label := &pvLabel{id: string(p[:32])}
	lists := p[40:]
	for zeros := 0; len(lists) >= 16; lists = lists[16:] {
		offset, size := int64(le.Uint64(lists)), int64(le.Uint64(lists[8:]))
		if offset == 0 {
			if zeros++; zeros == 2 {
				break
			}
			continue
		}
		if zeros == 1 {
			text, err := readArea(v, offset, size)
			if err != nil {
				return label, err
			}
			label.text = text
		}
	}
	return label, nil
}

// readArea reads the text of a metadata area, which is a ring.
func readArea(v Volume, at, size int64) ([]byte, error) {
	header := make([]byte, sectorSize)
	if at < 0 || at > v.Size-sectorSize {
		return nil, refuse("damaged: LVM's metadata at %d", at)
	}
	if err := full(v, header, at); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	offset, length := int64(le.Uint64(header[40:])), int64(le.Uint64(header[48:]))
	switch {
	case string(header[4:20]) != " LVM2 x[5A%r0N*>":
		return nil, refuse("damaged: LVM's metadata at %d", at)
	case length == 0:
		return nil, nil // kept on another volume of the group
	case length < 0 || length > maxMetadata || offset < sectorSize || offset >= size || size > v.Size-at || length > size:
		return nil, refuse("damaged: LVM's metadata of %d bytes", length)
	}
	text := make([]byte, length)
	first := min(length, size-offset)
	if err := full(v, text[:first], at+offset); err != nil {
		return nil, err
	}
	if err := full(v, text[first:], at+sectorSize); err != nil {
		return nil, err
	}
	return bytes.TrimRight(text, "\x00"), nil
}

// group is a volume group.
type group struct {
	name string
	*section
}

func parseGroup(text []byte, words *int) (*group, error) {
	top, err := parseSection(text, words)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(top.sections)) {
		if s := top.sections[name]; s.sections["physical_volumes"] != nil {
			return &group{name, s}, nil
		}
	}
	return nil, refuse("LVM's metadata names no volume group")
}

// volumes makes the logical volumes that are linear.
func (g *group) volumes(physical map[string]Volume) (list []Volume, notes []string) {
	logical := g.sections["logical_volumes"]
	if logical == nil {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(logical.sections)) {
		v, err := g.volume(logical.sections[name], physical)
		if err != nil {
			notes = append(notes, fmt.Sprintf("logical volume %s/%s is not read: %v", g.name, name, err))
			continue
		}
		v.Mapper = mapperName(g.name) + "-" + mapperName(name)
		if list = append(list, v); len(list) == maxVolumes {
			return list, append(notes, fmt.Sprintf("more than %d logical volumes", maxVolumes))
		}
	}
	return list, notes
}

// mapperName is how the device mapper writes a name within another.
func mapperName(name string) string { return strings.ReplaceAll(name, "-", "--") }

func (g *group) volume(s *section, physical map[string]Volume) (Volume, error) {
	extentSize := g.numbers["extent_size"] * sectorSize
	count := s.numbers["segment_count"]
	if extentSize <= 0 || extentSize > 1<<40 || count < 1 || count > maxSegments {
		return Volume{}, refuse("damaged: %d segments of extents of %d bytes", count, extentSize)
	}
	var parts []linear
	var size int64
	for n := range count {
		part, err := g.segment(s.sections[fmt.Sprintf("segment%d", n+1)], extentSize, physical)
		if err != nil {
			return Volume{}, err
		}
		part.at = size
		size += part.length
		parts = append(parts, part)
	}
	return Volume{ReaderAt: &stretches{parts, size}, Size: size}, nil
}

// segment is a run of extents on one physical volume: striped over one.
func (g *group) segment(s *section, extentSize int64, physical map[string]Volume) (linear, error) {
	if s == nil {
		return linear{}, refuse("damaged: a segment is missing")
	}
	if kind := s.texts["type"]; kind != "striped" || s.numbers["stripe_count"] != 1 {
		return linear{}, refuse("it is of the kind %.20q over %d stripes, only linear ones are read", kind, s.numbers["stripe_count"])
	}
	name := s.lists["stripes"]
	pv := g.sections["physical_volumes"].sections[name.text]
	if pv == nil {
		return linear{}, refuse("damaged: there is no physical volume %.40q", name.text)
	}
	volume, ok := physical[strings.ReplaceAll(pv.texts["id"], "-", "")]
	if !ok {
		return linear{}, refuse("its physical volume %s lies on another disk", name.text)
	}
	extents := s.numbers["extent_count"]
	start := pv.numbers["pe_start"]
	if extents < 1 || extents > 1<<40/extentSize*1024 || name.number < 0 || name.number > 1<<40 || start < 0 || start > 1<<40 {
		return linear{}, refuse("damaged: a segment of %d extents", extents)
	}
	at, length := start*sectorSize+name.number*extentSize, extents*extentSize
	if at < 0 || length > volume.Size || at > volume.Size-length {
		return linear{}, refuse("cut off: its physical volume %s ends before it", name.text)
	}
	return linear{volume: volume, start: at, length: length}, nil
}

// linear is a part of a logical volume.
type linear struct {
	volume            io.ReaderAt
	at, start, length int64
}

// stretches is a logical volume.
type stretches struct {
	parts []linear
	size  int64
}

// ReadAt reads from the parts.
func (s *stretches) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 || at >= s.size {
		return 0, io.EOF
	}
	if int64(len(p)) > s.size-at {
		p, err = p[:s.size-at], io.EOF
	}
	for _, part := range s.parts {
		from := at + int64(n) - part.at
		if n == len(p) || from < 0 || from >= part.length {
			continue
		}
		piece := p[n:min(int64(len(p)), int64(n)+part.length-from)]
		read, failed := part.volume.ReadAt(piece, part.start+from)
		n += read
		if read < len(piece) {
			return n, failed
		}
	}
	return n, err
}
