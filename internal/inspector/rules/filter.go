package rules

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"muster/internal/inspector/desk"
	"regexp"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding/criteria"
	"muster/internal/inspector"
	"muster/internal/inspector/results"
	"muster/internal/inspector/tagging"
	"muster/internal/store"
	"muster/internal/store/filters"
	"muster/internal/store/findings"
)

const (
	// mostRules is how many suppression rules an account may have in a Region.
	mostRules = 500
	// filtersAtOnce is the size of a page of filters.
	filtersAtOnce = 100
)

// filterName is what AWS's text asks of a name; its model is laxer, and names
// that muster has stored are accepted as they are.
var filterName = regexp.MustCompile(`^[A-Za-z0-9._-]{3,64}$`)

// CreateFilter saves a filter. With the action SUPPRESS it hides findings of
// the caller's account, and of the whole organization for its administrator,
// in the same transaction.
func (s *Service) CreateFilter(ctx context.Context, call *awsmodel.Call, in *inspector2.CreateFilterInput) (*inspector2.CreateFilterOutput, error) {
	wanted, err := ruleCriteria(in.FilterCriteria, in.Action)
	if err != nil {
		return nil, err
	}
	if err := checkFilter(in.Name, in.Tags); err != nil {
		return nil, err
	}
	id, err := newFilterID()
	if err != nil {
		return nil, err
	}
	f := filters.Filter{
		Account: call.Account(), Region: call.Region, ID: id, Name: in.Name, Action: filters.Action(in.Action), Criteria: wanted,
		Description: value(in.Description), Reason: value(in.Reason), Tags: in.Tags, CreatedAt: call.Time, CreatedBy: call.Principal.ARN,
	}
	return desk.Update(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.CreateFilterOutput, error) {
		if err := permitRule(ctx, tx, call, "CreateFilter", f.Action); err != nil {
			return nil, err
		}
		f.Owner = owner(scope)
		if err := s.save(ctx, tx, call, scope, &f, ""); err != nil {
			return nil, err
		}
		return &inspector2.CreateFilterOutput{Arn: string(f.ARN())}, nil
	})
}

// UpdateFilter changes a filter; members that are absent keep their value.
func (s *Service) UpdateFilter(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateFilterInput) (*inspector2.UpdateFilterOutput, error) {
	return desk.Update(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.UpdateFilterOutput, error) {
		f, err := lookupFilter(ctx, tx, call, in.FilterArn)
		if err != nil {
			return nil, err
		}
		before := f.Action
		if err := change(&f, in); err != nil {
			return nil, err
		}
		if err := permitRule(ctx, tx, call, "UpdateFilter", before, f.Action); err != nil {
			return nil, err
		}
		if err := s.save(ctx, tx, call, scope, &f, before); err != nil {
			return nil, err
		}
		return &inspector2.UpdateFilterOutput{Arn: string(f.ARN())}, nil
	})
}

func change(f *filters.Filter, in *inspector2.UpdateFilterInput) error {
	if in.Action != "" {
		f.Action = filters.Action(in.Action)
	}
	if in.Name != nil && *in.Name != f.Name {
		if err := checkFilter(*in.Name, nil); err != nil {
			return err
		}
		f.Name = *in.Name
	}
	if in.Description != nil {
		f.Description = *in.Description
	}
	if in.Reason != nil {
		f.Reason = *in.Reason
	}
	wanted := in.FilterCriteria
	if wanted == nil {
		wanted = results.WireCriteria(&f.Criteria)
	}
	// A saved search can become a rule, so its criteria are judged again.
	var err error
	f.Criteria, err = ruleCriteria(wanted, inspector2.FilterAction(f.Action))
	return err
}

// save stores a filter and applies it if it is, or was, a rule.
func (s *Service) save(ctx context.Context, tx *store.Tx, call *awsmodel.Call, scope inspector.Scope, f *filters.Filter, before filters.Action) error {
	if err := allowRule(ctx, tx, f, before); err != nil {
		return err
	}
	twin, err := filters.Named(ctx, tx, f.Account, f.Region, f.Name)
	if err == nil && twin.ID != f.ID {
		return &inspector2.BadRequestException{Message: "Filter name already exists"}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if f.Action != filters.Suppress {
		f.ExpiresAt = time.Time{}
	}
	change := filters.Updated
	if before == "" {
		change = filters.Created
	}
	if err := s.put(ctx, tx, call, change, before, f); err != nil {
		return err
	}
	if f.Action != filters.Suppress && before != filters.Suppress {
		return nil
	}
	return s.apply(ctx, tx, scope, f, before == filters.Suppress, call.Time)
}

// put stores a filter with who changed it, and how.
func (s *Service) put(ctx context.Context, tx *store.Tx, call *awsmodel.Call, change filters.Change, before filters.Action, f *filters.Filter) error {
	f.UpdatedAt, f.UpdatedBy = call.Time, call.Principal.ARN
	if err := filters.Put(ctx, tx, f); err != nil {
		return err
	}
	return filters.Record(ctx, tx, change, by(call), before, f, call.Time)
}

// by is who calls.
func by(call *awsmodel.Call) filters.By {
	return filters.By{Principal: call.Principal.ARN, SourceIP: call.SourceIP, Request: call.RequestID}
}

// allowRule refuses a rule too many, and one that says no reason where the
// account wants one.
func allowRule(ctx context.Context, tx *store.Tx, f *filters.Filter, before filters.Action) error {
	if f.Action != filters.Suppress {
		return nil
	}
	if before != filters.Suppress {
		n, err := filters.Count(ctx, tx, f.Account, f.Region, filters.Suppress)
		if err != nil {
			return err
		}
		if n >= mostRules {
			return &inspector2.ServiceQuotaExceededException{Message: "The limit of 500 suppression rules is reached.", ResourceId: string(f.ARN())}
		}
	}
	settings, err := filters.SettingsOf(ctx, tx, f.Account, f.Region)
	if err == nil && settings.ReasonRequired && f.Reason == "" {
		err = desk.InvalidField("reason", "Suppression rules need a reason here.")
	}
	return err
}

// apply lets a changed rule act on every finding that it could touch.
func (s *Service) apply(ctx context.Context, tx *store.Tx, scope inspector.Scope, hide *filters.Filter, reveal bool, now time.Time) error {
	accounts, err := findings.AccountsWith(ctx, tx, scope, scope.Region)
	if err != nil {
		return err
	}
	return s.config.Apply(ctx, tx, scope.Region, accounts, hide, reveal, now)
}

// DeleteFilter deletes a filter. Findings that a rule hid and no other rule
// hides come back.
func (s *Service) DeleteFilter(ctx context.Context, call *awsmodel.Call, in *inspector2.DeleteFilterInput) (*inspector2.DeleteFilterOutput, error) {
	return desk.Update(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.DeleteFilterOutput, error) {
		f, err := lookupFilter(ctx, tx, call, in.Arn)
		if err != nil {
			return nil, err
		}
		if err := permitRule(ctx, tx, call, "DeleteFilter", f.Action); err != nil {
			return nil, err
		}
		if err := filters.Record(ctx, tx, filters.Deleted, by(call), f.Action, &f, call.Time); err != nil {
			return nil, err
		}
		if err := filters.Delete(ctx, tx, f.Account, f.Region, f.ID); err != nil {
			return nil, err
		}
		if f.Action == filters.Suppress {
			if err := s.apply(ctx, tx, scope, nil, true, call.Time); err != nil {
				return nil, err
			}
		}
		return &inspector2.DeleteFilterOutput{Arn: in.Arn}, nil
	})
}

// permitRule refuses an operation on a filter that is, was or becomes a rule to
// accounts that may not change rules.
func permitRule(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string, actions ...filters.Action) error {
	if !slices.Contains(actions, filters.Suppress) {
		return nil
	}
	return inspector.PermitRule(ctx, tx, call, op)
}

// filtered is what a page token of ListFilters is bound to.
type filtered struct {
	ARNs   []string
	Action inspector2.FilterAction
}

// ListFilters lists the caller's own filters.
func (s *Service) ListFilters(ctx context.Context, call *awsmodel.Call, in *inspector2.ListFiltersInput) (*inspector2.ListFiltersOutput, error) {
	const op = "ListFilters"
	bound := filtered{in.Arns, in.Action}
	after, err := desk.Place[string](s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	from, limit := "", desk.Size(in.MaxResults, filtersAtOnce, filtersAtOnce)
	if after != nil {
		from = *after
	}
	return desk.View(ctx, s.store, call, func(tx *store.Tx, _ inspector.Scope) (*inspector2.ListFiltersOutput, error) {
		list, err := filters.Page(ctx, tx, call.Account(), call.Region, filters.Action(in.Action), from, limit)
		if err != nil {
			return nil, err
		}
		out := &inspector2.ListFiltersOutput{Filters: []inspector2.Filter{}}
		for i := range list {
			// An account has some hundred filters, so those that are not
			// asked for are passed over here; a page may be short then.
			if named(in.Arns, &list[i]) {
				out.Filters = append(out.Filters, wireFilter(&list[i]))
			}
		}
		if len(list) == limit {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, list[limit-1].ID)
		}
		return out, err
	})
}

// tagsOf are a filter's tags; Inspector always sends them.
func tagsOf(f *filters.Filter) map[string]string {
	if f.Tags == nil {
		return map[string]string{}
	}
	return f.Tags
}

func wireFilter(f *filters.Filter) inspector2.Filter {
	return inspector2.Filter{
		Arn: string(f.ARN()), OwnerId: f.Owner, Name: f.Name, Criteria: results.WireCriteria(&f.Criteria), Action: inspector2.FilterAction(f.Action),
		CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, Description: optional(f.Description), Reason: optional(f.Reason), Tags: tagsOf(f),
	}
}

// ruleCriteria reads the criteria of a filter. A rule must not hide
// everything, nor depend on what it decides.
func ruleCriteria(in *inspector2.FilterCriteria, action inspector2.FilterAction) (criteria.Criteria, error) {
	wanted, err := results.Criteria(in)
	if err != nil || action != inspector2.FilterActionSuppress {
		return wanted, err
	}
	if wanted.Empty() {
		return wanted, desk.InvalidField("filterCriteria", "A suppression rule needs at least one criterion.")
	}
	if len(wanted.Strings[criteria.FindingStatus]) > 0 {
		return wanted, desk.InvalidField("filterCriteria.findingStatus", "A suppression rule cannot depend on the status that it sets.")
	}
	return wanted, nil
}

func checkFilter(name string, tags map[string]string) error {
	if !filterName.MatchString(name) {
		return desk.InvalidField("name", "A filter name has 3 to 64 letters, digits, dots, underscores and hyphens.")
	}
	return tagging.Check(tags)
}

// owner is who a filter's ARN names: the organization for its administrator.
func owner(scope inspector.Scope) string {
	if scope.Administrator {
		return string(scope.Organization)
	}
	return string(scope.Own)
}

// lookupFilter returns the caller's own filter with the ARN.
func lookupFilter(ctx context.Context, tx *store.Tx, call *awsmodel.Call, resource string) (filters.Filter, error) {
	name, ok := tagging.Parse(arn.ARN(resource))
	if !ok || name.Kind != tagging.Filter {
		return filters.Filter{}, desk.Invalid("%s is not the ARN of a filter.", resource)
	}
	missing := &inspector2.ResourceNotFoundException{Message: "The filter " + resource + " does not exist."}
	if name.Account != call.Account() || name.Region != call.Region {
		return filters.Filter{}, missing
	}
	f, err := filters.Lookup(ctx, tx, name.Account, name.Region, name.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.Owner != name.Owner {
		return f, missing
	}
	return f, err
}

func newFilterID() (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(random[:]), nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// named reports whether a filter is among those that are asked for; without
// names all are.
func named(arns []string, f *filters.Filter) bool {
	return len(arns) == 0 || slices.Contains(arns, string(f.ARN()))
}
