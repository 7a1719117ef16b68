// Package usage tells how much of what Inspector bills for was used in the
// last thirty days. Hours are those during which resources were really
// covered (store/catalog meters them), images and code repositories count by
// the scan;
// prices are the operator's, and without any the estimate is zero.
package usage

import (
	"context"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/code"
)

// window is the time that totals are over.
const window = 30 * 24 * time.Hour

// most is the largest page, and the usual one.
const most = 500

// Config are the parts and settings.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Prices are in US dollars per unit, by the name of the usage type; a type
	// without one is free.
	Prices map[string]float64
}

// Service is this part of the desk. It is safe for concurrent use.
type Service struct{ config Config }

// New returns it.
func New(c Config) *Service { return &Service{c} }

// AddHandlers adds the operations that this part implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) { h.ListUsageTotals = s.ListUsageTotals }

// ListUsageTotals lists totals of the caller's account and, for a delegated
// administrator, of its members, in the order of their ids. Accounts that the
// caller does not see are left out: the answer has no place for failures.
func (s *Service) ListUsageTotals(ctx context.Context, call *awsmodel.Call, in *inspector2.ListUsageTotalsInput) (*inspector2.ListUsageTotalsOutput, error) {
	const op = "ListUsageTotals"
	after, err := s.place(call, op, in)
	if err != nil {
		return nil, err
	}
	size := most
	if in.MaxResults != nil {
		size = min(int(*in.MaxResults), most)
	}
	out := &inspector2.ListUsageTotalsOutput{Totals: []inspector2.UsageTotal{}}
	err = s.config.Store.View(ctx, func(tx *store.Tx) error {
		accounts, err := visible(ctx, tx, call, in.AccountIds, after, size+1)
		if err != nil {
			return err
		}
		if len(accounts) > size {
			accounts = accounts[:size]
			out.NextToken = new(s.config.Pages.Seal(call, op, in.AccountIds, []byte(accounts[size-1])))
		}
		out.Totals, err = s.totals(ctx, tx, call, accounts)
		return err
	})
	return out, err
}

// place opens the token into the id of the last account of the page before.
func (s *Service) place(call *awsmodel.Call, op string, in *inspector2.ListUsageTotalsInput) (arn.AccountID, error) {
	if in.NextToken == nil || *in.NextToken == "" {
		return "", nil
	}
	cursor, err := s.config.Pages.Open(call, op, in.AccountIds, *in.NextToken)
	if err != nil {
		return "", &inspector2.ValidationException{
			Message: "The nextToken is not valid for this request.", Reason: inspector2.ValidationExceptionReasonOther,
		}
	}
	return arn.AccountID(cursor), nil
}

// visible lists up to limit accounts that the caller sees, by id, after one:
// those asked for, or all.
func visible(ctx context.Context, tx *store.Tx, call *awsmodel.Call, asked []string, after arn.AccountID, limit int) ([]arn.AccountID, error) {
	scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
	if err != nil {
		return nil, err
	}
	var list []arn.AccountID
	if call.Account() > after && (len(asked) == 0 || slices.Contains(asked, string(call.Account()))) {
		list = append(list, call.Account())
	}
	if scope.Administrator {
		members, err := membersOf(ctx, tx, scope, asked, after, limit)
		if err != nil {
			return nil, err
		}
		list = append(list, members...)
	}
	slices.Sort(list)
	return list[:min(limit, len(list))], nil
}

func membersOf(ctx context.Context, tx *store.Tx, scope inspector.Scope, asked []string, after arn.AccountID, limit int) ([]arn.AccountID, error) {
	var list []arn.AccountID
	if len(asked) == 0 {
		page, err := activation.MembersPage(ctx, tx, scope.Own, scope.Region, after, limit)
		for _, m := range page {
			list = append(list, m.Account)
		}
		return list, err
	}
	ids := make([]arn.AccountID, len(asked))
	for i, id := range asked {
		ids[i] = arn.AccountID(id)
	}
	found, err := activation.LookupMembers(ctx, tx, scope.Own, scope.Region, ids)
	for id, m := range found {
		if id > after && m.Relationship.Associated() {
			list = append(list, id)
		}
	}
	return list, err
}

func (s *Service) totals(ctx context.Context, tx *store.Tx, call *awsmodel.Call, accounts []arn.AccountID) ([]inspector2.UsageTotal, error) {
	now := call.Time.UTC()
	metered, err := catalog.MeteredTimes(ctx, tx, call.Region, accounts, now.Add(-window), now)
	if err != nil {
		return nil, err
	}
	hours := map[arn.AccountID]map[inspector2.UsageType]float64{}
	for _, m := range metered {
		if hours[m.Account] == nil {
			hours[m.Account] = map[inspector2.UsageType]float64{}
		}
		if t := usageType(m); t != "" {
			hours[m.Account][t] += m.Time.Hours()
		}
	}
	scans, err := code.CountScans(ctx, tx, call.Region, accounts, now.Add(-window))
	if err != nil {
		return nil, err
	}
	for account, n := range scans {
		if hours[account] == nil {
			hours[account] = map[inspector2.UsageType]float64{}
		}
		hours[account][inspector2.UsageTypeCodeRepositorySca] = float64(n)
	}
	images, err := catalog.CountImageScans(ctx, tx, call.Region, accounts, now.Add(-window))
	if err != nil {
		return nil, err
	}
	for account, n := range images {
		if hours[account] == nil {
			hours[account] = map[inspector2.UsageType]float64{}
		}
		hours[account][inspector2.UsageTypeEcrInitialScan] = float64(n.First)
		hours[account][inspector2.UsageTypeEcrRescan] = float64(n.Again)
	}
	totals := make([]inspector2.UsageTotal, len(accounts))
	for i, account := range accounts {
		totals[i] = inspector2.UsageTotal{AccountId: new(string(account)), Usage: s.usage(hours[account])}
	}
	return totals, nil
}

// usage lists every type, those that were not used with zero.
func (s *Service) usage(units map[inspector2.UsageType]float64) []inspector2.Usage {
	var list []inspector2.Usage
	for _, t := range Types() {
		list = append(list, inspector2.Usage{
			Type: t, Total: new(units[t]), EstimatedMonthlyCost: new(units[t] * s.config.Prices[string(t)]), Currency: inspector2.CurrencyUsd,
		})
	}
	return list
}

// Types lists every usage type in AWS's order.
func Types() []inspector2.UsageType {
	return []inspector2.UsageType{
		inspector2.UsageTypeEc2InstanceHours, inspector2.UsageTypeEcrInitialScan, inspector2.UsageTypeEcrRescan,
		inspector2.UsageTypeLambdaFunctionHours, inspector2.UsageTypeLambdaFunctionCodeHours, inspector2.UsageTypeCodeRepositorySast,
		inspector2.UsageTypeCodeRepositoryIac, inspector2.UsageTypeCodeRepositorySca, inspector2.UsageTypeEc2AgentlessInstanceHours,
	}
}

// usageType is what covered time is billed as; "" for what is billed by the
// scan.
func usageType(m catalog.Metered) inspector2.UsageType {
	switch {
	case m.Type == finding.Instance && m.ScanMode == "EC2_AGENTLESS":
		return inspector2.UsageTypeEc2AgentlessInstanceHours
	case m.Type == finding.Instance:
		return inspector2.UsageTypeEc2InstanceHours
	case m.Type == finding.LambdaFunction && m.ScanType == "CODE":
		return inspector2.UsageTypeLambdaFunctionCodeHours
	case m.Type == finding.LambdaFunction:
		return inspector2.UsageTypeLambdaFunctionHours
	}
	return ""
}
