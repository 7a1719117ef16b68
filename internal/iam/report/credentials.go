package report

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// GenerateCredentialReport writes a fresh report of the account's credentials,
// which is there when the call returns.
func (r *Room) GenerateCredentialReport(ctx context.Context, call *awsmodel.Call, _ *api.GenerateCredentialReportInput) (*api.GenerateCredentialReportOutput, error) {
	content, err := desk.View(ctx, r.desk, func(tx *store.Tx) (string, error) { return r.credentials(ctx, tx, call.Account()) })
	if err != nil {
		return nil, fmt.Errorf("credential report of account %s: %w", call.Account(), err)
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.GenerateCredentialReportOutput, error) {
		return &api.GenerateCredentialReportOutput{State: api.ReportStateTypeComplete},
			identity.PutCredentialReport(ctx, tx, call.Account(), content, call.Time)
	})
}

// reportLife is how long a report may be read.
const reportLife = 4 * time.Hour

// GetCredentialReport returns the report that was generated last.
func (r *Room) GetCredentialReport(ctx context.Context, call *awsmodel.Call, _ *api.GetCredentialReportInput) (*api.GetCredentialReportOutput, error) {
	var generated time.Time
	content, err := desk.View(ctx, r.desk, func(tx *store.Tx) (content string, err error) {
		content, generated, err = identity.CredentialReport(ctx, tx, call.Account())
		return content, err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &api.CredentialReportNotPresentException{Message: "There is no credential report. Generate one with GenerateCredentialReport."}
	case err != nil:
		return nil, err
	case call.Time.Sub(generated) > reportLife:
		return nil, &api.CredentialReportExpiredException{Message: "The credential report has expired. Generate a new one with GenerateCredentialReport."}
	}
	return &api.GetCredentialReportOutput{
		Content: []byte(content), ReportFormat: api.ReportFormatTypeTextCsv, GeneratedTime: new(desk.Seconds(generated)),
	}, nil
}

// credentials writes the report: the root user, then the users by name.
func (r *Room) credentials(ctx context.Context, tx *store.Tx, account arn.AccountID) (string, error) {
	var text strings.Builder
	header := []string{"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active"}
	for _, key := range []string{"access_key_1_", "access_key_2_"} {
		for _, fact := range []string{"active", "last_rotated", "last_used_date", "last_used_region", "last_used_service"} {
			header = append(header, key+fact)
		}
	}
	rows := [][]string{append(header, "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated")}
	a, err := directory.LookupAccount(ctx, tx, account)
	if err != nil {
		return "", err
	}
	root, err := r.row(ctx, tx, identity.Owner{Account: account}, "<root_account>", account.Root(), a.CreatedAt)
	if err != nil {
		return "", err
	}
	root[3], root[5], root[6] = "not_supported", "not_supported", "not_supported"
	rows = append(rows, root)
	users, err := identity.Users(ctx, tx, account, "", "", everything)
	for _, u := range users {
		if err != nil {
			return "", err
		}
		var user []string
		if user, err = r.row(ctx, tx, u.Owner(), u.Name, u.ARN(), u.CreatedAt); err == nil {
			err = login(ctx, tx, u, user)
		}
		rows = append(rows, user)
	}
	if err != nil {
		return "", err
	}
	err = csv.NewWriter(&text).WriteAll(rows)
	return text.String(), err
}

// login says in a user's line how the user signs in to the console.
func login(ctx context.Context, tx *store.Tx, u identity.User, line []string) error {
	p, err := identity.PasswordOf(ctx, tx, u.Account, u.ID)
	switch {
	case err == nil:
		line[3], line[4], line[5] = "true", "no_information", stamp(p.ChangedAt)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	devices, err := identity.MFADevicesOf(ctx, tx, u.Account, u.ID)
	line[7] = strconv.FormatBool(len(devices) > 0)
	return err
}

// row is a user's line, without a password and a device. There are no
// certificates.
func (r *Room) row(ctx context.Context, tx *store.Tx, o identity.Owner, name string, a arn.ARN, created time.Time) ([]string, error) {
	keys, err := identity.KeysOf(ctx, tx, o)
	line := []string{name, string(a), stamp(created), "false", "N/A", "N/A", "N/A", "false"}
	for i := range 2 {
		if i >= len(keys) {
			line = append(line, "false", "N/A", "N/A", "N/A", "N/A")
			continue
		}
		k := r.desk.Key(keys[i])
		line = append(line, strconv.FormatBool(k.Status == identity.KeyActive), stamp(k.CreatedAt))
		if k.LastUsedAt.IsZero() {
			line = append(line, "N/A", "N/A", "N/A")
		} else {
			line = append(line, stamp(k.LastUsedAt), k.LastUsedRegion, k.LastUsedService)
		}
	}
	return append(line, "false", "N/A", "false", "N/A"), err
}

// stamp is a time as the report has it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }
