package msrc_test

import (
	"errors"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/advisory/advisorytest"
	"muster/internal/feed/msrc"
)

func collect(text string) (out []advisory.Advisory, err error) {
	err = msrc.Parse(strings.NewReader(text), func(a *advisory.Advisory) error { out = append(out, *a); return nil })
	return out, err
}

const january = `{"DocumentTitle":{"Value":"January 2024 Security Updates"},
 "DocumentTracking":{"InitialReleaseDate":"2024-01-09T08:00:00","CurrentReleaseDate":"2024-02-06T08:00:00Z"},
 "ProductTree":{"Branch":[],"FullProductName":[
  {"ProductID":"11571","Value":"Windows Server 2019"},
  {"ProductID":"11572","Value":"Windows Server 2019  (Server Core installation)"},
  {"ProductID":"11923","Value":"Windows Server 2022"},
  {"ProductID":"11650-10816","Value":"Microsoft .NET Framework 4.8 on Windows Server 2016"}]},
 "Vulnerability":[
  {"CVE":"CVE-2024-20674","Title":{"Value":"Windows Kerberos Security Feature Bypass Vulnerability"},
   "Threats":[{"Type":0,"Description":{"Value":"Security Feature Bypass"},"ProductID":["11571"]},{"Type":3,"Description":{"Value":"Critical"},"ProductID":["11571","11572"]}],
   "CVSSScoreSets":[{"BaseScore":9.0,"Vector":"CVSS:3.1/AV:A/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H/E:U/RL:O/RC:C","ProductID":["11571"]}],
   "Remediations":[
    {"Type":2,"SubType":"Security Update","Description":{"Value":"5034127"},"FixedBuild":"10.0.17763.5329","Supercedence":"5033371","ProductID":["11571","11572"]},
    {"Type":2,"SubType":"Security Update","Description":{"Value":"5034129"},"FixedBuild":"10.0.20348.2227","Supercedence":"5033118","ProductID":["11923"]},
    {"Type":2,"SubType":"Security HotPatch Update","Description":{"Value":"5034134"},"FixedBuild":"10.0.20348.2201","Supercedence":"","ProductID":["11923"]},
    {"Type":5,"Description":{"Value":"5034127"},"ProductID":["11571"]}]},
  {"CVE":"CVE-2024-0056","Title":{"Value":"Microsoft.Data.SqlClient"},"Threats":[{"Type":3,"Description":{"Value":"Important"}}],
   "Remediations":[
    {"Type":2,"SubType":"Security Update","Description":{"Value":"5033910"},"FixedBuild":"4.8.4690.02","Supercedence":"5031984; 5032337","ProductID":["11650-10816"]},
    {"Type":2,"SubType":"Security Update","Description":{"Value":"5034127"},"ProductID":["11571","99999"]},
    {"Type":2,"Description":{"Value":"Release Notes"},"ProductID":["11571"]}]},
  {"CVE":"ADV990001","Remediations":[{"Type":2,"Description":{"Value":"5034999"},"ProductID":["11571"]}]}]}`

func TestParse(t *testing.T) {
	records, err := collect(january)
	if err != nil {
		t.Fatal(err)
	}
	if diff := advisorytest.Compare(records, `
		KB5033910 CVE-2024-0056 2024-02-06
		    "Windows" Microsoft .NET Framework 4.8 on Windows Server 2016 [0, 4.8.4690.02) module=KB5032337 KB5031984 word=Important
		KB5034127 CVE-2024-0056 CVE-2024-20674 CVSS:3.1/AV:A/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H/E:U/RL:O/RC:C 2024-02-06
		    "Windows" Windows Server 2019 [10.0.17763, 10.0.17763.5329) module=KB5033371 word=Critical
		    "Windows" Windows Server 2019 (Server Core installation) [10.0.17763, 10.0.17763.5329) module=KB5033371 word=Critical
		KB5034129 CVE-2024-20674 2024-02-06
		    "Windows" Windows Server 2022 [10.0.20348, 10.0.20348.2227) module=KB5033118
		KB5034134 CVE-2024-20674 2024-02-06
		    "Windows" Windows Server 2022 [10.0.20348, 10.0.20348.2201) module=KB5034129
		`); diff != "" {
		t.Error(diff)
	}
	if a := records[1]; !strings.Contains(a.Details, "CVE-2024-20674: Windows Kerberos") || a.Published.IsZero() {
		t.Errorf("%+v", a)
	}
}

func TestRefuses(t *testing.T) {
	for text, why := range map[string]string{
		``: "EOF", `[]`: "cannot unmarshal", `{"Vulnerability":[{"CVE":"CVE-2024-1"}]}`: "names no products",
		`{"ProductTree":{"FullProductName":[{}]},"Vulnerability":[{"CVE":"CVE-2024-1"}`: "EOF",
	} {
		if _, err := collect(text); !errors.Is(err, msrc.ErrDocument) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzParse: whatever a document says, its advisories can be stored.
func FuzzParse(f *testing.F) {
	f.Add(january)
	f.Add(`{"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows 11"}]},"Vulnerability":[{"CVE":"CVE-1-1","Remediations":[{"Type":2,"Description":{"Value":"KB123456"},"FixedBuild":"1.2","Supercedence":"KB123456,123457","ProductID":["1","1"]}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		records, _ := collect(text)
		for i := range records {
			if err := advisorytest.RoundTrip(&records[i]); err != nil {
				t.Error(err)
			}
		}
	})
}
