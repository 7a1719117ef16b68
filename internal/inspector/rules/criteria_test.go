package rules

import (
	"testing"

	"muster/internal/awsmodel/inspector2"
)

func TestRulesThatCannotBeMeantAreRefused(t *testing.T) {
	for name, in := range map[string]*inspector2.FilterCriteria{
		"everything": {},
		"itself":     {FindingStatus: []inspector2.StringFilter{{Comparison: inspector2.StringComparisonEquals, Value: "ACTIVE"}}},
		"nonsense":   {Severity: []inspector2.StringFilter{{Comparison: inspector2.StringComparisonEquals, Value: "HUGE"}}},
	} {
		if _, err := ruleCriteria(in, inspector2.FilterActionSuppress); err == nil {
			t.Errorf("a rule over %s was accepted", name)
		}
	}
	if _, err := ruleCriteria(&inspector2.FilterCriteria{}, inspector2.FilterActionNone); err != nil {
		t.Errorf("a saved search over everything: %v", err)
	}
}
