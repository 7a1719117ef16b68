package advisorydb

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"

	"muster/internal/advisory"
)

// An index row: hash of the key (u64), hash of the content (u64), offset in
// the blocks (u64), length (u32), CRC-32C of the block (u32). Rows are sorted
// by key hash; keys with equal hashes are told apart by the block's beginning.
const indexRow = 32

type row struct {
	hash, content, offset uint64
	length, crc           uint32
}

func (r row) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, r.hash)
	b = le.AppendUint64(b, r.content)
	b = le.AppendUint64(b, r.offset)
	b = le.AppendUint32(b, r.length)
	return le.AppendUint32(b, r.crc)
}

func rowAt(index []byte, i int) row {
	b := index[i*indexRow : (i+1)*indexRow]
	le := binary.LittleEndian
	return row{le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint32(b[24:]), le.Uint32(b[28:])}
}

func rowCount(index []byte) int { return len(index) / indexRow }

// firstRow is the position of the first row with a hash not below h.
func firstRow(index []byte, h uint64) int {
	return sort.Search(rowCount(index), func(i int) bool {
		return binary.LittleEndian.Uint64(index[i*indexRow:]) >= h
	})
}

// hashText is the first eight bytes of SHA-256: stable for ever, and nobody
// makes it collide on purpose to slow lookups.
func hashText(parts ...string) uint64 {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		b = append(append(b, p...), 0)
	}
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

func hashKey(k advisory.Key) uint64 { return hashText(k.Ecosystem, k.Name) }

// writeIndexes writes heads, words, blocks and index.
func (b *Builder) writeIndexes() error {
	position, names := b.writeHeads()
	words := make([]string, len(b.words))
	for w, n := range b.words {
		words[n-1] = w
	}
	b.w.write(sectionWords, appendStrings(nil, words))
	b.w.write(sectionWords, b.appendReleases(nil))
	entries, release, err := b.spill.content()
	if err != nil {
		return err
	}
	defer release()
	return b.writeBlocks(entries, position, names)
}

// writeHeads resolves the names of all records and writes the heads in the
// order of ids: offsets (u32 each), then the heads. It returns each record's
// number in that order, and a hash of its names and content.
func (b *Builder) writeHeads() (position []uint32, names []uint64) {
	var group advisory.Group
	for i := range b.records {
		if b.records[i].Withdrawn.IsZero() {
			group.Add(&b.records[i].Advisory)
		}
	}
	order := make([]uint32, len(b.records))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int { return cmp.Compare(b.records[x].ID, b.records[y].ID) })
	position, names = make([]uint32, len(order)), make([]uint64, len(order))
	var offsets, heads []byte
	for n, i := range order {
		r := &b.records[i]
		group.Resolve(&r.Advisory)
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(order)*4+len(heads)))
		start := len(heads)
		heads = appendHead(heads, r)
		position[i], names[i] = uint32(n), hashText(string(heads[start:]))
		for _, v := range []uint32{r.place.chunk, r.place.offset, r.place.length} {
			heads = binary.AppendUvarint(heads, uint64(v))
		}
	}
	b.w.write(sectionHeads, offsets)
	b.w.write(sectionHeads, heads)
	return position, names
}

// appendHead writes a record's names, its date of withdrawal (Unix seconds,
// zero for valid records) and its content hash. The document's place follows;
// it does not count as content.
func appendHead(b []byte, r *builtRecord) []byte {
	b = appendString(b, r.ID)
	b = appendStrings(b, r.Vulnerabilities)
	b = appendStrings(b, r.Synonyms)
	withdrawn := uint64(0)
	if !r.Withdrawn.IsZero() {
		withdrawn = uint64(max(r.Withdrawn.Unix(), 1))
	}
	b = binary.AppendUvarint(b, withdrawn)
	return binary.LittleEndian.AppendUint64(b, r.hash)
}

// writeBlocks writes one block per key, in the order of key hashes, and the
// index over them.
func (b *Builder) writeBlocks(entries []byte, position []uint32, names []uint64) error {
	keys := make([]advisory.Key, len(b.keys))
	hashes := make([]uint64, len(b.keys))
	for k, n := range b.keys {
		keys[n], hashes[n] = k, hashKey(k)
	}
	slices.SortFunc(b.refs, func(x, y entryRef) int {
		return cmp.Or(cmp.Compare(hashes[x.key], hashes[y.key]), cmp.Compare(x.key, y.key),
			cmp.Compare(position[x.record], position[y.record]), cmp.Compare(x.offset, y.offset))
	})
	var index, block []byte
	offset := uint64(0)
	for refs := b.refs; len(refs) > 0; {
		n := 1
		for n < len(refs) && refs[n].key == refs[0].key {
			n++
		}
		block = appendBlock(block[:0], keys[refs[0].key], refs[:n], entries, position)
		r := row{hashes[refs[0].key], contentHash(refs[:n], names), offset, uint32(len(block)), checksum(block)}
		index = r.append(index)
		b.w.write(sectionBlocks, block)
		offset += uint64(len(block))
		refs = refs[n:]
	}
	b.w.write(sectionIndex, index)
	return b.w.err
}

// contentHash changes when any record of the key changes, comes or goes, or
// goes by another name.
func contentHash(refs []entryRef, names []uint64) uint64 {
	var b []byte
	for _, ref := range refs {
		b = binary.LittleEndian.AppendUint64(b, names[ref.record])
	}
	return hashText(string(b))
}

// appendBlock writes the key, the number of records and entries, then per
// record its number (as the distance from the one before), the number of its
// entries, and those.
func appendBlock(b []byte, key advisory.Key, refs []entryRef, entries []byte, position []uint32) []byte {
	b = appendString(appendString(b, key.Ecosystem), key.Name)
	records := 0
	for i, ref := range refs {
		if i == 0 || ref.record != refs[i-1].record {
			records++
		}
	}
	b = binary.AppendUvarint(b, uint64(records))
	b = binary.AppendUvarint(b, uint64(len(refs)))
	last := uint32(0)
	for len(refs) > 0 {
		n := 1
		for n < len(refs) && refs[n].record == refs[0].record {
			n++
		}
		number := position[refs[0].record]
		b = binary.AppendUvarint(b, uint64(number-last))
		b = binary.AppendUvarint(b, uint64(n))
		for _, ref := range refs[:n] {
			b = append(b, entries[ref.offset:ref.offset+uint64(ref.length)]...)
		}
		last, refs = number, refs[n:]
	}
	return b
}
