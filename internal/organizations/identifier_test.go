package organizations

import (
	"regexp"
	"strings"
	"testing"

	"muster/internal/arn"
)

// TestIdentifiers: lengths and alphabets as AWS's reference gives them.
func TestIdentifiers(t *testing.T) {
	for range 1000 {
		root := newRootID()
		for id, pattern := range map[string]string{
			string(newOrganizationID()): `^o-[a-z0-9]{10}$`,
			root:                        `^r-[0-9a-z]{4}$`,
			newUnitID(root):             `^ou-` + root[2:] + `-[a-z0-9]{8}$`,
			newRequestID():              `^car-[a-z0-9]{8}$`,
			string(newAccountID()):      `^[1-9][0-9]{11}$`,
		} {
			if !regexp.MustCompile(pattern).MatchString(id) {
				t.Fatalf("%s does not look like %s", id, pattern)
			}
		}
	}
}

// TestRandomIsEven: no character is drawn much more often than another.
func TestRandomIsEven(t *testing.T) {
	const n = 100_000
	drawn := random(alphanumeric, n)
	for _, c := range alphanumeric {
		share := float64(strings.Count(drawn, string(c))) / n * float64(len(alphanumeric))
		// Five standard deviations are about 0.094.
		if share < 0.9 || share > 1.1 {
			t.Errorf("%q is drawn %.3f times as often as it should be", c, share)
		}
	}
}

// TestARNs match the patterns of AWS's interface description.
func TestARNs(t *testing.T) {
	m := Membership{Org: newOrganizationID(), Management: newAccountID(), Root: newRootID()}
	for got, pattern := range map[*string]string{
		accountARN(m.Management, m.Org, arn.AccountID("111122223333")): `^arn:aws:organizations::\d{12}:account\/o-[a-z0-9]{10,32}\/\d{12}`,
		rootARN(m):                    `^arn:aws:organizations::\d{12}:root\/o-[a-z0-9]{10,32}\/r-[0-9a-z]{4,32}`,
		unitARN(m, newUnitID(m.Root)): `^arn:aws:organizations::\d{12}:ou\/o-[a-z0-9]{10,32}\/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}`,
	} {
		if !regexp.MustCompile(pattern).MatchString(*got) {
			t.Errorf("%s does not match %s", *got, pattern)
		}
	}
}
