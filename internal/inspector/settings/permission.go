package settings

import (
	"context"
	"slices"
	"strconv"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/inspector/enforcement"
	"muster/internal/inspector/relation"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// ListAccountPermissions tells what the caller's account may change about its
// own scanning: a member cannot switch it off.
func (s *Service) ListAccountPermissions(ctx context.Context, call *awsmodel.Call, in *inspector2.ListAccountPermissionsInput) (*inspector2.ListAccountPermissionsOutput, error) {
	const op, most = "ListAccountPermissions", 1024
	return inspector.View(ctx, s.desk, call, op, in, func(tx *store.Tx, standing relation.Standing) (*inspector2.ListAccountPermissionsOutput, error) {
		p, err := s.desk.OpenPage(call, op, in.Service, in.NextToken, in.MaxResults, most)
		if err != nil {
			return nil, err
		}
		policy, err := inspector.PolicyOf(ctx, tx, standing.Account)
		if err != nil {
			return nil, err
		}
		out := &inspector2.ListAccountPermissionsOutput{Permissions: []inspector2.Permission{}}
		for i, permission := range permissions(standing, policy, in.Service) {
			if p.After != "" && strconv.Itoa(i) <= p.After {
				continue
			}
			if len(out.Permissions) == p.Size {
				out.NextToken = p.Next(strconv.Itoa(i - 1))
				break
			}
			out.Permissions = append(out.Permissions, permission)
		}
		return out, nil
	})
}

// permissions are at most eight, so that their numbers sort as text. Scanning
// that an organization's policy decides is nobody's to change.
func permissions(standing relation.Standing, policy enforcement.Policy, service inspector2.Service) []inspector2.Permission {
	scanning := []inspector2.Operation{inspector2.OperationEnableScanning, inspector2.OperationDisableScanning}
	var list []inspector2.Permission
	for _, of := range []struct {
		service    inspector2.Service
		scan       activation.ScanType
		operations []inspector2.Operation
	}{
		{inspector2.ServiceEc2, activation.EC2, scanning},
		{inspector2.ServiceEcr, activation.ECR, append(scanning, inspector2.OperationEnableRepository, inspector2.OperationDisableRepository)},
		{inspector2.ServiceLambda, activation.Lambda, scanning},
	} {
		for _, operation := range of.operations {
			if service != "" && service != of.service || operation == inspector2.OperationDisableScanning && standing.IsMember() {
				continue
			}
			if slices.Contains(scanning, operation) && policy.Manages(standing.Region, of.scan) {
				continue
			}
			list = append(list, inspector2.Permission{Service: of.service, Operation: operation})
		}
	}
	return list
}
