package scan_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/filters"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// TestSimulation does random things in random order, lets random jobs run in
// between, some of them twice, and then compares what is stored with a model
// that knows nothing of how it came about.
func TestSimulation(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		fresh := storetest.SQLite
		if !strings.HasPrefix(url, "sqlite:") {
			fresh = storetest.Postgres
		}
		runs := 40
		if testing.Short() || !strings.HasPrefix(url, "sqlite:") {
			runs = 10
		}
		rapid.Check(t, func(rt *rapid.T) {
			if runs--; runs >= 0 {
				simulate(t, rt, fresh(t))
			}
		})
	})
}

// model is what should be true in the end.
type model struct {
	*world
	rt *rapid.T
	// fixed is the fix of each package, by its CVE.
	fixed map[string]int
	// versions are those of the packages on each host.
	versions map[string]map[string]int
	enabled  map[string]bool
	member   map[string]bool
	// rules are the CVEs that each account's rule hides.
	rules map[string]string
}

var (
	simAccounts = []string{"A", "B", "SOLO"}
	simPackages = []string{"alpha", "beta", "gamma"}
)

func cveOf(pkg string) string {
	return fmt.Sprintf("CVE-2026-%04d", 1000+slices.Index(simPackages, pkg))
}

func simulate(t *testing.T, rt *rapid.T, url string) {
	w := newWorld(t, func(o store.Options) *store.Store { return storetest.Open(t, url, o) })
	m := &model{world: w, rt: rt, fixed: map[string]int{}, versions: map[string]map[string]int{}, enabled: map[string]bool{}, member: map[string]bool{"A": true, "B": true}, rules: map[string]string{}}
	w.administrator("ADMIN", []string{"A", "B"})
	for range rapid.IntRange(5, 25).Draw(rt, "steps") {
		m.step()
		m.runSome()
	}
	w.settle()
	m.check()
}

func (m *model) step() {
	rt := m.rt
	account := rapid.SampledFrom(simAccounts).Draw(rt, "account")
	switch rapid.IntRange(0, 6).Draw(rt, "step") {
	case 0, 1:
		m.reportRandom(account)
	case 2:
		m.publishRandom()
	case 3:
		m.enabled[account] = !m.enabled[account]
		m.ec2(account, map[bool]activation.Status{true: activation.Enabled, false: activation.Disabled}[m.enabled[account]])
	case 4:
		m.changeRule(rapid.SampledFrom([]string{"ADMIN", "A", "SOLO"}).Draw(rt, "owner"))
	case 5:
		if account != "SOLO" {
			m.member[account] = !m.member[account]
			m.relate("ADMIN", account, map[bool]activation.Relationship{true: activation.Associated, false: activation.Removed}[m.member[account]])
		}
	default:
		m.now = m.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "hours")) * time.Hour)
	}
}

func (m *model) reportRandom(account string) {
	host := account + rapid.SampledFrom([]string{"1", "2"}).Draw(m.rt, "host")
	m.versions[host] = map[string]int{}
	m.packages[host] = nil
	for _, p := range simPackages {
		if v := rapid.IntRange(0, 3).Draw(m.rt, p); v > 0 {
			m.versions[host][p] = v
			m.packages[host] = append(m.packages[host], item(fmt.Sprintf("%s@%d-1", p, v)))
		}
	}
	m.report(host, account, false)
}

func (m *model) publishRandom() {
	of := newNews()
	m.fixed = map[string]int{}
	lines := []string{"feed Debian"}
	for _, p := range simPackages {
		if v := rapid.IntRange(0, 4).Draw(m.rt, p+" fixed"); v > 0 {
			m.fixed[p] = v
			lines = append(lines, fmt.Sprintf("DSA-%s Debian:12 %s fixed %d-1 about %s", p, p, v, cveOf(p)))
		}
	}
	for _, line := range lines {
		if err := of.read(line); err != nil {
			m.t.Fatal(err)
		}
	}
	m.publish(of, false)
}

// changeRule gives an account one rule, or takes it away. A deactivated
// account has lost its rules.
func (m *model) changeRule(owner string) {
	governed := []string{owner}
	if owner == "ADMIN" {
		governed = []string{"A", "B"}
	}
	if m.rules[owner] != "" {
		delete(m.rules, owner)
		m.dropRule(owner, governed)
		return
	}
	m.rules[owner] = cveOf(rapid.SampledFrom(simPackages).Draw(m.rt, "rule"))
	m.rule("rule", owner, []string{"vulnerabilityId=" + m.rules[owner]}, governed)
}

// dropRule deletes a rule that may be gone already.
func (m *model) dropRule(owner string, governed []string) {
	m.update(func(ctx context.Context, tx *store.Tx) error {
		list, err := filters.Page(ctx, tx, m.account(owner), region, "", "", 10)
		for _, f := range list {
			if err == nil {
				err = filters.Delete(ctx, tx, f.Account, region, f.ID)
			}
		}
		if err != nil {
			return err
		}
		return m.desk.Resuppress(ctx, tx, region, m.accountsOf(governed), nil, true, m.now)
	})
}

// runSome runs a few of the jobs that are due, and forgets the completion of
// some as a killed process would.
func (m *model) runSome() {
	handlers := m.desk.Jobs()
	for range rapid.IntRange(0, 6).Draw(m.rt, "jobs") {
		kind := rapid.SampledFrom(sortedKinds(handlers)).Draw(m.rt, "kind")
		jobs, err := m.store.Claim(m.t.Context(), kind, 1, time.Minute)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, job := range jobs {
			if err := handlers[kind](m.t.Context(), job); err != nil {
				m.rt.Fatalf("%s: %v", kind, err)
			}
			if rapid.IntRange(0, 3).Draw(m.rt, "killed") == 0 {
				err = m.store.Release(m.t.Context(), job)
			} else {
				err = m.store.Complete(m.t.Context(), job)
			}
			if err != nil {
				m.t.Fatal(err)
			}
		}
	}
}

// check compares the open findings with what the model wants.
func (m *model) check() {
	m.rt.Helper()
	var want []string
	for host, versions := range m.versions {
		account := strings.TrimRight(host, "12")
		for p, v := range versions {
			if m.enabled[account] && m.fixed[p] > v {
				want = append(want, fmt.Sprintf("%s %s %s fixed in 0:%d-1", m.host(host), cveOf(p), m.status(account, p), m.fixed[p]))
			}
		}
	}
	slices.Sort(want)
	var got []string
	for _, account := range simAccounts {
		for _, f := range m.all(account) {
			if f.Status != finding.Closed {
				got = append(got, fmt.Sprintf("%s %s %s fixed in %s", f.Resource.ID, f.Package.VulnerabilityID, f.Status, f.Package.Packages[0].FixedIn))
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		m.rt.Fatalf("stored\n  %s\nshould be\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	err := m.store.View(m.t.Context(), func(tx *store.Tx) error {
		wrong, err := findings.VerifyCounts(m.t.Context(), tx)
		if len(wrong) > 0 {
			m.rt.Fatalf("counts: %v", wrong)
		}
		if err != nil {
			return err
		}
		if wrong, err = catalog.VerifyCoverage(m.t.Context(), tx); len(wrong) > 0 {
			m.rt.Fatalf("coverage: %v", wrong)
		}
		return err
	})
	if err != nil {
		m.rt.Fatal(err)
	}
}

func (m *model) status(account, pkg string) finding.Status {
	owner := account
	if m.member[account] {
		owner = "ADMIN"
	}
	if m.ruleOf(owner) == cveOf(pkg) {
		return finding.Suppressed
	}
	return finding.Active
}

// ruleOf is the CVE that an account's stored rule hides: the rules of a
// deactivated account were forgotten with its deactivation.
func (m *model) ruleOf(owner string) (cve string) {
	err := m.store.View(m.t.Context(), func(tx *store.Tx) error {
		list, err := filters.Page(m.t.Context(), tx, m.account(owner), region, "", "", 10)
		for _, f := range list {
			cve = f.Criteria.Strings["vulnerabilityId"][0].Value
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return cve
}
