// Package query asks the services of AWS that speak its query protocols, EC2
// and Elastic Load Balancing, and Direct Connect. The SDK signs, supplies
// credentials, and decides about attempts and their pace; the shapes of answers
// are the caller's. The SDK's own module for EC2 is larger than all of muster
// (docs/decisions).
package query

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Service is one of AWS's services and the version of its interface.
type Service struct {
	// Name begins the host and is what requests are signed for.
	Name string
	// Version is that of the query protocol, Target the prefix of JSON 1.1
	// operations; one of them is set.
	Version, Target string
}

// EC2 tells of networks and machines.
func EC2() Service { return Service{Name: "ec2", Version: "2016-11-15"} }

// ClassicBalancing tells of classic load balancers.
func ClassicBalancing() Service { return Service{Name: "elasticloadbalancing", Version: "2012-06-01"} }

// Balancing tells of all other load balancers.
func Balancing() Service { return Service{Name: "elasticloadbalancing", Version: "2015-12-01"} }

// DirectConnect tells of lines to offices.
func DirectConnect() Service { return Service{Name: "directconnect", Target: "OvertureService"} }

// maxBody bounds one answer, in bytes; a page of 1,000 interfaces is some 3 MB.
const maxBody = 64 << 20

// Options say how a client asks.
type Options struct {
	Credentials aws.CredentialsProvider
	Region      string
	// Endpoint is asked in place of AWS's own hosts; "" for those.
	Endpoint string
	// HTTP is nil for one with usual bounds.
	HTTP *http.Client
	// Retryer decides which calls are tried again, and when; nil means the
	// SDK's adaptive one, ten attempts each.
	Retryer aws.RetryerV2
}

// Client asks the services of one account in one Region. Its calls share one
// pace, which falls when AWS throttles and rises again. It is safe for
// concurrent use.
type Client struct {
	options Options
	signer  *v4.Signer
}

// New returns a client.
func New(o Options) *Client {
	if o.Retryer == nil {
		o.Retryer = retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
			a.StandardOptions = append(a.StandardOptions, Persistent)
		})
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: time.Minute}
	}
	return &Client{options: o, signer: v4.NewSigner()}
}

// Persistent makes a retryer try ten times, whatever other calls came to.
func Persistent(s *retry.StandardOptions) { s.MaxAttempts, s.RateLimiter = 10, ratelimit.None }

// Query calls an operation of a query protocol and reads the XML of its answer.
func (c *Client) Query(ctx context.Context, s Service, action string, params url.Values, out any) error {
	form := url.Values{"Action": {action}, "Version": {s.Version}}
	for key, values := range params {
		form[key] = values
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	body, err := c.call(ctx, s, action, header, []byte(form.Encode()))
	if err == nil {
		err = xml.Unmarshal(body, out)
	}
	return named(s, action, err)
}

// JSON calls an operation of a JSON 1.1 protocol.
func (c *Client) JSON(ctx context.Context, s Service, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {s.Target + "." + action}}
	if body, err = c.call(ctx, s, action, header, body); err == nil {
		err = json.Unmarshal(body, out)
	}
	return named(s, action, err)
}

// CallError is what went wrong with a call that came to an end.
type CallError struct {
	// Action is the call as IAM policies name it.
	Action string
	Err    error
}

func (e *CallError) Error() string { return e.Action + ": " + e.Err.Error() }

func (e *CallError) Unwrap() error { return e.Err }

func named(s Service, action string, err error) error {
	if err == nil {
		return nil
	}
	return &CallError{Action: s.Name + ":" + action, Err: err}
}

// call makes attempts until one succeeds or the retryer gives up.
func (c *Client) call(ctx context.Context, s Service, action string, header http.Header, body []byte) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		release, err := c.options.Retryer.GetAttemptToken(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := c.attempt(ctx, s, header, body)
		_ = release(err) // It hands on the error that it is given.
		if err == nil || attempt >= c.options.Retryer.MaxAttempts() || !c.options.Retryer.IsErrorRetryable(err) || ctx.Err() != nil {
			return answer, err
		}
		if err := c.pause(ctx, attempt, err); err != nil {
			return nil, fmt.Errorf("%s, attempt %d: %w", action, attempt, err)
		}
	}
}

// pause waits as long as the retryer wants; it returns the cause when nobody
// waits any more.
func (c *Client) pause(ctx context.Context, attempt int, cause error) error {
	delay, err := c.options.Retryer.RetryDelay(attempt, cause)
	if err != nil {
		return errors.Join(cause, err)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.Join(cause, ctx.Err())
	case <-timer.C:
		return nil
	}
}

// attempt signs and sends a request once.
func (c *Client) attempt(ctx context.Context, s Service, header http.Header, body []byte) (answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(s)+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	credentials, err := c.options.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, &CredentialsError{err}
	}
	sum := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), s.Name, c.options.Region, time.Now()); err != nil {
		return nil, err
	}
	resp, err := c.options.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(answer) > maxBody:
		return nil, fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	case resp.StatusCode != http.StatusOK:
		return nil, errorOf(resp, answer)
	}
	return answer, nil
}

// CredentialsError says that there are no credentials to sign with: the role
// could not be assumed, say.
type CredentialsError struct{ Err error }

func (e *CredentialsError) Error() string { return "credentials: " + e.Err.Error() }

func (e *CredentialsError) Unwrap() error { return e.Err }

// endpoint is where a service is asked.
func (c *Client) endpoint(s Service) string {
	if c.options.Endpoint != "" {
		return strings.TrimSuffix(c.options.Endpoint, "/")
	}
	return "https://" + s.Name + "." + c.options.Region + "." + Domain(c.options.Region)
}

// Domain is the one that the hosts of a Region end in.
func Domain(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-iso-"):
		return "c2s.ic.gov"
	case strings.HasPrefix(region, "us-isob-"):
		return "sc2s.sgov.gov"
	case strings.HasPrefix(region, "eusc-"):
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}
