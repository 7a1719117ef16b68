// Package xfs reads XFS, versions 4 and 5, without mounting it: extents and
// trees of extents, folders of every form, links inside inodes and outside.
// The layout is that of "XFS Algorithms & Data Structures".
//
// Nothing on the disk is trusted: every number is held against its bound
// before it is used, and trees are descended by levels that must fall.
package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrFormat says that a file system is no XFS, is damaged, or has features
// that are not read; the wrapping error says which.
var ErrFormat = errors.New("xfs")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

const (
	magic     = "XFSB"
	superSize = 264
)

// Features that decide how something is read.
const (
	versionDirV2   = 0x2000
	version2Ftype  = 0x200
	incompatFtype  = 0x1
	incompatRepair = 0x10
)

// knownIncompat are the features that may be there: ftype, sparse inodes,
// meta_uuid, bigtime, needsrepair, nrext64, exchange-range, parent.
const knownIncompat = 0xff

// Looks reports whether a volume begins as XFS does.
func Looks(start []byte) bool {
	return len(start) >= superSize && string(start[:4]) == magic
}

// FS is a file system. It is safe for concurrent use if its disk is.
type FS struct {
	// UUID is in the usual form with dashes; Label may be empty.
	UUID, Label string
	// Unclean: changes wait in the log; they are not seen.
	Unclean bool

	disk io.ReaderAt
	super
}

// super is what of the super block is needed later.
type super struct {
	version     int
	blockSize   int64
	blocks      uint64
	rootInode   uint64
	agBlocks    uint64
	agCount     uint64
	agBlockLog  uint
	inodeSize   int64
	inodeLog    uint
	folderBlock int64
	types       bool
	logStart    uint64
	logBlocks   int64
}

// Open reads the super block of a volume of size bytes.
func Open(disk io.ReaderAt, size int64) (*FS, error) {
	b := make([]byte, 512)
	if _, err := disk.ReadAt(b, 0); err != nil {
		return nil, refuse("super block: %v", err)
	}
	if !Looks(b) {
		return nil, refuse("no super block")
	}
	label, _, _ := strings.Cut(string(b[108:120]), "\x00")
	f := &FS{disk: disk, UUID: uuid(b[32:48]), Label: label}
	if err := f.read(b, size); err != nil {
		return nil, err
	}
	unclean, err := f.logIsDirty()
	if err != nil {
		return nil, err
	}
	f.Unclean = unclean
	return f, nil
}

func (s *super) read(b []byte, size int64) error {
	be := binary.BigEndian
	s.version = int(be.Uint16(b[100:]) & 0xf)
	if err := s.supported(b); err != nil {
		return err
	}
	blockLog := uint(b[120])
	s.agBlockLog, s.inodeLog = uint(b[124]), uint(b[123])
	s.blockSize, s.inodeSize = int64(be.Uint32(b[4:])), int64(be.Uint16(b[104:]))
	s.blocks, s.rootInode = be.Uint64(b[8:]), be.Uint64(b[56:])
	s.agBlocks, s.agCount = uint64(be.Uint32(b[84:])), uint64(be.Uint32(b[88:]))
	s.logStart, s.logBlocks = be.Uint64(b[48:]), int64(be.Uint32(b[96:]))
	switch {
	case blockLog < 9 || blockLog > 16 || s.blockSize != 1<<blockLog:
		return refuse("damaged: blocks of %d bytes", s.blockSize)
	case s.inodeSize < 256 || s.inodeSize > 2048 || s.inodeSize<<s.inodeLog != s.blockSize:
		return refuse("damaged: inodes of %d bytes", s.inodeSize)
	case b[192] > 7 || s.blockSize<<b[192] > 1<<16:
		return refuse("damaged: folder blocks of %d bytes", s.blockSize<<min(b[192], 32))
	case s.agBlocks == 0 || s.agCount == 0 || s.agBlockLog > 31 || s.agBlocks > 1<<s.agBlockLog:
		return refuse("damaged: allocation groups of %d blocks", s.agBlocks)
	case s.blocks == 0 || s.blocks > s.agBlocks*s.agCount || s.blocks <= s.agBlocks*(s.agCount-1):
		return refuse("damaged: %d blocks in %d allocation groups", s.blocks, s.agCount)
	case s.blocks > uint64(size/s.blockSize):
		return refuse("cut off: it has %d blocks of %d bytes, the volume has %d bytes", s.blocks, s.blockSize, size)
	}
	s.folderBlock = s.blockSize << b[192]
	return nil
}

// supported refuses what would be read wrongly.
func (s *super) supported(b []byte) error {
	be := binary.BigEndian
	switch s.version {
	case 4:
		if be.Uint16(b[100:])&versionDirV2 == 0 {
			return refuse("its folders are of the first version, which is not read")
		}
		s.types = be.Uint32(b[200:])&version2Ftype != 0
		return nil
	case 5:
	default:
		return refuse("version %d, which is not read", s.version)
	}
	incompat := be.Uint32(b[216:])
	switch {
	case incompat&^knownIncompat != 0:
		return refuse("it has features that are not known: %#x", incompat&^knownIncompat)
	case incompat&incompatRepair != 0:
		return refuse("it is marked as damaged: xfs_repair must mend it first")
	}
	s.types = incompat&incompatFtype != 0
	return nil
}

// address is where a block lies on the disk; blocks are numbered with the
// allocation group in the upper bits.
func (s *super) address(block uint64) (int64, error) {
	group, within := block>>s.agBlockLog, block&(1<<s.agBlockLog-1)
	linear := group*s.agBlocks + within
	if group >= s.agCount || within >= s.agBlocks || linear >= s.blocks {
		return 0, fmt.Errorf("damaged: block %d", block)
	}
	return int64(linear) * s.blockSize, nil
}

// readBlock reads a whole block.
func (f *FS) readBlock(block uint64) ([]byte, error) {
	at, err := f.address(block)
	if err != nil {
		return nil, err
	}
	b := make([]byte, f.blockSize)
	_, err = f.disk.ReadAt(b, at)
	return b, err
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
