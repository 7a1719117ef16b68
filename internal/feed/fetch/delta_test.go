package fetch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/feed/feedtest"
	"muster/internal/feed/fetch"
	"muster/internal/feed/layout"
)

func TestOSVFollowsTheListOfChanges(t *testing.T) {
	f := newFixture(t)
	f.good("osv")
	f.web.Asked()
	f.web.Change(3, "2026-11-02T00:00:00Z", "3.0")
	f.web.Change(4, "2026-11-02T00:00:00Z", "3.1")
	f.web.Change(99, "2026-11-02T00:00:00.5Z", "1.0")
	if changed := f.good("osv"); !slices.Equal(changed, []string{layout.OSV("Debian")}) {
		t.Errorf("changed %v", changed)
	}
	for _, line := range f.web.Asked() {
		if strings.Contains(line, "all.zip") {
			t.Errorf("a whole archive was asked for: %s", line)
		}
	}
	have := f.members(layout.OSV("Debian"))
	if len(have) != 11 || have["DEBIAN-CVE-2024-0003.json"] != feedtest.Record(3, "2026-11-02T00:00:00Z", "3.0") ||
		have["DEBIAN-CVE-2024-0000.json"] != feedtest.Record(0, feedtest.Begin, "2.0") || have["DEBIAN-CVE-2024-0099.json"] == "" {
		t.Errorf("%d records: %v", len(have), have)
	}
	f.web.Change(5, "2026-11-02T00:00:00.5Z", "3.2") // at the same time as one already seen
	f.good("osv")
	if !strings.Contains(f.members(layout.OSV("Debian"))["DEBIAN-CVE-2024-0005.json"], "3.2") {
		t.Error("a change at the time of the mark was left out")
	}
	f.web.Asked()
	if changed := f.good("osv"); len(changed) > 0 {
		t.Errorf("nothing changed, but %v", changed)
	}
	if asked := f.web.Asked(); len(asked) != 2 {
		t.Errorf("two lists tell that nothing changed; asked %v", asked)
	}
}

func TestOSVRecordsThatAreLateAreFetchedLater(t *testing.T) {
	f := newFixture(t)
	f.good("osv")
	f.web.Change(1, "2026-11-02T00:00:00Z", "3.0")
	f.web.Change(2, "2026-11-02T00:00:00Z", "3.0")
	f.web.SetText("/osv/Debian/DEBIAN-CVE-2024-0001.json", feedtest.Record(1, feedtest.Begin, "2.0")) // an old copy
	f.web.Break("/osv/Debian/DEBIAN-CVE-2024-0002.json", feedtest.Fault{Body: []byte("<html>")})
	f.web.Change(3, "2026-11-03T00:00:00Z", "3.0")
	r := f.run(fetch.Options{Sources: []string{"osv"}})
	if r[0].Err == nil || !strings.Contains(r[0].Err.Error(), "it is of 2026-11-01T00:00:00Z, the list of changes says 2026-11-02T00:00:00Z") ||
		!strings.Contains(r[0].Err.Error(), "not a JSON object") {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(f.members(layout.OSV("Debian"))["DEBIAN-CVE-2024-0003.json"], "3.0") {
		t.Error("the good record waits for the bad ones")
	}
	f.web.Mend()
	f.web.SetText("/osv/Debian/DEBIAN-CVE-2024-0001.json", feedtest.Record(1, "2026-11-02T00:00:00Z", "3.0"))
	f.good("osv")
	have := f.members(layout.OSV("Debian"))
	for _, id := range []string{"0001", "0002"} {
		if !strings.Contains(have["DEBIAN-CVE-2024-"+id+".json"], "3.0") {
			t.Errorf("%s was forgotten", id)
		}
	}
}

// TestOSVArchivesAreComparedEveryWeek: what left goes, and what the archive
// has older than the list stays new.
func TestOSVArchivesAreComparedEveryWeek(t *testing.T) {
	f := newFixture(t)
	f.good("osv")
	f.web.Change(3, "2026-11-02T00:00:00Z", "3.0")
	f.good("osv")
	records := map[string]string{}
	for i := range 9 { // without the tenth, and number 3 as it was
		records[fmt.Sprintf("DEBIAN-CVE-2024-%04d.json", i)] = feedtest.Record(i, feedtest.Begin, "2.0")
	}
	f.web.Set("/osv/Debian/all.zip", feedtest.Zip(t, records))
	f.web.SetText("/osv/Debian/modified_id.csv", "2026-11-02T00:00:00Z,DEBIAN-CVE-2024-0003\n"+feedtest.Begin+",DEBIAN-CVE-2024-0000\n")
	f.now = f.now.Add(8 * 24 * time.Hour)
	f.good("osv")
	have := f.members(layout.OSV("Debian"))
	if len(have) != 9 || !strings.Contains(have["DEBIAN-CVE-2024-0003.json"], "3.0") {
		t.Errorf("%d records; number 3: %s", len(have), have["DEBIAN-CVE-2024-0003.json"])
	}
}

func TestOSVListsThatLie(t *testing.T) {
	for name, list := range map[string]string{
		"a page":    "<html>\n",
		"no date":   "today,Debian/X\n",
		"the past":  "2020-01-01T00:00:00Z,Debian/DEBIAN-CVE-2024-0001\n",
		"one field": "2026-11-01T00:00:00Z\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.good("osv")
			f.web.SetText("/osv/modified_id.csv", list)
			f.bad("osv", layout.OSV("Debian"), "modified_id.csv")
		})
	}
}

func TestMirrorsWithoutListsOfChanges(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/osv/modified_id.csv", "/osv/Debian/modified_id.csv", "/osv/Red Hat/modified_id.csv", "/osv/ecosystems.txt"} {
		f.web.Remove(path)
	}
	f.config = func(c *fetch.Config) { c.Ecosystems = []string{"Debian"} }
	f.good("osv")
	f.web.FillOSV(t, 11)
	f.web.Remove("/osv/modified_id.csv")
	f.good("osv")
	if n := len(f.members(layout.OSV("Debian"))); n != 11 {
		t.Errorf("%d records", n)
	}
}

// TestNothingIsLostWhateverBreaks changes records, lets anything fail at any
// request, and cancels runs in between; once the publisher is whole again one
// run brings the folder to what it offers.
func TestNothingIsLostWhateverBreaks(t *testing.T) {
	f := newFixture(t)
	f.good("osv")
	want := f.members(layout.OSV("Debian"))
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	paths := []string{"/osv/modified_id.csv", "/osv/ecosystems.txt", "/osv/Debian/DEBIAN-CVE-2024-0001.json", "/osv/Debian/DEBIAN-CVE-2024-0012.json", "/osv/Debian/all.zip", "/osv/Debian/modified_id.csv"}
	faults := []feedtest.Fault{{Cut: 5, Times: 1}, {Status: 500}, {Body: []byte("<html>")}, {Status: 404}, {Cut: 100}}
	for round := range 30 {
		n := (round * 7) % 15
		if round%3 != 2 {
			at = at.Add(time.Hour)
		}
		date, fixed := at.Format(time.RFC3339), fmt.Sprintf("%d.0", round+5)
		f.web.Change(n, date, fixed)
		want[fmt.Sprintf("DEBIAN-CVE-2024-%04d.json", n)] = feedtest.Record(n, date, fixed)
		if path := paths[round%len(paths)]; faults[round%len(faults)].Status != 404 || strings.HasSuffix(path, ".csv") {
			f.web.Break(path, faults[round%len(faults)])
		}
		if round%10 == 9 {
			f.now = f.now.Add(8 * 24 * time.Hour)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if round%4 == 3 {
			cancel()
		}
		_, _ = f.fetcher().Run(ctx, fetch.Options{Sources: []string{"osv"}})
		cancel()
		if round%2 == 1 {
			f.web.Mend()
		}
	}
	f.web.Mend()
	f.good("osv")
	if have := f.members(layout.OSV("Debian")); !maps.Equal(have, want) {
		t.Errorf("have %v\nwant %v", have, want)
	}
	f.tidy()
}

func TestVEXFollowsChangesAndDeletions(t *testing.T) {
	f := newFixture(t)
	f.good("redhat-vex")
	if have := f.members(layout.RedHatVEX); len(have) != 3 || have["2024/cve-2024-0001.json"] != feedtest.VEX("CVE-2024-0001", "first") {
		t.Fatalf("%v", have)
	}
	f.web.Asked()
	f.web.ChangeVEX("CVE-2024-0001", "2026-11-02T10:00:00+00:00", "second")
	f.web.ChangeVEX("CVE-2024-0007", "2026-11-02T10:00:01+00:00", "new")
	f.web.ChangeVEX("CVE-2024-0008", "2026-11-02T10:00:02+00:00", "short-lived")
	f.web.DeleteVEX("CVE-2024-0002", "2026-11-02T11:00:00+00:00")
	f.web.DeleteVEX("CVE-2024-0008", "2026-11-02T11:00:00+00:00")
	f.good("redhat-vex")
	for _, line := range f.web.Asked() {
		if strings.Contains(line, ".tar.zst") {
			t.Errorf("the archive was asked for: %s", line)
		}
	}
	have := f.members(layout.RedHatVEX)
	if names := slices.Sorted(maps.Keys(have)); !slices.Equal(names, []string{"2024/cve-2024-0000.json", "2024/cve-2024-0001.json", "2024/cve-2024-0007.json"}) {
		t.Errorf("%v", names)
	}
	if have["2024/cve-2024-0001.json"] != feedtest.VEX("CVE-2024-0001", "second") {
		t.Errorf("%v", have)
	}
	if changed := f.good("redhat-vex"); len(changed) > 0 {
		t.Errorf("nothing changed, but %v", changed)
	}
}

func TestVEXDocumentsWithAWrongChecksumAreFetchedLater(t *testing.T) {
	f := newFixture(t)
	f.good("redhat-vex")
	f.web.ChangeVEX("CVE-2024-0001", "2026-11-02T10:00:00+00:00", "second")
	f.web.SetText("/redhat/vex/2024/cve-2024-0001.json", feedtest.VEX("CVE-2024-0001", "forged"))
	f.bad("redhat-vex", layout.RedHatVEX, "the publisher says")
	f.web.SetText("/redhat/vex/2024/cve-2024-0001.json", feedtest.VEX("CVE-2024-0001", "second"))
	f.good("redhat-vex")
	if have := f.members(layout.RedHatVEX); have["2024/cve-2024-0001.json"] != feedtest.VEX("CVE-2024-0001", "second") {
		t.Errorf("%v", have)
	}
}

func TestRockyReadsNewPagesOnly(t *testing.T) {
	f := newFixture(t)
	f.good("rocky")
	f.web.SetText("/rocky/", `{"advisories":[{"name":"RLSA-2024:0003","updated_at":"2024-03-01"},{"name":"RLSA-2024:0001","updated_at":"2024-03-01"}],"total":2}`)
	f.good("rocky")
	have := f.members(layout.RockyErrata)
	if len(have) != 3 || !strings.Contains(have["RLSA-2024:0001.json"], "2024-03-01") || !strings.HasPrefix(have["RLSA-2024:0003.json"], `{"advisories":[{`) {
		t.Errorf("%v", have)
	}
}

func TestEPSSByDate(t *testing.T) {
	f := newFixture(t)
	f.web.Remove("/epss/epss_scores-current.csv.gz")
	f.web.Set("/epss/epss_scores-2026-11-19.csv.gz", feedtest.EPSS(t, "0.7"))
	f.good("epss")
}

// TestNVDAPI reads pages, dies between them, goes on, and then asks for what
// was modified only.
func TestNVDAPI(t *testing.T) {
	f := newFixture(t)
	f.config = func(c *fetch.Config) { c.Sources = []string{"nvd-api"}; c.NVDKey = "secret" }
	all := map[string]string{"CVE-2024-0001": "first", "CVE-2024-0002": "first", "CVE-2024-0003": "first"}
	modified := map[string]string{}
	fail := 2
	var queries []string
	f.web.Handle("/nvd-api", func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		set := all
		if r.URL.Query().Has("lastModStartDate") {
			set = modified
		}
		if fail--; fail == 0 || r.Header.Get("Apikey") != "secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		names := slices.Sorted(maps.Keys(set))
		start, _ := strconv.Atoi(r.URL.Query().Get("startIndex"))
		var items []map[string]any
		for _, n := range names[min(start, len(names)):min(start+1, len(names))] { // one on a page
			items = append(items, map[string]any{"cve": map[string]string{"id": n, "lastModified": set[n]}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"totalResults": len(names), "vulnerabilities": items})
	})
	f.bad("nvd-api", layout.NVD("api-0000001"), "403")
	if f.file(layout.NVD("api-0000000")) == "" {
		t.Error("the first page is not kept")
	}
	f.good("nvd-api")
	if len(queries) != 4 || f.file(layout.NVD("api-0000002")) == "" {
		t.Errorf("pages were read again: %v", queries)
	}
	modified["CVE-2024-0002"] = "second"
	if changed := f.good("nvd-api"); !slices.Equal(changed, []string{layout.NVD("api-changes")}) {
		t.Errorf("%v", changed)
	}
	clear(modified)
	if changed := f.good("nvd-api"); len(changed) > 0 {
		t.Errorf("nothing changed, but %v", changed)
	}
	queries = nil
	f.now = f.now.Add(300 * 24 * time.Hour)
	f.good("nvd-api")
	if len(queries) != 3 { // no more than 120 days at a time
		t.Errorf("%d windows: %v", len(queries), queries)
	}
}
