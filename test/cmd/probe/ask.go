package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"muster/internal/arn"
	"muster/internal/server"
	"muster/test/fleetgen"
)

// prober makes signed calls of a server in this process.
type prober struct {
	server *server.Server
	rounds int
	keys   map[string]server.RootKey
}

// ask makes a call several times. Deep questions go from page to page, the
// others ask for the first page every time.
func (p *prober) ask(ctx context.Context, q question) error {
	var took []time.Duration
	next, used, bytes := "", processor(), 0
	for range p.rounds {
		began := time.Now()
		answer, err := p.call(ctx, q, next)
		if err != nil {
			return err
		}
		took = append(took, time.Since(began))
		bytes = len(answer)
		if !q.deep {
			continue
		}
		var page struct {
			NextToken string `json:"nextToken"`
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return err
		}
		next = page.NextToken
	}
	used = processor() - used
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("%-56s %9.1f %9.1f %9.1f  %d bytes\n", q.name, ms(took[len(took)/2]), ms(took[len(took)-1]), ms(used)/float64(p.rounds), bytes)
	return nil
}

func (p *prober) key(ctx context.Context, account arn.AccountID) (server.RootKey, error) {
	if k, ok := p.keys[string(account)]; ok {
		return k, nil
	}
	// An account has two keys at most; those of former measurements go.
	if err := p.server.Operator().RetireRootKeys(ctx, account); err != nil {
		return server.RootKey{}, err
	}
	k, err := p.server.Operator().IssueRootKey(ctx, account)
	p.keys[string(account)] = k
	return k, err
}

// call makes one signed call, which must succeed.
func (p *prober) call(ctx context.Context, q question, next string) ([]byte, error) {
	body := map[string]any{}
	if err := json.Unmarshal([]byte(q.body), &body); err != nil {
		return nil, err
	}
	if next != "" {
		body["nextToken"] = next
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.server.URL()+q.path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	service := "inspector2"
	r.Header.Set("Content-Type", "application/json")
	if q.target != "" {
		service = "muster"
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "Muster_20261101."+q.target)
	}
	key, err := p.key(ctx, q.account)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(sum[:]), service, string(fleetgen.Region), time.Now()); err != nil {
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
