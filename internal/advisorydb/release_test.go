package advisorydb_test

import (
	"fmt"
	"testing"
)

// TestReleases: what a file has advisories for is told by release, so that
// "nothing found" can be told from "nothing known".
func TestReleases(t *testing.T) {
	set := openSet(t, "Debian", debianCVE,
		`{"id":"DSA-1","modified":"2024-06-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]},
		 {"package":{"ecosystem":"Debian:12","name":"b"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
		`{"id":"DSA-2","modified":"2024-07-01T00:00:00Z","withdrawn":"2024-07-02T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:10","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`)
	releases, err := set.Releases("Debian:12")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, r := range releases {
		got += fmt.Sprintln(r.Ecosystem, r.Records, r.Newest.Format("2006-01-02"))
	}
	if want := "Debian:11 1 2024-05-01\nDebian:12 2 2024-06-01\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if releases, err := set.Releases("npm"); err != nil || releases != nil {
		t.Errorf("an ecosystem without a file: %v, %v", releases, err)
	}
}
