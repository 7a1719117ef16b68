package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	desk "muster/internal/ecr"
	"muster/internal/finding"
	"muster/internal/inspector/results"
	"muster/internal/pagetoken"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/activation"
)

const day = 24 * time.Hour

// TestWindowsCloseAndOpen: an image is scanned again for fourteen days after
// its push and after its last use; then its findings close, and only a push, a
// pull or a use brings it back.
func TestWindowsCloseAndOpen(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		digest := w.pushAndTell(c, token, hub.URL, "app:1", debian(w.T, "amd64", "bash=5.2-1"))
		w.expect("pushed", "app", digest, "ACTIVE SUCCESSFUL 1")
		w.pass(10 * day)
		w.run(c, digest, 2)
		w.pass(13 * day)
		w.expect("thirteen days after its use", "app", digest, "ACTIVE SUCCESSFUL 1")
		w.pass(day)
		w.expect("fourteen days after its use", "app", digest, "INACTIVE SCAN_ELIGIBILITY_EXPIRED 0")

		w.configure(activation.Configuration{RescanDuration: "LIFETIME"})
		w.expect("a longer window revives nothing", "app", digest, "INACTIVE SCAN_ELIGIBILITY_EXPIRED 0")
		if err := w.tell(c, token, "pull", "app", digest, "", nil); err != nil {
			w.Fatal(err)
		}
		w.pass(time.Minute)
		w.expect("a pull does not count by default", "app", digest, "INACTIVE SCAN_ELIGIBILITY_EXPIRED 0")

		w.configure(activation.Configuration{PullRescanMode: "LAST_PULL_DATE", PullRescanDuration: "DAYS_30"})
		w.pass(time.Hour)
		for _, own := range []map[string]any{{"actor": map[string]any{"name": "robot"}}, {"request": map[string]any{"useragent": "muster go-containerregistry/v0"}}} {
			if err := w.tell(c, token, "pull", "app", digest, "", own); err != nil {
				w.Fatal(err)
			}
		}
		w.pass(0)
		w.expect("muster's own pulls do not count", "app", digest, "INACTIVE SCAN_ELIGIBILITY_EXPIRED 0")
		if err := w.tell(c, token, "pull", "app", digest, "", nil); err != nil {
			w.Fatal(err)
		}
		w.expect("pulled", "app", digest, "ACTIVE PENDING_REVIVAL_SCAN 0")
		w.pass(0)
		w.expect("scanned again", "app", digest, "ACTIVE SUCCESSFUL 1")
		w.pass(30*day - time.Minute)
		w.expect("just before thirty days after its pull", "app", digest, "ACTIVE SUCCESSFUL 1")
		w.configure(activation.Configuration{PullRescanMode: "LAST_PULL_DATE", PullRescanDuration: "DAYS_14"})
		w.expect("with a shorter window", "app", digest, "INACTIVE SCAN_ELIGIBILITY_EXPIRED 0")
		w.pass(time.Minute)
		w.pushAndTell(c, token, hub.URL, "app:2", debian(w.T, "amd64", "bash=5.2-1"))
		w.expect("pushed again", "app", digest, "ACTIVE SUCCESSFUL 1")
		if r, count := w.image("app", digest); fmt.Sprint(r.Image.Tags) != "[1 2]" || count[finding.Closed] != 0 {
			w.Errorf("tags %v, findings %v", r.Image.Tags, count)
		}
	})
}

// pass lets time pass and works.
func (w *world) pass(d time.Duration) {
	w.Helper()
	w.now = w.now.Add(d)
	if failed := w.work(); failed != nil {
		w.Fatal(failed)
	}
}

// configure sets the windows of the account, as the Inspector desk does.
func (w *world) configure(c activation.Configuration) {
	w.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := activation.PutConfiguration(ctx, tx, account, region, c); err != nil {
			return err
		}
		return eligible.WindowsChanged(ctx, tx, account, region)
	})
	w.pass(0)
}

const clusterARN = "arn:aws:eks:us-east-1:111111111111:cluster/prod"

// run reports that pods run an image in a cluster.
func (w *world) run(_ *muster.RegistryConnection, digest string, pods int64) {
	w.Helper()
	in := &muster.ReportClusterImagesInput{ClusterArn: clusterARN, Images: []muster.ClusterImage{}}
	if pods > 0 {
		in.Images = append(in.Images, muster.ClusterImage{Digest: digest, Namespace: new("shop"), WorkloadType: new("Deployment"), WorkloadName: new("web"), RunningCount: pods})
	}
	if _, err := w.desk.ReportClusterImages(w.Context(), w.call(), in); err != nil {
		w.Fatal(err)
	}
	w.pass(0)
}

func (w *world) results() *results.Service {
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		w.Fatal(err)
	}
	return results.New(results.Config{Store: w.store, Pages: pages})
}

func (w *world) ecr() *desk.Service {
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		w.Fatal(err)
	}
	return desk.New(desk.Config{Store: w.store, Pages: pages, Images: w.scan, Registry: w.desk})
}

// TestClusters: what runs in clusters shows in coverage, findings and
// GetClustersForImage.
func TestClusters(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		digest := w.pushAndTell(c, token, hub.URL, "app:1", debian(w.T, "amd64", "bash=5.2-1"))
		first := w.now
		in := &muster.ReportClusterImagesInput{ClusterArn: clusterARN, Images: []muster.ClusterImage{
			{Digest: digest, Namespace: new("shop"), WorkloadType: new("Deployment"), WorkloadName: new("web"), RunningCount: 2},
			{Digest: digest, Namespace: new("shop"), WorkloadType: new("Deployment"), WorkloadName: new("web"), RunningCount: 1, StoppedCount: new(int64(4))},
			{Digest: digest, Namespace: new("shop"), WorkloadType: new("Job"), WorkloadName: new("mail"), RunningCount: 0, StoppedCount: new(int64(1))},
			{Digest: digest, Namespace: new("test"), RunningCount: 1},
			{Digest: "sha256:" + strings.Repeat("0", 64), RunningCount: 7},
		}}
		report := func(in *muster.ReportClusterImagesInput) {
			w.Helper()
			if _, err := w.desk.ReportClusterImages(w.Context(), w.call(), in); err != nil {
				w.Fatal(err)
			}
			w.pass(0)
		}
		report(in)
		tasks := &muster.ReportClusterImagesInput{ClusterArn: "arn:aws:ecs:us-east-1:111111111111:cluster/jobs", Images: []muster.ClusterImage{
			{Digest: digest, Namespace: new("family:mail"), TaskDefinitionArn: new("arn:aws:ecs:us-east-1:111111111111:task-definition/mail:3"), RunningCount: 5},
		}}
		report(tasks)
		uses := func(want string, n int64) {
			w.Helper()
			r, _ := w.image("app", digest)
			if r.Image.InUseCount == nil || *r.Image.InUseCount != n {
				w.Errorf("in use %v, want %d", r.Image.InUseCount, n)
			}
			out, err := w.results().GetClustersForImage(w.Context(), w.call(), &inspector2.GetClustersForImageInput{Filter: &inspector2.ClusterForImageFilterCriteria{ResourceId: r.ID}})
			if err != nil {
				w.Fatal(err)
			}
			text := ""
			for _, k := range out.Cluster {
				_, name, _ := strings.Cut(k.ClusterArn, "cluster/")
				for _, d := range k.ClusterDetails {
					body, err := json.Marshal(d.ClusterMetadata)
					if err != nil {
						w.Fatal(err)
					}
					where := "?"
					if e := d.ClusterMetadata.AwsEksMetadataDetails; e != nil {
						where = fmt.Sprint(*e.Namespace, e.WorkloadInfoList)
					} else if e := d.ClusterMetadata.AwsEcsMetadataDetails; e != nil {
						where = e.DetailsGroup
					} else {
						w.Errorf("no place: %s", body)
					}
					text += fmt.Sprintf("%s %s %d/%d %s\n", name, where, *d.RunningUnitCount, *d.StoppedUnitCount, d.LastInUse.Sub(first))
				}
			}
			if text != want {
				w.Errorf("clusters:\n%swant\n%s", text, want)
			}
		}
		uses("jobs family:mail 5/0 0s\nprod shop[{web Deployment}] 3/4 0s\nprod test[] 1/0 0s\n", 9)
		w.now = w.now.Add(time.Hour)
		in.Images = in.Images[:1]
		report(in)
		uses("jobs family:mail 5/0 0s\nprod shop[{web Deployment}] 2/0 1h0m0s\nprod test[] 0/0 0s\n", 7)

		for _, arn := range []string{"arn:aws:eks:us-east-1:222222222222:cluster/x", "arn:aws:eks:eu-west-1:111111111111:cluster/x"} {
			if _, err := w.desk.ReportClusterImages(w.Context(), w.call(), &muster.ReportClusterImagesInput{ClusterArn: arn}); err == nil {
				w.Errorf("a report about %s is taken", arn)
			}
		}
		stranger := w.call()
		stranger.Principal.Account = "222222222222"
		r, _ := w.image("app", digest)
		out, err := w.results().GetClustersForImage(w.Context(), stranger, &inspector2.GetClustersForImageInput{Filter: &inspector2.ClusterForImageFilterCriteria{ResourceId: r.ID}})
		if err != nil || len(out.Cluster) != 0 {
			w.Errorf("another account sees %+v, %v", out, err)
		}
	})
}

// TestFrequencies: rules of the registry decide whether images are scanned
// continuously, once or not.
func TestFrequencies(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		e := w.ecr()
		rule := func(frequency ecr.ScanFrequency, filters ...string) ecr.RegistryScanningRule {
			r := ecr.RegistryScanningRule{ScanFrequency: frequency}
			for _, f := range filters {
				r.RepositoryFilters = append(r.RepositoryFilters, ecr.ScanningRepositoryFilter{Filter: f, FilterType: ecr.ScanningRepositoryFilterTypeWildcard})
			}
			return r
		}
		put := func(kind ecr.ScanType, rules ...ecr.RegistryScanningRule) {
			w.Helper()
			if _, err := e.PutRegistryScanningConfiguration(w.Context(), w.call(), &ecr.PutRegistryScanningConfigurationInput{ScanType: kind, Rules: rules}); err != nil {
				w.Fatal(err)
			}
			w.pass(0)
		}
		put(ecr.ScanTypeEnhanced, rule(ecr.ScanFrequencyContinuousScan, "prod/*"), rule(ecr.ScanFrequencyScanOnPush, "test"))
		image := debian(w.T, "amd64", "bash=5.2-1")
		digest := w.pushAndTell(c, token, hub.URL, "prod/app:1", image)
		w.pushAndTell(c, token, hub.URL, "test/app:1", image)
		w.pushAndTell(c, token, hub.URL, "other:1", image)
		w.expect("continuous", "prod/app", digest, "ACTIVE SUCCESSFUL 1")
		w.expect("on push", "test/app", digest, "INACTIVE SCAN_FREQUENCY_SCAN_ON_PUSH 1")
		w.expect("no rule", "other", digest, "INACTIVE SCAN_FREQUENCY_MANUAL 0")
		w.pass(20 * day)
		w.expect("expired", "prod/app", digest, "INACTIVE SCAN_ELIGIBILITY_EXPIRED 0")
		w.expect("on push has no window", "test/app", digest, "INACTIVE SCAN_FREQUENCY_SCAN_ON_PUSH 1")

		put(ecr.ScanTypeEnhanced, rule(ecr.ScanFrequencyScanOnPush, "*"))
		w.expect("now on push, read now", "other", digest, "INACTIVE SCAN_FREQUENCY_SCAN_ON_PUSH 1")
		put(ecr.ScanTypeBasic)
		w.expect("basic", "test/app", digest, "INACTIVE SCAN_FREQUENCY_MANUAL 0")
		var events []string
		w.update(func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.Events(ctx, string(account), "", 1000)
			events = nil
			for _, ev := range list {
				if ev.DetailType == "ECR Scan Resource Change" {
					events = append(events, string(ev.Detail))
				}
			}
			return err
		})
		if len(events) != 2 || strings.Count(events[0], `"scan-frequency":"SCAN_ON_PUSH"`) != 2 || !strings.Contains(events[1], `"previous-scan-frequency":"SCAN_ON_PUSH"`) {
			w.Errorf("events %q", events)
		}
		// Switching Inspector off and on makes scanning enhanced again.
		for _, status := range []activation.Status{activation.Disabled, activation.Enabled} {
			w.update(func(ctx context.Context, tx *store.Tx) error {
				err := activation.PutScans(ctx, tx, []activation.Scan{{Account: account, Region: region, Type: activation.ECR, Status: status, ChangedAt: w.now.Add(time.Second)}})
				if err != nil {
					return err
				}
				return w.scan.Rejudge(ctx, tx, account, region, w.now)
			})
			w.pass(2 * time.Second)
			r, count := w.image("other", digest)
			if on := status == activation.Enabled; r.Covered != on || len(count) > 0 && !on {
				w.Errorf("%s: covered %v, %v", status, r.Covered, count)
			}
		}
		got, err := e.GetRegistryScanningConfiguration(w.Context(), w.call(), &ecr.GetRegistryScanningConfigurationInput{})
		if err != nil || got.ScanningConfiguration.ScanType != ecr.ScanTypeEnhanced || len(got.ScanningConfiguration.Rules) != 1 {
			w.Errorf("%+v, %v", got, err)
		}
	})
}

// TestCoverage: images and repositories by every criterion about them, and in
// groups.
func TestCoverage(t *testing.T) {
	each(t, func(w *world) {
		hub := w.memory()
		c, token := w.connect(hub.URL, robot())
		app := w.pushAndTell(c, token, hub.URL, "app:v1", debian(w.T, "amd64", "bash=5.2-1"))
		w.pushAndTell(c, token, hub.URL, "lib:v2", debian(w.T, "arm64", "zlib1g=1"))
		w.run(c, app, 3)
		w.now = w.now.Add(time.Hour)
		if err := w.tell(c, token, "pull", "app", app, "", nil); err != nil {
			w.Fatal(err)
		}
		is := func(value string) []inspector2.CoverageStringFilter {
			return []inspector2.CoverageStringFilter{{Comparison: inspector2.CoverageStringComparisonEquals, Value: value}}
		}
		since := func(t time.Time) []inspector2.CoverageDateFilter {
			t = t.Truncate(time.Millisecond) // times are compared as they are shown
			return []inspector2.CoverageDateFilter{{StartInclusive: &t}}
		}
		r := w.results()
		both := "image app, image lib, repository app, repository lib"
		for what, c := range map[string]struct {
			filter inspector2.CoverageFilterCriteria
			want   string
		}{
			"everything":     {inspector2.CoverageFilterCriteria{}, both},
			"images":         {inspector2.CoverageFilterCriteria{ResourceType: is("AWS_ECR_CONTAINER_IMAGE")}, "image app, image lib"},
			"repositories":   {inspector2.CoverageFilterCriteria{ResourceType: is("AWS_ECR_REPOSITORY")}, "repository app, repository lib"},
			"one repository": {inspector2.CoverageFilterCriteria{EcrRepositoryName: is("app")}, "image app, repository app"},
			"a tag":          {inspector2.CoverageFilterCriteria{EcrImageTags: is("v2")}, "image lib"},
			"in use":         {inspector2.CoverageFilterCriteria{EcrImageInUseCount: []inspector2.CoverageNumberFilter{{LowerInclusive: new(int64(2))}}}, "image app"},
			"last in use":    {inspector2.CoverageFilterCriteria{EcrImageLastInUseAt: since(w.now.Add(-2 * time.Hour))}, "image app"},
			"not used since": {inspector2.CoverageFilterCriteria{EcrImageLastInUseAt: since(w.now)}, ""},
			"pulled":         {inspector2.CoverageFilterCriteria{ImagePulledAt: since(w.now)}, "image app"},
			"scanned":        {inspector2.CoverageFilterCriteria{LastScannedAt: since(w.now.Add(time.Minute))}, ""},
			"the reason":     {inspector2.CoverageFilterCriteria{ScanStatusReason: is("SUCCESSFUL"), ScanStatusCode: is("ACTIVE"), ScanType: is("PACKAGE"), AccountId: is(string(account))}, both},
			"the id":         {inspector2.CoverageFilterCriteria{ResourceId: is("arn:aws:ecr:us-east-1:111111111111:repository/lib")}, "repository lib"},
			"no such type":   {inspector2.CoverageFilterCriteria{ResourceType: is("AWS_ECR_INSTANCE")}, ""},
		} {
			out, err := r.ListCoverage(w.Context(), w.call(), &inspector2.ListCoverageInput{FilterCriteria: &c.filter})
			if err != nil {
				w.Fatal(err)
			}
			var list []string
			for _, x := range out.CoveredResources {
				kind, name := "image", ""
				if m := x.ResourceMetadata.EcrRepository; m != nil {
					kind, name = "repository", *m.Name
					if m.ScanFrequency != inspector2.EcrScanFrequencyContinuousScan {
						w.Errorf("%s is scanned %s", name, m.ScanFrequency)
					}
				} else {
					_, name, _ = strings.Cut(x.ResourceId, "repository/")
					name, _, _ = strings.Cut(name, "/sha256")
				}
				list = append(list, kind+" "+name)
			}
			if got := strings.Join(list, ", "); got != c.want {
				w.Errorf("%s: %s, want %s", what, got, c.want)
			}
		}
		for by, want := range map[inspector2.GroupKey]string{
			inspector2.GroupKeyResourceType: "AWS_ECR_CONTAINER_IMAGE 2, AWS_ECR_REPOSITORY 2", inspector2.GroupKeyEcrRepositoryName: "app 2, lib 2",
			inspector2.GroupKeyScanStatusReason: "SUCCESSFUL 4", inspector2.GroupKeyScanStatusCode: "ACTIVE 4", inspector2.GroupKeyAccountId: string(account) + " 4",
		} {
			out, err := r.ListCoverageStatistics(w.Context(), w.call(), &inspector2.ListCoverageStatisticsInput{GroupBy: by})
			if err != nil {
				w.Fatal(err)
			}
			var list []string
			for _, g := range out.CountsByGroup {
				list = append(list, fmt.Sprint(g.GroupKey, " ", *g.Count))
			}
			if got := strings.Join(list, ", "); got != want || out.TotalCounts != 4 {
				w.Errorf("%s: %s of %d, want %s", by, got, out.TotalCounts, want)
			}
		}
	})
}
