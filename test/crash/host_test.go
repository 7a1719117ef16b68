package crash

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
)

var debian12 = inventory.OS{ID: "debian", VersionID: "12", Codename: "bookworm", PrettyName: "Debian GNU/Linux 12 (bookworm)",
	Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "X86_64"}

// host reports inventories of the management account's one machine. The
// findings follow from the last accepted report, or from one after it that
// nobody answered, from the advisories in service and from the rules.
type host struct {
	*clients
	rules      *rules
	advisories *advisories

	id  agentwire.HostID
	key ed25519.PrivateKey

	// acting keeps reports one after the other; it guards the rest.
	acting   sync.Mutex
	sequence int64
	accepted int
	// possible are the inventories that the server may have: the one accepted
	// last and those sent since. An inventory has a version per package, 0
	// where it is not installed.
	possible [][]int
}

func newHost(t *testing.T, c *clients, r *rules, a *advisories) *host {
	t.Helper()
	h := &host{clients: c, rules: r, advisories: a}
	if _, err := c.inspector.Enable(t.Context(), &inspector2.EnableInput{ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2}}); err != nil {
		t.Fatal(err)
	}
	if err := h.enroll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) enroll(ctx context.Context) error {
	var activation struct {
		ActivationCode string `json:"activationCode"`
	}
	if err := h.muster(ctx, "CreateActivation", map[string]any{}, &activation); err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	body, err := json.Marshal(agentwire.EnrollRequest{
		ActivationCode: activation.ActivationCode, PublicKey: public, Label: "host", OS: agentwire.NewOS(debian12), AgentVersion: "test",
	})
	if err != nil {
		return err
	}
	h.key = private
	var out agentwire.EnrollResponse
	err = h.send(ctx, agentwire.PathEnroll, body, agentwire.NewHost, 0, &out)
	h.id = out.HostID
	return err
}

func (h *host) send(ctx context.Context, path string, body []byte, as agentwire.HostID, sequence int64, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *h.config.BaseEndpoint+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	agentwire.Sign(req, path, body, as, sequence, h.key, time.Now())
	return h.exchange(req, out)
}

func (*host) name() string { return "host" }

func (h *host) act(ctx context.Context, rnd *rand.Rand) {
	if !h.acting.TryLock() {
		return
	}
	defer h.acting.Unlock()
	installed := make([]int, packages)
	for i := range installed {
		installed[i] = rnd.IntN(versions + 1)
	}
	// Sometimes only the hash of what the server knows.
	known := len(h.possible) > 0 && rnd.IntN(3) == 0
	if known {
		installed = h.possible[0]
	}
	h.possible = append(h.possible, installed)
	if answerOf(h.report(ctx, installed, !known)) == accepted {
		h.possible = [][]int{installed}
		h.accepted++
	}
}

func inventoryOf(installed []int) *inventory.Inventory {
	inv := &inventory.Inventory{OS: debian12}
	for i, v := range installed {
		if v == 0 {
			continue
		}
		name, version := packageName(i), strconv.Itoa(v)
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: debian12.Ecosystem,
			Name: name, Version: version, Arch: "amd64", Source: name, SourceVersion: version, Manager: inventory.ManagerOS}})
	}
	return inv
}

func (h *host) report(ctx context.Context, installed []int, content bool) error {
	inv := inventoryOf(installed)
	h.sequence++
	r := &agentwire.Report{HostID: h.id, Sequence: h.sequence, CollectedAt: time.Now().UTC(), AgentVersion: "test", InventoryHash: inv.Hash()}
	if content {
		r.Inventory = inv
	}
	body, err := agentwire.EncodeReport(r)
	if err != nil {
		return err
	}
	var out agentwire.ReportResponse
	if err := h.send(ctx, agentwire.PathReport, body, h.id, h.sequence, &out); err != nil {
		return err
	}
	if !out.Accepted {
		return fmt.Errorf("the server does not know inventory %s, which it has accepted", inv.Hash())
	}
	return nil
}

// check: the host is still enrolled and its report is still known.
func (h *host) check(t *testing.T) {
	var out struct {
		Hosts []struct {
			HostID        agentwire.HostID `json:"hostId"`
			InventoryHash string           `json:"inventoryHash"`
		} `json:"hosts"`
	}
	if err := h.muster(t.Context(), "ListHosts", map[string]any{}, &out); err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, host := range out.Hosts {
		if host.HostID == h.id {
			found = host.InventoryHash
		}
	}
	if found == "" && h.accepted > 0 {
		t.Fatalf("hosts %+v, want %s", out.Hosts, h.id)
	}
	for _, installed := range h.possible {
		if inventoryOf(installed).Hash() == found {
			return
		}
	}
	if h.accepted > 0 {
		t.Errorf("the last accepted report is lost")
	}
}

// settled compares the findings.
func (h *host) settled(ctx context.Context) error {
	if h.advisories.fixed == nil {
		return fmt.Errorf("the advisories in service are in doubt")
	}
	suppressed, err := h.rules.suppressed(ctx)
	if err != nil {
		return err
	}
	got, err := h.findings(ctx)
	if err != nil {
		return err
	}
	var wants [][]string
	for _, installed := range h.possible {
		var want []string
		for i, v := range installed {
			status := types.FindingStatusActive
			if suppressed[cve(i)] {
				status = types.FindingStatusSuppressed
			}
			if v > 0 && v < h.advisories.fixed[i] {
				want = append(want, cve(i)+" "+string(status))
			}
		}
		if slices.Equal(got, want) {
			return nil
		}
		wants = append(wants, want)
	}
	return fmt.Errorf("findings %v, want one of %v", got, wants)
}

// findings lists those that are not closed, with their status.
func (h *host) findings(ctx context.Context) ([]string, error) {
	var list []string
	for pages := inspector2.NewListFindingsPaginator(h.inspector, &inspector2.ListFindingsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Findings {
			if f.Status != types.FindingStatusClosed && aws.ToString(f.Resources[0].Id) == string(h.id) {
				list = append(list, aws.ToString(f.PackageVulnerabilityDetails.VulnerabilityId)+" "+string(f.Status))
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

func (h *host) acknowledged() int { return h.accepted }
