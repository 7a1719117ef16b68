package findings

import (
	"fmt"
	"slices"
	"strings"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/criteriasql"
)

// arnColumn is a finding's ARN.
const arnColumn = `('arn:aws:inspector2:' || f.region || ':' || f.account || ':finding/' || f.id)`

// textColumn is the column of a criterion over texts; "" for those with rows
// of their own. Columns with few different values are joined to nothing: that
// changes no value and keeps planners from gathering a tenth of all findings
// through such a column's index, where walking the order finds a page at once.
func textColumn(a criteria.Attribute) string {
	switch a {
	case criteria.FindingARN:
		return arnColumn
	case criteria.AccountID:
		return "f.account"
	case criteria.FindingType:
		return "(f.type || '')"
	case criteria.FindingStatus:
		return "(f.status || '')"
	case criteria.Title:
		return "f.title"
	case criteria.ResourceType:
		return "(f.resource_type || '')"
	case criteria.FixAvailable:
		return "f.fix"
	case criteria.ExploitAvailable:
		return "f.exploit"
	case criteria.VulnerabilityID:
		return "f.vulnerability_id"
	case criteria.VulnerabilitySource:
		return "(f.source || '')"
	case criteria.VendorSeverity:
		return "(f.vendor_severity || '')"
	case criteria.NetworkProtocol:
		return "(f.protocol || '')"
	case criteria.DetectorName:
		return "f.detector_name"
	case criteria.CodeFilePath:
		return "f.code_path"
	}
	return ""
}

// valueRows is the query of the rows that hold a criterion's values, and the
// column of the value.
func valueRows(a criteria.Attribute) (rows, column string) {
	switch a {
	case criteria.ResourceID:
		return `SELECT 1 FROM resources r WHERE r.number = f.resource`, "r.id"
	case criteria.RelatedVulnerabilities, criteria.ComponentID, criteria.ComponentType, criteria.DetectorTags:
		return `SELECT 1 FROM content_values v WHERE v.content = f.content AND v.name = '` + string(a) + `'`, "v.value"
	}
	return attributeRows(a), "v.value"
}

func attributeRows(a criteria.Attribute) string {
	return `SELECT 1 FROM resource_attributes v WHERE v.account = f.account AND v.resource = f.resource AND v.name = '` + string(a) + `'`
}

const (
	tagRows     = `SELECT 1 FROM resource_tags t WHERE t.account = f.account AND t.resource = f.resource`
	packageFrom = `SELECT 1 FROM content_packages p WHERE p.content = f.content`
)

// addCriteria adds the conditions under which findings f meet the criteria.
// It panics for an attribute that does not exist: desks check before.
func addCriteria(w *store.Where, c *criteria.Criteria) {
	for _, a := range sorted(c.Strings) {
		if _, known := criteria.StringAttributes()[a]; !known {
			panic(fmt.Sprintf("findings: no criterion %q", a))
		}
		addText(w, a, c.Strings[a])
	}
	for _, a := range sorted(c.Dates) {
		addDates(w, a, c.Dates[a])
	}
	for _, a := range sorted(c.Numbers) {
		addNumbers(w, a, c.Numbers[a])
	}
	criteriasql.Tags(w, tagRows, "t.key", "t.value", c.Tags)
	criteriasql.Ports(w, "f.port_begin", "f.port_end", c.Ports)
	criteriasql.Packages(w, packageFrom, packageColumn, "CAST(p.epoch AS DOUBLE PRECISION)", c.Packages)
}

func addText(w *store.Where, a criteria.Attribute, filters []criteria.String) {
	if a == criteria.Severity {
		addSeverity(w, filters)
		return
	}
	if column := textColumn(a); column != "" {
		criteriasql.Strings(w, column, filters)
		return
	}
	rows, column := valueRows(a)
	criteriasql.Values(w, rows, column, filters)
}

// addSeverity turns the words into ranks: the severities that the filters let
// through.
func addSeverity(w *store.Where, filters []criteria.String) {
	store.In(w, "(f.severity + 0)", ranks(filters)...)
}

// ranks are those of the severities that filters let through.
func ranks(filters []criteria.String) (list []int) {
	for _, s := range finding.Severities() {
		if severityPasses(string(s), filters) {
			list = append(list, s.Rank())
		}
	}
	return list
}

func severityPasses(word string, filters []criteria.String) bool {
	wanted, found := false, false
	for _, f := range filters {
		hit := f.Value == word || (f.Comparison == criteria.Prefix && strings.HasPrefix(word, f.Value))
		if f.Comparison == criteria.NotEquals {
			if hit {
				return false
			}
			continue
		}
		wanted, found = true, found || hit
	}
	return found || !wanted
}

func addDates(w *store.Where, a criteria.Attribute, filters []criteria.Date) {
	switch a {
	case criteria.FirstObservedAt:
		criteriasql.Dates(w, "f.first_observed_at", filters)
	case criteria.LastObservedAt:
		criteriasql.Dates(w, "f.last_observed_at", filters)
	case criteria.UpdatedAt:
		criteriasql.Dates(w, "f.updated_at", filters)
	case criteria.ImagePushedAt:
		criteriasql.Dates(w, "f.pushed_at", filters)
	default:
		criteriasql.DateRows(w, attributeRows(a), "v.number", filters)
	}
}

func addNumbers(w *store.Where, a criteria.Attribute, filters []criteria.Number) {
	switch a {
	case criteria.InspectorScore:
		criteriasql.Numbers(w, "f.score", filters)
	case criteria.EPSSScore:
		criteriasql.Numbers(w, "f.epss", filters)
	default:
		criteriasql.NumberRows(w, attributeRows(a), "v.number", filters)
	}
}

// equalTo returns the values of a criterion that asks for nothing but equality
// with some of them; nil otherwise.
func equalTo(c *criteria.Criteria, a criteria.Attribute) []string {
	var values []string
	for _, f := range c.Strings[a] {
		if f.Comparison != criteria.Equals || strings.ContainsRune(f.Value, 0) {
			return nil
		}
		values = append(values, f.Value)
	}
	return values
}

func sorted[V any](m map[criteria.Attribute]V) []criteria.Attribute {
	keys := make([]criteria.Attribute, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
