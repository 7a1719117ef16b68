package agentwire

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Bounds of evidence, in sockets and notes, and in bytes of their texts.
const (
	MaxSockets  = 4096
	MaxNotes    = 20
	MaxFilePath = 4096
)

// Evidence is what a host says about itself besides its packages.
type Evidence struct {
	// Kernel is the running kernel's release (uname -r).
	Kernel string `json:"kernel,omitempty"`
	// BootedAt is when it was started, in whole minutes, zero where that is
	// not known.
	BootedAt time.Time `json:"bootedAt,omitzero"`
	// Addresses are those of the host's interfaces beyond loopback and links.
	Addresses []netip.Addr `json:"addresses,omitempty"`
	// Sockets are those on which the host listens.
	Sockets []Socket `json:"sockets,omitempty"`
	// Notes are limits that were met while looking.
	Notes []string `json:"notes,omitempty"`
}

// Protocol of a socket.
type Protocol string

// The protocols of sockets.
const (
	TCP Protocol = "TCP"
	UDP Protocol = "UDP"
)

// Socket is one on which a program listens.
type Socket struct {
	Protocol Protocol `json:"protocol"`
	// Address is the local one; the unspecified one stands for all.
	Address netip.Addr `json:"address"`
	Port    uint16     `json:"port"`
	// Process is the program's short name, Executable its file; both are
	// empty where the agent may not see whose the socket is.
	Process    string `json:"process,omitempty"`
	Executable string `json:"executable,omitempty"`
	// Package is the operating-system package that owns the file, or "".
	Package string `json:"package,omitempty"`
	// Replaced says that the file was replaced or removed while the program
	// ran, so that what is installed is not what runs.
	Replaced bool `json:"replaced,omitempty"`
	// Contained says that the program runs in a root of its own, such as a
	// container's, where Executable is to be found.
	Contained bool `json:"contained,omitempty"`
}

// Sort puts sockets and addresses in their canonical order, without
// duplicates, and keeps what the bounds allow.
func (e *Evidence) Sort() {
	slices.SortFunc(e.Addresses, netip.Addr.Compare)
	e.Addresses = slices.Compact(e.Addresses)
	slices.SortFunc(e.Sockets, compareSockets)
	e.Sockets = slices.Compact(e.Sockets)
	e.Addresses = e.Addresses[:min(len(e.Addresses), MaxSockets)]
	e.Sockets = e.Sockets[:min(len(e.Sockets), MaxSockets)]
	e.Notes = e.Notes[:min(len(e.Notes), MaxNotes)]
}

func compareSockets(a, b Socket) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), a.Address.Compare(b.Address),
		cmp.Compare(a.Executable, b.Executable), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Package, b.Package),
		ordered(a.Replaced, b.Replaced), ordered(a.Contained, b.Contained))
}

func ordered(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// Hash is the hexadecimal SHA-256 of the sorted content.
func (e *Evidence) Hash() string {
	e.Sort()
	body, err := json.Marshal(e)
	if err != nil { // plain values
		panic(err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// violations names what is wrong with foreign evidence.
func (e *Evidence) violations() []string {
	var bad []string
	add := func(format string, args ...any) {
		if len(bad) < maxViolations {
			bad = append(bad, fmt.Sprintf(format, args...))
		}
	}
	text := func(where, s string, most int) {
		if len(s) > most || !printable(s) {
			add("%s: want at most %d printable bytes", where, most)
		}
	}
	if len(e.Sockets) > MaxSockets || len(e.Addresses) > MaxSockets || len(e.Notes) > MaxNotes {
		add("evidence: more than %d sockets or addresses, or %d notes", MaxSockets, MaxNotes)
		return bad
	}
	text("evidence.kernel", e.Kernel, MaxLabel)
	for i, n := range e.Notes {
		text(fmt.Sprintf("evidence.notes[%d]", i), n, 256)
	}
	for i, a := range e.Addresses {
		if !a.IsValid() || a.Zone() != "" {
			add("evidence.addresses[%d]: not an address", i)
		}
	}
	for i, s := range e.Sockets {
		where := fmt.Sprintf("evidence.sockets[%d]", i)
		if s.Protocol != TCP && s.Protocol != UDP {
			add("%s.protocol: want TCP or UDP", where)
		}
		if !s.Address.IsValid() || s.Address.Zone() != "" {
			add("%s.address: not an address", where)
		}
		text(where+".process", s.Process, MaxLabel)
		text(where+".executable", s.Executable, MaxFilePath)
		text(where+".package", s.Package, MaxActivationCode)
	}
	return bad
}
