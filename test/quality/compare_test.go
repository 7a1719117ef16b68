package quality

import "testing"

func TestCompare(t *testing.T) {
	ours := []Hit{
		{Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0.1-1", Source: "openssl", IDs: []string{"CVE-2024-0001"}},
		{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.1-1", Source: "openssl", IDs: []string{"CVE-2024-0001"}},
		{Ecosystem: "Maven", Name: "org.x:y", Version: "1.0", IDs: []string{"CVE-2024-0002", "GHSA-aaaa-aaaa-aaaa"}},
		{Ecosystem: "Go", Name: "a.b/c", Version: "v1.1.0", IDs: []string{"GO-2024-0001"}},
	}
	theirs := []Hit{
		{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.1-1", IDs: []string{"DEBIAN-CVE-2024-0001", "CVE-2024-0001"}},
		{Ecosystem: "Maven", Name: "y", Version: "1.0", IDs: []string{"GHSA-aaaa-aaaa-aaaa"}},
		{Ecosystem: "Go", Name: "a.b/c", Version: "1.0.0", IDs: []string{"GO-2024-0001"}},
	}
	common, differences := Compare(ours, theirs, map[string]bool{"a.b/c": true}, map[string]bool{})
	if common != 2 || len(differences) != 2 {
		t.Fatalf("%d common, %+v", common, differences)
	}
	if d := differences[0]; !d.Ours || !d.Missing || d.Name != "a.b/c" {
		t.Errorf("%+v", d)
	}
	if d := differences[1]; d.Ours || d.Missing || d.Version != "1.0.0" {
		t.Errorf("%+v", d)
	}
}
