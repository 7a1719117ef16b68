package policies

import (
	"slices"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/orgpolicy"
	"muster/internal/store"
)

// mayHave is how many policies of a type an organization may have.
func (s *Service) mayHave(policyType string) int {
	l := s.desk.Limits()
	return ofType(policyType, l.Policies, l.ServiceControls, l.ResourceControls)
}

// mayHold is how many characters a policy of a type may have.
func (s *Service) mayHold(policyType string) int {
	l := s.desk.Limits()
	return ofType(policyType, l.Content, l.ServiceControlContent, l.ResourceControlContent)
}

func ofType(policyType string, usual, serviceControl, resourceControl int) int {
	switch policyType {
	case orgpolicy.ServiceControl:
		return serviceControl
	case orgpolicy.ResourceControl:
		return resourceControl
	}
	return usual
}

// mayAttach is how many policies of a type may be attached to one target.
func (s *Service) mayAttach(policyType string) int {
	switch api.PolicyType(policyType) {
	case api.PolicyTypeResourceControlPolicy, api.PolicyTypeChatbotPolicy, api.PolicyTypeAiservicesOptOutPolicy:
		return s.desk.Limits().FewAttachments
	}
	return s.desk.Limits().Attachments
}

// Options configure a Service.
type Options struct {
	// Regions are those that an Inspector policy may name.
	Regions []arn.Region
	// Transition is how long a policy type stays pending at least.
	Transition time.Duration
	// Delay is how much longer testers make that; nil means no longer.
	Delay func(transition string, account arn.AccountID, region arn.Region) time.Duration
	// Now is the clock of jobs; nil means time.Now.
	Now func() time.Time
}

// Service is the part of the desk for policies. It is safe for concurrent use.
type Service struct {
	store      *store.Store
	desk       *organizations.Service
	regions    []arn.Region
	transition time.Duration
	delay      func(string, arn.AccountID, arn.Region) time.Duration
	now        func() time.Time
}

// New returns the part over the desk's store.
func New(st *store.Store, desk *organizations.Service, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Delay == nil {
		opts.Delay = func(string, arn.AccountID, arn.Region) time.Duration { return 0 }
	}
	return &Service{
		store: st, desk: desk, regions: opts.Regions, transition: opts.Transition, delay: opts.Delay, now: opts.Now,
	}
}

func (s *Service) knownRegion(name string) bool { return slices.Contains(s.regions, arn.Region(name)) }

// AddHandlers adds the operations that this part implements.
func (s *Service) AddHandlers(h *api.Handlers) {
	h.CreatePolicy = s.CreatePolicy
	h.UpdatePolicy = s.UpdatePolicy
	h.DeletePolicy = s.DeletePolicy
	h.DescribePolicy = s.DescribePolicy
	h.ListPolicies = s.ListPolicies

	h.AttachPolicy = s.AttachPolicy
	h.DetachPolicy = s.DetachPolicy
	h.ListPoliciesForTarget = s.ListPoliciesForTarget
	h.ListTargetsForPolicy = s.ListTargetsForPolicy

	h.EnablePolicyType = s.EnablePolicyType
	h.DisablePolicyType = s.DisablePolicyType

	h.DescribeEffectivePolicy = s.DescribeEffectivePolicy
	h.ListEffectivePolicyValidationErrors = s.ListEffectivePolicyValidationErrors
	h.ListAccountsWithInvalidEffectivePolicy = s.ListAccountsWithInvalidEffectivePolicy

	h.PutResourcePolicy = s.PutResourcePolicy
	h.DescribeResourcePolicy = s.DescribeResourcePolicy
	h.DeleteResourcePolicy = s.DeleteResourcePolicy
}
