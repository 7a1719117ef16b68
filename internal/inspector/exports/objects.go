package exports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector/desk"
	"muster/internal/store"
	"muster/internal/store/exports"
)

// pageSize is the most items of one page, and the default.
const pageSize = 100

func size(asked *int32) int {
	if asked == nil {
		return pageSize
	}
	return min(max(int(*asked), 1), pageSize)
}

// ListExports lists the caller's findings reports and SBOM exports in the
// Region, whatever became of them, the newest first.
func (s *Service) ListExports(ctx context.Context, call *awsmodel.Call, in *muster.ListExportsInput) (*muster.ListExportsOutput, error) {
	const op = "ListExports"
	cursor, err := desk.After(s.config.Pages, call, op, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	var after exports.Place
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &after); err != nil {
			return nil, ownInvalid("The nextToken is not valid for this request.") // of an earlier version
		}
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*muster.ListExportsOutput, error) {
		list, err := exports.Of(ctx, tx, call.Account(), call.Region, after, limit+1)
		out := &muster.ListExportsOutput{Exports: []muster.Export{}}
		if len(list) > limit {
			list = list[:limit]
			last, err := json.Marshal(exports.Place{CreatedAt: list[limit-1].CreatedAt, ID: list[limit-1].ID})
			if err != nil {
				return nil, err
			}
			out.NextToken = new(s.config.Pages.Seal(call, op, nil, last))
		}
		for i := range list {
			out.Exports = append(out.Exports, show(&list[i]))
		}
		return out, err
	})
}

func show(e *exports.Export) muster.Export {
	out := muster.Export{
		ExportId: e.ID, Kind: muster.ExportKind(e.Kind), Format: e.Format, Status: muster.ExportStatus(e.Status), BucketName: e.Bucket,
		KeyPrefix: optional(e.Prefix), CreatedAt: e.CreatedAt, ErrorCode: optional(e.ErrorCode), ErrorMessage: optional(e.Error),
	}
	if !e.FinishedAt.IsZero() {
		out.FinishedAt = &e.FinishedAt
	}
	return out
}

// ListExportObjects lists the objects that an export consists of.
func (s *Service) ListExportObjects(ctx context.Context, call *awsmodel.Call, in *muster.ListExportObjectsInput) (*muster.ListExportObjectsOutput, error) {
	const op = "ListExportObjects"
	after, err := desk.After(s.config.Pages, call, op, in.ExportId, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*muster.ListExportObjectsOutput, error) {
		e, err := own(ctx, tx, call, in.ExportId)
		if err != nil {
			return nil, err
		}
		list, err := exports.Objects(ctx, tx, &e, after, limit+1)
		out := &muster.ListExportObjectsOutput{Objects: []muster.ExportObject{}}
		if len(list) > limit {
			list = list[:limit]
			out.NextToken = new(s.config.Pages.Seal(call, op, in.ExportId, []byte(list[limit-1].Key)))
		}
		for _, o := range list {
			out.Objects = append(out.Objects, muster.ExportObject{Key: o.Key, Size: o.Size})
		}
		return out, err
	})
}

func own(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) (exports.Export, error) {
	e, err := exports.Lookup(ctx, tx, call.Account(), call.Region, id)
	if errors.Is(err, store.ErrNotFound) {
		err = &muster.ResourceNotFoundException{Message: "The export " + id + " does not exist."}
	}
	return e, err
}

// pieceSize is how much of an object one answer has.
const pieceSize = 1 << 20

// piece is where an answer ended; what a token of GetExportObject holds.
type piece struct {
	Offset int64     `json:"o"`
	State  cellState `json:"s"`
}

// wanted is what such a token is bound to.
type wanted struct {
	Export, Key string
	Raw         bool
}

// GetExportObject gives out an object piece by piece, for people who open it.
// A spreadsheet would take some cells of a CSV report for formulas, so those
// are neutralised, unless the bytes are wanted as they are in the bucket.
func (s *Service) GetExportObject(ctx context.Context, call *awsmodel.Call, in *muster.GetExportObjectInput) (*muster.GetExportObjectOutput, error) {
	const op = "GetExportObject"
	bound := wanted{in.ExportId, in.Key, in.Raw != nil && *in.Raw}
	cursor, err := desk.After(s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	var at piece
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &at); err != nil {
			return nil, ownInvalid("The nextToken is not valid for this request.")
		}
	}
	var e exports.Export
	o, err := store.Read(ctx, s.store, func(tx *store.Tx) (o exports.Object, err error) {
		if e, err = own(ctx, tx, call, in.ExportId); err == nil {
			o, err = exports.ObjectAt(ctx, tx, &e, in.Key)
		}
		if errors.Is(err, store.ErrNotFound) {
			err = &muster.ResourceNotFoundException{Message: "The export has no object " + in.Key + "."}
		}
		return o, err
	})
	if err != nil {
		return nil, err
	}
	content, err := s.read(ctx, &e, &o, at.Offset)
	if err != nil {
		return nil, err
	}
	out := &muster.GetExportObjectOutput{Size: o.Size}
	at.Offset += int64(len(content))
	if e.Format == "CSV" && !bound.Raw {
		content = neutralize(content, &at.State)
	}
	if out.Content = content; at.Offset < o.Size && len(content) > 0 {
		next, err := json.Marshal(at)
		if err != nil {
			return nil, err
		}
		out.NextToken = new(s.config.Pages.Seal(call, op, bound, next))
	}
	return out, nil
}

// read returns a piece of an object from an offset.
func (s *Service) read(ctx context.Context, e *exports.Export, o *exports.Object, offset int64) ([]byte, error) {
	n := min(pieceSize, int(o.Size-offset))
	if n <= 0 {
		return []byte{}, nil
	}
	if o.File == "" {
		if s.config.Bucket == nil {
			return nil, ownInvalid("The object is in the bucket %s, which this server is not connected to.", e.Bucket)
		}
		content, err := s.config.Bucket.ReadAt(ctx, e.Bucket, o.Key, offset, n)
		if err != nil {
			return nil, ownInvalid("The object cannot be read from the bucket %s any more.", e.Bucket)
		}
		return content, nil
	}
	f, err := os.Open(filepath.Join(s.folder(e.ID), o.File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ownInvalid("The object is in the folder of another server process.")
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content := make([]byte, n)
	got, err := f.ReadAt(content, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return content[:got], err
}

// cellState is where in a CSV text a piece ended.
type cellState int

const (
	cellStart cellState = iota
	inCell
	quotedStart
	inQuotes
	quoteInQuotes
)

// neutralize puts an apostrophe before every cell of a piece of CSV that a
// spreadsheet would take for a formula.
func neutralize(piece []byte, state *cellState) []byte {
	out := make([]byte, 0, len(piece)+len(piece)/64)
	for _, b := range piece {
		if (*state == cellStart || *state == quotedStart) && bytes.IndexByte([]byte("=+-@\t\r"), b) >= 0 && (b != '\r' || *state == quotedStart) {
			out = append(out, '\'')
		}
		*state = state.after(b)
		out = append(out, b)
	}
	return out
}

func (c cellState) after(b byte) cellState {
	switch c {
	case quotedStart, inQuotes:
		if b == '"' {
			return quoteInQuotes
		}
		return inQuotes
	case quoteInQuotes:
		if b == '"' {
			return inQuotes
		}
	case cellStart:
		if b == '"' {
			return quotedStart
		}
	}
	if b == ',' || b == '\n' || b == '\r' {
		return cellStart
	}
	return inCell
}
