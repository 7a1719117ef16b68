package fleet_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/store"
	"muster/internal/store/fleet"
	"muster/internal/store/storetest"
)

func TestSocketsOfHosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		web := fleet.Host{Account: "111111111111", Region: "eu-west-1", ID: "i-00000000000000001"}
		db := fleet.Host{Account: "111111111111", Region: "eu-west-1", ID: "i-00000000000000002"}
		said := &agentwire.Evidence{Kernel: "6.1.0-1", BootedAt: now.Add(-time.Hour), Notes: []string{"some"}, Sockets: []agentwire.Socket{
			{Protocol: agentwire.TCP, Address: netip.IPv4Unspecified(), Port: 22, Process: "sshd", Executable: "/usr/sbin/sshd", Package: "openssh-server"},
			{Protocol: agentwire.TCP, Address: netip.IPv6Unspecified(), Port: 443, Process: "nginx", Replaced: true, Contained: true},
			{Protocol: agentwire.UDP, Address: netip.MustParseAddr("10.0.0.1"), Port: 53},
		}}
		update := func(fn func(ctx context.Context, tx *store.Tx) error) {
			t.Helper()
			if err := s.Update(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
				t.Fatal(err)
			}
		}
		update(func(ctx context.Context, tx *store.Tx) error {
			if _, err := fleet.EvidenceOf(ctx, tx, web.Account, web.Region, web.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("evidence of a host that said nothing: %v", err)
			}
			return errors.Join(fleet.PutEvidence(ctx, tx, web, said, said.Hash(), now), fleet.PutEvidence(ctx, tx, db, &agentwire.Evidence{}, "none", now))
		})
		update(func(ctx context.Context, tx *store.Tx) error {
			e, err := fleet.EvidenceOf(ctx, tx, web.Account, web.Region, web.ID)
			if err != nil || e.Kernel != said.Kernel || !e.BootedAt.Equal(said.BootedAt) || !e.CollectedAt.Equal(now) || !slices.Equal(e.Notes, said.Notes) || e.Hash != said.Hash() {
				t.Errorf("evidence %+v, %v", e, err)
			}
			list, err := fleet.Sockets(ctx, tx, web.Account, web.Region, web.ID)
			if err != nil || !slices.Equal(list, said.Sockets) {
				t.Errorf("sockets %v, %v", list, err)
			}
			all, err := fleet.SocketsOf(ctx, tx, web.Account, web.Region)
			if err != nil || len(all) != 1 || len(all[web.ID]) != 3 {
				t.Errorf("sockets of the account %v, %v", all, err)
			}
			for _, elsewhere := range []fleet.Host{{Account: "222222222222", Region: web.Region}, {Account: web.Account, Region: "us-east-1"}} {
				if other, err := fleet.SocketsOf(ctx, tx, elsewhere.Account, elsewhere.Region, web.ID); err != nil || len(other) != 0 {
					t.Errorf("sockets seen from elsewhere: %v, %v", other, err)
				}
			}
			return fleet.PutEvidence(ctx, tx, web, &agentwire.Evidence{Sockets: said.Sockets[:1]}, "other", now)
		})
		update(func(ctx context.Context, tx *store.Tx) error {
			list, err := fleet.Sockets(ctx, tx, web.Account, web.Region, web.ID)
			if err != nil || !slices.Equal(list, said.Sockets[:1]) {
				t.Errorf("sockets after a change %v, %v", list, err)
			}
			return fleet.DeleteEvidence(ctx, tx, web)
		})
		update(func(ctx context.Context, tx *store.Tx) error {
			list, err := fleet.Sockets(ctx, tx, web.Account, web.Region, web.ID)
			if err != nil || len(list) != 0 {
				t.Errorf("sockets after their end %v, %v", list, err)
			}
			return nil
		})
	})
}
