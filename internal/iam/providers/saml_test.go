package providers

import (
	"strings"
	"testing"
	"time"
)

const metadata = `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x" validUntil="2030-01-01T00:00:00Z"><md:IDPSSODescriptor/></md:EntityDescriptor>`

// TestHostileMetadata: entities are not followed, and depth ends.
func TestHostileMetadata(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if until, err := validUntil(metadata, now); err != nil || until.Year() != 2030 {
		t.Errorf("%v, %v", until, err)
	}
	for what, text := range map[string]string{
		"an entity": `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><EntityDescriptor>&a;</EntityDescriptor>`,
		"entities":  `<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><EntityDescriptor>&b;</EntityDescriptor>`,
		"depth":     "<EntityDescriptor>" + strings.Repeat("<a>", 1_000_000),
		"another":   "<a/>",
		"nothing":   "",
	} {
		if _, err := validUntil(text, now); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

// FuzzMetadata: whatever the metadata are, they say how long they count, or
// are refused.
func FuzzMetadata(f *testing.F) {
	f.Add(metadata)
	f.Add(`<EntityDescriptor validUntil="x">`)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if until, err := validUntil(text, now); err == nil && until.IsZero() {
			t.Error("no time")
		}
	})
}
