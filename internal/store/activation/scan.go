package activation

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// ScanType is one thing that Inspector scans.
type ScanType string

// The scan types.
const (
	EC2            ScanType = "EC2"
	ECR            ScanType = "ECR"
	Lambda         ScanType = "LAMBDA"
	LambdaCode     ScanType = "LAMBDA_CODE"
	CodeRepository ScanType = "CODE_REPOSITORY"
)

// ScanTypes lists every scan type in AWS's order.
func ScanTypes() []ScanType { return []ScanType{EC2, ECR, Lambda, LambdaCode, CodeRepository} }

// Status is the state of a scan type in an account and Region.
type Status string

// The states of a scan type.
const (
	Disabled   Status = "DISABLED"
	Enabling   Status = "ENABLING"
	Enabled    Status = "ENABLED"
	Disabling  Status = "DISABLING"
	Suspending Status = "SUSPENDING"
	Suspended  Status = "SUSPENDED"
)

// Scan is one scan type of an account in a Region.
type Scan struct {
	Account   arn.AccountID
	Region    arn.Region
	Type      ScanType
	Status    Status
	ChangedAt time.Time
	// FirstEnabledAt is when the type was switched on for the first time.
	FirstEnabledAt time.Time
	// ErrorCode and ErrorMessage say, in AWS's words, why switching it on
	// failed; they are kept until the next attempt.
	ErrorCode, ErrorMessage string
}

// Scans are the scan types of one account in one Region; a type that was
// never switched on is absent.
type Scans map[ScanType]Scan

// Status is the state of a type, DISABLED when it was never switched on.
func (s Scans) Status(t ScanType) Status {
	if scan, ok := s[t]; ok {
		return scan.Status
	}
	return Disabled
}

// Account sums the types up: the first of suspension, ENABLED, ENABLING and
// DISABLING that some type is in, else DISABLED.
func (s Scans) Account() Status {
	for _, status := range []Status{Suspending, Suspended, Enabled, Enabling, Disabling} {
		if s.Has(status) {
			return status
		}
	}
	return Disabled
}

// Failure is the first type, in AWS's order, that could not be switched on; the
// zero Scan when there is none or the account is active all the same.
func (s Scans) Failure() Scan {
	for _, t := range ScanTypes() {
		if s[t].ErrorCode != "" && !s.Active() {
			return s[t]
		}
	}
	return Scan{}
}

// Active reports whether Inspector is activated: some type is not off.
func (s Scans) Active() bool { return s.Account() != Disabled }

// Has reports whether any type is in a state.
func (s Scans) Has(status Status) bool {
	for _, scan := range s {
		if scan.Status == status {
			return true
		}
	}
	return false
}

const scanColumns = `account, region, type, status, changed_at, first_enabled_at, error_code, error_message`

func scanScan(s store.Scanner) (Scan, error) {
	var c Scan
	var changed, first int64
	err := s.Scan(&c.Account, &c.Region, &c.Type, &c.Status, &changed, &first, &c.ErrorCode, &c.ErrorMessage)
	c.ChangedAt, c.FirstEnabledAt = store.Time(changed), store.Time(first)
	return c, err
}

// ScansOf returns the scan types of an account in a Region.
func ScansOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (Scans, error) {
	all, err := LookupScans(ctx, tx, region, []arn.AccountID{account})
	return all[account], err
}

// LookupScans returns the scan types of the accounts named; every one of them
// is in the map.
func LookupScans(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID) (map[arn.AccountID]Scans, error) {
	var w store.Where
	w.Add("region = ?", region)
	store.In(&w, "account", accounts...)
	rows, err := tx.Query(ctx, `SELECT `+scanColumns+` FROM inspector_scans`+w.SQL(), w.Args()...)
	list, err := store.ReadAll(rows, err, scanScan)
	found := make(map[arn.AccountID]Scans, len(accounts))
	for _, a := range accounts {
		found[a] = Scans{}
	}
	for _, s := range list {
		found[s.Account][s.Type] = s
	}
	return found, err
}

// ScansEverywhere returns the scan types of an account by Region.
func ScansEverywhere(ctx context.Context, tx *store.Tx, account arn.AccountID) (map[arn.Region]Scans, error) {
	rows, err := tx.Query(ctx, `SELECT `+scanColumns+` FROM inspector_scans WHERE account = $1`, account)
	list, err := store.ReadAll(rows, err, scanScan)
	found := map[arn.Region]Scans{}
	for _, s := range list {
		if found[s.Region] == nil {
			found[s.Region] = Scans{}
		}
		found[s.Region][s.Type] = s
	}
	return found, err
}

// EnabledTypes returns the types that are ENABLED for an account in a Region,
// in AWS's order: those whose resources are scanned and have findings.
func EnabledTypes(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) ([]ScanType, error) {
	scans, err := ScansOf(ctx, tx, account, region)
	if err != nil {
		return nil, err
	}
	var types []ScanType
	for _, t := range ScanTypes() {
		if scans.Status(t) == Enabled {
			types = append(types, t)
		}
	}
	return types, nil
}

// PutScans writes scan types as they are given.
func PutScans(ctx context.Context, tx *store.Tx, scans []Scan) error {
	rows := make([][]any, len(scans))
	for i, s := range scans {
		rows[i] = []any{string(s.Account), string(s.Region), string(s.Type), string(s.Status),
			store.Micros(s.ChangedAt), store.Micros(s.FirstEnabledAt), s.ErrorCode, s.ErrorMessage}
	}
	_, err := tx.InsertRows(ctx, "inspector_scans",
		[]string{"account", "region", "type", "status", "changed_at", "first_enabled_at", "error_code", "error_message"}, rows,
		`ON CONFLICT (account, region, type) DO UPDATE SET status = excluded.status,
			changed_at = excluded.changed_at, first_enabled_at = excluded.first_enabled_at,
			error_code = excluded.error_code, error_message = excluded.error_message`)
	return err
}
