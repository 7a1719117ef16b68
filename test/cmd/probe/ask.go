package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/test/fleetgen"
)

// prober makes signed calls of a server in this process.
type prober struct {
	caller *fleetgen.Caller
	rounds int
}

// ask makes a call several times. Deep questions go from page to page, the
// others ask for the first page every time.
func (p *prober) ask(ctx context.Context, q question) error {
	var took []time.Duration
	next, used, bytes := "", processor(), 0
	for range p.rounds {
		began := time.Now()
		answer, err := p.call(ctx, q, next)
		if err != nil {
			return err
		}
		took = append(took, time.Since(began))
		bytes = len(answer)
		if !q.deep {
			continue
		}
		var page struct {
			NextToken string `json:"nextToken"`
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return err
		}
		next = page.NextToken
	}
	used = processor() - used
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("%-56s %9.1f %9.1f %9.1f  %d bytes\n", q.name, ms(took[len(took)/2]), ms(took[len(took)-1]), ms(used)/float64(p.rounds), bytes)
	return nil
}

// call makes one signed call, which must succeed.
func (p *prober) call(ctx context.Context, q question, next string) ([]byte, error) {
	body := map[string]any{}
	if err := json.Unmarshal([]byte(q.body), &body); err != nil {
		return nil, err
	}
	if next != "" {
		body["nextToken"] = next
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return p.caller.Call(ctx, q.account, q.path, q.target, text)
}
