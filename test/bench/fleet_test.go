package bench

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/catalog"
)

var debian12 = inventory.OS{ID: "debian", VersionID: "12", Codename: "bookworm", PrettyName: "Debian GNU/Linux 12 (bookworm)",
	Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "X86_64"}

// machine is an inventory of 500 packages, four of which are its own; further
// packages are named by the caller as "name version".
func machine(own string, further ...[2]string) *inventory.Inventory {
	inv := &inventory.Inventory{OS: debian12}
	add := func(name, version string) {
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{Ecosystem: debian12.Ecosystem, Name: name, Version: version,
			Arch: "amd64", Source: name, SourceVersion: version, Manager: inventory.ManagerOS}})
	}
	for i := range 4 {
		add(fmt.Sprint("own-", i), own)
	}
	for _, f := range further {
		add(f[0], f[1])
	}
	for i := range 500 - len(inv.Items) {
		add(fmt.Sprint("package-", i), fmt.Sprintf("1.%d-1", i%7))
	}
	inv.Sort()
	return inv
}

// advisory is about a Debian package that is fixed in a version.
type advisory struct{ name, fixed string }

// publish writes advisories, and some hundred that touch nothing, to the
// folder that the server imports from. The first is dated at the time.
func (w *world) publish(b *testing.B, at time.Time, list ...advisory) {
	b.Helper()
	for i := range 400 {
		list = append(list, advisory{fmt.Sprint("elsewhere-", i), "1.0-1"})
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, a := range list {
		if i > 0 {
			at = epoch
		}
		record := map[string]any{
			"id": fmt.Sprintf("DSA-%d-1", 1000+i), "modified": at.UTC().Format(time.RFC3339), "upstream": []string{fmt.Sprintf("CVE-2026-%05d", i)},
			"details": "A flaw in " + a.name,
			"affected": []any{map[string]any{"package": map[string]string{"ecosystem": debian12.Ecosystem, "name": a.name},
				"ranges": []any{map[string]any{"type": "ECOSYSTEM", "events": []any{map[string]string{"introduced": "0"}, map[string]string{"fixed": a.fixed}}}}}},
		}
		body, err := json.Marshal(record)
		if err != nil {
			b.Fatal(err)
		}
		f, err := z.Create(fmt.Sprintf("DSA-%d-1.json", 1000+i))
		if err == nil {
			_, err = f.Write(body)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	dir := filepath.Join(w.config.Feeds, "osv")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Debian.zip"), out.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
}

// sync imports what was published.
func (w *world) sync(b *testing.B) {
	b.Helper()
	if _, err := w.server.SyncFeeds(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
}

// install puts hosts with inventories into the store, as reports would, and
// has all accounts scanned.
func (w *world) install(b *testing.B, members, hosts int, of func(host int) *inventory.Inventory) {
	b.Helper()
	now := time.Now()
	ids := map[*inventory.Inventory]int64{}
	for host := 0; host < hosts; {
		n := min(200, hosts-host)
		w.update(func(ctx context.Context, tx *store.Tx) error {
			for i := range n {
				if err := place(ctx, tx, member((host+i)%members), host+i, of(host+i), ids, now); err != nil {
					return err
				}
			}
			return nil
		})
		host += n
	}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		for n := range members {
			body, err := json.Marshal(scan.Account{Account: member(n), Region: region})
			if err == nil {
				err = tx.Enqueue(ctx, store.Job{Kind: scan.JobAccount, Key: fmt.Sprint(n), Payload: body})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.settle(b)
}

// place stores one host with its inventory.
func place(ctx context.Context, tx *store.Tx, account arn.AccountID, host int, inv *inventory.Inventory, ids map[*inventory.Inventory]int64, now time.Time) error {
	hash := inv.Hash()
	if ids[inv] == 0 {
		id, err := catalog.PutInventory(ctx, tx, inv, hash, now)
		if err != nil {
			return err
		}
		ids[inv] = id
	}
	details := finding.Resource{Type: finding.Instance, ID: fmt.Sprintf("i-%017x", host), Tags: map[string]string{"Name": fmt.Sprint("host-", host)},
		Instance: &finding.InstanceDetails{Platform: inv.OS.Platform}}
	r, err := catalog.PutResource(ctx, tx, account, region, details, now)
	if err != nil {
		return err
	}
	return catalog.SetInventory(ctx, tx, &r, ids[inv], hash, now, now)
}
