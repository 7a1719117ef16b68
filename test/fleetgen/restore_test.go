package fleetgen_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/config"
	"muster/internal/server"
	"muster/internal/store"
	"muster/internal/store/storetest"
	"muster/test/fleetgen"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
)

func configOf(t *testing.T, url, feeds string) config.Config {
	c := config.Default()
	c.Data, c.Store, c.Feeds, c.Listen, c.FeedsInterval = filepath.Join(t.TempDir(), "data"), url, feeds, "127.0.0.1:0", 0
	return c
}

// TestBackupsAreRehearsed backs a fleet up beside its running server and
// restores it, with the key alone, into a new store of either kind: the same
// findings, nothing wrong, keys that were issued before work, and new
// advisories are followed.
func TestBackupsAreRehearsed(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := fleetgen.Shape{Accounts: 5, Resources: 40, Inventories: 5, Packages: 40, Affected: 9, OneIn: 5, Seed: 4}
		from := configOf(t, url, t.TempDir())
		if err := s.Publish(from.Feeds, "2.0.0", fleetgen.Epoch); err != nil {
			t.Fatal(err)
		}
		running := start(t, from)
		st := storetest.Open(t, url, store.Options{})
		if err := s.Organize(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(t.Context(), fleetgen.Target{Store: st, URL: url, Settle: running.Settle}); err != nil {
			t.Fatal(err)
		}
		before := state(t, st)
		var key server.RootKey
		file := filepath.Join(t.TempDir(), "backup")
		operate(t, from, func(op *server.Operator) (err error) {
			if key, err = op.IssueRootKey(t.Context(), fleetgen.Audit); err == nil {
				_, err = op.Backup(t.Context(), file)
			}
			return err
		})
		total := listed(t, running.Server.URL(), key)
		storetest.EachURL(t, func(t *testing.T, url string) { rehearse(t, s, from, url, file, key, before, total) })
	})
}

func rehearse(t *testing.T, s fleetgen.Shape, from config.Config, url, file string, key server.RootKey, before string, total int) {
	to := configOf(t, url, from.Feeds)
	secret, err := os.ReadFile(from.KeyPath())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to.KeyPath()), 0o700)
	}
	if err == nil {
		err = os.WriteFile(to.KeyPath(), secret, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	operate(t, to, func(op *server.Operator) error {
		_, err := op.Restore(t.Context(), file)
		return err
	})
	st := storetest.Open(t, url, store.Options{})
	if after := state(t, st); after != before {
		t.Errorf("backed up\n%s\nrestored\n%s", before, after)
	}
	running := start(t, to)
	// What the start re-scans moves in the list while it is paged through.
	if err := running.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := listed(t, running.Server.URL(), key); n != total || n == 0 {
		t.Errorf("%d findings are listed, %d were", n, total)
	}
	// The advisories were no part of the backup; the new ones are matched.
	if err := s.Publish(to.Feeds, "3.0.0", fleetgen.Epoch.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := running.Server.SyncFeeds(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := running.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	operate(t, to, func(op *server.Operator) error {
		v, err := op.Verify(t.Context(), false)
		if len(v.Wrong) > 0 || v.Resources != s.Resources {
			t.Errorf("verified: %+v", v)
		}
		return err
	})
}

func start(t *testing.T, c config.Config) *fleetgen.Running {
	t.Helper()
	running, err := fleetgen.Start(t.Context(), c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	return running
}

func operate(t *testing.T, c config.Config, do func(*server.Operator) error) {
	t.Helper()
	op, err := server.OpenOperator(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := do(op); err != nil {
		t.Error(err)
	}
	if err := op.Close(); err != nil {
		t.Error(err)
	}
}

// listed counts the findings that the holder of a key sees.
func listed(t *testing.T, url string, key server.RootKey) (n int) {
	t.Helper()
	client := inspector2.New(inspector2.Options{Region: string(fleetgen.Region), BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")})
	for pages := inspector2.NewListFindingsPaginator(client, &inspector2.ListFindingsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Findings)
	}
	return n
}
