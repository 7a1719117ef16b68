package ext4

import (
	"encoding/binary"
	"sync"
)

// maxDescriptors bounds what is kept of the descriptors of groups, in bytes:
// the number of groups is the disk's word, and a small image may be that of a
// large disk.
const maxDescriptors = 1 << 20

// groups are the blocks of group descriptors that were read last.
type groups struct {
	mu     sync.Mutex
	blocks map[int64][]byte
}

// table is the first block of a group's inodes.
func (f *FS) table(group int64) (int64, error) {
	s := &f.super
	perBlock := s.blockSize / s.descSize
	block, err := f.descriptors(group / perBlock)
	if err != nil {
		return 0, refuse("group descriptors: %v", err)
	}
	d := block[group%perBlock*s.descSize:]
	table := int64(binary.LittleEndian.Uint32(d[8:]))
	if s.descSize >= 64 {
		table |= int64(binary.LittleEndian.Uint32(d[0x28:])) << 32
	}
	return table, nil
}

// descriptors is the n-th block of group descriptors.
func (f *FS) descriptors(n int64) ([]byte, error) {
	g := &f.groups
	g.mu.Lock()
	block, ok := g.blocks[n]
	g.mu.Unlock()
	if ok {
		return block, nil
	}
	block = make([]byte, f.super.blockSize)
	if err := f.readBlock(f.super.descriptorBlock(n, f.super.blockSize/f.super.descSize), block); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.blocks == nil || int64(len(g.blocks)) >= maxDescriptors/f.super.blockSize {
		g.blocks = map[int64][]byte{}
	}
	g.blocks[n] = block
	return block, nil
}

// descriptorBlock is where the n-th block of group descriptors lies: all
// together behind the super block, or with meta block groups each in its own.
func (s *super) descriptorBlock(n, perBlock int64) int64 {
	if s.incompat&incompatMetaBG == 0 || n < s.firstMetaBG {
		return superOffset/s.blockSize + 1 + n
	}
	group := n * perBlock
	block := s.firstBlock + group*s.blocksPerGroup
	if s.hasSuper(group) {
		block++
	}
	if s.blockSize == 1024 && n == 0 && s.firstBlock == 0 {
		block++ // the super block is in block 1 then
	}
	return block
}

// hasSuper reports whether a group begins with a copy of the super block.
func (s *super) hasSuper(group int64) bool {
	switch {
	case group == 0:
		return true
	case s.compat&compatSparseSuper2 != 0:
		return group == int64(s.backupGroups[0]) || group == int64(s.backupGroups[1])
	case group <= 1 || s.roCompat&roCompatSparseSuper == 0:
		return true
	case group&1 == 0:
		return false
	}
	for _, base := range []int64{3, 5, 7} {
		power := base
		for power < group {
			power *= base
		}
		if power == group {
			return true
		}
	}
	return false
}
