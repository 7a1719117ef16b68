package results

import (
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
)

// Criteria reads the criteria of a request, refusing values that an enumerated
// attribute never has.
func Criteria(in *inspector2.FilterCriteria) (criteria.Criteria, error) { return criteriaOf(in) }

// WireCriteria is the form that criteria are given back in.
func WireCriteria(c *criteria.Criteria) *inspector2.FilterCriteria { return wireCriteria(c) }

// WireFinding is a finding as Inspector shows it.
func WireFinding(f *finding.Finding) inspector2.Finding { return wireFinding(f) }
