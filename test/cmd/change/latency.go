package main

import (
	"fmt"
	"slices"
	"time"
)

// latencies are the times that calls took.
type latencies struct {
	took   []time.Duration
	failed int
}

func (l latencies) String() string {
	if len(l.took) == 0 {
		return fmt.Sprintf("none, %d failed", l.failed)
	}
	slices.Sort(l.took)
	at := func(part float64) float64 {
		return float64(l.took[int(part*float64(len(l.took)-1))].Microseconds()) / 1000
	}
	return fmt.Sprintf("%d, median %.1f ms, p95 %.1f, p99 %.1f, slowest %.1f, %d failed", len(l.took), at(0.5), at(0.95), at(0.99), at(1), l.failed)
}
