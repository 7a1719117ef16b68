package story

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"

	"github.com/rogpeppe/go-internal/testscript"
)

// host is a scripted machine: the agent's wire protocol without a machine
// behind it, so that a script decides what is installed.
type host struct {
	id       agentwire.HostID
	key      ed25519.PrivateKey
	sequence int64
	sockets  []agentwire.Socket
}

// hostCommand: host enroll NAME PROFILE [INSTANCE] enrols a host into the
// profile's account, as an instance where one is named, and sets $NAME to its
// id; host listens NAME PORT PROCESS PACKAGE says so with each report from then
// on; host report NAME PACKAGE=VERSION… reports
// Debian 12 packages; host revoke NAME PROFILE withdraws its key; host stolen
// NAME AS reports for host AS with NAME's key.
func hostCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	var err error
	switch args[0] {
	case "enroll":
		if err = w.enroll(args[1], args[2], args[3:]...); err == nil {
			ts.Setenv(strings.ToUpper(args[1]), string(w.hosts[args[1]].id))
		}
	case "report":
		err = w.report(w.hosts[args[1]], w.hosts[args[1]].id, args[2:])
	case "listens":
		h := w.hosts[args[1]]
		h.sockets = append(h.sockets, agentwire.Socket{Protocol: agentwire.TCP, Address: netip.IPv4Unspecified(), Port: uint16(atoi(args[2])),
			Process: args[3], Executable: "/usr/sbin/" + args[3], Package: args[4]})
	case "stolen":
		err = w.report(w.hosts[args[1]], w.hosts[args[2]].id, nil)
	case "revoke":
		err = w.musterCall(args[2], "RevokeHost", map[string]any{"hostId": w.hosts[args[1]].id}, nil)
	default:
		ts.Fatalf("usage: host enroll|report|stolen|revoke …")
	}
	if (err != nil) != neg {
		ts.Fatalf("host %v: %v", args, err)
	}
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
	}
}

// enroll enrols a host, as an instance where one is named.
func (w *world) enroll(name, profile string, instance ...string) error {
	var activation struct {
		ActivationCode string `json:"activationCode"`
	}
	in := map[string]any{}
	if len(instance) > 0 {
		in["instanceId"] = instance[0]
	}
	if err := w.musterCall(profile, "CreateActivation", in, &activation); err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	body, err := json.Marshal(agentwire.EnrollRequest{
		ActivationCode: activation.ActivationCode, PublicKey: public, Label: name,
		OS: agentwire.NewOS(debian12), AgentVersion: "story",
	})
	if err != nil {
		return err
	}
	var out agentwire.EnrollResponse
	if err := w.agentCall(agentwire.PathEnroll, body, agentwire.NewHost, 0, private, &out); err != nil {
		return err
	}
	w.hosts[name] = &host{id: out.HostID, key: private}
	return nil
}

var debian12 = inventory.OS{ID: "debian", VersionID: "12", Codename: "bookworm", PrettyName: "Debian GNU/Linux 12 (bookworm)",
	Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "X86_64"}

func (w *world) report(h *host, as agentwire.HostID, packages []string) error {
	inv := inventory.Inventory{OS: debian12}
	for _, p := range packages {
		name, v, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("%q is not PACKAGE=VERSION", p)
		}
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: debian12.Ecosystem,
			Name: name, Version: v, Arch: "amd64", Source: name, SourceVersion: v, Manager: inventory.ManagerOS}})
	}
	h.sequence++
	report := &agentwire.Report{HostID: as, Sequence: h.sequence, CollectedAt: time.Now().UTC(), AgentVersion: "story",
		InventoryHash: inv.Hash(), Inventory: &inv}
	if h.sockets != nil {
		report.Evidence = &agentwire.Evidence{Sockets: h.sockets}
		report.EvidenceHash = report.Evidence.Hash()
	}
	body, err := agentwire.EncodeReport(report)
	if err != nil {
		return err
	}
	var out agentwire.ReportResponse
	if err := w.agentCall(agentwire.PathReport, body, as, h.sequence, h.key, &out); err != nil {
		return err
	}
	if !out.Accepted {
		return errors.New("the report was not accepted")
	}
	return nil
}

// deliver sends a report's body signed with one host's key for another.
func (w *world) deliver(signer, as *host, body []byte) error {
	signer.sequence++
	return w.agentCall(agentwire.PathReport, body, as.id, signer.sequence, signer.key, nil)
}

func (w *world) agentCall(path string, body []byte, as agentwire.HostID, sequence int64, key ed25519.PrivateKey, out any) error {
	req, err := http.NewRequest(http.MethodPost, w.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	agentwire.Sign(req, path, body, as, sequence, key, time.Now())
	r, err := receive(req)
	if err != nil {
		return err
	}
	return r.into(out)
}

// feedsCommand: feeds DIR imports the advisories of a folder of the script:
// DIR/<Ecosystem>/*.json become that ecosystem's archive, other files lie
// beside as in a mirror. Without arguments it imports what lies there.
func feedsCommand(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if len(args) == 1 {
		if err := mirror(filepath.Join(w.dir, args[0]), filepath.Join(w.dir, "feeds")); err != nil {
			ts.Fatalf("feeds %v: %v", args, err)
		}
	}
	_, err := w.server.SyncFeeds(context.Background(), nil)
	if (err != nil) != neg {
		ts.Fatalf("feeds %v: %v", args, err)
	}
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
	}
}

func mirror(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(to, "osv"), 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(from, e.Name())
		if e.IsDir() {
			err = pack(name, filepath.Join(to, "osv", e.Name()+".zip"))
		} else {
			err = copyFile(name, filepath.Join(to, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, body, 0o644)
}

// pack writes a zip of the folder's files.
func pack(dir, to string) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		out, err := z.Create(filepath.Base(f))
		if err != nil {
			return err
		}
		if _, err := out.Write(body); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}
