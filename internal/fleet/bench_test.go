package fleet_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/storetest"

	cellar "muster/internal/store/fleet"
)

// unchanged knows everything and stores nothing, so that what is measured is
// this desk.
type unchanged struct{}

func (unchanged) Content(context.Context, string) (inventory.Inventory, error) {
	return inventory.Inventory{}, store.ErrNotFound
}

func (unchanged) Known(context.Context, string) (bool, error)           { return true, nil }
func (unchanged) Accept(context.Context, *store.Tx, fleet.Report) error { return nil }

// BenchmarkHeartbeat is an unchanged inventory, from signature to commit, by
// many hosts at once.
func BenchmarkHeartbeat(b *testing.B) {
	for _, url := range []string{storetest.SQLite(b), storetest.Postgres(b)} {
		s := storetest.Open(b, url, store.Options{})
		desk := fleet.New(s, fleet.Options{Inventories: unchanged{}})
		fill(b, s, 2000)
		hosts := make([]agentwire.HostID, 64)
		for i := range hosts {
			hosts[i] = benchmarkHost(b, desk)
		}
		_, hash := content("1")
		var next, sequence atomic.Int64
		b.Run(string(s.Engine()), func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				host := hosts[int(next.Add(1))%len(hosts)]
				for pb.Next() {
					if err := beat(b.Context(), b, desk, host, sequence.Add(1), hash); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}

func beat(ctx context.Context, b *testing.B, desk *fleet.Service, host agentwire.HostID, sequence int64, hash string) error {
	request := signed(b, start, agentwire.PathReport, host, sequence, "k")
	found, err := desk.Find(ctx, request.Signature)
	if err == nil {
		err = desk.Authenticate(found, request, start)
	}
	if err == nil {
		r := &agentwire.Report{HostID: host, Sequence: sequence, CollectedAt: start, InventoryHash: hash}
		_, err = desk.AcceptReport(ctx, found, r, start)
	}
	return err
}

func benchmarkHost(b *testing.B, desk *fleet.Service) agentwire.HostID {
	call := &awsmodel.Call{Principal: arn.Principal{Account: ours}, Region: "us-east-1", Time: start}
	a, err := desk.CreateActivation(b.Context(), call, &muster.CreateActivationInput{})
	if err != nil {
		b.Fatal(err)
	}
	out, err := desk.Enrol(b.Context(), signed(b, start, agentwire.PathEnroll, agentwire.NewHost, 0, "k"), request(a.ActivationCode, "", "k"), start)
	if err != nil {
		b.Fatal(err)
	}
	return out.HostID
}

// fill stores further hosts: PostgreSQL locks by page, so in a table of a
// single page everybody would be in everybody's way.
func fill(b *testing.B, s *store.Store, n int) {
	err := s.Update(b.Context(), func(tx *store.Tx) error {
		for i := range n {
			h := cellar.Host{Account: ours, Region: "us-east-1", ID: agentwire.HostID(fmt.Sprintf("i-%x%016x", i%16, i)), PublicKey: public("other"), Status: cellar.Active}
			if err := cellar.PutHost(b.Context(), tx, h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
