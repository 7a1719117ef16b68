package inspector

import (
	"context"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/iam"
	"muster/internal/inspector/clienttoken"
	"muster/internal/inspector/relation"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// agentlessPrincipal is the second service with a role in activated accounts.
const agentlessPrincipal = "agentless.inspector2.amazonaws.com"

// Enable switches scan types on, in each account on its own: one that fails
// is listed among the failures. What is on already counts as success.
func (s *Service) Enable(ctx context.Context, call *awsmodel.Call, in *inspector2.EnableInput) (*inspector2.EnableOutput, error) {
	const op = "Enable"
	types := scanTypes(in.ResourceTypes)
	if err := s.available(call.Region, types); err != nil {
		return nil, err
	}
	if err := s.permitRoles(ctx, call, in.AccountIds); err != nil {
		return nil, err
	}
	faults := s.faults(false, call.Region)
	return Update(ctx, s, call, op, in, func(tx *store.Tx, standing relation.Standing) (*inspector2.EnableOutput, error) {
		return clienttoken.Once(ctx, tx, call, op, in.ClientToken, in, func() (*inspector2.EnableOutput, error) {
			list, err := targets(ctx, tx, standing, in.AccountIds)
			if err != nil {
				return nil, err
			}
			if err := codeNeedsFunctions(list, types); err != nil {
				return nil, err
			}
			return s.enableAll(ctx, tx, afflict(list, faults), types, call.Time)
		})
	})
}

func (s *Service) enableAll(ctx context.Context, tx *store.Tx, list []target, types []activation.ScanType, now time.Time) (*inspector2.EnableOutput, error) {
	out := &inspector2.EnableOutput{Accounts: []inspector2.Account{}, FailedAccounts: []inspector2.FailedAccount{}}
	var all []activation.Scan
	var first []arn.AccountID
	for _, t := range list {
		changed, refused := t.enable(types, now)
		if refused != nil {
			out.FailedAccounts = append(out.FailedAccounts, t.failed(refused))
			continue
		}
		out.Accounts = append(out.Accounts, t.succeeded(changed))
		if len(changed) > 0 && !t.scans.Active() {
			first = append(first, t.account)
		}
		all = append(all, changed...)
	}
	if err := ensureRoles(ctx, tx, first, now); err != nil {
		return nil, err
	}
	return out, s.put(ctx, tx, all, now)
}

// enable switches types of a target on, as far as the account and its
// organization's policy let it.
func (t target) enable(types []activation.ScanType, now time.Time) ([]activation.Scan, *refusal) {
	if t.refused != nil {
		return nil, t.refused
	}
	if refused := t.faulted(types); refused != nil {
		return nil, refused
	}
	for _, st := range types {
		if status := t.scans.Status(st); t.policy.Manages(t.region, st) && (status == activation.Disabled || status == activation.Disabling) {
			return nil, blocked(st)
		}
	}
	changed, refused := enable(t.place, t.scans, types, t.suspended || t.closed, now)
	if refused != nil && t.closed && refused.code == inspector2.ErrorCodeAccountIsIsolated {
		refused = &refusal{refused.code, "The Region is not enabled for the account"}
	}
	return changed, refused
}

// disable switches types of a target off, as far as its organization's policy
// lets it.
func (t target) disable(types []activation.ScanType, now time.Time) ([]activation.Scan, *refusal) {
	if t.refused != nil {
		return nil, t.refused
	}
	if refused := t.faulted(types); refused != nil {
		return nil, refused
	}
	for _, st := range withCode(types) {
		if status := t.scans.Status(st); t.policy.Manages(t.region, st) && status != activation.Disabled && status != activation.Disabling {
			return nil, blocked(st)
		}
	}
	return disable(t.place, t.scans, types, now)
}

// blocked: what a policy decides is not the account's to change, nor its
// administrator's. A request that would change nothing passes.
func blocked(t activation.ScanType) *refusal {
	return &refusal{inspector2.ErrorCodeBlockedByOrganizationPolicy, "Scan type " + string(t) + " is managed by an organization policy."}
}

// activate is Enable for one account, by the service itself. What the
// organization's policy decides it passes over.
func (s *Service) activate(ctx context.Context, tx *store.Tx, at place, types []activation.ScanType, now time.Time) error {
	t, err := ownTarget(ctx, tx, at)
	if err != nil {
		return err
	}
	_, err = s.enableAll(ctx, tx, []target{t}, t.policy.Unmanaged(at.region, types), now)
	return err
}

// codeNeedsFunctions: the code of functions is scanned only where functions
// are. AWS names no failure of a single account for this. Those of a suspended
// account were and will be: that it is suspended is its own failure.
func codeNeedsFunctions(list []target, types []activation.ScanType) error {
	if !slices.Contains(types, activation.LambdaCode) || slices.Contains(types, activation.Lambda) {
		return nil
	}
	for _, t := range list {
		on := []activation.Status{activation.Enabled, activation.Enabling, activation.Suspending, activation.Suspended}
		if t.refused == nil && !slices.Contains(on, t.scans.Status(activation.Lambda)) {
			return invalid("Scan type LAMBDA_CODE needs LAMBDA, which is not enabled in account %s.", t.account)
		}
	}
	return nil
}

// ensureRoles creates both roles at the first activation of accounts.
func ensureRoles(ctx context.Context, tx *store.Tx, accounts []arn.AccountID, now time.Time) error {
	for _, principal := range []string{organizations.InspectorPrincipal, agentlessPrincipal} {
		if err := iam.EnsureServiceLinkedRoles(ctx, tx, accounts, principal, now); err != nil {
			return err
		}
	}
	return nil
}

// Disable switches scan types off. An empty list of types is not "all": it
// fails while any type is on, and older Terraform asks for the status so.
func (s *Service) Disable(ctx context.Context, call *awsmodel.Call, in *inspector2.DisableInput) (*inspector2.DisableOutput, error) {
	types := scanTypes(in.ResourceTypes)
	if err := s.available(call.Region, types); err != nil {
		return nil, err
	}
	faults := s.faults(true, call.Region)
	return Update(ctx, s, call, "Disable", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.DisableOutput, error) {
		list, err := targets(ctx, tx, standing, in.AccountIds)
		if err != nil {
			return nil, err
		}
		return s.disableAll(ctx, tx, standing, afflict(list, faults), types, call.Time)
	})
}

func (s *Service) disableAll(ctx context.Context, tx *store.Tx, standing relation.Standing, list []target, types []activation.ScanType, now time.Time) (*inspector2.DisableOutput, error) {
	out := &inspector2.DisableOutput{Accounts: []inspector2.Account{}, FailedAccounts: []inspector2.FailedAccount{}}
	var all []activation.Scan
	for _, t := range list {
		changed, refused, err := disableOne(ctx, tx, standing, t, types, now)
		if err != nil {
			return nil, err
		}
		if refused != nil {
			out.FailedAccounts = append(out.FailedAccounts, t.failed(refused))
			continue
		}
		out.Accounts = append(out.Accounts, t.succeeded(changed))
		all = append(all, changed...)
	}
	return out, s.put(ctx, tx, all, now)
}

func disableOne(ctx context.Context, tx *store.Tx, standing relation.Standing, t target, types []activation.ScanType, now time.Time) ([]activation.Scan, *refusal, error) {
	if t.refused != nil {
		return nil, t.refused, nil
	}
	if len(types) == 0 && t.scans.Active() {
		return nil, &refusal{inspector2.ErrorCodeResourceScanNotDisabled, "Scanning is enabled in the account. Name the scan types to disable."}, nil
	}
	changed, refused := t.disable(types, now)
	if refused != nil || !standing.IsAdministrator() || t.account != standing.Account || !wouldDeactivate(t.scans, changed) {
		return changed, refused, nil
	}
	n, err := activation.CountMembers(ctx, tx, standing.Account, standing.Region)
	if n > 0 {
		refused = &refusal{inspector2.ErrorCodeDisassociateAllMembers, "The delegated admin account has member accounts. Disassociate all of them first."}
	}
	return changed, refused, err
}

// BatchGetAccountStatus tells what is scanned in accounts. One that was never
// activated is DISABLED throughout.
func (s *Service) BatchGetAccountStatus(ctx context.Context, call *awsmodel.Call, in *inspector2.BatchGetAccountStatusInput) (*inspector2.BatchGetAccountStatusOutput, error) {
	return View(ctx, s, call, "BatchGetAccountStatus", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.BatchGetAccountStatusOutput, error) {
		list, err := visible(ctx, tx, standing, in.AccountIds)
		if err != nil {
			return nil, err
		}
		out := &inspector2.BatchGetAccountStatusOutput{Accounts: []inspector2.AccountState{}, FailedAccounts: []inspector2.FailedAccount{}}
		for _, t := range list {
			if t.refused != nil {
				out.FailedAccounts = append(out.FailedAccounts, t.failed(t.refused))
				continue
			}
			out.Accounts = append(out.Accounts, t.state())
		}
		return out, nil
	})
}

// scanTypes are the types asked for, each once.
func scanTypes(asked []inspector2.ResourceScanType) []activation.ScanType {
	var types []activation.ScanType
	for _, t := range activation.ScanTypes() {
		if slices.Contains(asked, inspector2.ResourceScanType(t)) {
			types = append(types, t)
		}
	}
	return types
}

// available refuses the whole request for a type that the Region lacks.
func (s *Service) available(region arn.Region, types []activation.ScanType) error {
	names := map[activation.ScanType]string{
		activation.EC2: "EC2", activation.ECR: "ECR", activation.Lambda: "Lambda",
		activation.LambdaCode: "Lambda code", activation.CodeRepository: "Code repository",
	}
	for _, t := range types {
		if s.config.Unavailable != nil && s.config.Unavailable(region, t) {
			return denied("%s scanning is not supported in %s", names[t], region)
		}
	}
	return nil
}
