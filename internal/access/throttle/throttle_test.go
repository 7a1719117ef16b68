package throttle

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/organizations"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func call(account string, after time.Duration) *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Account: arn.AccountID(account)}, Time: start.Add(after)}
}

// TestBuckets: twelve at once, then eight a second; another account and
// another operation have buckets of their own.
func TestBuckets(t *testing.T) {
	list := &awsmodel.Operation{Service: "organizations", Name: "ListAccounts"}
	register := &awsmodel.Operation{Service: "organizations", Name: "RegisterDelegatedAdministrator"}
	for _, c := range []struct {
		op           *awsmodel.Operation
		burst, later int
	}{{list, 12, 8}, {register, 2, 1}} {
		l := New()
		through := func(account string, at time.Duration, op *awsmodel.Operation) (n int) {
			for l.Check(call(account, at), op) == nil {
				n++
			}
			return n
		}
		if n := through("111111111111", 0, c.op); n != c.burst {
			t.Errorf("%s: %d at once, want %d", c.op.Name, n, c.burst)
		}
		if n := through("111111111111", time.Second, c.op); n != c.later {
			t.Errorf("%s: %d after a second, want %d", c.op.Name, n, c.later)
		}
		if n := through("111111111111", time.Hour, c.op); n != c.burst {
			t.Errorf("%s: %d after an hour, want %d", c.op.Name, n, c.burst)
		}
		if n := through("222222222222", 0, c.op); n != c.burst {
			t.Errorf("%s: another account: %d, want %d", c.op.Name, n, c.burst)
		}
	}
}

// TestRefusals: each service in its own words.
func TestRefusals(t *testing.T) {
	for service, want := range map[string]string{
		"organizations": "TooManyRequestsException", "inspector2": "ThrottlingException", "iam": "Throttling", "sts": "Throttling",
	} {
		l, op := New(), &awsmodel.Operation{Service: service, Name: "GetCallerIdentity"}
		var err error
		for err == nil {
			err = l.Check(call("111111111111", 0), op)
		}
		code := ""
		if known, ok := errors.AsType[awsmodel.Error](err); ok {
			code = known.ErrorCode()
		} else if fault, ok := errors.AsType[*awsmodel.Fault](err); ok {
			code = fault.Code
		}
		if code != want {
			t.Errorf("%s: %v", service, err)
		}
		if e, ok := errors.AsType[*inspector2.ThrottlingException](err); ok && (e.RetryAfterSeconds == nil || *e.RetryAfterSeconds != 1) {
			t.Errorf("inspector2: retry after %v", e.RetryAfterSeconds)
		}
		if e, ok := errors.AsType[*organizations.TooManyRequestsException](err); ok && e.Type == nil {
			t.Error("organizations: no type")
		}
	}
	l := New()
	for range 1000 {
		if err := l.Check(call("111111111111", 0), &awsmodel.Operation{Service: "muster", Name: "Diagnose"}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWritesAreOperations keeps the table to the model, and complete: what is
// not a read by its name is a write.
func TestWritesAreOperations(t *testing.T) {
	known := map[string]bool{}
	for _, op := range (organizations.Handlers{}).Operations() {
		known[op.Name] = true
		reads := strings.HasPrefix(op.Name, "List") || strings.HasPrefix(op.Name, "Describe")
		if organizationsWrites[op.Name] == reads {
			t.Errorf("%s: in the table of writes: %v", op.Name, organizationsWrites[op.Name])
		}
	}
	for name := range organizationsWrites {
		if !known[name] {
			t.Errorf("%s is no operation", name)
		}
	}
}

// TestNeverMoreThanTheRate: whatever the calls, over any span no more than the
// burst and what has filled since.
func TestNeverMoreThanTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, op := New(), &awsmodel.Operation{Service: "organizations", Name: "ListAccounts"}
		now, passed := time.Duration(0), []time.Duration{}
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now += time.Duration(rapid.IntRange(0, 400).Draw(t, "milliseconds")) * time.Millisecond
			if l.Check(call("111111111111", now), op) == nil {
				passed = append(passed, now)
			}
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				if most := read.Burst + read.PerSecond*(passed[j]-passed[i]).Seconds(); float64(j-i+1) > most+1e-6 {
					t.Fatalf("%d calls within %s", j-i+1, passed[j]-passed[i])
				}
			}
		}
	})
}

// TestFullBucketsAreDropped: many accounts that called once do not add up.
func TestFullBucketsAreDropped(t *testing.T) {
	l, op := New(), &awsmodel.Operation{Service: "organizations", Name: "ListAccounts"}
	for i := range 3 * maxBuckets {
		if err := l.Check(call(fmt.Sprintf("%012d", i), time.Duration(i)*time.Millisecond), op); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.buckets); n > maxBuckets {
		t.Errorf("%d buckets", n)
	}
}
