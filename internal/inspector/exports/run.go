package exports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/bucket"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/exports"
)

// failure ends an export for good, with a code that the interface has.
type failure struct {
	code inspector2.ReportingErrorCode
	text string
}

func (f failure) Error() string { return string(f.code) + ": " + f.text }

// errCancelled says that an export is no longer in progress.
var errCancelled = errors.New("the export was cancelled")

// run is the handler of JobRun.
func (s *Service) run(ctx context.Context, j store.Job) error {
	var at job
	if err := json.Unmarshal(j.Payload, &at); err != nil {
		return fmt.Errorf("payload of %s: %w", j.Key, err)
	}
	e, err := store.Read(ctx, s.store, func(tx *store.Tx) (exports.Export, error) {
		return exports.Lookup(ctx, tx, arn.AccountID(at.Account), arn.Region(at.Region), at.ID)
	})
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && e.Status != exports.InProgress:
		return nil
	case err != nil:
		return err
	}
	w := &writer{Service: s, export: &e}
	err = w.write(ctx)
	if errors.Is(err, errCancelled) {
		return os.RemoveAll(s.folder(e.ID))
	}
	return s.finish(ctx, &e, j.Failures+1, err)
}

// attempts is how often an export begins anew after a failure that may pass.
const attempts = 5

// finish records how an export ended; what may pass is left to the job's next
// attempt.
func (s *Service) finish(ctx context.Context, e *exports.Export, attempt int, err error) error {
	e.Status, e.FinishedAt = exports.Succeeded, s.now()
	if err != nil {
		f, final := errors.AsType[failure](err)
		if !final {
			if ctx.Err() != nil || attempt < attempts || store.TryLater(err) {
				return err
			}
			s.config.Log.Error("an export failed", "account", e.Account, "export", e.ID, "error", err)
			f = failure{inspector2.ReportingErrorCodeInternalError, "The report could not be written."}
		}
		e.Status, e.ErrorCode, e.Error = exports.Failed, string(f.code), f.text
		if err := os.RemoveAll(s.folder(e.ID)); err != nil {
			return err
		}
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err != nil {
			if err := exports.DropObjects(ctx, tx, e); err != nil {
				return err
			}
		}
		_, err := exports.Finish(ctx, tx, e)
		return err
	})
}

// writer writes one export.
type writer struct {
	*Service
	export *exports.Export
	// done are objects that are written and not yet noted.
	done  []exports.Object
	files int
}

// kmsKey is the ARN of a key, with its Region.
var kmsKey = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+$`)

func (w *writer) write(ctx context.Context) error {
	if m := kmsKey.FindStringSubmatch(w.export.KMSKey); m == nil || m[1] != string(w.export.Region) {
		return failure{inspector2.ReportingErrorCodeMalformedKmsKey, "The KMS key is not the ARN of a key in this Region."}
	}
	if w.config.Bucket != nil {
		if !w.permitted(w.export.Account, w.export.Bucket) {
			return failure{inspector2.ReportingErrorCodeInvalidPermissions, "The account may not write to this bucket."}
		}
		if err := stored(w.config.Bucket.Check(ctx, w.export.Bucket)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(w.folder(w.export.ID)); err != nil {
		return err
	}
	if err := os.MkdirAll(w.folder(w.export.ID), 0o700); err != nil {
		return err
	}
	err := w.store.Update(ctx, func(tx *store.Tx) error { return exports.DropObjects(ctx, tx, w.export) })
	if err != nil {
		return err
	}
	if w.export.Kind == exports.SBOMs {
		err = w.boms(ctx)
	} else {
		err = w.report(ctx)
	}
	if err == nil {
		err = w.note(ctx, 0)
	}
	return err
}

// stored puts a bucket's error into the words of the interface.
func stored(err error) error {
	switch {
	case errors.Is(err, bucket.ErrNoBucket):
		return failure{inspector2.ReportingErrorCodeBucketNotFound, "The bucket does not exist."}
	case errors.Is(err, bucket.ErrDenied):
		return failure{inspector2.ReportingErrorCodeInvalidPermissions, "The bucket may not be written to."}
	case errors.Is(err, bucket.ErrOtherRegion):
		return failure{inspector2.ReportingErrorCodeIncompatibleBucketRegion, "The bucket is in another Region."}
	}
	return err
}

// scope is what the export's account sees now.
func (w *writer) scope(ctx context.Context, tx *store.Tx) (inspector.Scope, error) {
	return inspector.VisibleAccounts(ctx, tx, w.export.Account, w.export.Region)
}

// going refuses to go on with an export that was cancelled or takes too long.
func (w *writer) going(ctx context.Context) error {
	if w.now().Sub(w.export.CreatedAt) > limit {
		return failure{inspector2.ReportingErrorCodeInternalError, "The report took longer than 12 hours."}
	}
	e, err := store.Read(ctx, w.store, func(tx *store.Tx) (exports.Export, error) {
		return exports.Lookup(ctx, tx, w.export.Account, w.export.Region, w.export.ID)
	})
	if err == nil && e.Status != exports.InProgress {
		err = errCancelled
	}
	return err
}

// folder is where the files of an export are. Ids are UUIDs of our own.
func (s *Service) folder(id string) string { return filepath.Join(s.config.Folder, id) }

// object writes one object by fill and stores it.
func (w *writer) object(ctx context.Context, key, contentType string, fill func(*os.File) error) error {
	w.files++
	name := strconv.Itoa(w.files)
	path := filepath.Join(w.folder(w.export.ID), name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := fill(f); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	o := exports.Object{Key: key, Size: info.Size(), File: name}
	if w.config.Bucket == nil {
		err = f.Sync()
	} else {
		o.File = ""
		if err = stored(w.config.Bucket.Put(ctx, w.export.Bucket, key, f, contentType, w.export.KMSKey)); err == nil {
			err = os.Remove(path)
		}
	}
	if err != nil {
		return err
	}
	w.done = append(w.done, o)
	return w.note(ctx, 200)
}

// note stores which objects there are, once there are more than so many new
// ones.
func (w *writer) note(ctx context.Context, above int) error {
	if len(w.done) <= above {
		return nil
	}
	err := w.store.Update(ctx, func(tx *store.Tx) error { return exports.AddObjects(ctx, tx, w.export, w.done) })
	if err == nil {
		w.done = nil
	}
	return err
}
