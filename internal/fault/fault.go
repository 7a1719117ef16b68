// Package fault lets testers of automation make muster fail on purpose:
// throttled calls, server errors, slow transitions, accounts that cannot be
// switched on, accounts that cannot be created. What happens follows from the
// rules and the order of the calls alone, never from chance, so that a test
// that failed fails again.
//
// It exists only where the operator has switched it on, which the
// configuration permits on loopback addresses only. The rules are kept in
// memory, by process: they end with it.
package fault

import (
	"maps"
	"slices"
	"sync"

	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
)

// Service is the desk. It is safe for concurrent use.
type Service struct {
	// on: the operator has switched fault injection on.
	on bool

	mu    sync.Mutex
	rules map[string]*rule
	// created are the decisions about requests for accounts, whose jobs may
	// run again.
	created map[string]string
}

// New returns the desk; when it is not on, its operations say so.
func New(on bool) *Service {
	return &Service{on: on, rules: map[string]*rule{}, created: map[string]string{}}
}

// On reports whether faults may be injected: whether the desk must be asked.
func (s *Service) On() bool { return s.on }

// mostRules bounds the rules of a process.
const mostRules = 1000

// rule is a fault with its counters.
type rule struct {
	muster.Fault
}

// counted reports whether a rule that an event matches lets it fail: after the
// first Skip events every Every-th one, or Percent of a hundred spread evenly,
// Times at most.
func (r *rule) counted() bool {
	r.Matched++
	n := r.Matched - number(r.Skip, 0)
	if n <= 0 || r.Times != nil && r.Injected >= int64(*r.Times) {
		return false
	}
	hit := n%number(r.Every, 1) == 0
	if r.Percent != nil {
		p := int64(*r.Percent)
		hit = n*p/100 > (n-1)*p/100
	}
	if hit {
		r.Injected++
	}
	return hit
}

func number(p *int32, otherwise int64) int64 {
	if p == nil {
		return otherwise
	}
	return int64(*p)
}

// about reports whether a rule is about an account and a Region; "" is no
// Region in particular.
func (r *rule) about(account arn.AccountID, region arn.Region) bool {
	return (len(r.AccountIds) == 0 || slices.Contains(r.AccountIds, string(account))) &&
		(len(r.Regions) == 0 || region != "" && slices.Contains(r.Regions, string(region)))
}

// each goes through the rules of a kind in the order of their ids, until one
// answers true. The caller holds the lock.
func (s *Service) each(kind muster.FaultKind, do func(*rule) bool) {
	for _, id := range slices.Sorted(maps.Keys(s.rules)) {
		if r := s.rules[id]; r.Kind == kind && do(r) {
			return
		}
	}
}
