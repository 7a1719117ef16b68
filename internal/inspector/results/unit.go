package results

import (
	"context"
	"errors"
	"slices"
	"strings"

	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/survey"
)

// unitsAtOnce is how many units are read at a time.
const unitsAtOnce = 1000

// ListUnitSummaries adds up what the accounts in each unit directly below a
// root or unit have of ACTIVE findings, whatever deep they are in it; the most
// critical first. Only a delegated administrator sees units.
func (s *Service) ListUnitSummaries(ctx context.Context, call *awsmodel.Call, in *muster.ListUnitSummariesInput) (*muster.ListUnitSummariesOutput, error) {
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.ListUnitSummariesOutput, error) {
		if !scope.Administrator || scope.Organization == "" {
			return nil, &muster.AccessDeniedException{Message: "Invoking account does not have access to list unit summaries."}
		}
		org, err := directory.LookupOrganization(ctx, tx, scope.Organization)
		if err != nil {
			return nil, err
		}
		parent := org.Root
		if in.ParentId != nil {
			parent = *in.ParentId
		}
		if parent != org.Root {
			if _, err := directory.LookupUnit(ctx, tx, org.ID, parent); errors.Is(err, store.ErrNotFound) {
				return nil, &muster.ResourceNotFoundException{Message: "The organization has no unit " + parent + "."}
			} else if err != nil {
				return nil, err
			}
		}
		units, err := allUnits(ctx, tx, org.ID)
		if err != nil {
			return nil, err
		}
		direct, err := survey.TalliesByParent(ctx, tx, org.ID, scope, call.Region)
		if err != nil {
			return nil, err
		}
		return &muster.ListUnitSummariesOutput{Units: summaries(units, direct, parent)}, nil
	})
}

func allUnits(ctx context.Context, tx *store.Tx, org directory.OrganizationID) ([]directory.Unit, error) {
	var all []directory.Unit
	for after := ""; ; after = all[len(all)-1].ID {
		list, err := directory.Units(ctx, tx, org, after, unitsAtOnce)
		if all = append(all, list...); err != nil || len(list) < unitsAtOnce {
			return all, err
		}
	}
}

// summaries are the units directly below a parent, each with all that lies
// below it: a unit's path begins with the paths of those above.
func summaries(units []directory.Unit, direct map[string]survey.Tally, parent string) []muster.UnitSummary {
	out := []muster.UnitSummary{}
	for _, top := range units {
		if top.Parent != parent {
			continue
		}
		var sum survey.Tally
		below := int64(-1) // The unit itself is none of those in it.
		for _, u := range units {
			if strings.HasPrefix(u.Path, top.Path) {
				sum, below = sum.Plus(direct[u.ID]), below+1
			}
		}
		out = append(out, muster.UnitSummary{
			UnitId: top.ID, Name: top.Name, UnitCount: below, AccountCount: sum.Accounts, FindingCount: sum.Findings,
			Critical: sum.Critical, High: sum.High, ExploitAvailable: sum.Exploitable, FixAvailable: sum.Fixable,
		})
	}
	slices.SortStableFunc(out, func(a, b muster.UnitSummary) int {
		for _, d := range []int64{b.Critical - a.Critical, b.High - a.High, b.FindingCount - a.FindingCount} {
			if d != 0 {
				return int(max(-1, min(1, d)))
			}
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}
