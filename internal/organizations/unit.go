package organizations

import (
	"context"
	"errors"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

func unitOutput(m Membership, u directory.Unit) api.OrganizationalUnit {
	return api.OrganizationalUnit{Id: new(u.ID), Arn: unitARN(m, u.ID), Name: new(u.Name), Path: new(u.Path)}
}

// CreateOrganizationalUnit makes a unit under the root or another unit.
func (s *Service) CreateOrganizationalUnit(ctx context.Context, call *awsmodel.Call, in *api.CreateOrganizationalUnitInput) (*api.CreateOrganizationalUnitOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.CreateOrganizationalUnitOutput, error) {
		m, err := s.Admit(ctx, tx, call, "CreateOrganizationalUnit", in)
		if err != nil {
			return nil, err
		}
		if err := s.checkTags(in.Tags); err != nil {
			return nil, err
		}
		u, err := s.plan(ctx, tx, m, in.ParentId, in.Name)
		if err != nil {
			return nil, err
		}
		u.CreatedAt = call.Time
		if err := directory.InsertUnit(ctx, tx, u); err != nil {
			return nil, err
		}
		if err := s.PutTags(ctx, tx, m.Org, u.ID, in.Tags); err != nil {
			return nil, err
		}
		return &api.CreateOrganizationalUnitOutput{OrganizationalUnit: new(unitOutput(m, u))}, nil
	})
}

// plan returns a unit that may be inserted.
func (s *Service) plan(ctx context.Context, tx *store.Tx, m Membership, parent, name string) (directory.Unit, error) {
	u := directory.Unit{Org: m.Org, ID: newUnitID(m.Root), Parent: parent, Name: name}
	above := string(m.Org) + "/" + m.Root + "/"
	if parent != m.Root {
		p, err := directory.LookupUnit(ctx, tx, m.Org, parent)
		if err != nil {
			return u, refusal.Missing(err, parentNotFound())
		}
		above = p.Path
	}
	u.Path = above + u.ID + "/"
	if u.Depth() > s.limits.Depth {
		return u, tooDeep()
	}
	n, err := directory.CountUnits(ctx, tx, m.Org)
	if err != nil {
		return u, err
	}
	if n >= s.limits.Units {
		return u, tooManyUnits()
	}
	return u, nameFree(ctx, tx, m.Org, parent, name, u.ID)
}

// nameFree refuses a name that a sibling other than the unit itself has.
func nameFree(ctx context.Context, tx *store.Tx, org OrganizationID, parent, name, itself string) error {
	sibling, err := directory.UnitNamed(ctx, tx, org, parent, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case sibling.ID == itself:
		return nil
	}
	return duplicateUnit()
}

// DescribeOrganizationalUnit returns one unit.
func (s *Service) DescribeOrganizationalUnit(ctx context.Context, call *awsmodel.Call, in *api.DescribeOrganizationalUnitInput) (*api.DescribeOrganizationalUnitOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeOrganizationalUnitOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DescribeOrganizationalUnit", in)
		if err != nil {
			return nil, err
		}
		u, err := directory.LookupUnit(ctx, tx, m.Org, in.OrganizationalUnitId)
		if err != nil {
			return nil, refusal.Missing(err, unitNotFound())
		}
		return &api.DescribeOrganizationalUnitOutput{OrganizationalUnit: new(unitOutput(m, u))}, nil
	})
}

// UpdateOrganizationalUnit renames a unit; without a name it changes nothing.
func (s *Service) UpdateOrganizationalUnit(ctx context.Context, call *awsmodel.Call, in *api.UpdateOrganizationalUnitInput) (*api.UpdateOrganizationalUnitOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.UpdateOrganizationalUnitOutput, error) {
		m, err := s.Admit(ctx, tx, call, "UpdateOrganizationalUnit", in)
		if err != nil {
			return nil, err
		}
		u, err := directory.LookupUnit(ctx, tx, m.Org, in.OrganizationalUnitId)
		if err != nil {
			return nil, refusal.Missing(err, unitNotFound())
		}
		if in.Name != nil {
			if err := nameFree(ctx, tx, m.Org, u.Parent, *in.Name, u.ID); err != nil {
				return nil, err
			}
			u.Name = *in.Name
			err := directory.RenameUnit(ctx, tx, m.Org, u.ID, u.Name)
			if errors.Is(err, store.ErrConflict) { // a sibling took the name just now
				err = duplicateUnit()
			}
			if err != nil {
				return nil, err
			}
		}
		return &api.UpdateOrganizationalUnitOutput{OrganizationalUnit: new(unitOutput(m, u))}, nil
	})
}

// DeleteOrganizationalUnit deletes a unit that holds nothing.
func (s *Service) DeleteOrganizationalUnit(ctx context.Context, call *awsmodel.Call, in *api.DeleteOrganizationalUnitInput) (*api.DeleteOrganizationalUnitOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DeleteOrganizationalUnitOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DeleteOrganizationalUnit", in)
		if err != nil {
			return nil, err
		}
		u, err := directory.LookupUnit(ctx, tx, m.Org, in.OrganizationalUnitId)
		if err != nil {
			return nil, refusal.Missing(err, unitNotFound())
		}
		empty, err := isEmpty(ctx, tx, m.Org, u.ID)
		if err != nil {
			return nil, err
		}
		if !empty {
			return nil, unitNotEmpty()
		}
		if err := forget(ctx, tx, m.Org, u.ID); err != nil {
			return nil, err
		}
		return &api.DeleteOrganizationalUnitOutput{}, directory.DeleteUnit(ctx, tx, m.Org, u.ID)
	})
}

// forget drops what hangs on a unit or account that goes: tags, and attached
// policies.
func forget(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error {
	if err := directory.DeleteTags(ctx, tx, org, id); err != nil {
		return err
	}
	return policies.DetachTarget(ctx, tx, org, id)
}

// isEmpty reports whether nothing is directly under a unit.
func isEmpty(ctx context.Context, tx *store.Tx, org OrganizationID, unit string) (bool, error) {
	accounts, err := directory.MembersUnder(ctx, tx, org, unit, "", 1)
	if err != nil {
		return false, err
	}
	units, err := directory.UnitsUnder(ctx, tx, org, unit, "", 1)
	return len(accounts)+len(units) == 0, err
}

// ListOrganizationalUnitsForParent lists the units directly under a parent.
func (s *Service) ListOrganizationalUnitsForParent(ctx context.Context, call *awsmodel.Call, in *api.ListOrganizationalUnitsForParentInput) (*api.ListOrganizationalUnitsForParentOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListOrganizationalUnitsForParentOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListOrganizationalUnitsForParent", in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListOrganizationalUnitsForParent", in.ParentId, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if err := parentExists(ctx, tx, m, in.ParentId); err != nil {
			return nil, refusal.Missing(err, parentNotFound())
		}
		read, err := directory.UnitsUnder(ctx, tx, m.Org, in.ParentId, l.after, l.ask())
		if err != nil {
			return nil, err
		}
		var out api.ListOrganizationalUnitsForParentOutput
		out.OrganizationalUnits, out.NextToken = cut(l, read, func(u directory.Unit) string { return u.ID },
			func(u directory.Unit) api.OrganizationalUnit { return unitOutput(m, u) })
		return &out, nil
	})
}
