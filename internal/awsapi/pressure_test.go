package awsapi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/admit"
	"muster/internal/awsmodel"
)

var errAway = errors.New("the database is away at 10.0.0.7")

func awayIsLater(c *Config) { c.TryLater = func(err error) bool { return errors.Is(err, errAway) } }

// TestWhatPassesByItselfIsPutOff: in AWS's words, with when to come back, for
// every protocol, and without a word of the cause.
func TestWhatPassesByItselfIsPutOff(t *testing.T) {
	l := newLab(t, testDesks(), awayIsLater)
	for _, err := range []error{errAway, context.DeadlineExceeded} {
		l.denied = err
		if errors.Is(err, context.DeadlineExceeded) {
			l.config.Patience = time.Nanosecond
		}
		for code, m := range map[string]message{
			"ServiceUnavailableException": inspectorCall(`{}`),
			"ServiceUnavailable":          iamCall("Action=ListUsers&Version=2010-05-08"),
		} {
			a := l.do(t, signer{}.sign(t, m))
			if a.status != 503 || a.code != code || a.header.Get("Retry-After") != "1" || strings.Contains(a.body, "10.0.0.7") {
				t.Errorf("%v: got %d %s %v %s", err, a.status, a.code, a.header, a.body)
			}
		}
	}
}

// TestFloodsAreThrottled: who asks while too many wait is refused as AWS refuses
// who asks too often, and let in again afterwards.
func TestFloodsAreThrottled(t *testing.T) {
	entered, proceed := make(chan bool), make(chan bool)
	l := newLab(t, testDesks(), func(c *Config) {
		c.Calls = admit.Limits{Inside: 1, Waiting: 0, Patience: time.Minute}
		c.Authorize = func(context.Context, *awsmodel.Call, *awsmodel.Operation, any) error {
			entered <- true
			<-proceed
			return nil
		}
	})
	first := make(chan int)
	r := signer{}.sign(t, inspectorCall(`{}`))
	go func() { first <- l.do(t, r).status }()
	<-entered
	a := l.do(t, signer{}.sign(t, inspectorCall(`{}`)))
	if a.status != 429 || a.code != "ThrottlingException" || a.header.Get("Retry-After") != "1" {
		t.Errorf("got %d %s %v", a.status, a.code, a.header)
	}
	proceed <- true
	if got := <-first; got != 200 {
		t.Errorf("the first got %d", got)
	}
	go func() { <-entered; proceed <- true }()
	if a := l.do(t, signer{}.sign(t, inspectorCall(`{}`))); a.status != 200 {
		t.Errorf("afterwards: %d %s", a.status, a.code)
	}
}
