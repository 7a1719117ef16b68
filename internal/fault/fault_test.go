package fault_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/fault"
	"muster/internal/store/activation"

	"pgregory.net/rapid"
)

const one, two arn.AccountID = "111111111111", "222222222222"

// put sets a rule, which must be accepted.
func put(t testing.TB, s *fault.Service, in muster.PutFaultInput) {
	t.Helper()
	if _, err := s.PutFault(t.Context(), nil, &in); err != nil {
		t.Fatal(err)
	}
}

// door asks at the door as an account; "" is through.
func door(s *fault.Service, account arn.AccountID, service, operation string) string {
	through := s.Door(func(context.Context, *awsmodel.Call, *awsmodel.Operation, any) error { return nil })
	call := &awsmodel.Call{Principal: arn.Principal{Account: account}, Region: "us-east-1"}
	if err := through(context.Background(), call, &awsmodel.Operation{Service: service, Name: operation}, nil); err != nil {
		return err.Error()
	}
	return ""
}

// TestOffMeansOff: an installation without fault injection says so.
func TestOffMeansOff(t *testing.T) {
	s := fault.New(false)
	_, err := s.PutFault(t.Context(), nil, &muster.PutFaultInput{FaultId: "a", Kind: muster.FaultKindThrottling})
	_, err2 := s.ListFaults(t.Context(), nil, nil)
	_, err3 := s.DeleteFault(t.Context(), nil, &muster.DeleteFaultInput{FaultId: "a"})
	for _, err := range []error{err, err2, err3} {
		if err == nil || !strings.HasPrefix(err.Error(), "AccessDeniedException: Fault injection is off.") {
			t.Errorf("got %v", err)
		}
	}
	if s.On() {
		t.Error("it is on")
	}
}

// TestRulesThatMakeNoSense are refused, naming the member.
func TestRulesThatMakeNoSense(t *testing.T) {
	scans := muster.FaultTransitionScans
	for _, c := range []struct {
		in   muster.PutFaultInput
		want string
	}{
		{muster.PutFaultInput{Kind: muster.FaultKindThrottling, ErrorCode: new("X")}, "A fault of kind THROTTLING has no errorCode."},
		{muster.PutFaultInput{Kind: muster.FaultKindThrottling, Every: new(int32(2)), Percent: new(int32(2))}, "Give every or percent, not both."},
		{muster.PutFaultInput{Kind: muster.FaultKindThrottling, HttpStatus: new(int32(500))}, "A fault of kind THROTTLING has no httpStatus."},
		{muster.PutFaultInput{Kind: muster.FaultKindSlowTransition, Transition: scans}, "A fault of kind SLOW_TRANSITION needs delayMilliseconds."},
		{muster.PutFaultInput{Kind: muster.FaultKindSlowTransition, Transition: scans, DelayMilliseconds: new(int32(1)), Times: new(int32(1))}, "A fault of kind SLOW_TRANSITION has no times."},
		{muster.PutFaultInput{Kind: muster.FaultKindAccountFailure}, "A fault of kind ACCOUNT_FAILURE needs errorCode."},
		{muster.PutFaultInput{Kind: muster.FaultKindAccountFailure, ErrorCode: new("BAD_LUCK")}, "BAD_LUCK is none of [ALREADY_ENABLED "},
		{muster.PutFaultInput{Kind: muster.FaultKindAccountFailure, ErrorCode: new("INTERNAL_ERROR"), Transition: muster.FaultTransitionMember}, "Only the transition SCANS fails in the end."},
		{muster.PutFaultInput{Kind: muster.FaultKindAccountFailure, ErrorCode: new("INTERNAL_ERROR"), Transition: scans, Times: new(int32(1))}, "What fails in the end is not counted"},
		{muster.PutFaultInput{Kind: muster.FaultKindAccountFailure, ErrorCode: new("INTERNAL_ERROR"), Transition: scans, Action: muster.RolloutActionDisable}, "Switching off does not fail in the end."},
		{muster.PutFaultInput{Kind: muster.FaultKindAccountCreationFailure, ErrorCode: new("INTERNAL_ERROR")}, "INTERNAL_ERROR is none of [ACCOUNT_LIMIT_EXCEEDED "},
	} {
		c.in.FaultId = "f"
		_, err := fault.New(true).PutFault(t.Context(), nil, &c.in)
		if err == nil || !strings.HasPrefix(err.Error(), "ValidationException: "+c.want) {
			t.Errorf("%+v: %v, want %s", c.in, err, c.want)
		}
	}
}

// TestTheDoor: who is refused, how, and that the tester's own way stays open.
func TestTheDoor(t *testing.T) {
	s := fault.New(true)
	put(t, s, muster.PutFaultInput{FaultId: "1", Kind: muster.FaultKindThrottling, Service: new("inspector2"), Operation: new("Enable"), AccountIds: []string{string(one)}, Times: new(int32(2)), Skip: new(int32(1))})
	put(t, s, muster.PutFaultInput{FaultId: "2", Kind: muster.FaultKindServerError, Service: new("organizations"), ErrorMessage: new("gone"), HttpStatus: new(int32(503))})
	put(t, s, muster.PutFaultInput{FaultId: "3", Kind: muster.FaultKindServerError, Service: new("muster"), Regions: []string{"us-east-1"}})
	put(t, s, muster.PutFaultInput{FaultId: "4", Kind: muster.FaultKindThrottling, Service: new("iam"), Regions: []string{"eu-west-1"}})
	var got []string
	for range 4 {
		got = append(got, door(s, one, "inspector2", "Enable"))
	}
	got = append(got, door(s, two, "inspector2", "Enable"), door(s, one, "inspector2", "Disable"), door(s, one, "organizations", "ListRoots"),
		door(s, one, "muster", "ListHosts"), door(s, one, "muster", "DeleteFault"), door(s, one, "iam", "GetUser"))
	want := []string{
		"", "ThrottlingException: Rate exceeded", "ThrottlingException: Rate exceeded", "", "", "", "ServiceUnavailable: gone",
		"InternalFailure: The request processing has failed because of an unknown error.", "", "",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	list, err := s.ListFaults(t.Context(), nil, nil)
	if err != nil || len(list.Faults) != 4 || list.Faults[0].Matched != 4 || list.Faults[0].Injected != 2 {
		t.Errorf("listed %+v, %v", list, err)
	}
	if _, err := s.DeleteFault(t.Context(), nil, &muster.DeleteFaultInput{FaultId: "2"}); err != nil || door(s, one, "organizations", "ListRoots") != "" {
		t.Errorf("a deleted fault strikes, or %v", err)
	}
	if _, err := s.DeleteFault(t.Context(), nil, &muster.DeleteFaultInput{FaultId: "2"}); err == nil {
		t.Error("a fault can be deleted twice")
	}
}

// TestWhatIsDecidedForACallStays: asking twice counts once, another call is
// decided anew.
func TestWhatIsDecidedForACallStays(t *testing.T) {
	s := fault.New(true)
	put(t, s, muster.PutFaultInput{FaultId: "f", Kind: muster.FaultKindAccountFailure, ErrorCode: new("SSM_THROTTLED"), ResourceTypes: []muster.ResourceType{muster.ResourceTypeEc2}, Times: new(int32(1)), Action: muster.RolloutActionEnable})
	off, first, second := s.Refusals(true, "us-east-1"), s.Refusals(false, "us-east-1"), s.Refusals(false, "us-east-1")
	ask := func(d func(arn.AccountID, activation.ScanType) (inspector2.ErrorCode, string), t activation.ScanType) string {
		code, _ := d(one, t)
		return string(code)
	}
	got := fmt.Sprint(ask(off, activation.EC2), ask(first, activation.ECR), ask(first, activation.EC2), ask(first, activation.EC2), ask(second, activation.EC2), ask(second, activation.EC2))
	if got != fmt.Sprint("", "", "SSM_THROTTLED", "SSM_THROTTLED", "", "") {
		t.Errorf("got %s", got)
	}
	put(t, s, muster.PutFaultInput{FaultId: "g", Kind: muster.FaultKindAccountCreationFailure, ErrorCode: new("INTERNAL_FAILURE"), Every: new(int32(2))})
	var reasons []string
	for _, request := range []string{"a", "b", "a", "b", "c"} {
		reasons = append(reasons, string(s.CreationFailure(request)))
	}
	if got := strings.Join(reasons, ","); got != ",INTERNAL_FAILURE,,INTERNAL_FAILURE," {
		t.Errorf("created: %s", got)
	}
}

// TestDelays: of several rules the longest counts, and states have one name
// each whoever asks.
func TestDelays(t *testing.T) {
	s := fault.New(true)
	for i, d := range []int32{5, 7} {
		put(t, s, muster.PutFaultInput{FaultId: fmt.Sprint(i), Kind: muster.FaultKindSlowTransition, Transition: muster.FaultTransitionScans, DelayMilliseconds: &d, AccountIds: []string{string(one)}})
	}
	put(t, s, muster.PutFaultInput{FaultId: "m", Kind: muster.FaultKindSlowTransition, Transition: muster.FaultTransitionMember, DelayMilliseconds: new(int32(9)), Regions: []string{"eu-west-1"}})
	got := []time.Duration{
		s.Delay("ENABLING", one, "us-east-1"), s.Delay("DISABLING", one, ""), s.Delay("ENABLING", two, "us-east-1"),
		s.Delay("CREATED", two, "eu-west-1"), s.Delay("CREATED", two, "us-east-1"), s.Delay("POLICY_TYPE", one, ""),
	}
	if want := "[7ms 7ms 0s 9ms 0s 0s]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestCounting holds for any rule: so many strike as it says, and the same
// calls in the same order always meet the same.
func TestCounting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := muster.PutFaultInput{FaultId: "f", Kind: muster.FaultKindThrottling}
		skip, n := rapid.IntRange(0, 20).Draw(rt, "skip"), rapid.IntRange(1, 300).Draw(rt, "calls")
		in.Skip = new(int32(skip))
		want := max(n-skip, 0)
		if rapid.Bool().Draw(rt, "every") {
			every := rapid.IntRange(1, 10).Draw(rt, "n-th")
			in.Every, want = new(int32(every)), want/every
		} else {
			percent := rapid.IntRange(1, 100).Draw(rt, "percent")
			in.Percent, want = new(int32(percent)), want*percent/100
		}
		if rapid.Bool().Draw(rt, "bounded") {
			times := rapid.IntRange(1, 50).Draw(rt, "times")
			in.Times, want = new(int32(times)), min(want, times)
		}
		var runs [2]string
		for i := range runs {
			s := fault.New(true)
			put(t, s, in)
			struck := 0
			for range n {
				answer := door(s, one, "sts", "AssumeRole")
				if answer != "" {
					struck++
				}
				runs[i] += answer + ";"
			}
			if struck != want {
				rt.Fatalf("%d of %d calls were struck, want %d", struck, n, want)
			}
		}
		if runs[0] != runs[1] {
			rt.Fatal("the same calls met different things")
		}
	})
}
