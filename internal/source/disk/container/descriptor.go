package container

import (
	"io"
	"os"
	"strconv"
	"strings"
)

const descriptorMagic = "# Disk DescriptorFile"

const (
	maxDescriptor = 1 << 20
	maxParts      = 4096
)

// description is the text that says what a VMDK consists of.
type description struct {
	parent string
	kind   string
	parts  []part
}

// part is an extent of a disk: sectors that lie in a file or nowhere.
type part struct {
	sectors, offset int64
	kind, file      string
}

func parseDescriptor(text []byte) (description, error) {
	var d description
	for line := range strings.Lines(string(text)) {
		line = strings.Trim(line, " \t\r\n\x00")
		if fields := strings.Fields(line); len(fields) > 2 && (fields[0] == "RW" || fields[0] == "RDONLY" || fields[0] == "NOACCESS") {
			p, err := parsePart(fields, line)
			if err != nil {
				return d, err
			}
			if d.parts = append(d.parts, p); len(d.parts) > maxParts {
				return d, refuse("more than %d extents", maxParts)
			}
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.TrimSpace(key) {
		case "parentCID":
			d.parent = value
		case "createType":
			d.kind = value
		}
	}
	return d, nil
}

// parsePart reads `RW 8323072 FLAT "disk-flat.vmdk" 0`.
func parsePart(fields []string, line string) (part, error) {
	sectors, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || sectors < 0 || sectors > maxDisk/sector {
		return part{}, refuse("damaged: an extent of %.20q sectors", fields[1])
	}
	p := part{sectors: sectors, kind: fields[2]}
	if p.kind == "ZERO" {
		return p, nil
	}
	_, rest, ok := strings.Cut(line, `"`)
	name, rest, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return part{}, refuse("damaged: the extent %.80q", line)
	}
	p.file = name
	if rest = strings.TrimSpace(rest); rest != "" {
		first, _, _ := strings.Cut(rest, " ")
		if p.offset, err = strconv.ParseInt(first, 10, 64); err != nil || p.offset < 0 || p.offset > maxDisk/sector {
			return part{}, refuse("damaged: the extent %.80q", line)
		}
	}
	return p, nil
}

// alone refuses images of which only the difference to another one is there.
func (d description) alone() error {
	if d.parent != "" && !strings.EqualFold(d.parent, "ffffffff") {
		return refuse("it is a snapshot that stands on another image; convert the virtual machine's disk as a whole")
	}
	return nil
}

// descriptor opens a disk that consists of the files that a text names.
func (o *opener) descriptor(f *os.File, size int64) (*layer, error) {
	if size > maxDescriptor {
		return nil, refuse("a description of %d bytes", size)
	}
	text := make([]byte, size)
	if err := full(f, text, 0); err != nil {
		return nil, err
	}
	d, err := parseDescriptor(text)
	if err != nil {
		return nil, err
	}
	if err := d.alone(); err != nil {
		return nil, err
	}
	if len(d.parts) == 0 {
		return nil, refuse("the description (%.40q) names no extent", d.kind)
	}
	joined := &joined{}
	for _, p := range d.parts {
		r, err := o.part(p)
		if err != nil {
			return nil, err
		}
		joined.add(r, p.sectors*sector)
	}
	return &layer{joined, joined.size, "vmdk"}, nil
}

// part opens an extent; nil is one of zeros.
func (o *opener) part(p part) (io.ReaderAt, error) {
	switch p.kind {
	case "ZERO":
		return nil, nil
	case "FLAT", "VMFS", "SPARSE":
	default:
		return nil, refuse("an extent of the kind %.20q, which is not read", p.kind)
	}
	f, err := o.sibling(p.file)
	if err != nil {
		return nil, err
	}
	o.disk.closers = append(o.disk.closers, f)
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, refuse("%q is no regular file", p.file)
	case p.kind != "SPARSE" && info.Size() < (p.offset+p.sectors)*sector:
		return nil, refuse("cut off: %q has %d bytes, its extent ends at %d", p.file, info.Size(), (p.offset+p.sectors)*sector)
	case p.kind != "SPARSE":
		return io.NewSectionReader(f, p.offset*sector, p.sectors*sector), nil
	}
	v, _, err := o.sparse(f, info.Size())
	if err != nil {
		return nil, err
	}
	if v.capacity < p.sectors*sector {
		return nil, refuse("%q has %d bytes, its extent %d", p.file, v.capacity, p.sectors*sector)
	}
	return &clusters{v.capacity, v.grain, v.read}, nil
}

// joined is a disk of parts that lie behind one another.
type joined struct {
	size  int64
	parts []joinedPart
}

type joinedPart struct {
	start, end int64
	r          io.ReaderAt
}

func (j *joined) add(r io.ReaderAt, size int64) {
	if size > 0 {
		j.parts = append(j.parts, joinedPart{j.size, j.size + size, r})
		j.size += size
	}
}

// ReadAt reads from the parts.
func (j *joined) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 || at >= j.size {
		return 0, io.EOF
	}
	if int64(len(p)) > j.size-at {
		p, err = p[:j.size-at], io.EOF
	}
	for _, part := range j.parts {
		from := at + int64(n)
		if n == len(p) || from < part.start || from >= part.end {
			continue
		}
		piece := p[n:min(int64(len(p)), int64(n)+part.end-from)]
		if part.r == nil {
			clear(piece)
		} else if failed := full(part.r, piece, from-part.start); failed != nil {
			return n, failed
		}
		n += len(piece)
	}
	return n, err
}
