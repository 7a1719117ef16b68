package scan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding/criteria"
	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/feeds"
	"muster/internal/store/filters"
	"muster/internal/worker"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const region arn.Region = "us-east-1"

// world is a store with a scan desk, a publisher and a clock that stands still.
type world struct {
	t         testing.TB
	store     *store.Store
	desk      *scan.Service
	publisher *publisher
	now       time.Time
	// names are those of accounts and hosts.
	accounts map[string]arn.AccountID
	hosts    map[string]string
	seen     map[string]string // the last event read per account
	packages map[string][]inventory.Item
	// systems and notes are of hosts that have others than usual.
	systems map[string]inventory.OS
	notes   map[string][]string
}

func newWorld(t testing.TB, open func(store.Options) *store.Store) *world {
	w := &world{t: t, now: start, accounts: map[string]arn.AccountID{}, hosts: map[string]string{}, seen: map[string]string{}, packages: map[string][]inventory.Item{},
		systems: map[string]inventory.OS{}, notes: map[string][]string{}}
	w.store = open(store.Options{Now: func() time.Time { return w.now }})
	w.publisher = &publisher{t, w.store, t.TempDir()}
	w.desk = scan.New(scan.Config{Store: w.store, Advisories: w.publisher, Now: func() time.Time { return w.now }})
	return w
}

func (w *world) update(fn func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), func(tx *store.Tx) error { return fn(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// account returns the id of a name, which it makes up.
func (w *world) account(name string) arn.AccountID {
	if w.accounts[name] == "" {
		w.accounts[name] = arn.AccountID(fmt.Sprintf("%012d", 100000000000+len(w.accounts)+1))
	}
	return w.accounts[name]
}

func (w *world) host(name string) string {
	if w.hosts[name] == "" {
		w.hosts[name] = fmt.Sprintf("i-%017x", len(w.hosts)+1)
	}
	return w.hosts[name]
}

// publish puts a new generation into service, with the job that tells of it
// unless quietly.
func (w *world) publish(of news, quietly bool) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		current, err := feeds.Current(ctx, tx)
		if err != nil {
			return err
		}
		w.publisher.build(current+1, of)
		if err := feeds.Advance(ctx, tx, current, feeds.Generation{Number: current + 1, CreatedAt: w.now}); err != nil || quietly {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: scan.JobAdvisories, Key: strconv.FormatInt(current+1, 10)})
	})
}

// report hands in what a host has, or its hash alone.
func (w *world) report(host, account string, heartbeat bool) {
	w.t.Helper()
	inv := &inventory.Inventory{OS: debian, Items: slices.Clone(w.packages[host]), Notes: w.notes[host]}
	if system, other := w.systems[host]; other {
		inv.OS = system
	}
	r := fleet.Report{Account: w.account(account), Region: region, HostID: w.host(host), Inventory: inv, Hash: inv.Hash(), CollectedAt: w.now, ReceivedAt: w.now}
	if heartbeat {
		r.Inventory = nil
	}
	w.update(func(ctx context.Context, tx *store.Tx) error { return w.desk.Accept(ctx, tx, r) })
}

// item reads "name@version", "npm:name@version:path" or, with a role,
// "name@version+role".
func item(word string) inventory.Item {
	word, role, _ := strings.Cut(word, "+role:")
	it := inventory.Item{Role: inventory.Role(role)}
	if rest, ok := strings.CutPrefix(word, "npm:"); ok {
		rest, it.Path, _ = strings.Cut(rest, ":")
		it.Name, it.Version, _ = strings.Cut(rest, "@")
		it.Ecosystem, it.Manager = "npm", inventory.ManagerNodePkg
		return it
	}
	it.Name, it.Version, _ = strings.Cut(word, "@")
	it.Ecosystem, it.Manager, it.Arch, it.Source, it.SourceVersion = "Debian:12", inventory.ManagerOS, "amd64", it.Name, it.Version
	return it
}

// ec2 switches EC2 scanning of an account.
func (w *world) ec2(account string, status activation.Status) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		err := activation.PutScans(ctx, tx, []activation.Scan{{Account: w.account(account), Region: region, Type: activation.EC2, Status: status, ChangedAt: w.now}})
		if err != nil {
			return err
		}
		return w.ask(ctx, tx, scan.JobAccount, account)
	})
}

// ec2Of switches EC2 scanning of many accounts at once.
func (w *world) ec2Of(accounts []string, status activation.Status) {
	w.t.Helper()
	of := scan.Accounts{Region: region}
	var scans []activation.Scan
	for _, a := range accounts {
		of.Accounts = append(of.Accounts, w.account(a))
		scans = append(scans, activation.Scan{Account: w.account(a), Region: region, Type: activation.EC2, Status: status, ChangedAt: w.now})
	}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := activation.PutScans(ctx, tx, scans); err != nil {
			return err
		}
		body, err := json.Marshal(of)
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: scan.JobAccounts, Payload: body})
	})
}

func (w *world) ask(ctx context.Context, tx *store.Tx, kind, account string) error {
	body, err := json.Marshal(scan.Account{Account: w.account(account), Region: region})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: kind, Key: account, Payload: body})
}

// administrator makes an account the delegated administrator of members.
func (w *world) administrator(name string, members []string) {
	w.t.Helper()
	const org = "o-exampleorg1"
	w.update(func(ctx context.Context, tx *store.Tx) error {
		id := w.account(name)
		if err := directory.InsertOrganization(ctx, tx, directory.Organization{ID: org, Management: id, FeatureSet: "ALL", Root: "r-root", CreatedAt: w.now}); err != nil {
			return err
		}
		if err := activation.InsertDesignation(ctx, tx, activation.Designation{Org: org, Region: region, Account: id, Status: activation.Designated, DesignatedAt: w.now}); err != nil {
			return err
		}
		for _, m := range append([]string{name}, members...) {
			account := directory.Account{ID: w.account(m), Email: m + "@example.com", Name: m, State: directory.Active, CreatedAt: w.now}
			if err := directory.InsertAccount(ctx, tx, account); err != nil {
				return err
			}
			if err := directory.AddMember(ctx, tx, org, account.ID, "r-root", directory.Created, w.now); err != nil {
				return err
			}
		}
		return nil
	})
	for _, m := range members {
		w.relate(name, m, activation.Associated)
	}
}

// relate associates a member, or ends that.
func (w *world) relate(administrator, member string, r activation.Relationship) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		err := activation.PutMember(ctx, tx, activation.Member{Administrator: w.account(administrator), Region: region, Account: w.account(member), Relationship: r, UpdatedAt: w.now})
		if err != nil {
			return err
		}
		return w.ask(ctx, tx, scan.JobSuppression, member)
	})
}

// rule creates a suppression rule, or deletes it without criteria, and applies
// the change to the accounts named in the same transaction.
func (w *world) rule(name, owner string, texts []string, governed []string) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		id := fmt.Sprintf("%016x", len(name)) + name
		f := filters.Filter{Account: w.account(owner), Region: region, ID: id[len(name):], Owner: string(w.account(owner)), Name: name, Action: filters.Suppress, CreatedAt: w.now, UpdatedAt: w.now}
		f.Criteria.Strings = map[criteria.Attribute][]criteria.String{}
		for _, text := range texts {
			addFilter(&f.Criteria, text)
		}
		var err error
		hide := &f
		if len(texts) == 0 {
			hide, err = nil, filters.Delete(ctx, tx, f.Account, region, f.ID)
		} else {
			err = filters.Put(ctx, tx, &f)
		}
		if err != nil {
			return err
		}
		return w.desk.Resuppress(ctx, tx, region, w.accountsOf(governed), hide, true, w.now)
	})
}

func (w *world) accountsOf(names []string) []arn.AccountID {
	var list []arn.AccountID
	for _, name := range names {
		list = append(list, w.account(name))
	}
	return list
}

// addFilter reads "attribute=value", "attribute^=prefix" or "attribute!=value".
func addFilter(c *criteria.Criteria, text string) {
	name, value, _ := strings.Cut(text, "=")
	f := criteria.String{Comparison: criteria.Equals, Value: value}
	switch name[len(name)-1] {
	case '^':
		f.Comparison, name = criteria.Prefix, name[:len(name)-1]
	case '!':
		f.Comparison, name = criteria.NotEquals, name[:len(name)-1]
	}
	a := criteria.Attribute(name)
	c.Strings[a] = append(c.Strings[a], f)
}

// settle runs the jobs that are due until none is, every job twice, because
// jobs may run twice.
func (w *world) settle() {
	w.t.Helper()
	w.work(2)
}

// settleOnce is settle with every job run once, for measurements.
func (w *world) settleOnce() {
	w.t.Helper()
	w.work(1)
}

func (w *world) work(times int) {
	w.t.Helper()
	handlers := w.desk.Jobs()
	for rounds := 0; ; rounds++ {
		ran := false
		for _, kind := range sortedKinds(handlers) {
			jobs, err := w.store.Claim(w.t.Context(), kind, 100, time.Minute)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, job := range jobs {
				ran = true
				for range times {
					if err := handlers[kind](w.t.Context(), job); err != nil {
						w.t.Fatalf("%s %s: %v", kind, job.Key, err)
					}
				}
				if err := w.store.Complete(w.t.Context(), job); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		if !ran {
			return
		}
		if rounds > 100 {
			w.t.Fatal("the jobs never end")
		}
	}
}

func sortedKinds(handlers map[string]worker.Handler) []string {
	var kinds []string
	for k := range handlers {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}
