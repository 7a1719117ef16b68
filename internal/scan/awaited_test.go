package scan

import "testing"

// TestAwaited: a machine with programs or packages that nobody publishes
// advisories for is not pending for ever.
func TestAwaited(t *testing.T) {
	for ecosystem, want := range map[string]bool{
		"Debian:12": true, "Ubuntu:24.04": true, "Red Hat:enterprise_linux:9": true, "npm": true, "Go": true, "PyPI": true, "Maven": true,
		"Programs": false, "Bitnami:upstream": false, "Conda": false, "CocoaPods": false, "": false,
	} {
		if got := awaited(ecosystem); got != want {
			t.Errorf("%q: %v", ecosystem, got)
		}
	}
}
