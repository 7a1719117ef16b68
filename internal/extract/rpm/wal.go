package rpm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// SQLite's write-ahead log beside the database. rpm folds it into the database
// when the last program closes it; one that stays open (PackageKit) leaves the
// newest packages in the log alone.
const (
	walMagic  = 0x377f0682 // the lowest bit tells the order of the checksums
	walHeader = 32
	walFrame  = 24 // header of a frame, before its page
)

// wal is the committed content of a log: where in it the newest copy of each
// page lies, and how many pages the database has.
type wal struct {
	r     io.ReaderAt
	at    map[int64]int64
	pages int64
}

// readWAL follows the frames up to the last commit. What comes after, or from
// a former round of the log, has no valid checksum and does not count.
func readWAL(r io.ReaderAt, size, pageSize int64) (*wal, error) {
	w := &wal{r: r, at: map[int64]int64{}}
	if size < walHeader {
		return w, nil
	}
	head := make([]byte, walHeader)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("write-ahead log: %w", err)
	}
	magic := binary.BigEndian.Uint32(head)
	if magic&^1 != walMagic || int64(binary.BigEndian.Uint32(head[8:])) != pageSize {
		return nil, errors.New("write-ahead log of another database")
	}
	sum := walSum{order: binary.ByteOrder(binary.LittleEndian)}
	if magic&1 != 0 {
		sum.order = binary.BigEndian
	}
	sum.add(head[:24])
	if !sum.is(head[24:]) {
		return w, nil // the log was begun anew and not written yet
	}
	return w, w.frames(size, pageSize, head[16:24], sum)
}

func (w *wal) frames(size, pageSize int64, salt []byte, sum walSum) error {
	frame := make([]byte, walFrame+pageSize)
	pending := map[int64]int64{}
	for offset := int64(walHeader); offset+int64(len(frame)) <= size; offset += int64(len(frame)) {
		if _, err := w.r.ReadAt(frame, offset); err != nil {
			return fmt.Errorf("write-ahead log: %w", err)
		}
		sum.add(frame[:8])
		sum.add(frame[walFrame:])
		if string(frame[8:16]) != string(salt) || !sum.is(frame[16:24]) {
			return nil
		}
		pending[int64(binary.BigEndian.Uint32(frame))] = offset + walFrame
		if pages := binary.BigEndian.Uint32(frame[4:]); pages != 0 {
			for n, at := range pending {
				w.at[n] = at
			}
			clear(pending)
			w.pages = int64(pages)
		}
	}
	return nil
}

// walSum is the log's running checksum.
type walSum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add takes a multiple of eight bytes.
func (s *walSum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		s.s0 += s.order.Uint32(data) + s.s1
		s.s1 += s.order.Uint32(data[4:]) + s.s0
	}
}

func (s *walSum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == s.s0 && binary.BigEndian.Uint32(stored[4:]) == s.s1
}
