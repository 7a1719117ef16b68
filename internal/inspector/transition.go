package inspector

import (
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store/activation"
)

// The life of a scan type in an account and Region, as pure functions: they
// read scans, and return those that change.
//
//	DISABLED --enable--> ENABLING --settle--> ENABLED --disable--> DISABLING --settle--> DISABLED
//	ENABLING --failure--> DISABLED, with the failure
//	ENABLING, ENABLED --suspend--> SUSPENDING --settle--> SUSPENDED --reinstate--> ENABLING

// place is the account and Region of scans.
type place struct {
	account arn.AccountID
	region  arn.Region
}

// refusal is why an account of a batch fails.
type refusal struct {
	code    inspector2.ErrorCode
	message string
}

// enable switches types on. What is on or becoming so stays as it is. In a
// suspended account what was on before may be asked for again, nothing more.
func enable(at place, scans activation.Scans, types []activation.ScanType, suspended bool, now time.Time) ([]activation.Scan, *refusal) {
	var changed []activation.Scan
	for _, t := range types {
		switch status := scans.Status(t); {
		case status == activation.Disabling:
			return nil, inProgress(inspector2.ErrorCodeDisableInProgress, t)
		case status == activation.Suspending:
			return nil, inProgress(inspector2.ErrorCodeSuspendInProgress, t)
		case status == activation.Disabled && suspended:
			return nil, &refusal{inspector2.ErrorCodeAccountIsIsolated, "The account is suspended"}
		case status == activation.Disabled:
			changed = append(changed, begin(at, scans, t, activation.Enabling, now))
		}
	}
	return changed, nil
}

// disable switches types off, and code scanning of functions with functions.
// What is off or becoming so stays as it is.
func disable(at place, scans activation.Scans, types []activation.ScanType, now time.Time) ([]activation.Scan, *refusal) {
	var changed []activation.Scan
	for _, t := range withCode(types) {
		switch scans.Status(t) {
		case activation.Enabling:
			return nil, inProgress(inspector2.ErrorCodeEnableInProgress, t)
		case activation.Suspending:
			return nil, inProgress(inspector2.ErrorCodeSuspendInProgress, t)
		case activation.Enabled, activation.Suspended:
			changed = append(changed, begin(at, scans, t, activation.Disabling, now))
		}
	}
	return changed, nil
}

// withCode adds code scanning of functions to functions.
func withCode(types []activation.ScanType) []activation.ScanType {
	if slices.Contains(types, activation.Lambda) && !slices.Contains(types, activation.LambdaCode) {
		return append(slices.Clone(types), activation.LambdaCode)
	}
	return types
}

func inProgress(code inspector2.ErrorCode, t activation.ScanType) *refusal {
	doing := map[inspector2.ErrorCode]string{
		inspector2.ErrorCodeEnableInProgress:  "enabled",
		inspector2.ErrorCodeDisableInProgress: "disabled",
		inspector2.ErrorCodeSuspendInProgress: "suspended",
	}[code]
	return &refusal{code, "Scan type " + string(t) + " is being " + doing + ". Try again later."}
}

// settle ends the transitions that began at a time or before. fails says why
// switching a type on fails, nil when it does not.
func settle(scans activation.Scans, began, now time.Time, fails func(activation.ScanType) *refusal) []activation.Scan {
	ends := map[activation.Status]activation.Status{
		activation.Enabling:   activation.Enabled,
		activation.Disabling:  activation.Disabled,
		activation.Suspending: activation.Suspended,
	}
	var changed []activation.Scan
	for _, t := range activation.ScanTypes() {
		scan := scans[t]
		end, ok := ends[scan.Status]
		if !ok || scan.ChangedAt.After(began) {
			continue
		}
		if end == activation.Enabled {
			if why := fails(t); why != nil {
				changed = append(changed, failed(scan, why, now))
				continue
			}
		}
		scan.Status, scan.ChangedAt = end, now
		changed = append(changed, scan)
	}
	return changed
}

// failed is a type that could not be switched on. A trial begins with the first
// activation that succeeds.
func failed(scan activation.Scan, why *refusal, now time.Time) activation.Scan {
	if scan.FirstEnabledAt.Equal(scan.ChangedAt) {
		scan.FirstEnabledAt = time.Time{}
	}
	scan.Status, scan.ChangedAt = activation.Disabled, now
	scan.ErrorCode, scan.ErrorMessage = string(why.code), why.message
	return scan
}

// suspend stops what is on because the account is suspended or closing.
func suspend(at place, scans activation.Scans, now time.Time) []activation.Scan {
	return move(at, scans, activation.Suspending, now, activation.Enabled, activation.Enabling)
}

// reinstate starts again what suspend stopped.
func reinstate(at place, scans activation.Scans, now time.Time) []activation.Scan {
	return move(at, scans, activation.Enabling, now, activation.Suspended, activation.Suspending)
}

// move begins a transition for every type in one of the states.
func move(at place, scans activation.Scans, to activation.Status, now time.Time, from ...activation.Status) []activation.Scan {
	var changed []activation.Scan
	for _, t := range activation.ScanTypes() {
		if slices.Contains(from, scans.Status(t)) {
			changed = append(changed, begin(at, scans, t, to, now))
		}
	}
	return changed
}

// begin starts a transition of one type.
func begin(at place, scans activation.Scans, t activation.ScanType, to activation.Status, now time.Time) activation.Scan {
	scan := scans[t]
	scan.Account, scan.Region, scan.Type = at.account, at.region, t
	scan.Status, scan.ChangedAt, scan.ErrorCode, scan.ErrorMessage = to, now, "", ""
	if to == activation.Enabling && scan.FirstEnabledAt.IsZero() {
		scan.FirstEnabledAt = now
	}
	return scan
}

// after returns the scans with the changes made.
func after(scans activation.Scans, changed []activation.Scan) activation.Scans {
	next := make(activation.Scans, len(scans)+len(changed))
	for t, scan := range scans {
		next[t] = scan
	}
	for _, scan := range changed {
		next[scan.Type] = scan
	}
	return next
}

// wouldDeactivate reports whether disabling turns an active account's last
// types off.
func wouldDeactivate(scans activation.Scans, changed []activation.Scan) bool {
	if len(changed) == 0 {
		return false
	}
	status := after(scans, changed).Account()
	return status == activation.Disabling || status == activation.Disabled
}
