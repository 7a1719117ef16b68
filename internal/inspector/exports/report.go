package exports

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/inspector/results"
	"muster/internal/store"
	"muster/internal/store/exports"
)

// CreateFindingsReport begins a report of the findings that the caller sees:
// the ACTIVE ones, unless it says otherwise.
func (s *Service) CreateFindingsReport(ctx context.Context, call *awsmodel.Call, in *inspector2.CreateFindingsReportInput) (*inspector2.CreateFindingsReportOutput, error) {
	wanted, err := results.Criteria(in.FilterCriteria)
	if err != nil {
		return nil, err
	}
	if wanted.Empty() {
		wanted.Strings[criteria.FindingStatus] = []criteria.String{{Comparison: criteria.Equals, Value: string(finding.Active)}}
	}
	text, err := wanted.Encode()
	if err != nil {
		return nil, err
	}
	e := newExport(call, exports.Findings, string(in.ReportFormat), in.S3Destination, text)
	if err := s.create(ctx, e); err != nil {
		return nil, err
	}
	return &inspector2.CreateFindingsReportOutput{ReportId: &e.ID}, nil
}

// newExport is an export that has yet to begin.
func newExport(call *awsmodel.Call, kind exports.Kind, format string, to *inspector2.Destination, criteria string) *exports.Export {
	e := &exports.Export{
		Account: call.Account(), Region: call.Region, ID: newUUID(), Kind: kind, Format: format, Bucket: to.BucketName, KMSKey: to.KmsKeyArn,
		Criteria: criteria, Status: exports.InProgress, CreatedAt: call.Time,
	}
	if to.KeyPrefix != nil {
		e.Prefix = *to.KeyPrefix
	}
	return e
}

// newUUID is a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// bucketName is how S3 names buckets; prefixes are bounded as keys are.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

const longestPrefix = 512

// create stores an export, unless another of its kind is in progress.
func (s *Service) create(ctx context.Context, e *exports.Export) error {
	switch {
	case !bucketName.MatchString(e.Bucket):
		return invalid("Invalid bucket name.")
	case len(e.Prefix) > longestPrefix || strings.ContainsAny(e.Prefix, "\x00\\") || strings.Contains("/"+e.Prefix, "/../"):
		return invalid("Invalid key prefix.")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := exports.Running(ctx, tx, e.Account, e.Region, e.Kind)
		if err == nil {
			return invalid("Cannot have multiple reports in-progress")
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := exports.Insert(ctx, tx, e); err != nil {
			return err
		}
		return enqueue(ctx, tx, e)
	})
}

// job is the payload of JobRun.
type job struct{ Account, Region, ID string }

func enqueue(ctx context.Context, tx *store.Tx, e *exports.Export) error {
	body, err := json.Marshal(job{string(e.Account), string(e.Region), e.ID})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobRun, Key: e.ID, Account: string(e.Account), Region: string(e.Region), Payload: body, RunAt: e.CreatedAt})
}

// GetFindingsReportStatus tells how far a report is; without an id, the one
// that is in progress.
func (s *Service) GetFindingsReportStatus(ctx context.Context, call *awsmodel.Call, in *inspector2.GetFindingsReportStatusInput) (*inspector2.GetFindingsReportStatusOutput, error) {
	e, err := store.Read(ctx, s.store, func(tx *store.Tx) (exports.Export, error) {
		if in.ReportId == nil {
			e, err := exports.Running(ctx, tx, call.Account(), call.Region, exports.Findings)
			if errors.Is(err, store.ErrNotFound) {
				err = &inspector2.ResourceNotFoundException{Message: "There is no report in progress."}
			}
			return e, err
		}
		return lookup(ctx, tx, call, exports.Findings, *in.ReportId)
	})
	if err != nil {
		return nil, err
	}
	wanted, err := criteria.Decode(e.Criteria)
	if err != nil {
		return nil, err
	}
	return &inspector2.GetFindingsReportStatusOutput{
		ReportId: &e.ID, Status: inspector2.ExternalReportStatus(e.Status), ErrorCode: inspector2.ReportingErrorCode(e.ErrorCode), ErrorMessage: optional(e.Error),
		Destination: destination(&e), FilterCriteria: results.WireCriteria(&wanted),
	}, nil
}

func destination(e *exports.Export) *inspector2.Destination {
	return &inspector2.Destination{BucketName: e.Bucket, KeyPrefix: optional(e.Prefix), KmsKeyArn: e.KMSKey}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// lookup returns the caller's export of a kind.
func lookup(ctx context.Context, tx *store.Tx, call *awsmodel.Call, kind exports.Kind, id string) (exports.Export, error) {
	e, err := exports.Lookup(ctx, tx, call.Account(), call.Region, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && e.Kind != kind {
		err = &inspector2.ResourceNotFoundException{Message: "The report " + id + " does not exist."}
	}
	return e, err
}

// cancel ends an export that is in progress. Its job notices.
func (s *Service) cancel(ctx context.Context, call *awsmodel.Call, kind exports.Kind, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		e, err := lookup(ctx, tx, call, kind, id)
		if err != nil {
			return err
		}
		e.Status, e.FinishedAt = exports.Cancelled, call.Time
		ok, err := exports.Finish(ctx, tx, &e)
		if err == nil && !ok {
			err = invalid("The report %s is not in progress.", id)
		}
		return err
	})
}

// CancelFindingsReport ends a report that is in progress.
func (s *Service) CancelFindingsReport(ctx context.Context, call *awsmodel.Call, in *inspector2.CancelFindingsReportInput) (*inspector2.CancelFindingsReportOutput, error) {
	if err := s.cancel(ctx, call, exports.Findings, in.ReportId); err != nil {
		return nil, err
	}
	return &inspector2.CancelFindingsReportOutput{ReportId: in.ReportId}, nil
}

// CreateSbomExport begins an export of the SBOMs of the resources that the
// caller sees and that are scanned.
func (s *Service) CreateSbomExport(ctx context.Context, call *awsmodel.Call, in *inspector2.CreateSbomExportInput) (*inspector2.CreateSbomExportOutput, error) {
	text, err := json.Marshal(in.ResourceFilterCriteria)
	if err != nil {
		return nil, err
	}
	e := newExport(call, exports.SBOMs, string(in.ReportFormat), in.S3Destination, string(text))
	if err := s.create(ctx, e); err != nil {
		return nil, err
	}
	return &inspector2.CreateSbomExportOutput{ReportId: &e.ID}, nil
}

// GetSbomExport tells how far an export is.
func (s *Service) GetSbomExport(ctx context.Context, call *awsmodel.Call, in *inspector2.GetSbomExportInput) (*inspector2.GetSbomExportOutput, error) {
	e, err := store.Read(ctx, s.store, func(tx *store.Tx) (exports.Export, error) { return lookup(ctx, tx, call, exports.SBOMs, in.ReportId) })
	if err != nil {
		return nil, err
	}
	out := &inspector2.GetSbomExportOutput{
		ReportId: &e.ID, Format: inspector2.SbomReportFormat(e.Format), Status: inspector2.ExternalReportStatus(e.Status),
		ErrorCode: inspector2.ReportingErrorCode(e.ErrorCode), ErrorMessage: optional(e.Error), S3Destination: destination(&e),
	}
	return out, json.Unmarshal([]byte(e.Criteria), &out.FilterCriteria)
}

// CancelSbomExport ends an export that is in progress.
func (s *Service) CancelSbomExport(ctx context.Context, call *awsmodel.Call, in *inspector2.CancelSbomExportInput) (*inspector2.CancelSbomExportOutput, error) {
	if err := s.cancel(ctx, call, exports.SBOMs, in.ReportId); err != nil {
		return nil, err
	}
	return &inspector2.CancelSbomExportOutput{ReportId: &in.ReportId}, nil
}
