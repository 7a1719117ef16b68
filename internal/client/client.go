// Package client calls muster's own operations as any AWS client calls its
// service: with the credentials, profile, Region and endpoint that the
// environment and the shared configuration files say, over signed requests.
// muster's commands that talk to a server use it; the server does not.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// DefaultEndpoint is where a server listens unless told otherwise.
const DefaultEndpoint = "http://127.0.0.1:8440"

// Options are what the AWS CLI calls --profile, --region and --endpoint-url;
// what is empty comes from the environment and the configuration files.
type Options struct{ Profile, Region, Endpoint string }

// Client calls a server as one principal.
type Client struct {
	config   aws.Config
	endpoint string
	http     *http.Client
}

// errNoRegion: nothing says in which Region to ask.
var errNoRegion = errors.New("no Region: give --region, or set AWS_REGION, or region in the profile")

// errNoCredentials: nothing says as whom to ask.
var errNoCredentials = errors.New("no credentials: give --profile, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")

// Open reads the configuration.
func Open(ctx context.Context, o Options) (*Client, error) {
	load := []func(*config.LoadOptions) error{config.WithEC2IMDSClientEnableState(imds.ClientDisabled)}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errNoRegion
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("%w (%w)", errNoCredentials, err)
	}
	c := &Client{config: cfg, endpoint: o.Endpoint, http: &http.Client{Timeout: 2 * time.Minute}}
	if c.endpoint == "" && cfg.BaseEndpoint != nil {
		c.endpoint = *cfg.BaseEndpoint
	}
	if c.endpoint == "" {
		c.endpoint = DefaultEndpoint
	}
	if built, ok := cfg.HTTPClient.(interface{ GetTransport() *http.Transport }); ok {
		c.http.Transport = built.GetTransport() // it knows AWS_CA_BUNDLE
	}
	return c, nil
}

// Endpoint is the server's address.
func (c *Client) Endpoint() string { return c.endpoint }

// Region is the Region that calls are made in.
func (c *Client) Region() string { return c.config.Region }

// Error is a refusal of the server.
type Error struct {
	Status        int
	Code, Message string
}

func (e *Error) Error() string { return e.Message + " (" + e.Code + ")" }

const (
	// attempts is how often a call is made that is told to come again.
	attempts = 4
	// maxReply bounds replies, in bytes.
	maxReply = 64 << 20
)

// Call calls an operation with an input and reads its output, both JSON.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, operation, body, out)
		refusal, ok := errors.AsType[*Error](err)
		if !ok || attempt == attempts || refusal.Status != http.StatusTooManyRequests && refusal.Status < 500 && !strings.Contains(refusal.Code, "Throttling") {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(attempt*attempt) * 100 * time.Millisecond):
		}
	}
}

func (c *Client) once(ctx context.Context, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.endpoint, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Muster_20261101."+operation)
	who, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, who, req, hex.EncodeToString(sum[:]), "muster", c.config.Region, time.Now()); err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return refusalOf(resp.StatusCode, reply)
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return fmt.Errorf("the reply of %s is not muster's: %w", c.endpoint, err)
	}
	return nil
}

func refusalOf(status int, reply []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(reply, &e); err != nil || e.Type == "" {
		return fmt.Errorf("the server answered with status %d, not as muster does", status)
	}
	return &Error{Status: status, Code: e.Type, Message: e.Message}
}
