package inspector

import (
	"context"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/survey"
)

// Bulk is an order to switch scan types on or off for many accounts of one
// Region. Unlike Enable and Disable it is not all or nothing for an account:
// each type has an outcome of its own.
type Bulk struct {
	// Caller gave the order: the delegated administrator, or an account for
	// itself.
	Caller  arn.AccountID
	Region  arn.Region
	Disable bool
	Types   []activation.ScanType
	// Associate makes accounts members first, where enabling needs it.
	Associate bool
}

// order is how the types are switched: the code of functions after functions,
// and before them when it goes off, so that each has an outcome of its own.
func (b Bulk) order() []activation.ScanType {
	if !b.Disable {
		return b.Types
	}
	backwards := slices.Clone(b.Types)
	slices.Reverse(backwards)
	return backwards
}

// Outcome is what became of a part of a Bulk.
type Outcome string

// The outcomes.
const (
	Started   Outcome = "STARTED"
	Unchanged Outcome = "UNCHANGED"
	Failed    Outcome = "FAILED"
)

// BulkFailure is why something failed, in the words of Enable and Disable.
type BulkFailure struct{ Code, Message string }

// BulkType is the outcome for a scan type.
type BulkType struct {
	Type    activation.ScanType
	Outcome Outcome
	BulkFailure
}

// BulkResult is what became of an account.
type BulkResult struct {
	Account arn.AccountID
	// Association is empty where no relationship was asked for or needed.
	Association Outcome
	// BulkFailure is why the account could not be reached at all.
	BulkFailure
	Types []BulkType
}

// The codes of failures that only a Bulk has.
const (
	quotaExceeded = "SERVICE_QUOTA_EXCEEDED"
	notSupported  = "NOT_SUPPORTED_IN_REGION"
	notPermitted  = "VALIDATION_FAILED"
)

// BulkPermitted returns nil when the standing of the caller's account permits
// the order, or the refusal of Enable or Disable. In a member's hands an order
// reaches the member alone.
func (s *Service) BulkPermitted(ctx context.Context, tx *store.Tx, b Bulk) error {
	op := "Enable"
	if b.Disable {
		op = "Disable"
	}
	if len(s.config.Regions) > 0 && !slices.Contains(s.config.Regions, b.Region) {
		return invalid("Region %s is not one of this installation.", b.Region)
	}
	standing, err := standingOf(ctx, tx, b.Caller, b.Region)
	if err != nil {
		return err
	}
	return relation.Check(standing, op, nil)
}

// Bulk carries an order out for some accounts, each named once: some hundred
// of them, for all is one transaction.
func (s *Service) Bulk(ctx context.Context, tx *store.Tx, b Bulk, accounts []arn.AccountID, now time.Time) ([]BulkResult, error) {
	standing, err := standingOf(ctx, tx, b.Caller, b.Region)
	if err != nil {
		return nil, err
	}
	joined := map[arn.AccountID]*refusal{}
	if b.Associate && !b.Disable && standing.IsAdministrator() {
		if joined, err = s.associateAll(ctx, tx, standing, accounts, now); err != nil {
			return nil, err
		}
	}
	list, err := targets(ctx, tx, standing, texts(accounts))
	if err != nil {
		return nil, err
	}
	results, changed, err := s.switchAll(ctx, tx, standing, b, afflict(list, s.faults(b.Disable, b.Region)), now)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if why, ok := joined[r.Account]; ok {
			results[i].Association = Started
			if why != nil {
				results[i].Association, results[i].BulkFailure = Failed, BulkFailure{string(why.code), why.message}
			}
		}
	}
	return results, s.put(ctx, tx, changed, now)
}

func texts(accounts []arn.AccountID) []string {
	list := make([]string, len(accounts))
	for i, a := range accounts {
		list[i] = string(a)
	}
	return list
}

// associateAll makes accounts members that are not. In its answer are those it
// tried, with why it failed.
func (s *Service) associateAll(ctx context.Context, tx *store.Tx, standing relation.Standing, accounts []arn.AccountID, now time.Time) (map[arn.AccountID]*refusal, error) {
	had, err := activation.LookupMembers(ctx, tx, standing.Account, standing.Region, accounts)
	if err != nil {
		return nil, err
	}
	states, err := survey.States(ctx, tx, standing.Organization, accounts)
	if err != nil {
		return nil, err
	}
	n, err := activation.CountMembers(ctx, tx, standing.Account, standing.Region)
	if err != nil {
		return nil, err
	}
	tried, room := map[arn.AccountID]*refusal{}, s.config.MemberLimit-n
	var joining []arn.AccountID
	for _, account := range accounts {
		state, ours := states[account]
		switch {
		case !ours || account == standing.Account || had[account].Relationship.Associated():
		case state != directory.Active:
			tried[account] = &refusal{inspector2.ErrorCodeAccountIsIsolated, "The account is not active"}
		case len(joining) >= room:
			tried[account] = &refusal{quotaExceeded, "The delegated admin account has as many member accounts as it may have."}
		default:
			tried[account], joining = nil, append(joining, account)
		}
	}
	return tried, s.associateMany(ctx, tx, standing.Account, standing.Region, joining, now)
}

// switchAll switches the types of every target, one by one.
func (s *Service) switchAll(ctx context.Context, tx *store.Tx, standing relation.Standing, b Bulk, list []target, now time.Time) ([]BulkResult, []activation.Scan, error) {
	var all []activation.Scan
	var first []arn.AccountID
	results := make([]BulkResult, len(list))
	for i, t := range list {
		results[i].Account = t.account
		if t.refused != nil {
			results[i].BulkFailure = BulkFailure{string(t.refused.code), t.refused.message}
			continue
		}
		wasActive := t.scans.Active()
		for _, st := range b.order() {
			changed, refused, err := s.switchOne(ctx, tx, standing, b, t, st, now)
			if err != nil {
				return nil, nil, err
			}
			if refused != nil {
				changed = nil
			}
			results[i].Types = append(results[i].Types, bulkType(st, changed, refused))
			t.scans = after(t.scans, changed)
			all = append(all, changed...)
			if !wasActive && len(changed) > 0 && !b.Disable && !slices.Contains(first, t.account) {
				first = append(first, t.account)
			}
		}
	}
	return results, all, ensureRoles(ctx, tx, first, now)
}

func bulkType(st activation.ScanType, changed []activation.Scan, refused *refusal) BulkType {
	r := BulkType{Type: st, Outcome: Unchanged}
	switch {
	case refused != nil:
		r.Outcome, r.BulkFailure = Failed, BulkFailure{string(refused.code), refused.message}
	case len(changed) > 0:
		r.Outcome = Started
	}
	return r
}

// switchOne switches one type of one account.
func (s *Service) switchOne(ctx context.Context, tx *store.Tx, standing relation.Standing, b Bulk, t target, st activation.ScanType, now time.Time) ([]activation.Scan, *refusal, error) {
	one := []activation.ScanType{st}
	if err := s.available(b.Region, one); err != nil {
		return nil, &refusal{notSupported, string(st) + " scanning is not supported in " + string(b.Region)}, nil
	}
	if b.Disable {
		return disableOne(ctx, tx, standing, t, one, now)
	}
	if err := codeNeedsFunctions([]target{t}, one); err != nil {
		return nil, &refusal{notPermitted, "Scan type LAMBDA_CODE needs LAMBDA, which is not enabled in the account."}, nil
	}
	changed, refused := t.enable(one, now)
	return changed, refused, nil
}
