package fault

import (
	"context"
	"slices"
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
	"muster/internal/store/activation"
)

// Authorize is what the door asks before an operation runs.
type Authorize func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error

// Door lets calls fail at the door, before anybody is asked whether the caller
// may make them, as AWS throttles. The desk's own operations never fail so: a
// tester must be able to take a fault back.
func (s *Service) Door(next Authorize) Authorize {
	return func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
		if err := s.call(call, op); err != nil {
			return err
		}
		return next(ctx, call, op, in)
	}
}

func (s *Service) call(call *awsmodel.Call, op *awsmodel.Operation) (err error) {
	if op.Service == "muster" && slices.Contains([]string{"PutFault", "ListFaults", "DeleteFault"}, op.Name) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range []muster.FaultKind{muster.FaultKindThrottling, muster.FaultKindServerError} {
		s.each(kind, func(r *rule) bool {
			if r.calls(op) && r.about(call.Account(), call.Region) && r.counted() {
				err = r.answer(op)
			}
			return err != nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// calls reports whether a rule is about an operation.
func (r *rule) calls(op *awsmodel.Operation) bool {
	return (r.Service == nil || *r.Service == op.Service) && (r.Operation == nil || *r.Operation == op.Name)
}

// answer is the error that an operation fails with, in its service's words.
func (r *rule) answer(op *awsmodel.Operation) error {
	wait := int(number(r.RetryAfterSeconds, 0))
	if r.Kind == muster.FaultKindThrottling {
		return throttled(op.Service, r.message("Rate exceeded"), wait)
	}
	return broken(op.Service, r.message("The request processing has failed because of an unknown error."), int(number(r.HttpStatus, 500)), wait)
}

func (r *rule) message(otherwise string) string {
	if r.ErrorMessage != nil {
		return *r.ErrorMessage
	}
	return otherwise
}

func seconds(wait int) *int32 {
	if wait == 0 {
		return nil
	}
	return new(int32(wait))
}

func throttled(service, message string, wait int) error {
	if service == "inspector2" {
		return &inspector2.ThrottlingException{Message: message, RetryAfterSeconds: seconds(wait)}
	}
	return &awsmodel.Fault{Code: "Throttling", Message: message, RetryAfter: wait}
}

// broken is a server's error: with status 500 the service's own exception,
// else what a gateway before it would say.
func broken(service, message string, status, wait int) error {
	if status != 500 {
		code := map[int]string{501: "NotImplemented", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout"}[status]
		return &awsmodel.Fault{Code: code, Message: message, Status: status, RetryAfter: wait}
	}
	switch service {
	case "inspector2":
		return &inspector2.InternalServerException{Message: message, RetryAfterSeconds: seconds(wait)}
	case "organizations":
		return &organizations.ServiceException{Message: message}
	case "ecr":
		return &ecr.ServerException{Message: message}
	case "iam":
		return &awsmodel.Fault{Code: "ServiceFailure", Message: message, Status: status, RetryAfter: wait}
	}
	return &awsmodel.Fault{Code: "InternalFailure", Message: message, Status: status, RetryAfter: wait}
}

// place is an account's scan type.
type place struct {
	account arn.AccountID
	scan    activation.ScanType
}

// verdict is how it fails; an empty code means not at all.
type verdict struct {
	code    inspector2.ErrorCode
	message string
}

// Refusals implements inspector.Faults: what is decided for a call is
// remembered for it, so that asking twice counts once.
func (s *Service) Refusals(disable bool, region arn.Region) func(arn.AccountID, activation.ScanType) (inspector2.ErrorCode, string) {
	action := muster.RolloutActionEnable
	if disable {
		action = muster.RolloutActionDisable
	}
	var mu sync.Mutex
	decided := map[place]verdict{}
	return func(account arn.AccountID, scan activation.ScanType) (inspector2.ErrorCode, string) {
		mu.Lock()
		defer mu.Unlock()
		at := place{account, scan}
		v, ok := decided[at]
		if !ok {
			v = s.account(at, region, action)
			decided[at] = v
		}
		return v.code, v.message
	}
}

func (s *Service) account(at place, region arn.Region, action muster.RolloutAction) (v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each(muster.FaultKindAccountFailure, func(r *rule) bool {
		if r.Transition == "" && (r.Action == "" || r.Action == action) && r.scans(at, region) && r.counted() {
			v = r.verdict()
		}
		return v.code != ""
	})
	return v
}

// scans reports whether a rule is about an account's scan type.
func (r *rule) scans(at place, region arn.Region) bool {
	return r.about(at.account, region) && (len(r.ResourceTypes) == 0 || slices.Contains(r.ResourceTypes, muster.ResourceType(at.scan)))
}

func (r *rule) verdict() verdict {
	return verdict{inspector2.ErrorCode(*r.ErrorCode), r.message("A tester's fault: " + r.FaultId)}
}

// Activation implements inspector.Faults.
func (s *Service) Activation(account arn.AccountID, region arn.Region, scan activation.ScanType) (inspector2.ErrorCode, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var v verdict
	s.each(muster.FaultKindAccountFailure, func(r *rule) bool {
		if r.Transition == muster.FaultTransitionScans && r.scans(place{account, scan}, region) {
			r.Matched, r.Injected = r.Matched+1, r.Injected+1
			v = r.verdict()
		}
		return v.code != ""
	})
	return v.code, v.message
}

// transitionOf puts a state or transition of the desks under the rules' words.
func transitionOf(name string) muster.FaultTransition {
	switch name {
	case string(activation.Enabling), string(activation.Disabling), string(activation.Suspending):
		return muster.FaultTransitionScans
	case string(activation.SettingUp):
		return muster.FaultTransitionMember
	case string(activation.Removing):
		return muster.FaultTransitionAdministratorRemoval
	}
	return muster.FaultTransition(name)
}

// Delay implements inspector.Faults and organizations.Faults. Of several rules
// the longest counts.
func (s *Service) Delay(transition string, account arn.AccountID, region arn.Region) (d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each(muster.FaultKindSlowTransition, func(r *rule) bool {
		if r.Transition == transitionOf(transition) && r.about(account, region) {
			r.Matched, r.Injected = r.Matched+1, r.Injected+1
			d = max(d, time.Duration(number(r.DelayMilliseconds, 0))*time.Millisecond)
		}
		return false
	})
	return d
}

// rememberedRequests bounds the decisions about requests for accounts.
const rememberedRequests = 10_000

// CreationFailure implements organizations.Faults.
func (s *Service) CreationFailure(request string) organizations.CreateAccountFailureReason {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason, ok := s.created[request]; ok {
		return organizations.CreateAccountFailureReason(reason)
	}
	reason := ""
	s.each(muster.FaultKindAccountCreationFailure, func(r *rule) bool {
		if r.counted() {
			reason = *r.ErrorCode
		}
		return reason != ""
	})
	if len(s.created) >= rememberedRequests {
		clear(s.created) // of requests that are long decided
	}
	s.created[request] = reason
	return organizations.CreateAccountFailureReason(reason)
}

// enumOf lists the values of a model's enumeration.
func enumOf(name string, m *awsmodel.Model) []string {
	for _, shape := range m.Shapes {
		if shape.Name == name {
			return shape.Enum
		}
	}
	return nil
}
