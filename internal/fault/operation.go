package fault

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
)

// AddHandlers adds the desk's operations to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.PutFault, h.ListFaults, h.DeleteFault = s.PutFault, s.ListFaults, s.DeleteFault
}

// refused is the answer of an installation without fault injection.
func (s *Service) refused() error {
	if s.on {
		return nil
	}
	return &muster.AccessDeniedException{
		Message: "Fault injection is off. The operator of a test installation switches it on: fault_injection: true, on a loopback address only.",
	}
}

// PutFault sets a rule, with its counters at zero.
func (s *Service) PutFault(_ context.Context, _ *awsmodel.Call, in *muster.PutFaultInput) (*muster.PutFaultOutput, error) {
	if err := s.refused(); err != nil {
		return nil, err
	}
	f := muster.Fault{
		FaultId: in.FaultId, Kind: in.Kind, Service: in.Service, Operation: in.Operation, AccountIds: in.AccountIds, Regions: in.Regions,
		ResourceTypes: in.ResourceTypes, Action: in.Action, ErrorCode: in.ErrorCode, ErrorMessage: in.ErrorMessage, HttpStatus: in.HttpStatus,
		RetryAfterSeconds: in.RetryAfterSeconds, DelayMilliseconds: in.DelayMilliseconds, Transition: in.Transition,
		Skip: in.Skip, Times: in.Times, Every: in.Every, Percent: in.Percent,
	}
	if err := check(f); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rules[f.FaultId] == nil && len(s.rules) >= mostRules {
		return nil, &muster.ConflictException{
			Message: fmt.Sprintf("There are %d faults, as many as there may be.", mostRules), ResourceId: f.FaultId, ResourceType: "Fault",
		}
	}
	s.rules[f.FaultId] = &rule{f}
	return &muster.PutFaultOutput{Fault: &f}, nil
}

// members are what a rule may say beside what it is called, by kind.
func members(kind muster.FaultKind) (may, must []string) {
	counts := []string{"skip", "times", "every", "percent"}
	door := append([]string{"service", "operation", "accountIds", "regions", "errorMessage", "retryAfterSeconds"}, counts...)
	switch kind {
	case muster.FaultKindThrottling:
		return door, nil
	case muster.FaultKindServerError:
		return append(door, "httpStatus"), nil
	case muster.FaultKindSlowTransition:
		return []string{"accountIds", "regions"}, []string{"transition", "delayMilliseconds"}
	case muster.FaultKindAccountFailure:
		return append([]string{"action", "accountIds", "regions", "resourceTypes", "errorMessage", "transition"}, counts...), []string{"errorCode"}
	}
	return counts, []string{"errorCode"}
}

// said lists what a rule says.
func said(f muster.Fault) []string {
	var list []string
	for name, is := range map[string]bool{
		"service": f.Service != nil, "operation": f.Operation != nil, "accountIds": f.AccountIds != nil, "regions": f.Regions != nil,
		"resourceTypes": f.ResourceTypes != nil, "action": f.Action != "", "errorCode": f.ErrorCode != nil, "errorMessage": f.ErrorMessage != nil,
		"httpStatus": f.HttpStatus != nil, "retryAfterSeconds": f.RetryAfterSeconds != nil, "delayMilliseconds": f.DelayMilliseconds != nil,
		"transition": f.Transition != "", "skip": f.Skip != nil, "times": f.Times != nil, "every": f.Every != nil, "percent": f.Percent != nil,
	} {
		if is {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// check refuses rules that would not do what they seem to say.
func check(f muster.Fault) error {
	may, must := members(f.Kind)
	has := said(f)
	for _, name := range must {
		if !slices.Contains(has, name) {
			return invalid(name, "A fault of kind %s needs %s.", f.Kind, name)
		}
	}
	for _, name := range has {
		if !slices.Contains(may, name) && !slices.Contains(must, name) {
			return invalid(name, "A fault of kind %s has no %s.", f.Kind, name)
		}
	}
	if f.Every != nil && f.Percent != nil {
		return invalid("percent", "Give every or percent, not both.")
	}
	switch f.Kind {
	case muster.FaultKindAccountFailure:
		if f.Transition != "" {
			return checkActivation(f)
		}
		return known("errorCode", *f.ErrorCode, accountCodes())
	case muster.FaultKindAccountCreationFailure:
		return known("errorCode", *f.ErrorCode, creationReasons())
	}
	return nil
}

// checkActivation: switching on that fails in the end is asked about by jobs,
// which may run again, so that nothing can be counted.
func checkActivation(f muster.Fault) error {
	switch {
	case f.Transition != muster.FaultTransitionScans:
		return invalid("transition", "Only the transition SCANS fails in the end.")
	case f.Action == muster.RolloutActionDisable:
		return invalid("action", "Switching off does not fail in the end.")
	case f.Skip != nil || f.Times != nil || f.Every != nil || f.Percent != nil:
		return invalid("times", "What fails in the end is not counted: delete the fault to let the next attempt succeed.")
	}
	return known("errorCode", *f.ErrorCode, accountCodes())
}

func known(name, value string, values []string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return invalid(name, "%s is none of %v.", value, values)
}

func invalid(name, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: name, Message: message}},
	}
}

// accountCodes are the codes of accounts that fail in a batch.
func accountCodes() []string { return enumOf("ErrorCode", inspector2.Handlers{}.Service().Model) }

// creationReasons are why an account is not created.
func creationReasons() []string {
	return enumOf("CreateAccountFailureReason", organizations.Handlers{}.Service().Model)
}

// ListFaults lists the rules by id.
func (s *Service) ListFaults(context.Context, *awsmodel.Call, *muster.ListFaultsInput) (*muster.ListFaultsOutput, error) {
	if err := s.refused(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &muster.ListFaultsOutput{Faults: []muster.Fault{}}
	for _, id := range slices.Sorted(maps.Keys(s.rules)) {
		out.Faults = append(out.Faults, s.rules[id].Fault)
	}
	return out, nil
}

// DeleteFault ends a rule.
func (s *Service) DeleteFault(_ context.Context, _ *awsmodel.Call, in *muster.DeleteFaultInput) (*muster.DeleteFaultOutput, error) {
	if err := s.refused(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rules[in.FaultId] == nil {
		return nil, &muster.ResourceNotFoundException{Message: "There is no fault " + in.FaultId + "."}
	}
	delete(s.rules, in.FaultId)
	return &muster.DeleteFaultOutput{}, nil
}
