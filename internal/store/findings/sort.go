package findings

import (
	"database/sql"

	"muster/internal/arn"
)

// Field is what findings can be sorted by, in Inspector's words.
type Field string

// The sort fields.
const (
	ByAccount           Field = "AWS_ACCOUNT_ID"
	ByType              Field = "FINDING_TYPE"
	BySeverity          Field = "SEVERITY"
	ByFirstObservedAt   Field = "FIRST_OBSERVED_AT"
	ByLastObservedAt    Field = "LAST_OBSERVED_AT"
	ByStatus            Field = "FINDING_STATUS"
	ByResourceType      Field = "RESOURCE_TYPE"
	ByImagePushedAt     Field = "ECR_IMAGE_PUSHED_AT"
	ByImageRepository   Field = "ECR_IMAGE_REPOSITORY_NAME"
	ByImageRegistry     Field = "ECR_IMAGE_REGISTRY"
	ByNetworkProtocol   Field = "NETWORK_PROTOCOL"
	ByComponentType     Field = "COMPONENT_TYPE"
	ByVulnerabilityID   Field = "VULNERABILITY_ID"
	ByVulnerabilityFrom Field = "VULNERABILITY_SOURCE"
	ByInspectorScore    Field = "INSPECTOR_SCORE"
	ByVendorSeverity    Field = "VENDOR_SEVERITY"
	ByEPSSScore         Field = "EPSS_SCORE"
)

// order is how a field is stored and indexed: the index holds Region, the
// column (falling where down is set), account and id (both rising).
type order struct {
	column string
	down   bool
	// sparse columns are indexed only where they are not NULL; optional ones
	// can be NULL.
	sparse, optional bool
	// value is where a row's sort value is scanned to.
	value func() (dest any, get func() any)
}

func (o order) index() string { return "findings_by_" + o.column }

func textValue() (any, func() any) {
	var v sql.NullString
	return &v, func() any {
		if v.Valid {
			return v.String
		}
		return nil
	}
}

func intValue() (any, func() any) {
	var v sql.NullInt64
	return &v, func() any {
		if v.Valid {
			return v.Int64
		}
		return nil
	}
}

func floatValue() (any, func() any) {
	var v sql.NullFloat64
	return &v, func() any {
		if v.Valid {
			return v.Float64
		}
		return nil
	}
}

// orderOf says how findings are sorted by a field; an unknown or empty one
// counts as LAST_OBSERVED_AT.
func orderOf(f Field) order {
	switch f {
	case ByAccount:
		return order{column: "account", value: textValue}
	case ByType:
		return order{column: "type", value: textValue}
	case BySeverity:
		return order{column: "severity", down: true, value: intValue}
	case ByFirstObservedAt:
		return order{column: "first_observed_at", down: true, value: intValue}
	case ByStatus:
		return order{column: "status", value: textValue}
	case ByResourceType:
		return order{column: "resource_type", value: textValue}
	case ByImagePushedAt:
		return order{column: "pushed_at", down: true, sparse: true, optional: true, value: intValue}
	case ByImageRepository:
		return order{column: "repository", sparse: true, optional: true, value: textValue}
	case ByImageRegistry:
		return order{column: "registry", sparse: true, optional: true, value: textValue}
	case ByNetworkProtocol:
		return order{column: "protocol", sparse: true, optional: true, value: textValue}
	case ByComponentType:
		return order{column: "component_type", sparse: true, optional: true, value: textValue}
	}
	return orderOfPackages(f)
}

func orderOfPackages(f Field) order {
	switch f {
	case ByVulnerabilityID:
		return order{column: "vulnerability_id", optional: true, value: textValue}
	case ByVulnerabilityFrom:
		return order{column: "source", optional: true, value: textValue}
	case ByInspectorScore:
		return order{column: "score", down: true, optional: true, value: floatValue}
	case ByVendorSeverity:
		return order{column: "vendor_severity", optional: true, value: textValue}
	case ByEPSSScore:
		return order{column: "epss", down: true, optional: true, value: floatValue}
	}
	return order{column: "last_observed_at", down: true, value: intValue}
}

// Cursor is the place of the last finding of a page. The JSON form travels in
// page tokens.
type Cursor struct {
	// One of the three is the sort value; none where the finding lacks it.
	Text  *string  `json:"t,omitempty"`
	Int   *int64   `json:"i,omitempty"`
	Float *float64 `json:"f,omitempty"`

	Account arn.AccountID `json:"a"`
	ID      string        `json:"id"`
}

func cursorAt(h *head) *Cursor {
	c := &Cursor{Account: h.account, ID: h.id}
	switch v := h.sortValue.(type) {
	case string:
		c.Text = &v
	case int64:
		c.Int = &v
	case float64:
		c.Float = &v
	}
	return c
}

// value is the sort value, nil where the finding lacks it.
func (c *Cursor) value() any {
	switch {
	case c.Text != nil:
		return *c.Text
	case c.Int != nil:
		return *c.Int
	case c.Float != nil:
		return *c.Float
	}
	return nil
}
