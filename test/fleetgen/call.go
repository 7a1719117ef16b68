package fleetgen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"muster/internal/arn"
	"muster/internal/server"
)

// Caller makes signed calls of a running server, as the roots of accounts.
type Caller struct {
	URL      string
	Operator *server.Operator
	keys     map[arn.AccountID]server.RootKey
}

// NewCaller is for one goroutine at a time.
func NewCaller(srv *server.Server) *Caller {
	return &Caller{URL: srv.URL(), Operator: srv.Operator(), keys: map[arn.AccountID]server.RootKey{}}
}

// Call makes one call, which must succeed: of Inspector by its path, or, with a
// target, of muster's own operations.
func (c *Caller) Call(ctx context.Context, account arn.AccountID, path, target string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	service := "inspector2"
	r.Header.Set("Content-Type", "application/json")
	if target != "" {
		service = "muster"
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "Muster_20261101."+target)
	}
	key, err := c.key(ctx, account)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, string(Region), time.Now()); err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, answer)
	}
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	return answer, err
}

func (c *Caller) key(ctx context.Context, account arn.AccountID) (server.RootKey, error) {
	if k, ok := c.keys[account]; ok {
		return k, nil
	}
	// An account has two keys at most; those of former measurements go.
	if err := c.Operator.RetireRootKeys(ctx, account); err != nil {
		return server.RootKey{}, err
	}
	k, err := c.Operator.IssueRootKey(ctx, account)
	c.keys[account] = k
	return k, err
}
