package bench

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
)

// question is a way in which findings are listed, as JSON members of the
// request.
type question struct {
	name    string
	account arn.AccountID
	members string
}

// questions are asked by the administrator of all accounts, by sorts that walk
// different indexes, and by one account.
var questions = []question{
	{"last-observed", audit, ``},
	{"severity", audit, `"sortCriteria":{"field":"SEVERITY","sortOrder":"DESC"}`},
	{"score", audit, `"sortCriteria":{"field":"INSPECTOR_SCORE","sortOrder":"DESC"}`},
	{"epss", audit, `"sortCriteria":{"field":"EPSS_SCORE","sortOrder":"ASC"}`},
	{"vulnerability", audit, `"sortCriteria":{"field":"VULNERABILITY_ID","sortOrder":"ASC"}`},
	{"critical-by-epss", audit, `"filterCriteria":{"severity":[{"comparison":"EQUALS","value":"CRITICAL"}]},"sortCriteria":{"field":"EPSS_SCORE","sortOrder":"DESC"}`},
	{"one-cve", audit, `"filterCriteria":{"vulnerabilityId":[{"comparison":"EQUALS","value":"CVE-2026-00007"}]}`},
	{"one-account", member(7), `"sortCriteria":{"field":"SEVERITY","sortOrder":"DESC"}`},
}

// groupings are the aggregations that dashboards ask for first.
var groupings = []string{"ACCOUNT", "FINDING_TYPE", "TITLE", "PACKAGE", "AWS_EC2_INSTANCE"}

// BenchmarkFindings lists and aggregates stored findings through the signed
// door, page after page of 100, one call at a time, as the store grows; then
// it starts the server anew on the full store.
func BenchmarkFindings(b *testing.B) {
	const members = 1000
	eachEngine(b, func(b *testing.B, w *world) {
		w.organize(members)
		for _, total := range []int{1_000, 10_000, 100_000} {
			w.grow(b, members, total)
			b.Run(fmt.Sprint(total), func(b *testing.B) {
				for _, q := range questions {
					b.Run(q.name, func(b *testing.B) { w.list(b, q) })
				}
				for _, g := range groupings {
					b.Run("by-"+g, func(b *testing.B) { w.aggregate(b, g) })
				}
			})
		}
		b.Run("mixed", w.mixed)
		b.Run("start", w.restart)
	})
}

// BenchmarkFewerMembers is the administrator's list over 100 members instead
// of 1,000, to compare.
func BenchmarkFewerMembers(b *testing.B) {
	eachEngine(b, func(b *testing.B, w *world) {
		w.organize(100)
		w.grow(b, 100, 10_000)
		for _, q := range questions[:2] {
			b.Run(q.name, func(b *testing.B) { w.list(b, q) })
		}
	})
}

// list asks for page after page and begins again after the last.
func (w *world) list(b *testing.B, q question) {
	var l latencies
	listed, next := 0, ""
	for b.Loop() {
		b.StopTimer()
		r := w.inspector(b, q.account, "/findings/list", body(`"maxResults":100`, q.members, next))
		b.StartTimer()
		began := time.Now()
		answer, err := w.send(r)
		l.add(time.Since(began))
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		var page struct {
			Findings  []struct{} `json:"findings"`
			NextToken string     `json:"nextToken"`
		}
		// After a last page that is full comes an empty one.
		if err := json.Unmarshal(answer, &page); err != nil || len(page.Findings) == 0 && next == "" {
			b.Fatalf("%d findings, %v", len(page.Findings), err)
		}
		listed += len(page.Findings)
		next = page.NextToken
		b.StartTimer()
	}
	l.report(b)
	b.ReportMetric(float64(listed)/b.Elapsed().Seconds(), "findings/s")
}

// body joins the members that are not empty to a JSON object.
func body(size, members, next string) string {
	if members != "" {
		size += "," + members
	}
	if next != "" {
		size += `,"nextToken":"` + next + `"`
	}
	return "{" + size + "}"
}

func (w *world) aggregate(b *testing.B, grouping string) {
	r := w.inspector(b, audit, "/findings/aggregation/list", `{"aggregationType":"`+grouping+`","maxResults":25}`)
	var l latencies
	for b.Loop() {
		began := time.Now()
		if _, err := w.send(r); err != nil {
			b.Fatal(err)
		}
		l.add(time.Since(began))
	}
	l.report(b)
}

// mixed asks all questions for their first pages of 25 at once.
func (w *world) mixed(b *testing.B) {
	var requests []request
	for _, q := range questions {
		requests = append(requests, w.inspector(b, q.account, "/findings/list", body(`"maxResults":25`, q.members, "")))
	}
	var l latencies
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			began := time.Now()
			if _, err := w.send(requests[i%len(requests)]); err != nil {
				b.Error(err)
				return
			}
			l.add(time.Since(began))
		}
	})
	l.report(b)
}

// restart measures from the start of the process's parts to the first answered
// call.
func (w *world) restart(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w.stop()
		b.StartTimer()
		w.start()
		if _, err := w.send(w.inspector(b, audit, "/findings/list", `{"maxResults":1}`)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ready-ms")
}
