package iam

import (
	"context"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// role finds a role or says so in IAM's words.
func role(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Role, error) {
	r, err := identity.RoleByName(ctx, tx, account, name)
	return r, desk.NoSuch(err, "The role with name %s cannot be found.", name)
}

// ownRole finds a role that the account itself may change.
func ownRole(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Role, error) {
	r, err := role(ctx, tx, account, name)
	if err == nil && r.Service != "" {
		return r, desk.Protected(r.Name)
	}
	return r, err
}

// CreateRole creates a role.
func (s *Service) CreateRole(ctx context.Context, call *awsmodel.Call, in *api.CreateRoleInput) (*api.CreateRoleOutput, error) {
	if err := desk.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	r := identity.Role{
		Account: call.Account(), Name: in.RoleName, Path: desk.Value(in.Path, "/"), Trust: in.AssumeRolePolicyDocument,
		Description: desk.Value(in.Description, ""), MaxSession: defaultSession, Boundary: desk.Value(in.PermissionsBoundary, ""), CreatedAt: call.Time,
	}
	if in.MaxSessionDuration != nil {
		r.MaxSession = time.Duration(*in.MaxSessionDuration) * time.Second
	}
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.CreateRoleOutput, error) {
		r.ID = newUniqueID(rolePrefix)
		if err := s.checkNewRole(ctx, tx, &r); err != nil {
			return nil, err
		}
		if err := identity.InsertRole(ctx, tx, r); err != nil {
			return nil, err
		}
		if err := desk.PutTags(ctx, tx, r.Owner(), in.Tags); err != nil {
			return nil, err
		}
		out := desk.RoleShape(r)
		out.Tags, out.PermissionsBoundary = in.Tags, desk.BoundaryShape(r.Boundary)
		return &api.CreateRoleOutput{Role: &out}, nil
	})
}

// checkNewRole checks a role that is to be made, and notes whom it trusts.
func (s *Service) checkNewRole(ctx context.Context, tx *store.Tx, r *identity.Role) (err error) {
	if strings.HasPrefix(r.Path, servicePath) {
		return desk.Invalid("Roles under the path %s can only be created with CreateServiceLinkedRole.", servicePath)
	}
	if r.Trusted, err = checkTrust(ctx, tx, r.Trust); err != nil {
		return err
	}
	_, err = identity.RoleByName(ctx, tx, r.Account, r.Name)
	if err := desk.MustBeNew(err, "Role with name %s already exists.", r.Name); err != nil {
		return err
	}
	n, err := identity.Count(ctx, tx, r.Account)
	if err != nil {
		return err
	}
	if n.Roles >= maxRoles {
		return desk.Quota("RolesPerAccount", maxRoles)
	}
	return s.checkBoundary(ctx, tx, r.Account, r.Boundary)
}

// GetRole describes a role.
func (s *Service) GetRole(ctx context.Context, call *awsmodel.Call, in *api.GetRoleInput) (*api.GetRoleOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.GetRoleOutput, error) {
		r, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		tags, err := identity.Tags(ctx, tx, r.Owner())
		if err != nil {
			return nil, err
		}
		out := desk.RoleShape(r)
		out.Tags, out.PermissionsBoundary = desk.TagShapes(tags), desk.BoundaryShape(r.Boundary)
		out.RoleLastUsed = desk.LastUsedShape(s.desk.LastUse(r))
		return &api.GetRoleOutput{Role: &out}, nil
	})
}

// ListRoles lists roles under a path prefix, without tags, boundary and last
// use, as IAM does.
func (s *Service) ListRoles(ctx context.Context, call *awsmodel.Call, in *api.ListRolesInput) (*api.ListRolesOutput, error) {
	p, err := s.desk.NewPage(call, "ListRoles", desk.Value(in.PathPrefix, ""), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.ListRolesOutput, error) {
		roles, err := identity.Roles(ctx, tx, call.Account(), desk.Value(in.PathPrefix, ""), p.After, p.Fetch())
		if err != nil {
			return nil, err
		}
		out := &api.ListRolesOutput{Roles: []api.Role{}}
		roles, out.IsTruncated, out.Marker = desk.Cut(&p, roles, func(r identity.Role) string { return identity.Key(r.Name) })
		for _, r := range roles {
			out.Roles = append(out.Roles, desk.RoleShape(r))
		}
		return out, nil
	})
}

// UpdateRole changes the description or the longest session. Of a
// service-linked role only the description can change.
func (s *Service) UpdateRole(ctx context.Context, call *awsmodel.Call, in *api.UpdateRoleInput) (*api.UpdateRoleOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.UpdateRoleOutput, error) {
		r, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		if in.MaxSessionDuration != nil {
			if r.Service != "" {
				return nil, desk.Protected(r.Name)
			}
			r.MaxSession = time.Duration(*in.MaxSessionDuration) * time.Second
		}
		r.Description = desk.Value(in.Description, r.Description)
		return &api.UpdateRoleOutput{}, identity.UpdateRole(ctx, tx, r)
	})
}

// UpdateRoleDescription changes the description.
func (s *Service) UpdateRoleDescription(ctx context.Context, call *awsmodel.Call, in *api.UpdateRoleDescriptionInput) (*api.UpdateRoleDescriptionOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.UpdateRoleDescriptionOutput, error) {
		r, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		r.Description = in.Description
		out := desk.RoleShape(r)
		return &api.UpdateRoleDescriptionOutput{Role: &out}, identity.UpdateRole(ctx, tx, r)
	})
}

// UpdateAssumeRolePolicy replaces the trust policy.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, call *awsmodel.Call, in *api.UpdateAssumeRolePolicyInput) (*api.UpdateAssumeRolePolicyOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.UpdateAssumeRolePolicyOutput, error) {
		r, err := ownRole(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		if r.Trusted, err = checkTrust(ctx, tx, in.PolicyDocument); err != nil {
			return nil, err
		}
		r.Trust = in.PolicyDocument
		return &api.UpdateAssumeRolePolicyOutput{}, identity.UpdateRole(ctx, tx, r)
	})
}

// DeleteRole deletes a role that carries nothing any more.
func (s *Service) DeleteRole(ctx context.Context, call *awsmodel.Call, in *api.DeleteRoleInput) (*api.DeleteRoleOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.DeleteRoleOutput, error) {
		r, err := ownRole(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		if err := desk.CheckBare(ctx, tx, r.Owner()); err != nil {
			return nil, err
		}
		profiles, err := identity.ProfilesOfRole(ctx, tx, r.Account, r.ID, "", 1)
		if err != nil {
			return nil, err
		}
		if len(profiles) > 0 {
			return nil, desk.Conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return &api.DeleteRoleOutput{}, identity.DeleteRole(ctx, tx, r)
	})
}

// checkTrust checks a trust policy: its form, its size, and that the users and
// roles it names exist, whose unique ids it returns by ARN.
func checkTrust(ctx context.Context, tx *store.Tx, text string) (map[string]string, error) {
	doc, err := desk.ParsePolicy(text, policy.Trust)
	if err != nil {
		return nil, err
	}
	if desk.PolicySize(text) > maxTrustSize {
		return nil, desk.Quota("ACLSizePerRole", maxTrustSize)
	}
	trusted := map[string]string{}
	for _, p := range doc.Principals() {
		id, ok, err := idOfPrincipal(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &api.MalformedPolicyDocumentException{Message: `Invalid principal in policy: "AWS":"` + p + `"`}
		}
		if id != "" {
			trusted[p] = id
		}
	}
	return trusted, nil
}

// idOfPrincipal looks users, roles and the roles of sessions up. Accounts may
// be anyone's and have no id of their own.
func idOfPrincipal(ctx context.Context, tx *store.Tx, written string) (id string, ok bool, err error) {
	parts, err := arn.Parse(arn.ARN(written))
	if err != nil || parts.Resource == "root" {
		return "", true, nil // "*", an account id or an account's root
	}
	kind, rest, _ := strings.Cut(parts.Resource, "/")
	name := rest[strings.LastIndex(rest, "/")+1:]
	var found arn.ARN
	switch kind {
	case "user":
		var u identity.User
		u, err = identity.UserByName(ctx, tx, parts.Account, name)
		id, found = u.ID, u.ARN()
	case "role":
		var r identity.Role
		r, err = identity.RoleByName(ctx, tx, parts.Account, name)
		id, found = r.ID, r.ARN()
	case "assumed-role":
		roleName, session, _ := strings.Cut(rest, "/")
		var r identity.Role
		r, err = identity.RoleByName(ctx, tx, parts.Account, roleName)
		id, found = r.ID, SessionARN(parts.Account, r.Name, session)
	}
	return id, found == arn.ARN(written), desk.IgnoreMissing(err)
}
