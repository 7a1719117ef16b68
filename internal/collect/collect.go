// Package collect asks AWS accounts for the facts about their networks: EC2's,
// Elastic Load Balancing's and Direct Connect's describe answers, in the form
// of the command line's JSON, one file per call. It changes nothing, and keeps
// of answers only what reachability depends on.
package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"muster/internal/collect/query"

	"golang.org/x/sync/errgroup"
)

// File is the answer to one call, of all pages.
type File struct {
	Name string
	Data []byte
}

// Failure is a call that was not answered. File is the name of the file that
// is missing, or lacks something, because of it.
type Failure struct {
	File string
	Err  error
}

// Result is what an account tells of its networks in a Region.
type Result struct {
	// Files are sorted by name and the same whenever the answers say the same.
	Files []File
	// Failures are of calls without which something is known all the same.
	Failures []Failure
}

// Record is a file that says when the result was read and which calls were not
// answered, in the form that facts are read in.
func (r *Result) Record(at time.Time) (File, error) {
	record := struct {
		CollectedAt string
		NotAnswered []string `json:",omitempty"`
	}{CollectedAt: at.UTC().Format(time.RFC3339)}
	for _, f := range r.Failures {
		record.NotAnswered = append(record.NotAnswered, f.Err.Error())
	}
	data, err := json.MarshalIndent(record, "", " ")
	return File{"Collected.json", append(data, '\n')}, err
}

// inFlight is how many calls of one account in one Region wait for their
// answers at a time.
const inFlight = 4

// Collect asks for everything. It fails when what every analysis needs is not
// answered; what lacks beyond that is told in the result.
func Collect(ctx context.Context, o query.Options) (*Result, error) {
	g := &gathering{client: query.New(o), files: map[string]any{}}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for _, l := range listings() {
		group.Go(func() error { return g.list(running, &l) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := g.details(ctx); err != nil {
		return nil, err
	}
	return g.result()
}

// gathering is what has been answered so far.
type gathering struct {
	client *query.Client

	mu sync.Mutex
	// files are answers by the names of their files; failures what was not
	// answered, by file and call.
	files    map[string]any
	failures []Failure

	// What more is to be asked about, set by the lists.
	prefixLists  []prefixList
	transit      []transitTable
	balancers    []balancer
	classics     []classicBalancer
	listeners    []listener
	targetGroups []targetGroup
	directs      []directGateway
}

// list asks for one list.
func (g *gathering) list(ctx context.Context, l *listing) error {
	rows, err := l.read(ctx, g, l)
	if err == nil {
		g.put(l.file, l.member, rows)
		return nil
	}
	return g.failed(ctx, l.file, l.vital, err)
}

func (g *gathering) put(file, member string, rows any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[file] = map[string]any{member: rows}
}

// failed notes a call that was not answered. It is the end of everything where
// the call is vital, nobody waits any more, or no other call would do better.
func (g *gathering) failed(ctx context.Context, file string, vital bool, err error) error {
	var credentials *query.CredentialsError
	if vital || ctx.Err() != nil || errors.As(err, &credentials) {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.failures {
		if f.File == file && f.Err.Error() == err.Error() {
			return nil
		}
	}
	g.failures = append(g.failures, Failure{file, err})
	return nil
}

// result is all that was answered.
func (g *gathering) result() (*Result, error) {
	r := &Result{Failures: g.failures}
	for _, name := range slices.Sorted(maps.Keys(g.files)) {
		data, err := json.MarshalIndent(g.files[name], "", " ")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.Files = append(r.Files, File{name + ".json", append(data, '\n')})
	}
	for i := range r.Failures {
		r.Failures[i].File += ".json"
	}
	slices.SortStableFunc(r.Failures, func(a, b Failure) int { return strings.Compare(a.File, b.File) })
	return r, nil
}

// Denied reports whether AWS refused for want of a permission: by a policy, an
// unknown key, or a Region that the account has not switched on.
func Denied(err error) bool {
	var e *query.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure", "OptInRequired", "InvalidClientTokenId",
		"UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken", "Blocked", "PendingVerification":
		return true
	}
	return e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized
}

// Throttled reports whether AWS refused because of too many calls.
func Throttled(err error) bool {
	var e *query.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == "RequestLimitExceeded" || strings.HasPrefix(e.Code, "Throttl") || e.Status == http.StatusTooManyRequests
}
