// Package admit lets a bounded number of requests in at a time and makes the
// others wait, in turn: first every tenant's oldest, then every tenant's next,
// so that who asks for much waits for itself and not others for it. What waits
// is bounded, too. When there is no room left, the tenant with the most waiting
// loses its newest: a flood ends as refusals to its origin, not as memory.
package admit

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrFull says that too much waits already, or that a request has waited for
// too long: whoever asked is to come back later.
var ErrFull = errors.New("too many requests are waiting")

// Gate is where requests wait for their turn. It is safe for concurrent use.
type Gate struct {
	limits Limits

	mu sync.Mutex // guards all below
	// inside counts requests that were let in, waiting those that wait.
	inside, waiting int
	// tenants has those with waiting requests, the next one to be served in
	// front; byName finds them.
	tenants *list.List
	byName  map[string]*list.Element
}

// Limits are the bounds of a Gate.
type Limits struct {
	// Inside is how many requests are let in at a time, Waiting how many wait.
	Inside, Waiting int
	// Patience is how long one waits at most.
	Patience time.Duration
}

// tenant is a queue of requests of one origin.
type tenant struct {
	name  string
	queue *list.List
}

// request is one that waits. turn receives nil when it is let in, or ErrFull
// when it must make room.
type request struct {
	turn chan error
	gone bool
}

// New returns a gate.
func New(l Limits) *Gate {
	return &Gate{limits: l, tenants: list.New(), byName: map[string]*list.Element{}}
}

// Enter waits for the tenant's turn. The caller calls leave when it is done.
// The error is ErrFull, or why ctx ended.
func (g *Gate) Enter(ctx context.Context, name string) (leave func(), err error) {
	r := g.arrive(name)
	if r == nil {
		return g.leave(), nil
	}
	timer := time.NewTimer(g.limits.Patience)
	defer timer.Stop()
	select {
	case err := <-r.turn:
		return g.admitted(err)
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = ErrFull
	}
	if g.abandon(name, r) {
		return nil, err
	}
	// Its turn came at the same moment.
	return g.admitted(<-r.turn)
}

func (g *Gate) admitted(err error) (leave func(), refused error) {
	if err != nil {
		return nil, err
	}
	return g.leave(), nil
}

// Waiting tells how many requests wait and how many are inside.
func (g *Gate) Waiting() (waiting, inside int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting, g.inside
}

// arrive lets a request in at once, which nil says, or has it wait.
func (g *Gate) arrive(name string) *request {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside < g.limits.Inside && g.waiting == 0 {
		g.inside++
		return nil
	}
	r := &request{turn: make(chan error, 1)}
	g.enqueue(name, r)
	if g.waiting > g.limits.Waiting {
		g.displace()
	}
	return r
}

func (g *Gate) enqueue(name string, r *request) {
	e := g.byName[name]
	if e == nil {
		e = g.tenants.PushBack(&tenant{name, list.New()})
		g.byName[name] = e
	}
	tenantOf(e).queue.PushBack(r)
	g.waiting++
}

// displace refuses the newest request of the tenant that has the most.
func (g *Gate) displace() {
	most := g.tenants.Front()
	for e := most.Next(); e != nil; e = e.Next() {
		if tenantOf(e).queue.Len() > tenantOf(most).queue.Len() {
			most = e
		}
	}
	queue := tenantOf(most).queue
	g.take(most, queue.Back()).turn <- ErrFull
}

// take removes a request from its tenant's queue.
func (g *Gate) take(of *list.Element, e *list.Element) *request {
	t := tenantOf(of)
	r, _ := t.queue.Remove(e).(*request)
	r.gone = true
	g.waiting--
	if t.queue.Len() == 0 {
		g.tenants.Remove(of)
		delete(g.byName, t.name)
	}
	return r
}

// abandon takes a request back that nobody has answered; false when somebody
// has.
func (g *Gate) abandon(name string, r *request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.gone {
		return false
	}
	of := g.byName[name]
	for e := tenantOf(of).queue.Front(); e != nil; e = e.Next() {
		if e.Value == r {
			g.take(of, e)
			break
		}
	}
	return true
}

// leave returns what a request calls at its end: it lets the next one in.
func (g *Gate) leave() func() {
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inside--
		for g.inside < g.limits.Inside && g.waiting > 0 {
			g.next()
		}
	})
}

// next lets the oldest request of the next tenant in.
func (g *Gate) next() {
	of := g.tenants.Front()
	g.tenants.MoveToBack(of)
	g.inside++
	g.take(of, tenantOf(of).queue.Front()).turn <- nil
}

func tenantOf(e *list.Element) *tenant {
	t, _ := e.Value.(*tenant)
	return t
}
