package rollout

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/activation"
	rollouts "muster/internal/store/rollout"
)

const (
	// tokenLife is how long a repeated request gets the same order.
	tokenLife = 24 * time.Hour
	// mostRunning bounds the orders of an account that are carried out at
	// once.
	mostRunning = 20
)

// StartRollout stores an order and begins to carry it out. Regions in which
// the caller may not do what it asks for are refused on their own; when all
// are, the request is.
func (s *Service) StartRollout(ctx context.Context, call *awsmodel.Call, in *muster.StartRolloutInput) (*muster.StartRolloutOutput, error) {
	regions, err := s.regions(call, in)
	if err != nil {
		return nil, err
	}
	order, err := newOrder(call, in)
	if err != nil {
		return nil, err
	}
	parts, err := s.permitted(ctx, call, order, regions)
	if err != nil {
		return nil, err
	}
	var out *muster.StartRolloutOutput
	err = s.config.Store.Update(ctx, func(tx *store.Tx) error {
		shown, err := s.start(ctx, tx, call, order, slices.Clone(parts), in.Target)
		out = &muster.StartRolloutOutput{Rollout: &shown}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// regions are the Regions asked for, each once; the call's when none is.
func (s *Service) regions(call *awsmodel.Call, in *muster.StartRolloutInput) ([]arn.Region, error) {
	if in.AllRegions != nil && *in.AllRegions {
		if len(in.Regions) > 0 {
			return nil, invalid("Give regions or allRegions, not both.")
		}
		return s.config.Regions, nil
	}
	if len(in.Regions) == 0 {
		in.Regions = []string{string(call.Region)}
	}
	var list []arn.Region
	for _, name := range in.Regions {
		region := arn.Region(name)
		if !slices.Contains(s.config.Regions, region) {
			return nil, invalidField("regions", "Region %s is not one of this installation.", name)
		}
		if !slices.Contains(list, region) {
			list = append(list, region)
		}
	}
	return list, nil
}

func newOrder(call *awsmodel.Call, in *muster.StartRolloutInput) (rollouts.Order, error) {
	o := rollouts.Order{
		Account: call.Account(), Disable: in.Action == muster.RolloutActionDisable, Status: rollouts.InProgress, CreatedAt: call.Time,
	}
	for _, t := range activation.ScanTypes() {
		if slices.Contains(in.ResourceTypes, muster.ResourceType(t)) {
			o.Types = append(o.Types, t)
		}
	}
	if o.Disable && in.Associate != nil && *in.Associate {
		return o, invalid("Switching scan types off associates no account: associate needs the action ENABLE.")
	}
	o.Associate = !o.Disable && (in.Associate == nil || *in.Associate)
	request, err := json.Marshal(in)
	sum := sha256.Sum256(request)
	o.Request = hex.EncodeToString(sum[:])
	if in.ClientToken != nil {
		o.ClientToken = *in.ClientToken
	}
	return o, err
}

// gate refuses an order's Regions one by one: how many are open, and the first
// refusal, which is the order's when none is.
type gate struct {
	open  int
	first error
}

// let notes what became of a Region; what is not a refusal it returns.
func (g *gate) let(part *rollouts.Region, err error) error {
	if err == nil {
		g.open++
		return nil
	}
	refusal, ok := refusalOf(err)
	if !ok {
		return err
	}
	g.first = cmp.Or(g.first, err)
	refuse(part, refusal)
	return nil
}

// permitted asks IAM, Region by Region, whether the caller may do what the
// order does.
func (s *Service) permitted(ctx context.Context, call *awsmodel.Call, o rollouts.Order, regions []arn.Region) ([]rollouts.Region, error) {
	var g gate
	parts := make([]rollouts.Region, len(regions))
	for i, region := range regions {
		parts[i] = rollouts.Region{Account: o.Account, Region: region, Status: rollouts.Pending}
		if err := g.let(&parts[i], s.permit(ctx, call, o, region)); err != nil {
			return nil, err
		}
	}
	if g.open == 0 {
		return nil, g.first
	}
	return parts, nil
}

// permit asks IAM for what the order does in a Region, so that nobody does in
// bulk what a policy forbids one by one.
func (s *Service) permit(ctx context.Context, call *awsmodel.Call, o rollouts.Order, region arn.Region) error {
	if s.config.Access == nil {
		return nil
	}
	there := *call
	there.Region = region
	need := map[string]string{"inspector2:Enable": "/enable"}
	if o.Disable {
		need = map[string]string{"inspector2:Disable": "/disable"}
	}
	if o.Associate {
		need["inspector2:AssociateMember"] = "/members/associate"
	}
	for _, action := range slices.Sorted(maps.Keys(need)) {
		resource := arn.New("inspector2", region, call.Account(), need[action])
		if err := s.config.Access.Permit(ctx, &there, action, resource, nil); err != nil {
			return err
		}
	}
	return nil
}

// start is StartRollout in its transaction.
func (s *Service) start(ctx context.Context, tx *store.Tx, call *awsmodel.Call, o rollouts.Order, parts []rollouts.Region, target *muster.RolloutTarget) (muster.Rollout, error) {
	had, err := rollouts.ByClientToken(ctx, tx, o.Account, o.ClientToken, call.Time.Add(-tokenLife))
	switch {
	case err == nil && had.Request != o.Request:
		return muster.Rollout{}, invalid("The clientToken has been used with another request.")
	case err == nil:
		return show(ctx, tx, had)
	case !errors.Is(err, store.ErrNotFound):
		return muster.Rollout{}, err
	}
	n, err := rollouts.CountRunning(ctx, tx, o.Account)
	if err != nil {
		return muster.Rollout{}, err
	}
	o.ID = "rollout-" + tx.NewID()
	if n >= mostRunning {
		return muster.Rollout{}, conflict(o.ID, "%d rollouts of this account are in progress. Wait for one, or cancel one.", n)
	}
	accounts, err := s.reach(ctx, tx, o, parts, target)
	if err != nil {
		return muster.Rollout{}, err
	}
	o.Accounts = len(accounts)
	return s.store(ctx, tx, o, parts, accounts)
}

// reach finds the accounts of an order, and refuses the Regions in which the
// caller does not reach them.
func (s *Service) reach(ctx context.Context, tx *store.Tx, o rollouts.Order, parts []rollouts.Region, target *muster.RolloutTarget) ([]arn.AccountID, error) {
	org, err := administered(ctx, tx, o.Account, parts)
	if err != nil {
		return nil, err
	}
	accounts, err := selected(ctx, tx, o.Account, org, target)
	if err != nil {
		return nil, err
	}
	alone := len(accounts) == 1 && accounts[0] == o.Account
	var g gate
	for i := range parts {
		if parts[i].Status != rollouts.Pending {
			continue
		}
		if err := g.let(&parts[i], s.reachable(ctx, tx, o, parts[i].Region, alone)); err != nil {
			return nil, err
		}
	}
	if g.open == 0 {
		return nil, g.first
	}
	return accounts, nil
}

// reachable returns nil when the caller reaches the accounts of an order in a
// Region: others than itself only as the delegated administrator there.
func (s *Service) reachable(ctx context.Context, tx *store.Tx, o rollouts.Order, region arn.Region, alone bool) error {
	if err := s.config.Inspector.BulkPermitted(ctx, tx, bulk(o, region)); err != nil {
		return err
	}
	if alone {
		return nil
	}
	scope, err := inspector.VisibleAccounts(ctx, tx, o.Account, region)
	if err == nil && !scope.Administrator {
		err = denied("Invoking account is not the delegated admin account in %s", region)
	}
	return err
}

func bulk(o rollouts.Order, region arn.Region) inspector.Bulk {
	return inspector.Bulk{Caller: o.Account, Region: region, Disable: o.Disable, Types: o.Types, Associate: o.Associate}
}

// refuse closes an order's part in a Region.
func refuse(r *rollouts.Region, why awsmodel.Error) {
	r.Status, r.ErrorCode = rollouts.Refused, "ACCESS_DENIED"
	r.ErrorMessage = strings.TrimPrefix(why.Error(), why.ErrorCode()+": ")
}

// store writes a new order and asks for its jobs.
func (s *Service) store(ctx context.Context, tx *store.Tx, o rollouts.Order, parts []rollouts.Region, accounts []arn.AccountID) (muster.Rollout, error) {
	if err := rollouts.Insert(ctx, tx, o); err != nil {
		return muster.Rollout{}, err
	}
	if err := rollouts.PutTargets(ctx, tx, o, slices.Collect(slices.Chunk(accounts, s.config.Portion))); err != nil {
		return muster.Rollout{}, err
	}
	for _, part := range parts {
		part.Order = o.ID
		if err := rollouts.PutRegion(ctx, tx, part); err != nil {
			return muster.Rollout{}, err
		}
		if part.Status != rollouts.Pending {
			continue
		}
		if err := enqueue(ctx, tx, jobRun, o, part.Region, o.CreatedAt); err != nil {
			return muster.Rollout{}, err
		}
	}
	return show(ctx, tx, o)
}
