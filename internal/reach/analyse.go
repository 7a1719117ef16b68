package reach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/network/facts"
	"muster/internal/store"
	"muster/internal/store/topology"
	"muster/internal/worker"
)

// errSuperseded says that other facts came meanwhile; they have asked for an
// analysis of their own.
var errSuperseded = errors.New("the network facts were replaced during the analysis")

// analyse is the handler of JobAnalyse: it works out what can be reached of the
// instances of a unit's accounts, stores what differs from before, and asks for
// the next time.
func (s *Service) analyse(ctx context.Context, job store.Job) error {
	var unit topology.Unit
	if err := json.Unmarshal(job.Payload, &unit); err != nil {
		return worker.Permanent(fmt.Errorf("payload of %s: %w", job.Kind, err))
	}
	list, places, err := s.inventory(ctx, unit)
	if errors.Is(err, errMoved) {
		return s.store.Update(ctx, func(tx *store.Tx) error { return askForAnalysis(ctx, tx, unit.Account, s.now()) })
	}
	if err != nil || len(places) == 0 {
		return err
	}
	s.follows.mu.Lock()
	defer s.follows.mu.Unlock()
	if err := s.write(ctx, unit, list, places); err != nil {
		s.follows.drop(unit)
		if errors.Is(err, errSuperseded) {
			return nil
		}
		return err
	}
	return nil
}

// write works out what differs and stores it.
func (s *Service) write(ctx context.Context, unit topology.Unit, list []topology.Snapshot, places []topology.Place) error {
	now := s.now()
	u := s.follows.take(unit)
	step, err := s.follow(ctx, u, list, now)
	if errors.Is(err, store.ErrNotFound) {
		return errSuperseded // Replaced since it was listed.
	}
	if err != nil {
		return err
	}
	if step.cut > 0 {
		s.config.Log.Warn("accounts have more network findings than are kept", "organization", unit.Organization, "account", unit.Account, "left out", step.cut)
	}
	w := &writing{service: s, all: u.all, described: u.described, now: now}
	for _, p := range places {
		if !step.whole && !step.changed[scopeOf(p)] {
			continue
		}
		if err := w.place(ctx, p, digestOf(list, p)); err != nil {
			return fmt.Errorf("network of %s in %s: %w", p.Account, p.Region, err)
		}
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for i := range list {
			if !step.whole && !step.changed[facts.Scope{Account: list[i].Account, Region: list[i].Region}] {
				continue
			}
			if err := topology.Analysed(ctx, tx, &list[i], now); err != nil {
				return err
			}
		}
		if len(list) == 0 {
			return nil
		}
		return askForUnit(ctx, tx, unit, u.whole.Add(s.config.Every))
	})
}

// errMoved says that an account is in an organization by now.
var errMoved = errors.New("the account has joined an organization")

// inventory lists the facts of a unit, and the accounts and Regions that may
// have something to change.
func (s *Service) inventory(ctx context.Context, unit topology.Unit) (list []topology.Snapshot, places []topology.Place, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if unit.Organization == "" {
			now, err := unitOf(ctx, tx, unit.Account)
			if err == nil && now != unit {
				err = errMoved
			}
			if err != nil {
				return err
			}
		}
		var err error
		if list, err = topology.Snapshots(ctx, tx, unit); err != nil {
			return err
		}
		places, err = topology.Regions(ctx, tx, unit)
		return err
	})
	seen := map[topology.Place]bool{}
	for _, p := range places {
		seen[p] = true
	}
	for i := range list {
		if p := (topology.Place{Account: list[i].Account, Region: list[i].Region}); !seen[p] {
			places = append(places, p)
		}
	}
	return list, places, err
}

func digestOf(list []topology.Snapshot, p topology.Place) string {
	for i := range list {
		if list[i].Account == p.Account && list[i].Region == p.Region {
			return list[i].Digest
		}
	}
	return ""
}

// writing brings what is stored of instances up to date with an analysis.
type writing struct {
	service   *Service
	all       map[place]*exposed
	described described
	now       time.Time
}

func scopeOf(p topology.Place) facts.Scope { return facts.Scope{Account: p.Account, Region: p.Region} }
