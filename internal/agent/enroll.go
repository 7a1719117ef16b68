package agent

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"unicode"

	"muster/internal/agentwire"
	"muster/internal/extract"
	"muster/internal/extract/osrelease"
	"muster/internal/inventory"
	"muster/internal/source/host"
)

// ErrEnrolled says that the state folder already holds an identity.
var ErrEnrolled = errors.New("already enrolled")

// Enrollment is what Enroll needs to give a host its identity.
type Enrollment struct {
	// Server is the address, "https://muster.example.com".
	Server string
	// CA is the PEM text of the authorities to believe instead of the
	// system's; "" for the system's.
	CA string
	// Activation is the code that an administrator issued.
	Activation string
	// StateDir receives the identity; default DefaultStateDir.
	StateDir string
	// Label is what people call the host; default its host name.
	Label string
	// Root is the folder taken for the machine's root; default "/".
	Root string
	// Version is the agent's own.
	Version string
	// Force replaces an identity that is already there.
	Force bool
	// Transport replaces the network in tests.
	Transport http.RoundTripper
}

// Enroll asks the server for an identity and writes it to the state folder.
// Trying again after a failure is safe: the key is kept, and a server that
// had answered gives the same identity again.
func Enroll(ctx context.Context, e Enrollment) (Identity, error) {
	cfg := Config{StateDir: e.StateDir, Root: e.Root}.withDefaults()
	h, err := host.Open(cfg.Root)
	if err != nil {
		return Identity{}, err
	}
	c, err := newClient(e.Server, e.CA, e.Transport)
	if err != nil {
		return Identity{}, err
	}
	st, err := openState(cfg.StateDir, true)
	if err != nil {
		return Identity{}, err
	}
	id, err := enroll(ctx, e, h, c, st)
	return id, errors.Join(err, st.close())
}

func enroll(ctx context.Context, e Enrollment, h *host.Host, c *client, st *state) (Identity, error) {
	known, err := st.load()
	switch {
	case err == nil && !e.Force:
		return known, fmt.Errorf("%w as %s at %s", ErrEnrolled, known.HostID, known.Server)
	case err == nil || e.Force:
		if err := st.forget(); err != nil {
			return Identity{}, err
		}
	case !errors.Is(err, ErrNotEnrolled):
		return Identity{}, err
	}
	key, err := st.enrolmentKey()
	if err != nil {
		return Identity{}, err
	}
	answer, err := askIdentity(ctx, e, h, c, key)
	if err != nil {
		return Identity{}, fmt.Errorf("enrol at %s: %w", c.base, err)
	}
	id := Identity{
		Server: c.base, CA: e.CA, HostID: answer.HostID, AccountID: answer.AccountID, Region: answer.Region,
		MachineIDHash: h.MachineID(), ReportIntervalSeconds: answer.ReportIntervalSeconds, Format: stateFormat,
	}
	return id, st.enrolled(id)
}

func askIdentity(ctx context.Context, e Enrollment, h *host.Host, c *client, key ed25519.PrivateKey) (*agentwire.EnrollResponse, error) {
	in := &agentwire.EnrollRequest{
		ActivationCode: strings.TrimSpace(e.Activation), PublicKey: key.Public().(ed25519.PublicKey), Label: label(e.Label),
		MachineIDHash: h.MachineID(), OS: systemOf(h), AgentVersion: e.Version,
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	answer := &agentwire.EnrollResponse{}
	send := func() error {
		return c.post(ctx, agentwire.PathEnroll, body, signer{agentwire.NewHost, 0, key}, answer)
	}
	err = send()
	if c.adjust(err, nil) {
		err = send()
	}
	if err != nil {
		return nil, err
	}
	if _, err := agentwire.ParseHostID(string(answer.HostID)); err != nil {
		return nil, fmt.Errorf("the server's answer: %w", err)
	}
	return answer, nil
}

// systemOf summarises the operating system; what cannot be read stays empty.
func systemOf(h *host.Host) agentwire.OS {
	system, err := osrelease.Read(h.FS())
	if err != nil {
		system = inventory.OS{}
	}
	if release, machine, err := h.Kernel(); err == nil {
		system.Kernel, system.Arch = release, extract.Architecture(machine)
	}
	return agentwire.NewOS(system)
}

// label cleans the wish, or takes the host's name.
func label(wish string) string {
	if wish == "" {
		name, err := os.Hostname()
		if err == nil {
			wish = name
		}
	}
	wish = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, wish)
	if len(wish) > agentwire.MaxLabel {
		wish = strings.ToValidUTF8(wish[:agentwire.MaxLabel], "")
	}
	return wish
}
