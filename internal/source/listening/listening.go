// Package listening tells on which sockets a machine listens and which program
// holds each, from the kernel's tables in /proc. Nothing is connected to.
package listening

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"muster/internal/agentwire"
)

// Bounds of what is read: of one table in bytes, and of processes and open
// files looked at.
const (
	maxTable     = 64 << 20
	maxProcesses = 200_000
	maxFiles     = 2_000_000
)

// Notes of what could not be seen.
const (
	NoteOthers = "processes of other users could not be looked at"
	NoteTables = "the kernel's tables of sockets could not be read completely"
)

// Table is the sockets on which the machine listens, by the kernel's numbers of
// them, without who holds them.
type Table struct {
	sockets map[uint64]agentwire.Socket
	// Partial says that not all tables could be read.
	Partial bool
}

// Read reads the tables of the machine whose root is the folder. Without the
// kernel's files there the error wraps fs.ErrNotExist.
func Read(root string) (Table, error) {
	t := Table{sockets: map[uint64]agentwire.Socket{}}
	proc := filepath.Join(root, "proc")
	low, high := ephemeral(proc)
	found := false
	var missing error
	for _, table := range []struct {
		name     string
		protocol agentwire.Protocol
	}{{"tcp", agentwire.TCP}, {"tcp6", agentwire.TCP}, {"udp", agentwire.UDP}, {"udp6", agentwire.UDP}} {
		err := t.read(filepath.Join(proc, "net", table.name), table.protocol, low, high)
		switch {
		case err == nil:
			found = true
		case os.IsNotExist(err): // without IPv6 there are no tables of it
			missing = err
		default:
			t.Partial, found = true, true
		}
	}
	if !found {
		return t, fmt.Errorf("sockets: %w", missing)
	}
	return t, nil
}

// ephemeral is the range of the ports that programs get without asking: a
// datagram socket on one of them waits for answers.
func ephemeral(proc string) (low, high uint16) {
	text, err := os.ReadFile(filepath.Join(proc, "sys/net/ipv4/ip_local_port_range"))
	if err == nil {
		if _, err = fmt.Sscan(string(text), &low, &high); err == nil {
			return low, high
		}
	}
	return 32768, 60999
}

func (t *Table) read(name string, protocol agentwire.Protocol, low, high uint16) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	lines := bufio.NewScanner(io.LimitReader(f, maxTable))
	for lines.Scan() {
		s, inode, ok := parse(lines.Bytes(), protocol)
		if ok && (protocol == agentwire.TCP || s.Port < low || s.Port > high) && len(t.sockets) < agentwire.MaxSockets {
			t.sockets[inode] = s
		}
	}
	return lines.Err()
}

// States of sockets in the tables.
const (
	tcpListens     = "0A"
	udpUnconnected = "07"
)

// parse reads a line of a table:
//
//	sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
//	0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 20410 …
func parse(line []byte, protocol agentwire.Protocol) (s agentwire.Socket, inode uint64, ok bool) {
	fields := bytes.Fields(line)
	if len(fields) < 10 {
		return s, 0, false
	}
	state, remote := string(fields[3]), fields[2]
	if protocol == agentwire.TCP && state != tcpListens || protocol == agentwire.UDP && (state != udpUnconnected || !bytes.HasSuffix(remote, []byte(":0000"))) {
		return s, 0, false
	}
	address, port, ok := parseAddress(fields[1])
	if !ok || port == 0 {
		return s, 0, false
	}
	inode, err := strconv.ParseUint(string(fields[9]), 10, 64)
	return agentwire.Socket{Protocol: protocol, Address: address, Port: port}, inode, err == nil
}

// parseAddress reads "0100007F:0016": the address is written as 32-bit words of
// the machine's byte order.
func parseAddress(text []byte) (netip.Addr, uint16, bool) {
	word, port, ok := bytes.Cut(text, []byte(":"))
	if !ok || len(word) != 8 && len(word) != 32 {
		return netip.Addr{}, 0, false
	}
	raw := make([]byte, len(word)/2)
	if _, err := hex.Decode(raw, word); err != nil {
		return netip.Addr{}, 0, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	n, err := strconv.ParseUint(string(port), 16, 16)
	address, valid := netip.AddrFromSlice(raw)
	return address.Unmap(), uint16(n), err == nil && valid
}

// Same reports whether two tables hold the same sockets.
func (t Table) Same(other Table) bool {
	if len(t.sockets) != len(other.sockets) || t.Partial != other.Partial {
		return false
	}
	for inode, s := range t.sockets {
		if other.sockets[inode] != s {
			return false
		}
	}
	return true
}

// Holders finds the programs that hold the sockets; a socket that several
// programs hold is listed once for each. Those whose holder may not be seen are
// listed without one.
func (t Table) Holders(root string) (list []agentwire.Socket, notes []string) {
	if t.Partial {
		notes = append(notes, NoteTables)
	}
	h := holders{proc: filepath.Join(root, "proc"), table: t, held: map[uint64]bool{}}
	h.root, _ = os.Stat(root) // without it every program is in a root of its own
	h.look()
	for inode, s := range t.sockets {
		if !h.held[inode] {
			h.list = append(h.list, s)
		}
	}
	if h.hidden && len(h.held) < len(t.sockets) {
		notes = append(notes, NoteOthers)
	}
	return h.list, notes
}

type holders struct {
	proc  string
	root  fs.FileInfo
	table Table
	list  []agentwire.Socket
	held  map[uint64]bool
	// hidden says that some processes' files could not be listed.
	hidden bool
	files  int
}

func (h *holders) look() {
	if len(h.table.sockets) == 0 {
		return
	}
	folder, err := os.Open(h.proc)
	if err != nil {
		h.hidden = true
		return
	}
	defer folder.Close() // only read
	names, err := folder.Readdirnames(maxProcesses)
	h.hidden = err != nil
	slices.Sort(names)
	for _, name := range names {
		if _, err := strconv.ParseUint(name, 10, 32); err == nil && h.files < maxFiles {
			h.process(filepath.Join(h.proc, name))
		}
	}
}

// process looks whether a process holds one of the sockets. It may end at any
// moment, which is no error.
func (h *holders) process(dir string) {
	names, err := readNames(filepath.Join(dir, "fd"))
	if err != nil {
		h.hidden = h.hidden || os.IsPermission(err)
		return
	}
	var mine []uint64
	for _, fd := range names {
		h.files++
		target, err := os.Readlink(filepath.Join(dir, "fd", fd))
		if err != nil {
			continue
		}
		number, ok := strings.CutPrefix(target, "socket:[")
		if !ok {
			continue
		}
		inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
		if _, listens := h.table.sockets[inode]; err == nil && listens && !slices.Contains(mine, inode) {
			mine = append(mine, inode)
		}
	}
	if len(mine) == 0 {
		return
	}
	program := h.program(dir)
	for _, inode := range mine {
		s := h.table.sockets[inode]
		s.Process, s.Executable, s.Replaced, s.Contained = program.Process, program.Executable, program.Replaced, program.Contained
		if !slices.Contains(h.list, s) && len(h.list) < agentwire.MaxSockets {
			h.list = append(h.list, s)
		}
		h.held[inode] = true
	}
}

func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	return f.Readdirnames(maxFiles)
}

// program says what a process runs.
func (h *holders) program(dir string) (s agentwire.Socket) {
	if comm, err := os.ReadFile(filepath.Join(dir, "comm")); err == nil {
		s.Process = clean(strings.TrimSuffix(string(comm), "\n"), agentwire.MaxLabel)
	}
	if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil {
		exe, s.Replaced = strings.CutSuffix(exe, " (deleted)")
		s.Executable = clean(exe, agentwire.MaxFilePath)
	}
	root, err := os.Stat(filepath.Join(dir, "root"))
	s.Contained = err == nil && h.root != nil && !os.SameFile(root, h.root)
	return s
}

// clean keeps what a report may hold: programs choose their names themselves.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) || r == '�' {
			return '?'
		}
		return r
	}, text)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}
