// Package ext4 reads ext2, ext3 and ext4 without mounting them: block maps and
// extents, indexed folders, data inside inodes, and all sizes that mkfs makes.
// The layout is the kernel's (Documentation/filesystems/ext4).
//
// Nothing on the disk is trusted: every number is held against its bound
// before it is used, and trees are descended by levels that must fall.
package ext4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrFormat says that a file system is none of the family, is damaged, or has
// features that are not read; the wrapping error says which.
var ErrFormat = errors.New("ext4")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

const (
	superOffset = 1024
	superSize   = 1024
	magic       = 0xef53
	rootInode   = 2
)

// Features that decide how something is read.
const (
	compatSparseSuper2 = 0x200

	incompatCompression = 0x1
	incompatFiletype    = 0x2
	incompatRecover     = 0x4
	incompatJournalDev  = 0x8
	incompatMetaBG      = 0x10
	incompat64Bit       = 0x80
	incompatDirData     = 0x1000

	roCompatSparseSuper = 0x1
)

// knownIncompat are the features that may be there: filetype, recover,
// meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, large_dir,
// inline_data, encrypt, casefold.
const knownIncompat = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000

// Looks reports whether a volume begins as one of the family does. start has
// at least 2048 bytes.
func Looks(start []byte) bool {
	return len(start) >= superOffset+superSize && binary.LittleEndian.Uint16(start[superOffset+0x38:]) == magic
}

// FS is a file system. It is safe for concurrent use if its disk is.
type FS struct {
	// UUID is in the usual form with dashes; Label may be empty.
	UUID, Label string
	// Unclean: changes wait in the journal; they are not seen.
	Unclean bool

	disk   io.ReaderAt
	super  super
	groups groups
}

// super is what of the super block is needed later.
type super struct {
	blockSize      int64
	blocks         int64
	inodes         uint32
	inodesPerGroup uint32
	inodeSize      int64
	blocksPerGroup int64
	firstBlock     int64
	groups         int64
	descSize       int64
	firstMetaBG    int64
	compat         uint32
	incompat       uint32
	roCompat       uint32
	backupGroups   [2]uint32
}

// Open reads the super block and the places of the inode tables of a volume
// of size bytes.
func Open(disk io.ReaderAt, size int64) (*FS, error) {
	b := make([]byte, superSize)
	if _, err := disk.ReadAt(b, superOffset); err != nil {
		return nil, refuse("super block: %v", err)
	}
	if binary.LittleEndian.Uint16(b[0x38:]) != magic {
		return nil, refuse("no super block")
	}
	f := &FS{disk: disk, UUID: uuid(b[0x68:0x78]), Label: label(b[0x78:0x88])}
	if err := f.super.read(b, size); err != nil {
		return nil, err
	}
	f.Unclean = f.super.incompat&incompatRecover != 0
	_, err := f.table(0)
	return f, err
}

func (s *super) read(b []byte, size int64) error {
	le := binary.LittleEndian
	s.compat, s.incompat, s.roCompat = le.Uint32(b[0x5c:]), le.Uint32(b[0x60:]), le.Uint32(b[0x64:])
	if err := s.supported(); err != nil {
		return err
	}
	logBlock := le.Uint32(b[0x18:])
	if logBlock > 6 {
		return refuse("block size 2^%d", uint64(logBlock)+10)
	}
	s.blockSize = 1024 << logBlock
	s.inodes, s.inodesPerGroup = le.Uint32(b[0:]), le.Uint32(b[0x28:])
	s.blocks, s.blocksPerGroup = int64(le.Uint32(b[4:])), int64(le.Uint32(b[0x20:]))
	s.firstBlock, s.firstMetaBG = int64(le.Uint32(b[0x14:])), int64(le.Uint32(b[0x104:]))
	s.backupGroups = [2]uint32{le.Uint32(b[0x24c:]), le.Uint32(b[0x250:])}
	s.inodeSize, s.descSize = 128, 32
	if le.Uint32(b[0x4c:]) > 0 { // the revision with variable sizes
		s.inodeSize = int64(le.Uint16(b[0x58:]))
	}
	if s.incompat&incompat64Bit != 0 {
		s.blocks |= int64(le.Uint32(b[0x150:])) << 32
		s.descSize = int64(le.Uint16(b[0xfe:]))
	}
	return s.check(size)
}

// supported refuses what would be read wrongly.
func (s *super) supported() error {
	names := map[uint32]string{incompatCompression: "compression", incompatJournalDev: "a journal of its own device", incompatDirData: "dirdata"}
	if unknown := s.incompat &^ knownIncompat; unknown != 0 {
		for bit, name := range names {
			if unknown == bit {
				return refuse("it has the feature %s, which is not read", name)
			}
		}
		return refuse("it has features that are not known: %#x", unknown)
	}
	return nil
}

// check holds the numbers against each other and against the volume.
func (s *super) check(size int64) error {
	const maxGroups = 1 << 24
	switch {
	case s.inodeSize < 128 || s.inodeSize > s.blockSize || s.inodeSize&(s.inodeSize-1) != 0:
		return refuse("damaged: inodes of %d bytes", s.inodeSize)
	case s.descSize < 32 || s.descSize > s.blockSize || s.descSize&(s.descSize-1) != 0:
		return refuse("damaged: group descriptors of %d bytes", s.descSize)
	case s.blocksPerGroup == 0 || s.inodesPerGroup == 0 || int64(s.inodesPerGroup) > s.blocksPerGroup*s.blockSize/128:
		return refuse("damaged: %d blocks and %d inodes a group", s.blocksPerGroup, s.inodesPerGroup)
	case s.blocks <= s.firstBlock || s.blocks < 0 || s.firstBlock > 1:
		return refuse("damaged: %d blocks, the first is %d", s.blocks, s.firstBlock)
	case s.blocks > size/s.blockSize:
		return refuse("cut off: it has %d blocks of %d bytes, the volume has %d bytes", s.blocks, s.blockSize, size)
	}
	s.groups = (s.blocks - s.firstBlock + s.blocksPerGroup - 1) / s.blocksPerGroup
	if s.groups > maxGroups || int64(s.inodes) > s.groups*int64(s.inodesPerGroup) {
		return refuse("damaged: %d inodes in %d groups", s.inodes, s.groups)
	}
	return nil
}

// readBlock reads a whole block.
func (f *FS) readBlock(n int64, into []byte) error {
	if n <= 0 && f.super.firstBlock > 0 || n < 0 || n >= f.super.blocks {
		return fmt.Errorf("block %d of %d", n, f.super.blocks)
	}
	_, err := f.disk.ReadAt(into, n*f.super.blockSize)
	return err
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func label(b []byte) string {
	text, _, _ := strings.Cut(string(b), "\x00")
	return text
}
