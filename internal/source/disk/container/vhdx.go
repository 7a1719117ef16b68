package container

import (
	"encoding/binary"
	"fmt"
	"os"
)

const vhdxMagic = "vhdxfile"

// The tables and values of a VHDX are named by GUIDs, as MS-VHDX lists them.
const (
	guidTable    = "2dc27766-f623-4200-9d64-115e9bfd4a08"
	guidMetadata = "8b7ca206-4790-4b9a-b8fe-575f050f886e"
	guidFile     = "caa16737-fa36-4d43-b3b6-33f0aa44e76b"
	guidSize     = "2fa54224-cd1b-4876-b211-5dbed83bf4b8"
	guidSector   = "8141bf1d-a96f-4709-ba47-f233a8faab5f"
)

// vhdx is Microsoft's newer format: a table of blocks.
type vhdx struct {
	file   *os.File
	size   int64
	block  int64
	sector int64
	table  []byte
}

func (o *opener) vhdx(f *os.File, fileSize int64) (*layer, error) {
	v := &vhdx{file: f}
	pending, err := v.logPending()
	if err != nil {
		return nil, err
	}
	if pending {
		return nil, refuse("its virtual machine did not close it, and changes wait in its log; convert it first (qemu-img convert)")
	}
	regions, err := v.regions(fileSize)
	if err != nil {
		return nil, err
	}
	if err := v.metadata(regions[guidMetadata]); err != nil {
		return nil, err
	}
	return &layer{&clusters{v.size, v.block, v.read}, v.size, "vhdx"}, v.readTable(o, regions[guidTable])
}

// logPending reads both headers; the one with the higher number counts.
func (v *vhdx) logPending() (bool, error) {
	var latest uint64
	found, pending := false, false
	for _, at := range []int64{64 << 10, 128 << 10} {
		b := make([]byte, 80)
		if err := full(v.file, b, at); err != nil {
			return false, err
		}
		number := binary.LittleEndian.Uint64(b[8:])
		if string(b[:4]) == "head" && (!found || number > latest) {
			found, latest = true, number
			pending = guid(b[48:]) != "00000000-0000-0000-0000-000000000000"
		}
	}
	if !found {
		return false, refuse("damaged: it has no header")
	}
	return pending, nil
}

// region is a place in the file.
type region struct{ at, length int64 }

// regions reads where the tables are.
func (v *vhdx) regions(fileSize int64) (map[string]region, error) {
	b := make([]byte, 64<<10)
	if err := full(v.file, b, 192<<10); err != nil {
		return nil, err
	}
	const maxRegions = 2047
	le := binary.LittleEndian
	count := le.Uint32(b[8:])
	if string(b[:4]) != "regi" || count > maxRegions {
		return nil, refuse("damaged: the list of its regions")
	}
	found := map[string]region{}
	for n := range int(count) {
		e := b[16+32*n:]
		r := region{int64(le.Uint64(e[16:])), int64(le.Uint32(e[24:]))}
		if r.at < 0 || r.at > fileSize-r.length {
			return nil, refuse("cut off: a region at %d", r.at)
		}
		found[guid(e)] = r
	}
	for _, id := range []string{guidTable, guidMetadata} {
		if _, ok := found[id]; !ok {
			return nil, refuse("damaged: the region %s is missing", id)
		}
	}
	return found, nil
}

// metadata reads the sizes of disk, blocks and sectors.
func (v *vhdx) metadata(r region) error {
	b := make([]byte, 64<<10)
	if err := full(v.file, b, r.at); err != nil {
		return err
	}
	const maxItems = 2047
	le := binary.LittleEndian
	count := le.Uint16(b[10:])
	if string(b[:8]) != "metadata" || count > maxItems {
		return refuse("damaged: its metadata")
	}
	values := map[string]uint64{}
	for n := range int(count) {
		e := b[32+32*n:]
		value := make([]byte, 8)
		if err := full(v.file, value[:min(8, le.Uint32(e[20:]))], r.at+int64(le.Uint32(e[16:]))); err != nil {
			return err
		}
		values[guid(e)] = le.Uint64(value)
	}
	return v.sizes(values)
}

func (v *vhdx) sizes(values map[string]uint64) error {
	const hasParent = 1 << 33
	file, size := values[guidFile], values[guidSize]
	v.block, v.sector = int64(uint32(file)), int64(values[guidSector])
	switch {
	case file&hasParent != 0:
		return refuse("it is a difference to another image; merge them first")
	case size == 0 || size > maxDisk:
		return refuse("damaged: a disk of %d bytes", size)
	case v.block < 1<<20 || v.block > 256<<20 || v.block&(v.block-1) != 0:
		return refuse("damaged: blocks of %d bytes", v.block)
	case v.sector != 512 && v.sector != 4096:
		return refuse("damaged: sectors of %d bytes", v.sector)
	}
	v.size = int64(size)
	return nil
}

// chunk is how many blocks come before each entry of the table that is of
// another kind.
func (v *vhdx) chunk() int64 { return 1 << 23 * v.sector / v.block }

func (v *vhdx) readTable(o *opener, r region) (err error) {
	blocks := (v.size + v.block - 1) / v.block
	length := (blocks + (blocks-1)/v.chunk()) * 8
	if length > r.length || length > maxTable {
		return refuse("damaged: a table of %d bytes for %d blocks", r.length, blocks)
	}
	v.table, err = o.table(v.file, length, r.at)
	return err
}

// read reads a part of a block: there, or zero.
func (v *vhdx) read(p []byte, number, offset int64) error {
	const states, present = 7, 6
	entry := binary.LittleEndian.Uint64(v.table[(number+number/v.chunk())*8:])
	if entry&states != present {
		clear(p)
		return nil
	}
	return full(v.file, p, int64(entry>>20<<20)+offset)
}

func guid(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}
