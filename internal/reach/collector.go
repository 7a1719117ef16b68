package reach

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector/desk"
	"muster/internal/store"
	"muster/internal/store/topology"
)

// Secrets seals and opens secret access keys. *keyring.Keyring is one.
type Secrets interface {
	Seal(aad string, plain []byte) []byte
	Open(aad string, sealed []byte) ([]byte, error)
}

const (
	usualInterval  = time.Hour
	mostCollectors = 50
)

// CreateNetworkCollector has accounts looked at in AWS itself, at once and then
// at every interval. Without keys of its own a collector assumes roles with the
// server's credentials; then the external id is made here and never chosen, so
// that nobody has the server assume a role that trusts it for somebody else.
func (s *Service) CreateNetworkCollector(ctx context.Context, call *awsmodel.Call, in *muster.CreateNetworkCollectorInput) (*muster.CreateNetworkCollectorOutput, error) {
	c := topology.Collector{
		CollectorRef: topology.CollectorRef{Account: call.Account(), Region: call.Region}, Name: in.Name, CreatedAt: call.Time,
		CollectorSpec: topology.CollectorSpec{Role: in.RoleName, Every: usualInterval, Regions: []arn.Region{call.Region}},
	}
	if in.ExternalId != nil && in.AccessKeyId == nil {
		return nil, invalid("An external id may be chosen together with an access key only. Without one, the answer tells the external id that the roles have to ask for.")
	}
	c.ExternalID = "muster-" + strings.ToLower(rand.Text())
	if in.ExternalId != nil {
		c.ExternalID = *in.ExternalId
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		list, err := topology.Collectors(ctx, tx, c.Account, c.Region, "", mostCollectors)
		if err == nil && len(list) == mostCollectors {
			err = invalid("An account has at most %d network collectors in a Region.", mostCollectors)
		}
		if err != nil {
			return err
		}
		c.ID = topology.CollectorID(tx.NewID())
		return s.putCollector(ctx, tx, call, &c, &decided{
			accessKeyID: in.AccessKeyId, secret: in.SecretAccessKey, accounts: in.Accounts, regions: in.Regions, every: in.IntervalSeconds,
		})
	})
	if err != nil {
		return nil, err
	}
	return &muster.CreateNetworkCollectorOutput{Collector: wireCollector(&c)}, nil
}

// UpdateNetworkCollector changes what is given, and looks at once.
func (s *Service) UpdateNetworkCollector(ctx context.Context, call *awsmodel.Call, in *muster.UpdateNetworkCollectorInput) (*muster.UpdateNetworkCollectorOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*muster.UpdateNetworkCollectorOutput, error) {
		c, err := collectorOf(ctx, tx, call, in.CollectorId)
		if err != nil {
			return nil, err
		}
		if in.Name != nil {
			c.Name = *in.Name
		}
		if in.RoleName != nil {
			c.Role = *in.RoleName
		}
		err = s.putCollector(ctx, tx, call, &c, &decided{
			accessKeyID: in.AccessKeyId, secret: in.SecretAccessKey, accounts: in.Accounts, regions: in.Regions, every: in.IntervalSeconds,
		})
		return &muster.UpdateNetworkCollectorOutput{Collector: wireCollector(&c)}, err
	})
}

// decided is what a request says about a collector; nil is nothing.
type decided struct {
	accessKeyID, secret *string
	accounts            []muster.NetworkTarget
	regions             []string
	every               *int32
}

// putCollector stores a collector with what a request says of it and asks for a
// round.
func (s *Service) putCollector(ctx context.Context, tx *store.Tx, call *awsmodel.Call, c *topology.Collector, d *decided) error {
	c.UpdatedAt = call.Time
	if d.every != nil {
		c.Every = time.Duration(*d.every) * time.Second
	}
	if err := s.chooseKeys(c, d); err != nil {
		return err
	}
	if d.regions != nil {
		c.Regions = nil
		for _, r := range d.regions {
			c.Regions = append(c.Regions, arn.Region(r))
		}
	}
	slices.Sort(c.Regions)
	c.Regions = slices.Compact(c.Regions)
	for _, r := range c.Regions {
		if len(s.config.Regions) > 0 && !slices.Contains(s.config.Regions, r) {
			return invalid("Region %s is not one of this installation.", r)
		}
	}
	if err := chooseTargets(ctx, tx, c, d.accounts); err != nil {
		return err
	}
	other, err := topology.CollectorNamed(ctx, tx, c.Account, c.Region, c.Name)
	if err == nil && other.ID != c.ID {
		return &muster.ConflictException{Message: "There is a network collector named " + c.Name + " already.", ResourceId: string(other.ID), ResourceType: "NetworkCollector"}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := topology.PutCollector(ctx, tx, c); err != nil {
		return err
	}
	return askToCollect(ctx, tx, c.CollectorRef, call.Time)
}

// chooseKeys seals a new key.
func (s *Service) chooseKeys(c *topology.Collector, d *decided) error {
	switch {
	case (d.accessKeyID == nil) != (d.secret == nil):
		return invalid("An access key is its id and its secret; give both.")
	case d.accessKeyID != nil:
		c.KeyID = *d.accessKeyID
		c.Secret = s.config.Secrets.Seal(binding(c), []byte(*d.secret))
	case c.KeyID == "" && !s.config.Ambient:
		return invalid("An access key is needed: the operator of this server has not allowed collectors to use the server's own credentials (network_ambient_credentials).")
	}
	return nil
}

// binding is what a sealed key belongs to.
func binding(c *topology.Collector) string {
	return "network collector " + c.CollectorRef.String() + " " + c.KeyID
}

// chooseTargets takes over the accounts of a request that the collector's
// account sees.
func chooseTargets(ctx context.Context, tx *store.Tx, c *topology.Collector, accounts []muster.NetworkTarget) error {
	if accounts == nil {
		return nil
	}
	c.Targets = nil
	seen := map[arn.AccountID]bool{}
	for _, a := range accounts {
		t := topology.Target{Account: arn.AccountID(a.AccountId)}
		if a.AwsAccountId != nil && *a.AwsAccountId != a.AccountId {
			t.As = arn.AccountID(*a.AwsAccountId)
		}
		for _, r := range c.Regions {
			if err := mustSee(ctx, tx, c.Account, t.Account, r); err != nil {
				return err
			}
		}
		if seen[t.Account] {
			return invalid("Account %s is named twice.", t.Account)
		}
		seen[t.Account] = true
		c.Targets = append(c.Targets, t)
	}
	return nil
}

func collectorOf(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) (topology.Collector, error) {
	c, err := topology.LookupCollector(ctx, tx, topology.CollectorRef{Account: call.Account(), Region: call.Region, ID: topology.CollectorID(id)})
	if errors.Is(err, store.ErrNotFound) {
		err = &muster.ResourceNotFoundException{Message: "There is no network collector " + id + "."}
	}
	return c, err
}

// ListNetworkCollectors lists the collectors of the caller's account and
// Region, without their secrets. How each account went, ListNetworkSnapshots
// tells.
func (s *Service) ListNetworkCollectors(ctx context.Context, call *awsmodel.Call, in *muster.ListNetworkCollectorsInput) (*muster.ListNetworkCollectorsOutput, error) {
	const op = "ListNetworkCollectors"
	after, err := desk.After(s.config.Pages, call, op, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := mostCollectors
	if in.MaxResults != nil {
		limit = min(limit, int(*in.MaxResults))
	}
	list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]topology.Collector, error) {
		return topology.Collectors(ctx, tx, call.Account(), call.Region, topology.CollectorID(after), limit+1)
	})
	if err != nil {
		return nil, err
	}
	out := &muster.ListNetworkCollectorsOutput{Collectors: []muster.NetworkCollector{}}
	for i := range list[:min(limit, len(list))] {
		out.Collectors = append(out.Collectors, *wireCollector(&list[i]))
	}
	if len(list) > limit {
		out.NextToken = new(s.config.Pages.Seal(call, op, "", []byte(list[limit-1].ID)))
	}
	return out, nil
}

// DeleteNetworkCollector forgets a collector and its key. The facts stay:
// DeleteNetworkFacts takes them away.
func (s *Service) DeleteNetworkCollector(ctx context.Context, call *awsmodel.Call, in *muster.DeleteNetworkCollectorInput) (*muster.DeleteNetworkCollectorOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*muster.DeleteNetworkCollectorOutput, error) {
		c, err := collectorOf(ctx, tx, call, in.CollectorId)
		if err != nil {
			return nil, err
		}
		return &muster.DeleteNetworkCollectorOutput{}, topology.DeleteCollector(ctx, tx, c.CollectorRef)
	})
}

// StartNetworkCollection begins a round now.
func (s *Service) StartNetworkCollection(ctx context.Context, call *awsmodel.Call, in *muster.StartNetworkCollectionInput) (*muster.StartNetworkCollectionOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*muster.StartNetworkCollectionOutput, error) {
		c, err := collectorOf(ctx, tx, call, in.CollectorId)
		if err != nil {
			return nil, err
		}
		visits, err := visitsOf(ctx, tx, &c)
		if err != nil {
			return nil, err
		}
		return &muster.StartNetworkCollectionOutput{Accounts: int64(len(visits))}, askToCollect(ctx, tx, c.CollectorRef, call.Time)
	})
}

func askToCollect(ctx context.Context, tx *store.Tx, r topology.CollectorRef, when time.Time) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobRound, Key: r.String(), Account: string(r.Account), Region: string(r.Region), Payload: body, RunAt: when})
}

func wireCollector(c *topology.Collector) *muster.NetworkCollector {
	w := &muster.NetworkCollector{
		CollectorId: string(c.ID), Name: c.Name, RoleName: c.Role, ExternalId: c.ExternalID, AccessKeyId: optional(c.KeyID),
		IntervalSeconds: int32(c.Every / time.Second), Regions: []string{}, Accounts: []muster.NetworkTarget{},
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, StartedAt: when(c.StartedAt), StatusMessage: optional(c.Message),
	}
	for _, r := range c.Regions {
		w.Regions = append(w.Regions, string(r))
	}
	for _, t := range c.Targets {
		w.Accounts = append(w.Accounts, muster.NetworkTarget{AccountId: string(t.Account), AwsAccountId: optional(string(t.As))})
	}
	return w
}

var errGone = fmt.Errorf("the collector is gone: %w", store.ErrNotFound)
