package refresh_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/refresh"
	"muster/internal/testshared"
)

// offerBucket offers a folder of real records in the layout of OSV's bucket,
// with the lists of changes that belong to them.
func offerBucket(t *testing.T, web *feedtest.Server, dir string) (ecosystems []string) {
	t.Helper()
	archives, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	var all []string
	for _, path := range archives {
		name := strings.TrimSuffix(filepath.Base(path), ".zip")
		ecosystems = append(ecosystems, name)
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		web.Set("/osv/"+name+"/all.zip", body)
		var own []string
		for id, modified := range modifiedIn(t, body) {
			own = append(own, modified+","+id)
			all = append(all, modified+","+name+"/"+id)
		}
		web.SetText("/osv/"+name+"/modified_id.csv", newestFirst(own))
	}
	web.SetText("/osv/modified_id.csv", newestFirst(all))
	web.SetText("/osv/ecosystems.txt", strings.Join(ecosystems, "\n"))
	return ecosystems
}

func newestFirst(lines []string) string {
	slices.Sort(lines)
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

func modifiedIn(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range z.File {
		var r struct {
			ID       string
			Modified time.Time
		}
		if err := json.Unmarshal(member(t, m), &r); err != nil {
			t.Fatal(err)
		}
		out[r.ID] = r.Modified.UTC().Format(time.RFC3339Nano)
	}
	return out
}

func member(t *testing.T, m *zip.File) []byte {
	t.Helper()
	r, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRealBucket fetches and imports real records, then one change, which
// touches its own package and transfers little.
func TestRealBucket(t *testing.T) {
	shared := filepath.Join(testshared.Dir(t), "advisories", "small")
	o := newOnline(t, nil)
	for _, path := range o.web.Files() {
		if strings.HasPrefix(path, "/osv/") {
			o.web.Remove(path)
		}
	}
	ecosystems := offerBucket(t, o.web, filepath.Join(shared, "osv"))
	for from, to := range map[string]string{"kev.json": "/cisa/kev.json", "epss.csv.gz": "/epss/epss_scores-current.csv.gz"} {
		b, err := os.ReadFile(filepath.Join(shared, from))
		if err != nil {
			t.Fatal(err)
		}
		o.web.Set(to, b)
	}
	report, err := o.service.Sync(t.Context(), refresh.SyncOptions{})
	if err != nil || len(report.Rejected()) > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	have := o.sources()
	for _, e := range ecosystems {
		if have["osv/"+e].Records == 0 {
			t.Errorf("no records of %s", e)
		}
	}
	o.web.Change(1, "2099-01-01T00:00:00Z", "9.0")
	o.pass(2 * time.Hour)
	if report, err = o.service.Sync(t.Context(), refresh.SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	checkOneChange(t, o, report)
}

func checkOneChange(t *testing.T, o *online, report refresh.Report) {
	t.Helper()
	i := slices.IndexFunc(report.Fetched, func(r fetch.Result) bool { return r.Source == "osv" })
	if i < 0 || report.Fetched[i].Err != nil || report.Fetched[i].Bytes > 1000 {
		t.Fatalf("%+v", report.Fetched)
	}
	before, err := o.service.Generation(t.Context(), report.From)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	after, err := o.service.Generation(t.Context(), report.To)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	var debian []string
	for k, err := range advisorydb.Diff(before, after) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(k.Ecosystem, "Debian") {
			debian = append(debian, fmt.Sprint(k))
		}
	}
	if !slices.Equal(debian, []string{fmt.Sprint(advisorydb.Key{Ecosystem: "Debian:12", Name: "p1"})}) && len(debian) > 3 {
		t.Errorf("one record changed, and these packages are matched again: %v", debian)
	}
}
