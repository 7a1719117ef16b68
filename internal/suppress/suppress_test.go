package suppress

import (
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
)

func sample() *finding.Finding {
	score := finding.Score{Value: 7.5}
	return &finding.Finding{
		ARN: "arn:aws:inspector2:us-east-1:111122223333:finding/00000000000000000000000000000001", Account: "111122223333", Region: "us-east-1",
		Resource: finding.Resource{Type: finding.ContainerImage, ID: "image", Tags: map[string]string{"env": "test"},
			Image: &finding.ImageDetails{Repository: "app", Tags: []string{"latest", "v1"}}},
		Content: finding.Content{Type: finding.PackageVulnerability, Title: "CVE-2026-1 - libfoo", Severity: finding.High, Score: &score, Fix: finding.Yes,
			Package: &finding.PackageDetails{VulnerabilityID: "CVE-2026-1", Source: "DEBIAN_CVE", Packages: []finding.Package{
				{Name: "libfoo", Version: "1.2", Release: "3", Epoch: 1}, {Name: "libbar", Version: "9.0"}}}},
		Life: finding.Life{Status: finding.Active, FirstObservedAt: time.Unix(1000, 0), UpdatedAt: time.Unix(2000, 0)},
	}
}

func text(a criteria.Attribute, f ...criteria.String) criteria.Criteria {
	return criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{a: f}}
}

func is(v string) criteria.String     { return criteria.String{Comparison: criteria.Equals, Value: v} }
func begins(v string) criteria.String { return criteria.String{Comparison: criteria.Prefix, Value: v} }
func not(v string) criteria.String    { return criteria.String{Comparison: criteria.NotEquals, Value: v} }

func number(a criteria.Attribute, lower, upper *float64) criteria.Criteria {
	return criteria.Criteria{Numbers: map[criteria.Attribute][]criteria.Number{a: {{Lower: lower, Upper: upper}}}}
}

func pkg(members map[criteria.Attribute]criteria.String) criteria.Criteria {
	return criteria.Criteria{Packages: []criteria.Package{{Strings: members}}}
}

func TestMatches(t *testing.T) {
	early, late := time.Unix(500, 0), time.Unix(1500, 0)
	for name, tc := range map[string]struct {
		c    criteria.Criteria
		want bool
	}{
		"nothing asked":                     {criteria.Criteria{}, true},
		"equal":                             {text(criteria.Severity, is("HIGH")), true},
		"case counts":                       {text(criteria.Title, begins("cve")), false},
		"one of several":                    {text(criteria.Severity, is("LOW"), is("HIGH")), true},
		"none of several":                   {text(criteria.Severity, is("LOW"), begins("MED")), false},
		"all exclusions":                    {text(criteria.Severity, not("LOW"), not("HIGH")), false},
		"inclusion and exclusion":           {text(criteria.Title, begins("CVE-"), not("CVE-2026-2 - x")), true},
		"any of several values":             {text(criteria.ImageTags, is("v1")), true},
		"no value may equal":                {text(criteria.ImageTags, not("v1")), false},
		"absent fails EQUALS":               {text(criteria.FunctionName, is("f")), false},
		"absent passes NOT_EQUALS":          {text(criteria.FunctionName, not("f")), true},
		"number in range":                   {number(criteria.InspectorScore, new(7.5), nil), true},
		"number out of range":               {number(criteria.InspectorScore, nil, new(7.4)), false},
		"absent number":                     {number(criteria.EPSSScore, new(0.0), nil), false},
		"range without bounds":              {number(criteria.EPSSScore, nil, nil), true},
		"time in span":                      {criteria.Criteria{Dates: map[criteria.Attribute][]criteria.Date{criteria.FirstObservedAt: {{Start: &early, End: &late}}}}, true},
		"time out of span":                  {criteria.Criteria{Dates: map[criteria.Attribute][]criteria.Date{criteria.UpdatedAt: {{End: &late}}}}, false},
		"tag with value":                    {criteria.Criteria{Tags: []criteria.Tag{{Key: "env", Value: new("test")}}}, true},
		"tag with another value":            {criteria.Criteria{Tags: []criteria.Tag{{Key: "env", Value: new("")}}}, false},
		"tag without value":                 {criteria.Criteria{Tags: []criteria.Tag{{Key: "env"}}}, true},
		"ports of a package finding":        {criteria.Criteria{Ports: []criteria.Ports{{Begin: new(int32(1))}}}, false},
		"all members of one package":        {pkg(map[criteria.Attribute]criteria.String{criteria.PackageName: is("libfoo"), criteria.PackageVersion: is("1.2")}), true},
		"members spread over packages":      {pkg(map[criteria.Attribute]criteria.String{criteria.PackageName: is("libfoo"), criteria.PackageVersion: is("9.0")}), false},
		"package member absent, NOT_EQUALS": {pkg(map[criteria.Attribute]criteria.String{criteria.PackageName: is("libbar"), criteria.PackagePath: not("x")}), true},
		"different criteria":                {criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{criteria.Severity: {is("HIGH")}, criteria.FixAvailable: {is("NO")}}}, false},
	} {
		if got := Matches(&tc.c, sample()); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPortsOverlap(t *testing.T) {
	f := sample()
	f.Package, f.Network = nil, &finding.NetworkDetails{Begin: 20, End: 25}
	for _, tc := range []struct {
		begin, end *int32
		want       bool
	}{
		{new(int32(25)), new(int32(30)), true}, {new(int32(26)), nil, false}, {nil, new(int32(20)), true}, {nil, new(int32(19)), false}, {new(int32(21)), new(int32(22)), true},
	} {
		c := criteria.Criteria{Ports: []criteria.Ports{{Begin: tc.begin, End: tc.end}}}
		if got := Matches(&c, f); got != tc.want {
			t.Errorf("%v: %v", tc, got)
		}
	}
}

func TestRulesNameTheFirst(t *testing.T) {
	rules := Rules{{"a", text(criteria.Severity, is("LOW"))}, {"b", text(criteria.Severity, is("HIGH"))}, {"c", criteria.Criteria{}}}
	if got := rules.By(sample()); got != "b" {
		t.Errorf("suppressed by %q", got)
	}
	if got := rules[:1].By(sample()); got != "" {
		t.Errorf("suppressed by %q", got)
	}
}
