package desk

import (
	"time"

	api "muster/internal/awsmodel/iam"
	"muster/internal/store/identity"
)

// RoleShape is a role as IAM lists it: without tags, boundary and last use.
func RoleShape(r identity.Role) api.Role {
	return api.Role{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: string(r.ARN()), CreateDate: Seconds(r.CreatedAt),
		AssumeRolePolicyDocument: new(Encoded(r.Trust)), Description: Optional(r.Description),
		MaxSessionDuration: new(int32(r.MaxSession / time.Second)),
	}
}

// BoundaryShape shows a permissions boundary by its ARN, none by nil.
func BoundaryShape(boundary string) *api.AttachedPermissionsBoundary {
	if boundary == "" {
		return nil
	}
	return &api.AttachedPermissionsBoundary{
		PermissionsBoundaryType: api.PermissionsBoundaryAttachmentTypePermissionsBoundaryPolicy, PermissionsBoundaryArn: &boundary,
	}
}

// LastUsedShape says when and where a role was last used.
func LastUsedShape(r identity.Role) *api.RoleLastUsed {
	return &api.RoleLastUsed{LastUsedDate: Optional(Seconds(r.LastUsedAt)), Region: Optional(r.LastUsedRegion)}
}
