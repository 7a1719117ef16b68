package rollout

import (
	"context"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/activation"
	rollouts "muster/internal/store/rollout"
)

// pageSize is the most items of one page, and the default.
const pageSize = 100

// GetRollout tells how far an order of the caller's account has come.
func (s *Service) GetRollout(ctx context.Context, call *awsmodel.Call, in *muster.GetRolloutInput) (*muster.GetRolloutOutput, error) {
	out := &muster.GetRolloutOutput{}
	err := s.config.Store.View(ctx, func(tx *store.Tx) error {
		o, err := rollouts.Lookup(ctx, tx, call.Account(), in.RolloutId)
		if err != nil {
			return unknown(err, in.RolloutId)
		}
		shown, err := show(ctx, tx, o)
		out.Rollout = &shown
		return err
	})
	return out, err
}

// show is an order as clients see it.
func show(ctx context.Context, tx *store.Tx, o rollouts.Order) (muster.Rollout, error) {
	out := muster.Rollout{
		RolloutId: o.ID, Action: muster.RolloutActionEnable, Associate: o.Associate, AccountCount: int64(o.Accounts),
		Status: muster.RolloutStatus(o.Status), CreatedAt: o.CreatedAt, ResourceTypes: []muster.ResourceType{}, Regions: []muster.RolloutRegion{},
	}
	if o.Disable {
		out.Action = muster.RolloutActionDisable
	}
	if !o.CompletedAt.IsZero() {
		out.CompletedAt = &o.CompletedAt
	}
	for _, t := range o.Types {
		out.ResourceTypes = append(out.ResourceTypes, muster.ResourceType(t))
	}
	parts, err := rollouts.Regions(ctx, tx, o.Account, o.ID)
	for _, r := range parts {
		out.Regions = append(out.Regions, muster.RolloutRegion{
			Region: string(r.Region), Status: muster.RolloutRegionStatus(r.Status), Processed: int64(r.Succeeded + r.Failed),
			Succeeded: int64(r.Succeeded), Failed: int64(r.Failed), ErrorCode: text(r.ErrorCode), ErrorMessage: text(r.ErrorMessage),
		})
	}
	return out, err
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ListRollouts lists the orders of the caller's account, the newest first.
func (s *Service) ListRollouts(ctx context.Context, call *awsmodel.Call, in *muster.ListRolloutsInput) (*muster.ListRolloutsOutput, error) {
	const op = "ListRollouts"
	before, err := s.openToken(call, op, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	size := length(in.MaxResults)
	var out *muster.ListRolloutsOutput
	err = s.config.Store.View(ctx, func(tx *store.Tx) error {
		out = &muster.ListRolloutsOutput{Rollouts: []muster.Rollout{}}
		list, err := rollouts.Page(ctx, tx, call.Account(), before, size+1)
		if err != nil {
			return err
		}
		if len(list) > size {
			list = list[:size]
			out.NextToken = new(s.config.Pages.Seal(call, op, nil, []byte(list[size-1].ID)))
		}
		for _, o := range list {
			shown, err := show(ctx, tx, o)
			if err != nil {
				return err
			}
			out.Rollouts = append(out.Rollouts, shown)
		}
		return nil
	})
	return out, err
}

func length(asked *int32) int {
	if asked == nil {
		return pageSize
	}
	return min(max(int(*asked), 1), pageSize)
}

func (s *Service) openToken(call *awsmodel.Call, op string, query any, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.config.Pages.Open(call, op, query, *token)
	if err != nil || len(cursor) == 0 {
		return "", invalidField("nextToken", "The nextToken is not valid for this request.")
	}
	return string(cursor), nil
}

// resultQuery is what a token of ListRolloutResults is bound to.
type resultQuery struct {
	Order, Region, Account string
	OnlyFailed             bool
}

// ListRolloutResults tells what became of the accounts of an order, by Region
// and account, and what state their scan types are in now.
func (s *Service) ListRolloutResults(ctx context.Context, call *awsmodel.Call, in *muster.ListRolloutResultsInput) (*muster.ListRolloutResultsOutput, error) {
	const op = "ListRolloutResults"
	q := resultQuery{Order: in.RolloutId, OnlyFailed: in.OnlyFailed != nil && *in.OnlyFailed}
	if in.Region != nil {
		q.Region = *in.Region
	}
	if in.AccountId != nil {
		q.Account = *in.AccountId
	}
	cursor, err := s.openToken(call, op, q, in.NextToken)
	if err != nil {
		return nil, err
	}
	region, account, _ := strings.Cut(cursor, "/")
	size := length(in.MaxResults)
	var out *muster.ListRolloutResultsOutput
	err = s.config.Store.View(ctx, func(tx *store.Tx) error {
		out = &muster.ListRolloutResultsOutput{Results: []muster.RolloutResult{}}
		if _, err := rollouts.Lookup(ctx, tx, call.Account(), in.RolloutId); err != nil {
			return unknown(err, in.RolloutId)
		}
		f := rollouts.Filter{Region: arn.Region(q.Region), Target: arn.AccountID(q.Account), OnlyFailed: q.OnlyFailed}
		list, err := rollouts.Results(ctx, tx, call.Account(), in.RolloutId, f, arn.Region(region), arn.AccountID(account), size+1)
		if err != nil {
			return err
		}
		if len(list) > size {
			list = list[:size]
			last := list[size-1]
			out.NextToken = new(s.config.Pages.Seal(call, op, q, []byte(string(last.Region)+"/"+string(last.Account))))
		}
		out.Results, err = present(ctx, tx, call.Account(), list)
		return err
	})
	return out, err
}

// present adds to results the states that the caller may see now.
func present(ctx context.Context, tx *store.Tx, caller arn.AccountID, list []rollouts.Result) ([]muster.RolloutResult, error) {
	shown := make([]muster.RolloutResult, 0, len(list))
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Region == list[0].Region {
			n++
		}
		scans, err := visibleScans(ctx, tx, caller, list[:n])
		if err != nil {
			return nil, err
		}
		for _, r := range list[:n] {
			shown = append(shown, showResult(r, scans[r.Account]))
		}
		list = list[n:]
	}
	return shown, nil
}

// visibleScans are the scan types of the accounts, all of one Region, that the
// caller sees.
func visibleScans(ctx context.Context, tx *store.Tx, caller arn.AccountID, list []rollouts.Result) (map[arn.AccountID]activation.Scans, error) {
	region := list[0].Region
	scope, err := inspector.VisibleAccounts(ctx, tx, caller, region)
	if err != nil {
		return nil, err
	}
	ids := []arn.AccountID{caller}
	for _, r := range list {
		ids = append(ids, r.Account)
	}
	members := map[arn.AccountID]activation.Member{}
	if scope.Administrator {
		if members, err = activation.LookupMembers(ctx, tx, caller, region, ids); err != nil {
			return nil, err
		}
	}
	scans, err := activation.LookupScans(ctx, tx, region, ids)
	for account := range scans {
		if account != caller && !members[account].Relationship.Associated() {
			delete(scans, account)
		}
	}
	return scans, err
}

// showResult is a result as clients see it; scans is nil where the caller may
// not see the account.
func showResult(r rollouts.Result, scans activation.Scans) muster.RolloutResult {
	out := muster.RolloutResult{
		AccountId: string(r.Account), Region: string(r.Region), Association: muster.RolloutOutcome(r.Association),
		ErrorCode: text(r.Code), ErrorMessage: text(r.Message), Resources: []muster.RolloutResource{},
	}
	for _, t := range r.Types {
		resource := muster.RolloutResource{
			ResourceType: muster.ResourceType(t.Type), Outcome: muster.RolloutOutcome(t.Outcome),
			ErrorCode: text(t.Code), ErrorMessage: text(t.Message),
		}
		if scans != nil {
			resource.Status = new(string(scans.Status(t.Type)))
		}
		out.Resources = append(out.Resources, resource)
	}
	return out
}

// CancelRollout ends an order that is in progress. What is done stays done.
func (s *Service) CancelRollout(ctx context.Context, call *awsmodel.Call, in *muster.CancelRolloutInput) (*muster.CancelRolloutOutput, error) {
	var out *muster.CancelRolloutOutput
	err := s.config.Store.Update(ctx, func(tx *store.Tx) error {
		o, err := rollouts.Lookup(ctx, tx, call.Account(), in.RolloutId)
		if err != nil {
			return unknown(err, in.RolloutId)
		}
		if o.Status.Ended() {
			return conflict(o.ID, "The rollout has ended.")
		}
		parts, err := rollouts.Regions(ctx, tx, o.Account, o.ID)
		if err != nil {
			return err
		}
		for _, r := range parts {
			if r.Status.Ended() {
				continue
			}
			r.Status = rollouts.Canceled
			if err := rollouts.PutRegion(ctx, tx, r); err != nil {
				return err
			}
		}
		if err := s.close(ctx, tx, o, rollouts.Canceled); err != nil {
			return err
		}
		if o, err = rollouts.Lookup(ctx, tx, o.Account, o.ID); err != nil {
			return err
		}
		shown, err := show(ctx, tx, o)
		out = &muster.CancelRolloutOutput{Rollout: &shown}
		return err
	})
	return out, err
}
