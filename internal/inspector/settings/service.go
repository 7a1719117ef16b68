// Package settings is the part of the Inspector desk for what is set rather
// than switched: an organization's configuration, the scan configuration, deep
// inspection; and for what an account is told of itself, its permissions and
// trials.
package settings

import (
	"errors"
	"fmt"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
)

// Service is this part of the desk. It is safe for concurrent use.
type Service struct{ desk *inspector.Service }

// New returns it, over the desk.
func New(desk *inspector.Service) *Service { return &Service{desk} }

// AddHandlers adds the operations that this part implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.DescribeOrganizationConfiguration = s.DescribeOrganizationConfiguration
	h.UpdateOrganizationConfiguration = s.UpdateOrganizationConfiguration
	h.GetConfiguration = s.GetConfiguration
	h.UpdateConfiguration = s.UpdateConfiguration

	h.GetEc2DeepInspectionConfiguration = s.GetEc2DeepInspectionConfiguration
	h.UpdateEc2DeepInspectionConfiguration = s.UpdateEc2DeepInspectionConfiguration
	h.UpdateOrgEc2DeepInspectionConfiguration = s.UpdateOrgEc2DeepInspectionConfiguration
	h.BatchGetMemberEc2DeepInspectionStatus = s.BatchGetMemberEc2DeepInspectionStatus
	h.BatchUpdateMemberEc2DeepInspectionStatus = s.BatchUpdateMemberEc2DeepInspectionStatus

	h.ListAccountPermissions = s.ListAccountPermissions
	h.BatchGetFreeTrialInfo = s.BatchGetFreeTrialInfo
}

// invalid is the answer to a request that is well-formed and makes no sense.
func invalid(format string, args ...any) error {
	return &inspector2.ValidationException{Message: fmt.Sprintf(format, args...), Reason: inspector2.ValidationExceptionReasonOther}
}

// ignore is err, or nil when it is the one that does not matter.
func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}
