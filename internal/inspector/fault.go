package inspector

import (
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store/activation"
)

// Faults is how testers make the desk fail. *fault.Service is one.
type Faults interface {
	// Refusals decides for one call of Enable or Disable, asked any number of
	// times for the same account and type, with which code and text that
	// fails; an empty code means that it does not.
	Refusals(disable bool, region arn.Region) func(arn.AccountID, activation.ScanType) (code inspector2.ErrorCode, message string)
	// Activation says with what switching a type on fails in the end.
	Activation(account arn.AccountID, region arn.Region, t activation.ScanType) (code inspector2.ErrorCode, message string)
	// Delay is how much longer than usual a state lasts, by AWS's word for it
	// (TransitionStates).
	Delay(state string, account arn.AccountID, region arn.Region) time.Duration
}

// draw decides what the tester's faults make of a type of an account.
type draw func(arn.AccountID, activation.ScanType) (code inspector2.ErrorCode, message string)

// faults decides for one call, before its transaction, which may run again.
func (s *Service) faults(disable bool, region arn.Region) draw {
	if s.config.Faults == nil {
		return nil
	}
	return s.config.Faults.Refusals(disable, region)
}

// afflict lets the targets of a call fail as decided.
func afflict(list []target, d draw) []target {
	for i := range list {
		list[i].fault = d
	}
	return list
}

// faulted is the refusal of a type that is to fail, or nil.
func (t target) faulted(types []activation.ScanType) *refusal {
	if t.fault == nil {
		return nil
	}
	for _, st := range types {
		if code, message := t.fault(t.account, st); code != "" {
			return &refusal{code, message}
		}
	}
	return nil
}

// delay is how much longer than usual a state lasts for an account.
func (s *Service) delay(state string, account arn.AccountID, region arn.Region) time.Duration {
	if s.config.Faults == nil {
		return 0
	}
	return s.config.Faults.Delay(state, account, region)
}
