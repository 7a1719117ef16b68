// Package code is the desk for source code: the integrations through which
// accounts reach their repositories, the configurations that say how those are
// scanned, and the scans, which look for packages with known vulnerabilities
// (Inspector's category SCA).
//
// A provider only says which projects there are and where they are at. What
// was found in one is kept as its inventory; how it is covered and what
// follows from its packages is the scan desk's to decide.
package code

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/inventory"
	"muster/internal/source/forge"
	"muster/internal/source/guard"
	"muster/internal/store"
	"muster/internal/store/catalog"
	cellar "muster/internal/store/code"
	"muster/internal/worker"
)

// The desk's jobs beside cellar.JobFirst.
const (
	// JobDiscover looks for the projects of an integration and for what is new
	// in them; the payload is a ref.
	JobDiscover = "code.discover"
	// JobScan does a scan; the payload is a ref.
	JobScan = "code.scan"
	// JobPeriodic begins the scan of a project by its schedule; the payload is
	// a ref.
	JobPeriodic = "code.periodic"
	// JobArrange works out anew how the projects of an account, or of all
	// accounts of an organization, are scanned; the payload is an arrangement.
	JobArrange = "code.arrange"
	// JobForget drops what an integration led to, and the integration itself;
	// the payload is a ref.
	JobForget = "code.forget"
	// JobReview looks through a merge request; the payload is a review.
	JobReview = "code.review"
)

// Scans follows what becomes of projects. *scan.Service is one.
type Scans interface {
	Changed(ctx context.Context, tx *store.Tx, r *catalog.Resource, now time.Time) error
	Gone(ctx context.Context, tx *store.Tx, r *catalog.Resource, now time.Time) error
}

// Secrets seals and opens credentials. *keyring.Keyring is one.
type Secrets interface {
	Seal(aad string, plain []byte) []byte
	Open(aad string, sealed []byte) ([]byte, error)
}

// Pager seals and opens page tokens. *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Uploads reads archives that were sent in parts. *functions.Service is one.
type Uploads interface {
	// Tree reads an upload as a folder and returns what is in it, and its
	// SHA-256 in base64.
	Tree(ctx context.Context, call *awsmodel.Call, id string) (inventory.Inventory, string, error)
	// Used forgets an upload, in the transaction that took what was in it.
	Used(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id string) error
}

// Config are the desk's parts and settings.
type Config struct {
	Store   *store.Store
	Scans   Scans
	Secrets Secrets
	Pages   Pager
	Uploads Uploads
	// Advisories are those in service, for merge requests; the caller closes
	// the set.
	Advisories func(ctx context.Context) (*advisorydb.Set, error)
	// Guard says which addresses providers may have.
	Guard *guard.Guard
	// Transport, if set, makes the requests in place of Guard's.
	Transport http.RoundTripper
	// Address is where the outside reaches this server, without a slash at
	// its end; without it nobody can be asked to tell of pushes or to send
	// somebody back here.
	Address string
	// App is the operator's GitHub App, nil for none.
	App *forge.App
	// Every is how often integrations are looked through; 0 means a quarter of
	// an hour.
	Every time.Duration
	// Temp is the folder for temporary files, "" for the system's.
	Temp string
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config    Config
	store     *store.Store
	transport http.RoundTripper
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Every == 0 {
		c.Every = 15 * time.Minute
	}
	if c.Guard == nil {
		c.Guard = &guard.Guard{}
	}
	if c.Transport == nil {
		c.Transport = c.Guard.Transport()
	}
	return &Service{config: c, store: c.Store, transport: c.Transport}
}

func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// AddHandlers adds the operations of Inspector that the desk implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.CreateCodeSecurityIntegration = s.CreateCodeSecurityIntegration
	h.GetCodeSecurityIntegration = s.GetCodeSecurityIntegration
	h.ListCodeSecurityIntegrations = s.ListCodeSecurityIntegrations
	h.UpdateCodeSecurityIntegration = s.UpdateCodeSecurityIntegration
	h.DeleteCodeSecurityIntegration = s.DeleteCodeSecurityIntegration
	h.CreateCodeSecurityScanConfiguration = s.CreateCodeSecurityScanConfiguration
	h.GetCodeSecurityScanConfiguration = s.GetCodeSecurityScanConfiguration
	h.ListCodeSecurityScanConfigurations = s.ListCodeSecurityScanConfigurations
	h.UpdateCodeSecurityScanConfiguration = s.UpdateCodeSecurityScanConfiguration
	h.DeleteCodeSecurityScanConfiguration = s.DeleteCodeSecurityScanConfiguration
	h.BatchAssociateCodeSecurityScanConfiguration = s.BatchAssociateCodeSecurityScanConfiguration
	h.BatchDisassociateCodeSecurityScanConfiguration = s.BatchDisassociateCodeSecurityScanConfiguration
	h.ListCodeSecurityScanConfigurationAssociations = s.ListCodeSecurityScanConfigurationAssociations
	h.StartCodeSecurityScan = s.StartCodeSecurityScan
	h.GetCodeSecurityScan = s.GetCodeSecurityScan
}

// AddOwnHandlers adds those of muster's own service.
func (s *Service) AddOwnHandlers(h *muster.Handlers) {
	h.CreateCodeRepository = s.CreateCodeRepository
	h.PutCodeRepositoryTree = s.PutCodeRepositoryTree
	h.ListCodeRepositories = s.ListCodeRepositories
	h.DeleteCodeRepository = s.DeleteCodeRepository
}

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{
		JobDiscover:     s.discover,
		JobScan:         s.scan,
		JobPeriodic:     s.periodic,
		JobArrange:      s.arrange,
		JobForget:       s.forget,
		JobReview:       s.review,
		cellar.JobFirst: s.first,
	}
}

// ref names an integration, a project or a scan in jobs.
type ref struct {
	cellar.At
	ID string `json:"id"`
}

func (r ref) String() string { return string(r.Account) + "/" + string(r.Region) + "/" + r.ID }

// ask enqueues a job about something; the zero time means now.
func ask(ctx context.Context, tx *store.Tx, kind string, at cellar.At, id string, when time.Time) error {
	r := ref{at, id}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: kind, Key: r.String(), Account: string(at.Account), Region: string(at.Region), Payload: body, RunAt: when})
}

// payload reads a job's payload. One that cannot be read never will be.
func payload[T any](job store.Job) (p T, err error) {
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return p, worker.Permanent(fmt.Errorf("payload of %s: %w", job.Kind, err))
	}
	return p, nil
}

func own(call *awsmodel.Call) cellar.At {
	return cellar.At{Account: call.Account(), Region: call.Region}
}

// newUUID is a fresh id in the form that ARNs want.
func newUUID(tx *store.Tx) string {
	id := tx.NewID()
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func invalid(field, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &inspector2.ValidationException{Message: message, Reason: inspector2.ValidationExceptionReasonFieldValidationFailed,
		Fields: []inspector2.ValidationExceptionField{{Name: field, Message: message}}}
}

func notFound(what, id string) error {
	return &inspector2.ResourceNotFoundException{Message: fmt.Sprintf("There is no %s %s in this account and Region.", what, id)}
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// maxMessage bounds what is told of an error.
const maxMessage = 300

// tell puts an error into words for the account: no more of a network than it
// may know of.
func tell(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, guard.ErrRefused):
		text = guard.ErrRefused.Error()
	case errors.Is(err, context.DeadlineExceeded):
		text = "no answer in time"
	}
	return text[:min(len(text), maxMessage)]
}

// page is the most of one page, and the default.
const page = 100

func size(asked *int32) int {
	if asked == nil {
		return page
	}
	return min(max(int(*asked), 1), page)
}

// after is where a page begins, "" for the first.
func (s *Service) after(call *awsmodel.Call, operation string, query any, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.config.Pages.Open(call, operation, query, *token)
	if err != nil || len(cursor) == 0 {
		return "", &inspector2.ValidationException{Message: "The nextToken is not valid for this request.", Reason: inspector2.ValidationExceptionReasonOther}
	}
	return string(cursor), nil
}

// cut cuts a list that was read with one more than a page holds, and seals the
// place of its last entry where there are more.
func cut[T any](s *Service, call *awsmodel.Call, operation string, query any, list []T, limit int, id func(T) string) ([]T, *string) {
	if len(list) <= limit {
		return list, nil
	}
	list = list[:limit]
	return list, new(s.config.Pages.Seal(call, operation, query, []byte(id(list[limit-1]))))
}

// parse reads an ARN of the caller's account and Region, or of another
// account's where others are allowed.
func parse(text, kind string) (at cellar.At, owner, id string, ok bool) {
	p, err := arn.Parse(arn.ARN(text))
	if err != nil || p.Service != "inspector2" {
		return at, "", "", false
	}
	at = cellar.At{Account: p.Account, Region: p.Region}
	owner, id, ok = split(p.Resource, kind)
	return at, owner, id, ok
}
