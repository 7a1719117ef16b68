package agent

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"muster/internal/agentwire"
	"muster/internal/extract"
	"muster/internal/source/listening"
)

// witness sees what a host can say about itself besides its packages. It looks
// often, so it remembers what does not change by itself.
type witness struct {
	agent *Agent
	// table is the sockets as of the last full look.
	table listening.Table
	last  agentwire.Evidence
	hash  string
	// owners are the packages of executables, as of a state of the package
	// databases.
	owners    map[string]string
	databases fingerprint
}

// changed looks at the kernel's tables only: whether another look would tell
// of other sockets.
func (w *witness) changed() bool {
	table, err := listening.Read(w.agent.host.Root())
	return err == nil && !table.Same(w.table)
}

// look gathers the evidence anew. It reports whether it is other than before.
func (w *witness) look(databases fingerprint) bool {
	root := w.agent.host.Root()
	e := agentwire.Evidence{BootedAt: w.booted(root)}
	if release, _, err := w.agent.host.Kernel(); err == nil {
		e.Kernel = release
	}
	if root == "/" {
		e.Addresses = addresses()
	}
	table, err := listening.Read(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.Notes = append(e.Notes, listening.NoteTables)
	}
	w.table = table
	sockets, notes := table.Holders(root)
	e.Notes = append(e.Notes, notes...)
	w.own(sockets, databases)
	e.Sockets = sockets
	hash := e.Hash()
	before := w.hash
	w.last, w.hash = e, hash
	return hash != before
}

// own names the packages of executables. Files of containers are not the
// host's.
func (w *witness) own(sockets []agentwire.Socket, databases fingerprint) {
	if w.owners == nil || w.databases != databases {
		w.owners, w.databases = map[string]string{}, databases
	}
	var unknown []string
	for _, s := range sockets {
		if _, known := w.owners[s.Executable]; !known && s.Executable != "" && !s.Contained {
			w.owners[s.Executable] = ""
			unknown = append(unknown, s.Executable)
		}
	}
	if len(unknown) > 0 {
		found, err := extract.Owners(w.agent.host.FS(), unknown)
		if err != nil {
			w.agent.cfg.Log.Warn("owners of listening programs", "error", err)
		}
		for name, owner := range found {
			w.owners[name] = owner
		}
	}
	for i := range sockets {
		if !sockets[i].Contained {
			sockets[i].Package = w.owners[sockets[i].Executable]
		}
	}
}

// booted is when the kernel was started. The kernel works it out from clocks
// that are set now and then, so small differences are none.
func (w *witness) booted(root string) time.Time {
	text, err := os.ReadFile(filepath.Join(root, "proc/stat"))
	if err != nil {
		return time.Time{}
	}
	for line := range strings.Lines(string(text)) {
		seconds, ok := strings.CutPrefix(line, "btime ")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
		if err != nil || n < 0 {
			return time.Time{}
		}
		at := time.Unix(n, 0).UTC().Truncate(time.Minute)
		if d := at.Sub(w.last.BootedAt); d > -2*time.Minute && d < 2*time.Minute {
			return w.last.BootedAt
		}
		return at
	}
	return time.Time{}
}

// addresses are those under which others may know the machine.
func addresses() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if ip := prefix.Addr().Unmap(); !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && ip.IsGlobalUnicast() {
			list = append(list, ip)
		}
	}
	return list
}
