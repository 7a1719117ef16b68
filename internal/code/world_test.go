package code_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/code"
	"muster/internal/codeapi"
	"muster/internal/finding"
	"muster/internal/functions"
	"muster/internal/keyring"
	"muster/internal/pagetoken"
	"muster/internal/scan"
	"muster/internal/source/forge/forgetest"
	"muster/internal/source/guard"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	cellar "muster/internal/store/code"
	"muster/internal/store/feeds"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

const (
	account = arn.AccountID("111111111111")
	region  = arn.Region("us-east-1")
	token   = "glpat-swordfish-7261"
)

// advisories are the files of one generation after the other.
type advisories struct{ dirs []string }

func (a *advisories) CurrentGeneration(ctx context.Context) (*advisorydb.Set, int64, error) {
	set, err := a.Generation(ctx, int64(len(a.dirs)))
	return set, int64(len(a.dirs)), err
}

func (a *advisories) Generation(_ context.Context, n int64) (*advisorydb.Set, error) {
	if n == 0 {
		return advisorydb.Empty(), nil
	}
	return advisorydb.Open(a.dirs[n-1])
}

// world is a code desk with a scan desk over one store, an instance of GitLab,
// and a clock that stands still.
type world struct {
	*testing.T
	store   *store.Store
	scan    *scan.Service
	config  code.Config
	desk    *code.Service
	uploads *functions.Service
	door    http.Handler
	gitlab  *forgetest.GitLab
	url     string
	now     time.Time
	sources *advisories
}

// each runs a test on both stores; with an administrator's token for GitLab, or
// without.
func each(t *testing.T, admin bool, fn func(w *world)) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := &world{T: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), sources: &advisories{}}
		w.store = storetest.Open(t, url, store.Options{Now: func() time.Time { return w.now }})
		w.set(admin)
		fn(w)
	})
}

func (w *world) set(admin bool) {
	w.gitlab = forgetest.NewGitLab(w, token, admin)
	web := httptest.NewTLSServer(w.gitlab)
	w.Cleanup(web.Close)
	w.url = web.URL
	ring, err := keyring.New(bytes.Repeat([]byte{7}, keyring.KeySize))
	if err != nil {
		w.Fatal(err)
	}
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		w.Fatal(err)
	}
	local, err := guard.New([]string{"127.0.0.0/8"})
	if err != nil {
		w.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	w.scan = scan.New(scan.Config{Store: w.store, Advisories: w.sources, Now: clock})
	w.uploads = functions.New(functions.Config{Store: w.store, Scans: w.scan, Pages: pages})
	w.config = code.Config{
		Store: w.store, Scans: w.scan, Secrets: ring, Pages: pages, Uploads: w.uploads, Guard: local, Transport: web.Client().Transport,
		Address: "https://muster.example.com", Temp: w.TempDir(), Now: clock,
		Advisories: func(ctx context.Context) (*advisorydb.Set, error) {
			set, _, err := w.sources.CurrentGeneration(ctx)
			return set, err
		},
	}
	w.open()
	w.publish("lodash", "4.17.21")
	w.enable(account, activation.Enabled)
}

// open makes the desk of the configuration.
func (w *world) open() {
	w.desk = code.New(w.config)
	w.door = codeapi.New(w.desk, nil)
}

func (w *world) update(fn func(ctx context.Context, tx *store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), func(tx *store.Tx) error { return fn(w.Context(), tx) }); err != nil {
		w.Fatal(err)
	}
}

func (w *world) enable(account arn.AccountID, status activation.Status) {
	w.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := activation.PutScans(ctx, tx, []activation.Scan{{Account: account, Region: region, Type: activation.CodeRepository, Status: status, ChangedAt: w.now}}); err != nil {
			return err
		}
		return w.scan.Rejudge(ctx, tx, account, region, w.now)
	})
}

// publish puts advisories into service that say that versions of an npm
// package before the one given are vulnerable.
func (w *world) publish(name, fixed string) {
	w.Helper()
	dir := w.TempDir()
	file := filepath.Join(dir, "npm.adv")
	b, err := advisorydb.NewBuilder(file, "npm")
	if err != nil {
		w.Fatal(err)
	}
	record := fmt.Sprintf(`{"id":"GHSA-aaaa-bbbb-cccc","aliases":["CVE-2026-1000"],"modified":"2026-01-01T00:00:00Z","details":"weak",
		"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
		"affected":[{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, name, fixed)
	parsed, err := advisory.Parse([]byte(record))
	if err == nil {
		err = b.Add(&parsed, []byte(record))
	}
	if err == nil {
		_, err = b.Finish()
	}
	stat, statErr := os.Stat(file)
	if err = errors.Join(err, statErr); err == nil {
		err = advisorydb.WriteManifest(dir, []advisorydb.Info{{Kind: advisorydb.Advisories, Ecosystem: "npm", File: "npm.adv", Size: stat.Size()}})
	}
	if err != nil {
		w.Fatal(err)
	}
	w.sources.dirs = append(w.sources.dirs, dir)
	n := int64(len(w.sources.dirs))
	w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := feeds.Advance(ctx, tx, n-1, feeds.Generation{Number: n, CreatedAt: w.now}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: scan.JobAdvisories, Key: fmt.Sprint(n)})
	})
}

func (w *world) callOf(a arn.AccountID) *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: a, ARN: a.Root()}, Region: region, Time: w.now}
}

func (w *world) call() *awsmodel.Call { return w.callOf(account) }

// work runs the jobs that are due by the world's clock, and those that follow.
// One that fails is tried again at once. It returns what failed.
func (w *world) work() (failed []string) {
	w.Helper()
	handlers := w.scan.Jobs()
	maps.Copy(handlers, w.desk.Jobs())
	for range 100 {
		ran := false
		for _, kind := range slices.Sorted(maps.Keys(handlers)) {
			jobs, err := w.store.Claim(w.Context(), kind, 100, time.Minute)
			if err != nil {
				w.Fatal(err)
			}
			for _, job := range jobs {
				ran = true
				for err := handlers[kind](w.Context(), job); err != nil; err = handlers[kind](w.Context(), job) {
					if failed = append(failed, kind+": "+err.Error()); job.Attempts > 5 {
						break
					}
					job.Attempts++
				}
				if err := w.store.Complete(w.Context(), job); err != nil {
					w.Fatal(err)
				}
			}
		}
		if !ran {
			return failed
		}
	}
	w.Fatal("the jobs never end")
	return nil
}

// pass lets time pass, and what falls due be done.
func (w *world) pass(d time.Duration) {
	w.Helper()
	w.now = w.now.Add(d)
	if failed := w.work(); len(failed) > 0 {
		w.Log("failed:", failed)
	}
}

// lock is a lock file with a package.
func lock(name, version string) map[string]string {
	return map[string]string{"package-lock.json": fmt.Sprintf(`{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"a","version":"1.0.0"},
		"node_modules/%s":{"version":%q}}}`, name, version)}
}

// connect makes an integration with the instance.
func (w *world) connect() *inspector2.CreateCodeSecurityIntegrationOutput {
	w.Helper()
	out, err := w.desk.CreateCodeSecurityIntegration(w.Context(), w.call(), &inspector2.CreateCodeSecurityIntegrationInput{
		Name: "ours", Type: inspector2.IntegrationTypeGitlabSelfManaged, Tags: map[string]string{"team": "a"},
		Details: &inspector2.CreateIntegrationDetail{GitlabSelfManaged: &inspector2.CreateGitLabSelfManagedIntegrationDetail{InstanceUrl: w.url, AccessToken: token}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) status(arn string) (inspector2.IntegrationStatus, string) {
	w.Helper()
	out, err := w.desk.GetCodeSecurityIntegration(w.Context(), w.call(), &inspector2.GetCodeSecurityIntegrationInput{IntegrationArn: arn})
	if err != nil {
		w.Fatal(err)
	}
	return out.Status, out.StatusReason
}

// configure makes a configuration for everything.
func (w *world) configure(in *inspector2.CodeSecurityScanConfiguration, scope inspector2.ProjectSelectionScope) string {
	w.Helper()
	req := &inspector2.CreateCodeSecurityScanConfigurationInput{Name: "c" + fmt.Sprint(w.now.Unix()), Level: inspector2.ConfigurationLevelAccount, Configuration: in}
	if scope != "" {
		req.ScopeSettings = &inspector2.ScopeSettings{ProjectSelectionScope: scope}
	}
	out, err := w.desk.CreateCodeSecurityScanConfiguration(w.Context(), w.call(), req)
	if err != nil {
		w.Fatal(err)
	}
	return out.ScanConfigurationArn
}

// onPush is a configuration of the usual kind.
func onPush() *inspector2.CodeSecurityScanConfiguration {
	return &inspector2.CodeSecurityScanConfiguration{
		RuleSetCategories: []inspector2.RuleSetCategory{inspector2.RuleSetCategorySca, inspector2.RuleSetCategorySast},
		ContinuousIntegrationScanConfiguration: &inspector2.ContinuousIntegrationScanConfiguration{
			SupportedEvents: []inspector2.ContinuousIntegrationScanEvent{inspector2.ContinuousIntegrationScanEventPush, inspector2.ContinuousIntegrationScanEventPullRequest}},
		PeriodicScanConfiguration: &inspector2.PeriodicScanConfiguration{Frequency: inspector2.PeriodicScanFrequencyWeekly},
	}
}

// projects are what the account has, by name.
func (w *world) projects() map[string]cellar.Project {
	w.Helper()
	all := map[string]cellar.Project{}
	err := w.store.View(w.Context(), func(tx *store.Tx) error {
		list, err := cellar.Projects(w.Context(), tx, cellar.At{Account: account, Region: region}, "", 1000)
		for _, p := range list {
			all[p.Name] = p
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// coverage says how a project is covered, and which findings it has: "ACTIVE
// SUCCESSFUL lodash@4.17.20 ACTIVE".
func (w *world) coverage(p cellar.Project) string {
	w.Helper()
	var words []string
	err := w.store.View(w.Context(), func(tx *store.Tx) error {
		words = nil
		r, err := catalog.LookupResource(w.Context(), tx, catalog.Place{Account: p.Account, Region: p.Region, Type: finding.CodeRepository, ID: string(p.ARN())})
		if err != nil {
			return err
		}
		if r.Covered {
			words = append(words, r.Status, r.Reason)
		}
		list, err := findings.OfResource(w.Context(), tx, r.Number)
		for _, f := range list {
			for _, pkg := range f.Package.Packages {
				words = append(words, pkg.Name+"@"+pkg.Version, string(f.Status))
			}
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return strings.Join(words, " ")
}

// expect compares the coverage of a project.
func (w *world) expect(p cellar.Project, want string) {
	w.Helper()
	if got := w.coverage(p); got != want {
		w.Errorf("%s: %s, want %s", p.Name, got, want)
	}
}

// notify tells the desk something, as GitLab does, and returns the answer.
func (w *world) notify(h forgetest.Hook, token, body string) int {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, strings.TrimPrefix(h.URL, w.config.Address), strings.NewReader(body))
	r.Header.Set("X-Gitlab-Token", token)
	rec := httptest.NewRecorder()
	w.door.ServeHTTP(rec, r)
	return rec.Code
}
