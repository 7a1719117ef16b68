package load

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// latencies collects how long things took, and how often they were put off.
type latencies struct {
	mu             sync.Mutex // guards all below
	list           []time.Duration
	refused, broke int
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, d)
}

// refuse counts what the server put off, and connections that broke.
func (l *latencies) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := err.(*refusal); ok {
		l.refused++
	} else {
		l.broke++
	}
}

// String tells the median, the 95th and the 99th percentile, and the worst.
func (l *latencies) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		return "none"
	}
	slices.Sort(l.list)
	at := func(percent int) float64 {
		return float64(l.list[min(len(l.list)-1, len(l.list)*percent/100)].Microseconds()) / 1000
	}
	text := fmt.Sprintf("p50 %.1f ms, p95 %.1f, p99 %.1f, worst %.1f of %d", at(50), at(95), at(99), at(100), len(l.list))
	if l.refused+l.broke > 0 {
		text += fmt.Sprintf("; %d put off, %d connections broke", l.refused, l.broke)
	}
	return text
}
