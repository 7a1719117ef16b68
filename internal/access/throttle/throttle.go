// Package throttle bounds how often an account calls an operation, the way AWS
// does: each pair of account and operation has a bucket of tokens that fills at
// a steady rate, every call takes one, and a call that finds none is refused.
//
// Nothing is random and nothing reads a clock: the answer follows from the
// calls and their times. Buckets are of one process; several servers on one
// store let through several times as much.
package throttle

import (
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/organizations"
)

// Rate is how fast a bucket fills, in tokens a second, and how many it holds.
type Rate struct{ PerSecond, Burst float64 }

// maxBuckets is how many buckets are kept before full ones, which say nothing,
// are dropped.
const maxBuckets = 10_000

// Limiter keeps the buckets. It is safe for concurrent use.
type Limiter struct {
	mu      sync.Mutex
	buckets map[key]bucket
}

type key struct {
	account arn.AccountID
	service string
	op      string
}

// bucket is how many tokens there were at a time.
type bucket struct {
	rate   Rate
	tokens float64
	at     time.Time
}

// New returns a Limiter with AWS's rates.
func New() *Limiter { return &Limiter{buckets: map[key]bucket{}} }

// Check takes a token for a call and returns nil, or the service's own refusal
// when there is none.
func (l *Limiter) Check(call *awsmodel.Call, op *awsmodel.Operation) error {
	rate, ok := rateOf(op.Service, op.Name)
	if !ok {
		return nil
	}
	wait, ok := l.take(key{call.Account(), op.Service, op.Name}, rate, call.Time)
	if ok {
		return nil
	}
	return refusal(op.Service, wait)
}

// whole is a token but for what rounding has lost.
const whole = 1 - 1e-9

// take takes a token, or says how long until there is one.
func (l *Limiter) take(k key, rate Rate, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[k]
	if !known {
		l.sweep(now)
		b = bucket{rate: rate, tokens: rate.Burst, at: now}
	}
	b = b.filled(now)
	if b.tokens < whole {
		l.buckets[k] = b
		return time.Duration((1 - b.tokens) / rate.PerSecond * float64(time.Second)), false
	}
	b.tokens--
	l.buckets[k] = b
	return 0, true
}

// filled is the bucket at a later time. Calls that are handled in another
// order than they came in find it as it is.
func (b bucket) filled(now time.Time) bucket {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(b.rate.Burst, b.tokens+passed.Seconds()*b.rate.PerSecond)
		b.at = now
	}
	return b
}

// sweep drops full buckets when there are too many.
func (l *Limiter) sweep(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for k, b := range l.buckets {
		if b.filled(now).tokens >= b.rate.Burst {
			delete(l.buckets, k)
		}
	}
}

// refusal is how a service says that a caller is too quick.
func refusal(service string, wait time.Duration) error {
	switch service {
	case "organizations":
		return &organizations.TooManyRequestsException{
			Type:    new("REQUEST_RATE"),
			Message: "You have sent too many requests in too short a period of time. Try again later.",
		}
	case "inspector2":
		seconds := int32((wait + time.Second - 1) / time.Second)
		return &inspector2.ThrottlingException{Message: "Rate exceeded", RetryAfterSeconds: &seconds}
	}
	return &awsmodel.Fault{Code: "Throttling", Message: "Rate exceeded"}
}
