// Package partition finds the volumes of a disk: by a GPT, by an MBR with
// logical partitions, in LVM's volume groups, or the disk itself where nothing
// divides it.
package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFormat says that a table is damaged; the wrapping error says how.
var ErrFormat = errors.New("partitions")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// maxVolumes bounds a disk.
const maxVolumes = 512

// Volume is a part of a disk.
type Volume struct {
	io.ReaderAt
	// Size in bytes.
	Size int64
	// Number is the partition's, from 1; 0 for a disk without partitions and
	// for logical volumes.
	Number int
	// UUID is that of the partition, as udev has it; Label its name in a GPT.
	UUID, Label string
	// Mapper is the name of a logical volume: group-volume.
	Mapper string
	// cut is set where the disk ends before the partition.
	cut bool
}

// String names the volume in notes.
func (v Volume) String() string {
	switch {
	case v.Mapper != "":
		return "logical volume " + v.Mapper
	case v.Number == 0:
		return "the disk itself"
	}
	return fmt.Sprintf("partition %d", v.Number)
}

// Find lists the volumes of a disk of size bytes. Notes say what could not be
// taken apart.
func Find(disk io.ReaderAt, size int64) (volumes []Volume, notes []string, err error) {
	for _, sector := range []int64{512, 4096} {
		volumes, err = readGPT(disk, size, sector)
		if err != nil {
			return nil, nil, err
		}
		if volumes != nil {
			break
		}
	}
	if volumes == nil {
		if volumes, err = readMBR(disk, size); err != nil {
			return nil, nil, err
		}
	}
	if volumes == nil {
		volumes = []Volume{{ReaderAt: disk, Size: size}}
	}
	for _, v := range volumes {
		if v.cut {
			notes = append(notes, fmt.Sprintf("%s is cut off: the disk ends before it", v))
		}
	}
	return withLogical(volumes, notes)
}

// full reads exactly len(p) bytes.
func full(disk io.ReaderAt, p []byte, at int64) error {
	n, err := disk.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return refuse("cut off: the disk ends before %d", at+int64(len(p)))
	}
	return err
}

// newVolume is a partition, as far as the disk has it.
func newVolume(disk io.ReaderAt, size int64, number int, start, length int64) Volume {
	have := max(0, min(length, size-start))
	return Volume{ReaderAt: io.NewSectionReader(disk, start, have), Size: have, Number: number, cut: have < length}
}

// Bounds of a GPT.
const (
	maxEntries   = 4096
	maxEntrySize = 4096
)

// readGPT reads the table behind the first sector, else its copy in the last;
// nil where the disk has none.
func readGPT(disk io.ReaderAt, size, sector int64) ([]Volume, error) {
	for _, at := range []int64{sector, size - sector} {
		header := make([]byte, 92)
		if at < 0 || size < 2*sector {
			continue
		}
		if err := full(disk, header, at); err != nil {
			return nil, err
		}
		if string(header[:8]) == "EFI PART" {
			return gptEntries(disk, size, sector, header)
		}
	}
	return nil, nil
}

func gptEntries(disk io.ReaderAt, size, sector int64, header []byte) ([]Volume, error) {
	le := binary.LittleEndian
	at, count, length := int64(le.Uint64(header[72:])), int64(le.Uint32(header[80:])), int64(le.Uint32(header[84:]))
	if at < 0 || at > size/sector || count > maxEntries || length < 128 || length > maxEntrySize {
		return nil, refuse("damaged: a GPT of %d entries of %d bytes at sector %d", count, length, at)
	}
	table := make([]byte, count*length)
	if err := full(disk, table, at*sector); err != nil {
		return nil, err
	}
	volumes := []Volume{}
	for n := range int(count) {
		e := table[int64(n)*length:]
		if bytes.Equal(e[:16], make([]byte, 16)) {
			continue
		}
		first, last := int64(le.Uint64(e[32:])), int64(le.Uint64(e[40:]))
		if first < 0 || last < first || last > (1<<62)/sector {
			return nil, refuse("damaged: partition %d from sector %d to %d", n+1, first, last)
		}
		v := newVolume(disk, size, n+1, first*sector, (last-first+1)*sector)
		v.UUID, v.Label = guid(e[16:]), utf16le(e[56:128])
		if volumes = append(volumes, v); len(volumes) > maxVolumes {
			return nil, refuse("more than %d partitions", maxVolumes)
		}
	}
	return volumes, nil
}

func guid(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

func utf16le(b []byte) string {
	var runes []rune
	for ; len(b) >= 2; b = b[2:] {
		r := rune(binary.LittleEndian.Uint16(b))
		if r == 0 {
			break
		}
		runes = append(runes, r)
	}
	return string(runes)
}
