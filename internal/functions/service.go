// Package functions is the desk for serverless functions that users bring: they
// upload the archives of functions and layers, and what those hold is scanned
// like everything else.
//
// An archive is read once, when it is given to a function or published as a
// layer; what was found in it is kept, the archive is not. A function's
// inventory is that of its code with those of its layers, each on top of the
// ones before it as Lambda unpacks them.
package functions

import (
	"context"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/functions"
)

// Scans follows what becomes of functions. *scan.Service is one.
type Scans interface {
	Changed(ctx context.Context, tx *store.Tx, r *catalog.Resource, now time.Time) error
	Gone(ctx context.Context, tx *store.Tx, r *catalog.Resource, now time.Time) error
}

// Pager seals the place where a page ended into a token. *pagetoken.Sealer is
// one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Config are the desk's parts, all required.
type Config struct {
	Store *store.Store
	Scans Scans
	Pages Pager
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	store *store.Store
	scans Scans
	pages Pager
	// reading bounds the archives that are read at once.
	reading chan struct{}
}

// readAtOnce is how many archives one process reads at a time.
const readAtOnce = 2

// New returns the desk.
func New(c Config) *Service {
	return &Service{store: c.Store, scans: c.Scans, pages: c.Pages, reading: make(chan struct{}, readAtOnce)}
}

// AddHandlers adds the operations that the desk implements.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.CreateUpload = s.CreateUpload
	h.PutUploadPart = s.PutUploadPart
	h.PutFunction = s.PutFunction
	h.GetFunction = s.GetFunction
	h.ListFunctions = s.ListFunctions
	h.DeleteFunction = s.DeleteFunction
	h.TagFunction = s.TagFunction
	h.UntagFunction = s.UntagFunction
	h.RecordFunctionInvocation = s.RecordFunctionInvocation
	h.PublishFunctionLayer = s.PublishFunctionLayer
	h.ListFunctionLayers = s.ListFunctionLayers
	h.DeleteFunctionLayer = s.DeleteFunctionLayer
}

func owner(call *awsmodel.Call) functions.Owner {
	return functions.Owner{Account: call.Account(), Region: call.Region}
}

func invalid(field, message string) error {
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: field, Message: message}},
	}
}

func notFound(message string) error { return &muster.ResourceNotFoundException{Message: message} }

// page is the most of one page, and the default.
const page = 100

func size(asked *int32) int {
	if asked == nil {
		return page
	}
	return min(max(int(*asked), 1), page)
}

// after is where a page begins, "" for the first.
func (s *Service) after(call *awsmodel.Call, operation string, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.pages.Open(call, operation, nil, *token)
	if err != nil || len(cursor) == 0 {
		return "", invalid("nextToken", "The nextToken is not valid for this request.")
	}
	return string(cursor), nil
}
