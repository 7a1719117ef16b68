package relation

import "muster/internal/awsmodel/inspector2"

// condition looks at a request that the matrix's columns permit.
type condition func(s Standing, in any) bool

// memberSuppresses: rules that suppress belong to the delegated administrator,
// a member keeps filters that only save a search.
func memberSuppresses(s Standing, in any) bool {
	if !s.IsMember() {
		return false
	}
	switch in := in.(type) {
	case *inspector2.CreateFilterInput:
		return in.Action == inspector2.FilterActionSuppress
	case *inspector2.UpdateFilterInput:
		return in.Action == inspector2.FilterActionSuppress
	}
	return false
}

// memberDeactivates: a member cannot switch deep inspection off.
func memberDeactivates(s Standing, in any) bool {
	req, ok := in.(*inspector2.UpdateEc2DeepInspectionConfigurationInput)
	return ok && s.IsMember() && req.ActivateDeepInspection != nil && !*req.ActivateDeepInspection
}

// organizationLevel: only the delegated administrator configures code scans of
// the whole organization.
func organizationLevel(s Standing, in any) bool {
	req, ok := in.(*inspector2.CreateCodeSecurityScanConfigurationInput)
	return ok && !s.IsAdministrator() && req.Level == inspector2.ConfigurationLevelOrganization
}

// targetsOthers: only the delegated administrator aims CIS scans at accounts
// beyond its own.
func targetsOthers(s Standing, in any) bool {
	if s.IsAdministrator() {
		return false
	}
	for _, target := range cisTargets(in) {
		if target != "SELF" && target != string(s.Account) {
			return true
		}
	}
	return false
}

func cisTargets(in any) []string {
	switch in := in.(type) {
	case *inspector2.CreateCisScanConfigurationInput:
		if in.Targets != nil {
			return in.Targets.AccountIds
		}
	case *inspector2.UpdateCisScanConfigurationInput:
		if in.Targets != nil {
			return in.Targets.AccountIds
		}
	}
	return nil
}
