package scan

import (
	"strings"
	"time"

	"muster/internal/finding"
)

// The words of coverage that functions have beside those of instances.
const (
	reasonRuntime = "UNSUPPORTED_RUNTIME"
	reasonExpired = "SCAN_ELIGIBILITY_EXPIRED"

	// functionExclusion and its value keep a function from being scanned
	// (scanning specification 1.7).
	functionExclusion      = "InspectorExclusion"
	functionExclusionValue = "LambdaStandardScanning"
	// idleFunction is how long a function counts that is neither invoked nor
	// updated.
	idleFunction = 90 * 24 * time.Hour
)

// judgeFunction decides how a function is covered.
func (s *Service) judgeFunction(q *question) verdict {
	f := q.resource.Function
	if f == nil {
		f = &finding.FunctionDetails{}
	}
	idle := f.UsedAt().Add(idleFunction)
	switch {
	case functionExcluded(q.resource.Tags):
		return q.closed(reasonExcluded)
	case !f.Supported:
		return q.closed(reasonRuntime)
	case !idle.After(q.now):
		return q.closed(reasonExpired)
	case q.inventory == nil:
		return verdict{Coverage: q.covered(codeActive, reasonPending)}
	}
	v := q.active(reasonSuccessful)
	if q.missing {
		v = q.active(reasonPending)
	}
	v.until = idle
	return v
}

// functionExcluded compares the tag's key and value as they are written.
func functionExcluded(tags map[string]string) bool {
	return strings.TrimSpace(tags[functionExclusion]) == functionExclusionValue
}
