package crash

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
	"sync"
	"testing"
	"time"

	"muster/internal/up"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// clients are the AWS SDK's clients of one principal.
type clients struct {
	config        aws.Config
	iam           *iam.Client
	sts           *sts.Client
	organizations *organizations.Client
	inspector     *inspector2.Client
}

// client returns clients that never try again by themselves.
func (p *process) client(id, secret, token string) *clients {
	via := p.via
	if via == nil {
		via = up.HTTPClient()
	}
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + p.address), HTTPClient: &witness{next: via, failures: &p.failures},
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	return &clients{
		config: cfg, iam: iam.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
		organizations: organizations.NewFromConfig(cfg), inspector: inspector2.NewFromConfig(cfg),
	}
}

// signUp makes the first account with the operator's command, and in it an
// administrator, whose clients it returns.
func (p *process) signUp(t *testing.T) *clients {
	t.Helper()
	out, err := p.run(t.Context(), "admin", "create-account", "--name", "management", "--email", "management@example.com")
	if err != nil {
		t.Fatal(err)
	}
	field := map[string]string{}
	for _, line := range strings.Split(out, "\n") {
		if f := strings.Fields(line); len(f) == 2 {
			field[f[0]] = f[1]
		}
	}
	root, name := p.client(field["aws_access_key_id"], field["aws_secret_access_key"], ""), aws.String("administrator")
	if _, err := root.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	policy := aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
	if _, err := root.iam.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: name, PolicyArn: policy}); err != nil {
		t.Fatal(err)
	}
	key, err := root.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	return p.client(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

// member enters an account of the organization through its access role. The
// session needs no row in the store, so it outlives every server.
func (p *process) member(t *testing.T, management *clients, account string) *clients {
	t.Helper()
	out, err := management.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/OrganizationAccountAccessRole"), RoleSessionName: aws.String("crash"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.client(aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SecretAccessKey), aws.ToString(out.Credentials.SessionToken))
}

// muster calls an operation of muster's own service.
func (c *clients) muster(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.config.BaseEndpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Muster_20261101."+operation)
	creds, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "muster", c.config.Region, time.Now()); err != nil {
		return err
	}
	return c.exchange(req, out)
}

// exchange sends a request and reads the JSON of the answer.
func (c *clients) exchange(req *http.Request, out any) error {
	resp, err := c.config.HTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &refusal{resp.StatusCode, string(reply)}
	}
	return json.Unmarshal(reply, out)
}

// refusal is an answer of an agent's or muster's own door that is not 200.
type refusal struct {
	status int
	body   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.body) }

// failures are the answers by which the server owned up to a fault of its own.
// Killing it is no excuse for one.
type failures struct {
	// unavailable says that 503 is a proper answer: the database is disturbed,
	// or the server was frozen.
	unavailable bool

	mu   sync.Mutex // guards list
	list []string
}

// witness notes failures as they pass.
type witness struct {
	next     aws.HTTPClient
	failures *failures
}

// Do implements aws.HTTPClient.
func (w *witness) Do(req *http.Request) (*http.Response, error) {
	resp, err := w.next.Do(req)
	if err == nil && resp.StatusCode >= 500 && !(w.failures.unavailable && resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "") {
		w.failures.mu.Lock()
		defer w.failures.mu.Unlock()
		w.failures.list = append(w.failures.list, resp.Status+" "+req.URL.Path+" "+req.Header.Get("X-Amz-Target"))
	}
	return resp, err
}

// answer sorts the ends of calls.
type answer int

const (
	accepted answer = iota
	refused         // the server said no: nothing has changed
	unknown         // the answer is missing: it may or may not have happened
)

func answerOf(err error) answer {
	var r *refusal
	var api smithy.APIError
	var answered *awshttp.ResponseError
	switch {
	case err == nil:
		return accepted
	case errors.As(err, &r) && r.status == http.StatusServiceUnavailable,
		errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusServiceUnavailable:
		return unknown // the connection may have broken at the very end
	case errors.As(err, &r) || errors.As(err, &api):
		return refused
	}
	return unknown
}

// account is whose clients they are.
func (c *clients) account(t *testing.T) string {
	t.Helper()
	who, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	return *who.Account
}
