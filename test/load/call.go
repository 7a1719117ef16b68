package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const region = "us-east-1"

// account is one that owns hosts, and its key.
type account struct {
	url         string
	credentials aws.Credentials
	code        string
	hosts       []*host
}

// consoles are the connections of those who call.
var consoles = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

// post makes a call of Inspector.
func (a *account) post(ctx context.Context, path, body string, out any) error {
	return a.call(ctx, "inspector2", path, "application/json", "", body, out)
}

// muster makes a call of muster's own service.
func (a *account) muster(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return a.call(ctx, "muster", "/", "application/x-amz-json-1.1", "Muster_20261101."+operation, string(body), out)
}

func (a *account) call(ctx context.Context, service, path, kind, target, body string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, a.credentials, req, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		return err
	}
	return exchange(consoles, req, out)
}

// mix are the calls of a console and of scripts; what is named twice is made
// twice as often.
func mix(a *account) func() (path, body string) {
	active := `"filterCriteria":{"findingStatus":[{"comparison":"EQUALS","value":"ACTIVE"}]`
	calls := [][2]string{
		{"/findings/list", `{"maxResults":50,"sortCriteria":{"field":"SEVERITY","sortOrder":"DESC"}}`},
		{"/findings/list", `{"maxResults":50,` + active + `}}`},
		{"/findings/list", `{"maxResults":50,` + active + `,"vulnerabilityId":[{"comparison":"EQUALS","value":"` + flawAlways + `"}]}}`},
		{"/findings/list", ""}, {"/findings/list", ""},
		{"/findings/aggregation/list", `{"aggregationType":"ACCOUNT"}`},
		{"/findings/aggregation/list", `{"aggregationType":"PACKAGE"}`},
		{"/findings/aggregation/list", `{"aggregationType":"TITLE"}`},
		{"/coverage/list", `{"maxResults":50}`},
		{"/coverage/statistics/list", `{"groupBy":"SCAN_STATUS_CODE"}`},
		{"/filters/list", `{}`}, {"/status/batch/get", `{}`}, {"/configuration/get", `{}`}, {"/usage/list", `{}`},
		{"/ec2deepinspectionconfiguration/get", `{}`},
		{"/ec2deepinspectionconfiguration/update", `{"activateDeepInspection":true,"packagePaths":["/opt/app"]}`},
	}
	return func() (string, string) {
		c := calls[rand.IntN(len(calls))]
		if c[1] == "" {
			h := a.hosts[rand.IntN(len(a.hosts))]
			c[1] = `{` + active + `,"resourceId":[{"comparison":"EQUALS","value":"` + string(h.id) + `"}]}}`
		}
		return c[0], c[1]
	}
}

// mostOpen is how many calls are open at most; what is due beyond that is
// counted as not made.
const mostOpen = 2000

// caller makes calls at a rate, whether or not earlier ones were answered.
type caller struct {
	accounts []*account
	rate     int

	mu      sync.Mutex // guards all below
	byPath  map[string]*latencies
	skipped int
	failed  []error
}

func newCaller(accounts []*account, rate int) *caller {
	return &caller{accounts: accounts, rate: rate, byPath: map[string]*latencies{"": {}}}
}

func (c *caller) run(ctx context.Context, stop <-chan struct{}) {
	if c.rate <= 0 {
		return
	}
	open := make(chan struct{}, mostOpen)
	var calls sync.WaitGroup
	defer calls.Wait()
	pick := make([]func() (string, string), len(c.accounts))
	for i, a := range c.accounts {
		pick[i] = mix(a)
	}
	began := time.Now()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(c.rate))
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		select {
		case open <- struct{}{}:
		default:
			c.mu.Lock()
			c.skipped++
			c.mu.Unlock()
			continue
		}
		i := n % len(c.accounts)
		path, body := pick[i]()
		calls.Go(func() {
			defer func() { <-open }()
			c.note(path, due, c.accounts[i].post(ctx, path, body, nil))
		})
	}
}

// note takes the time since a call was due, so that waiting for the server
// counts.
func (c *caller) note(path string, due time.Time, err error) {
	took := time.Since(due)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPath[path] == nil {
		c.byPath[path] = &latencies{}
	}
	for _, l := range []*latencies{c.byPath[""], c.byPath[path]} {
		if err == nil {
			l.add(took)
		} else {
			l.refuse(err)
		}
	}
	refused, ok := errors.AsType[*refusal](err)
	if ok && (refused.status != http.StatusServiceUnavailable || refused.after == 0) && len(c.failed) < 10 {
		c.failed = append(c.failed, fmt.Errorf("call %s: %w", path, err))
	}
}

func (c *caller) tell(say func(string, ...any), during time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.byPath[""]
	say("%.0f calls a second answered of %d wanted, %d not made: %s", float64(len(all.list))/during.Seconds(), c.rate, c.skipped, all.String())
	for path, l := range c.byPath {
		if path != "" {
			say("  %-40s %s", path, l.String())
		}
	}
}

// failure is what is not to happen: refusals without a time to come back, and
// other answers than success.
func (c *caller) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.failed...)
}
