// Package results is the half of the Inspector desk that answers for what was
// found: findings, their aggregations and details, resource coverage. Which
// accounts a caller sees is the other half's word (inspector.VisibleAccounts);
// what a filter means is package criteria's.
package results

import (
	"context"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/store"
)

// Config are the desk's parts.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Intel answers what is known of a CVE; false when nothing is.
	Intel func(ctx context.Context, cve string) (advisorydb.Intel, bool, error)
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
}

// New returns the desk.
func New(c Config) *Service { return &Service{config: c, store: c.Store} }

// AddHandlers adds the operations that this half implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.ListFindings = s.ListFindings
	h.ListFindingAggregations = s.ListFindingAggregations
	h.BatchGetFindingDetails = s.BatchGetFindingDetails
	h.SearchVulnerabilities = s.SearchVulnerabilities
	h.BatchGetCodeSnippet = s.BatchGetCodeSnippet
	h.GetClustersForImage = s.GetClustersForImage
	h.ListCoverage = s.ListCoverage
	h.ListCoverageStatistics = s.ListCoverageStatistics
}

// optional is a string member that is absent when empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// when is a time member that is absent when zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
