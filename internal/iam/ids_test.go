package iam

import (
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
)

func TestAccessKeyIDsCarryTheirAccount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		account := arn.AccountID(rapid.StringMatching(`[0-9]{12}`).Draw(t, "account"))
		prefix := rapid.SampledFrom([]string{longTermPrefix, temporaryPrefix}).Draw(t, "prefix")
		id, err := newAccessKeyID(prefix, account)
		if err != nil || len(id) != 20 || id[:4] != prefix {
			t.Fatalf("newAccessKeyID = %q, %v", id, err)
		}
		if got, ok := AccountOfKey(id); !ok || got != account {
			t.Fatalf("AccountOfKey(%q) = %q, %v; want %s", id, got, ok, account)
		}
	})
}

// A real key id whose account its owner has published.
func TestAccountOfKeyReadsAWSsForm(t *testing.T) {
	if got, ok := AccountOfKey("ASIAY34FZKBOKMUTVV7A"); !ok || got != "609629065308" {
		t.Errorf("got %q, %v", got, ok)
	}
	for _, id := range []string{"", "AKIA", "AKIAIOSFODNN7EXAMPLE", "AKIA000000000000000!", "XXIAY34FZKBOKMUTVV7A"} {
		if got, ok := AccountOfKey(id); ok {
			t.Errorf("AccountOfKey(%q) = %s", id, got)
		}
	}
}

func TestUniqueIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newUniqueID(rolePrefix)
		if len(id) != 21 || seen[id] {
			t.Fatalf("bad unique id %q", id)
		}
		seen[id] = true
	}
}
