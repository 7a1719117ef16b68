// Package exports is the part of the Inspector desk that writes what was found
// into files: findings reports and exports of SBOMs. They go to an S3-compatible
// bucket where the operator has connected one, else into the server's own
// folder, from where muster's own operations give them out.
//
// An export is a job that begins anew when its process dies: the names of its
// objects are fixed, so that nothing is left over but what it writes again.
package exports

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/exports"
	"muster/internal/worker"
)

// The jobs. Retention comes back by itself.
const (
	JobRun       = "exports.run"
	JobRetention = "exports.retention"
)

const (
	// limit is how long an export may take, as with Inspector.
	limit = 12 * time.Hour
	// keep is how long exports stay.
	keep = 7 * 24 * time.Hour
	// every is how often old ones are looked for.
	every = time.Hour
)

// Bucket is where objects are stored. *bucket.Client is one.
type Bucket interface {
	Check(ctx context.Context, name string) error
	Put(ctx context.Context, name, key string, f *os.File, contentType, kmsKey string) error
	ReadAt(ctx context.Context, name, key string, offset int64, n int) ([]byte, error)
}

// Config are the desk's parts.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Folder is the server's own.
	Folder string
	// Bucket stores the objects; nil means that the folder does.
	Bucket Bucket
	// Allowed are the buckets that accounts may write to; under "*" those of
	// everybody.
	Allowed map[arn.AccountID][]string
	// Encode appends a finding as the interface has it.
	Encode func(dst []byte, f *inspector2.Finding) ([]byte, error)
	// Version is the program's.
	Version string
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
	// Log receives why exports fail; nil means silence.
	Log *slog.Logger
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
	now    func() time.Time
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c, c.Store, c.Now}
}

// AddHandlers adds AWS's operations.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.CreateFindingsReport = s.CreateFindingsReport
	h.GetFindingsReportStatus = s.GetFindingsReportStatus
	h.CancelFindingsReport = s.CancelFindingsReport
	h.CreateSbomExport = s.CreateSbomExport
	h.GetSbomExport = s.GetSbomExport
	h.CancelSbomExport = s.CancelSbomExport
}

// AddOwnHandlers adds those that AWS does not have.
func (s *Service) AddOwnHandlers(h *muster.Handlers) {
	h.ListExports = s.ListExports
	h.ListExportObjects = s.ListExportObjects
	h.GetExportObject = s.GetExportObject
}

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobRun: s.run, JobRetention: s.retain}
}

// Start makes sure that the retention is under way.
func (s *Service) Start(ctx context.Context) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return again(ctx, tx, s.now()) })
}

func again(ctx context.Context, tx *store.Tx, when time.Time) error {
	return tx.Enqueue(ctx, store.Job{Kind: JobRetention, Key: "all", RunAt: when})
}

// retain forgets exports that ended long ago, with the files in the folder.
// What is in a bucket is its owner's.
func (s *Service) retain(ctx context.Context, _ store.Job) error {
	if !s.store.ClockTrusted() {
		return s.store.Update(ctx, func(tx *store.Tx) error { return again(ctx, tx, s.now().Add(every)) })
	}
	for {
		list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]exports.Export, error) {
			return exports.Before(ctx, tx, s.now().Add(-keep), 100)
		})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return s.store.Update(ctx, func(tx *store.Tx) error { return again(ctx, tx, s.now().Add(every)) })
		}
		for i := range list {
			if err := os.RemoveAll(s.folder(list[i].ID)); err != nil {
				return err
			}
		}
		err = s.store.Update(ctx, func(tx *store.Tx) error {
			for i := range list {
				if err := exports.Delete(ctx, tx, &list[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// permitted reports whether an account may write to a bucket.
func (s *Service) permitted(account arn.AccountID, bucket string) bool {
	return slices.Contains(s.config.Allowed[account], bucket) || slices.Contains(s.config.Allowed["*"], bucket)
}

func invalid(format string, args ...any) error {
	return &inspector2.ValidationException{Message: fmt.Sprintf(format, args...), Reason: inspector2.ValidationExceptionReasonOther}
}

func ownInvalid(format string, args ...any) error {
	return &muster.ValidationException{Message: fmt.Sprintf(format, args...), Reason: muster.ValidationExceptionReasonOther}
}
