package bench

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/fleet"
)

// agent is an enrolled host that reports by itself.
type agent struct {
	id       agentwire.HostID
	key      ed25519.PrivateKey
	sequence int64
}

// enrol stores hosts that may report.
func (w *world) enrol(b *testing.B, members, hosts int) []*agent {
	b.Helper()
	agents := make([]*agent, hosts)
	w.update(func(ctx context.Context, tx *store.Tx) error {
		for n := range agents {
			a := &agent{id: agentwire.HostID(fmt.Sprintf("i-%017x", n)), key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n), byte(n >> 8)}, ed25519.SeedSize/2))}
			public, _ := a.key.Public().(ed25519.PublicKey)
			host := fleet.Host{Account: member(n % members), Region: region, ID: a.id, Label: fmt.Sprint("host-", n), PublicKey: public, Status: fleet.Active, EnrolledAt: epoch}
			if err := fleet.PutHost(ctx, tx, host); err != nil {
				return err
			}
			agents[n] = a
		}
		return nil
	})
	return agents
}

// report is a signed report: of the content, or of its hash alone.
func (w *world) report(b *testing.B, a *agent, hash string, inv *inventory.Inventory) request {
	b.Helper()
	a.sequence++
	body, err := agentwire.EncodeReport(&agentwire.Report{HostID: a.id, Sequence: a.sequence, CollectedAt: time.Now().UTC(), AgentVersion: "1", InventoryHash: hash, Inventory: inv})
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, w.server.URL()+agentwire.PathReport, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if inv != nil {
		body = agentwire.Compress(body)
		r.Header.Set("Content-Encoding", "gzip")
	}
	agentwire.Sign(r, agentwire.PathReport, body, a.id, a.sequence, a.key, time.Now())
	return request{r.URL.String(), r.Header, body}
}

// BenchmarkReports is how many reports of 500 packages are accepted, durably,
// from 208 agents of which 16 report at a time, with the scans that follow
// from them under way. "unchanged" names a known content by its hash, "equal"
// is a host that changes to a content that other hosts have, "changed" brings
// content that nobody has. scanned/s counts until the last scan has ended.
func BenchmarkReports(b *testing.B) {
	const members, hosts = 10, 13 * clients
	eachEngine(b, func(b *testing.B, w *world) {
		w.organize(members)
		w.publish(b, epoch, advisory{"own-1", "9-1"}, advisory{"package-7", "1.9-1"}, advisory{"package-8", "1.9-1"})
		w.sync(b)
		agents := w.enrol(b, members, hosts)
		two := []*inventory.Inventory{machine("1.0-1"), machine("1.1-1")}
		hashes := []string{two[0].Hash(), two[1].Hash()}
		for i, a := range agents {
			if _, err := w.send(w.report(b, a, hashes[i%2], two[i%2])); err != nil {
				b.Fatal(err)
			}
		}
		w.settle(b)
		serial := 0
		for _, kind := range []struct {
			name string
			make func(i int, a *agent) request
		}{
			{"unchanged", func(i int, a *agent) request { return w.report(b, a, hashes[i%hosts%2], nil) }},
			{"equal", func(i int, a *agent) request { return w.report(b, a, hashes[(i+i/hosts+1)%2], nil) }},
			{"changed", func(_ int, a *agent) request {
				serial++
				inv := machine(fmt.Sprintf("2.%d-1", serial))
				return w.report(b, a, inv.Hash(), inv)
			}},
		} {
			b.Run(kind.name, func(b *testing.B) {
				requests := make([]request, b.N)
				for i := range requests {
					requests[i] = kind.make(i, agents[i%hosts])
				}
				b.ResetTimer()
				used := processor()
				w.together(b, requests)
				accepted := b.Elapsed()
				w.settle(b)
				b.ReportMetric(1000*(processor()-used).Seconds()/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(b.N)/accepted.Seconds(), "accepted/s")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scanned/s")
			})
		}
	})
}

// clients is how many agents report at a time.
const clients = 16

// together sends requests, those of each client in their order.
func (w *world) together(b *testing.B, requests []request) {
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := client; i < len(requests); i += clients {
				if _, err := w.send(requests[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
