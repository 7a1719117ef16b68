package awsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ecr"
	"muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
	"muster/internal/awsmodel/sts"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// keyring is Keys over a map.
type keyring map[string]Credential

func (k keyring) Lookup(_ context.Context, id, token string) (Credential, error) {
	c, ok := k[id+"/"+token]
	if !ok {
		return Credential{}, ErrUnknownKey
	}
	return c, nil
}

const (
	account   = "111122223333"
	userKey   = "AKIAUSERUSERUSERUSER"
	sessKey   = "ASIASESSIONSESSIONSE"
	goneKey   = "ASIAGONEGONEGONEGONE"
	offKey    = "AKIAOFFOFFOFFOFFOFFO"
	secret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	sessToken = "FwoGZXIvYXdzEBY+/token=="
)

func testKeys() keyring {
	user := arn.Principal{Kind: arn.User, Account: account, ARN: "arn:aws:iam::111122223333:user/team/alice", ID: "AIDAALICE", AccessKeyID: userKey}
	role := arn.Principal{
		Kind: arn.AssumedRole, Account: account, ARN: "arn:aws:sts::111122223333:assumed-role/Admin/s", ID: "AROAADMIN:s",
		RoleARN: "arn:aws:iam::111122223333:role/Admin", AccessKeyID: sessKey,
	}
	return keyring{
		userKey + "/":             {Secret: secret, Principal: user},
		sessKey + "/" + sessToken: {Secret: secret, Principal: role, ExpiresAt: noon.Add(time.Hour)},
		goneKey + "/" + sessToken: {Secret: secret, Principal: role, ExpiresAt: noon.Add(-time.Second)},
		offKey + "/":              {Secret: secret, Principal: user, Inactive: true},
	}
}

// lab is a door with a clock at noon, an allow-all policy, and its audit log.
type lab struct {
	*Door
	mu      sync.Mutex
	records []Record
	log     bytes.Buffer
	// denied is the answer of Authorize.
	denied error
}

func (l *lab) last() Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[len(l.records)-1]
}

func newLab(t testing.TB, services []awsmodel.Service, change func(*Config)) *lab {
	t.Helper()
	l := new(lab)
	c := Config{
		Services: services, Keys: testKeys(), Now: func() time.Time { return noon },
		Authorize: func(context.Context, *awsmodel.Call, *awsmodel.Operation, any) error { return l.denied },
		Audit: func(r Record) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.records = append(l.records, r)
		},
		Logger: slog.New(slog.NewTextHandler(&l.log, nil)),
	}
	if change != nil {
		change(&c)
	}
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l.Door = d
	return l
}

// testDesks implement one operation or two of every service.
func testDesks() []awsmodel.Service {
	return []awsmodel.Service{
		inspector2.Handlers{
			ListFindings:        listFindings,
			AssociateMember:     associateMember,
			TagResource:         tagResource,
			UntagResource:       untagResource,
			ListTagsForResource: listTags,
			GetEncryptionKey: func(_ context.Context, _ *awsmodel.Call, in *inspector2.GetEncryptionKeyInput) (*inspector2.GetEncryptionKeyOutput, error) {
				return &inspector2.GetEncryptionKeyOutput{KmsKeyId: string(in.ScanType) + "/" + string(in.ResourceType)}, nil
			},
		}.Service(),
		inspectorscan.Handlers{ScanSbom: func(_ context.Context, _ *awsmodel.Call, in *inspectorscan.ScanSbomInput) (*inspectorscan.ScanSbomOutput, error) {
			return &inspectorscan.ScanSbomOutput{Sbom: in.Sbom}, nil
		}}.Service(),
		organizations.Handlers{
			ListAccounts: func(context.Context, *awsmodel.Call, *organizations.ListAccountsInput) (*organizations.ListAccountsOutput, error) {
				return &organizations.ListAccountsOutput{Accounts: []organizations.Account{{Id: new("111122223333"), Name: new("mänagement"), JoinedTimestamp: new(noon.Add(123 * time.Millisecond))}}}, nil
			},
			CreateAccount: func(context.Context, *awsmodel.Call, *organizations.CreateAccountInput) (*organizations.CreateAccountOutput, error) {
				return nil, &organizations.ConstraintViolationException{Message: "too many", Reason: organizations.ConstraintViolationExceptionReasonAccountNumberLimitExceeded}
			},
			DeleteOrganization: func(context.Context, *awsmodel.Call, *organizations.DeleteOrganizationInput) (*organizations.DeleteOrganizationOutput, error) {
				return &organizations.DeleteOrganizationOutput{}, nil
			},
		}.Service(),
		iam.Handlers{CreateUser: createUser, GetRole: noRole, ListUsers: listUsers}.Service(),
		sts.Handlers{GetCallerIdentity: whoAmI}.Service(),
		ecr.Handlers{DescribeRepositories: func(context.Context, *awsmodel.Call, *ecr.DescribeRepositoriesInput) (*ecr.DescribeRepositoriesOutput, error) {
			return nil, &ecr.RepositoryNotFoundException{Message: "no such repository"}
		}, GetAuthorizationToken: func(context.Context, *awsmodel.Call, *ecr.GetAuthorizationTokenInput) (*ecr.GetAuthorizationTokenOutput, error) {
			panic("the desk has a bug")
		}}.Service(),
		muster.Handlers{ListFeeds: func(context.Context, *awsmodel.Call, *muster.ListFeedsInput) (*muster.ListFeedsOutput, error) {
			return &muster.ListFeedsOutput{}, nil
		}, CreateActivation: func(context.Context, *awsmodel.Call, *muster.CreateActivationInput) (*muster.CreateActivationOutput, error) {
			return &muster.CreateActivationOutput{ActivationCode: "very-secret-code", ActivationId: "a-1", ExpiresAt: noon}, nil
		}}.Service(),
	}
}

func listFindings(_ context.Context, call *awsmodel.Call, in *inspector2.ListFindingsInput) (*inspector2.ListFindingsOutput, error) {
	if in.NextToken != nil && *in.NextToken == "busy" {
		return nil, &inspector2.ThrottlingException{Message: "slow down", RetryAfterSeconds: new(int32(7))}
	}
	f := inspector2.Finding{
		FindingArn:   "arn:aws:inspector2:" + string(call.Region) + ":" + string(call.Account()) + ":finding/0123456789abcdef0123456789abcdef",
		AwsAccountId: string(call.Account()), Description: "überlauf <&>\u2028", Severity: inspector2.SeverityHigh, Status: inspector2.FindingStatusActive,
		Type: inspector2.FindingTypePackageVulnerability, FirstObservedAt: noon, LastObservedAt: noon.Add(500 * time.Millisecond), UpdatedAt: new(noon),
		Remediation: &inspector2.Remediation{}, Resources: nil, InspectorScore: new(7.5),
	}
	return &inspector2.ListFindingsOutput{Findings: []inspector2.Finding{f}, NextToken: in.NextToken}, nil
}

func associateMember(_ context.Context, _ *awsmodel.Call, in *inspector2.AssociateMemberInput) (*inspector2.AssociateMemberOutput, error) {
	return &inspector2.AssociateMemberOutput{AccountId: in.AccountId}, nil
}

func tagResource(context.Context, *awsmodel.Call, *inspector2.TagResourceInput) (*inspector2.TagResourceOutput, error) {
	return &inspector2.TagResourceOutput{}, nil
}

func untagResource(_ context.Context, _ *awsmodel.Call, in *inspector2.UntagResourceInput) (*inspector2.UntagResourceOutput, error) {
	return nil, &inspector2.ResourceNotFoundException{Message: strings.Join(in.TagKeys, "|")}
}

func listTags(_ context.Context, _ *awsmodel.Call, in *inspector2.ListTagsForResourceInput) (*inspector2.ListTagsForResourceOutput, error) {
	return &inspector2.ListTagsForResourceOutput{Tags: map[string]string{"arn": in.ResourceArn}}, nil
}

func createUser(_ context.Context, _ *awsmodel.Call, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	return &iam.CreateUserOutput{User: &iam.User{UserName: in.UserName, Path: "/", UserId: "AIDAEXAMPLEEXAMPLE", Arn: "arn:aws:iam::111122223333:user/" + in.UserName, CreateDate: noon, Tags: in.Tags}}, nil
}

func noRole(_ context.Context, _ *awsmodel.Call, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	return nil, &iam.NoSuchEntityException{Message: "The role with name " + in.RoleName + " cannot be found."}
}

func listUsers(context.Context, *awsmodel.Call, *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	return &iam.ListUsersOutput{}, nil
}

func whoAmI(_ context.Context, call *awsmodel.Call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: new(string(call.Account())), Arn: new(string(call.Principal.ARN)), UserId: new(call.Principal.ID)}, nil
}

// message is a request before signing.
type message struct {
	method, url, contentType, target, body string
	service                                string
}

func inspectorCall(body string) message {
	return message{"POST", "http://muster.example/findings/list", "application/json", "", body, "inspector2"}
}

func organizationsCall(op, body string) message {
	return message{"POST", "http://muster.example/", "application/x-amz-json-1.1", "AWSOrganizationsV20161128." + op, body, "organizations"}
}

func iamCall(form string) message {
	return message{"POST", "http://muster.example/", "application/x-www-form-urlencoded", "", form, "iam"}
}

func (m message) request(t testing.TB) *http.Request {
	t.Helper()
	r := httptest.NewRequest(m.method, m.url, strings.NewReader(m.body))
	if m.contentType != "" {
		r.Header.Set("Content-Type", m.contentType)
	}
	if m.target != "" {
		r.Header.Set("X-Amz-Target", m.target)
	}
	return r
}

// signer says how to sign; the zero value is right.
type signer struct {
	key, secret, token, service, region string
	at                                  time.Time
}

func (s signer) sign(t testing.TB, m message) *http.Request {
	t.Helper()
	r := m.request(t)
	creds := aws.Credentials{AccessKeyID: or(s.key, userKey), SecretAccessKey: or(s.secret, secret), SessionToken: s.token}
	at := s.at
	if at.IsZero() {
		at = noon
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, bodyHash(m.body), or(s.service, m.service), or(s.region, "us-east-1"), at); err != nil {
		t.Fatal(err)
	}
	return r
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func bodyHash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// answer is a response, taken apart.
type answer struct {
	status       int
	header       http.Header
	body         string
	code, text   string
	reason       string
	fields       []struct{ Name, Message string }
	requestIDXML string
}

func (l *lab) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(b)}
	a.parse(t)
	return a
}

func (a *answer) parse(t testing.TB) {
	t.Helper()
	if strings.HasPrefix(a.body, "<") {
		a.code, a.text = between(a.body, "<Code>", "</Code>"), between(a.body, "<Message>", "</Message>")
		a.requestIDXML = between(a.body, "<RequestId>", "</RequestId>")
		return
	}
	var e struct {
		Type    string `json:"__type"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
		Fields  []struct{ Name, Message string }
	}
	if err := json.Unmarshal([]byte(a.body), &e); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	a.code, a.text, a.reason, a.fields = or(a.header.Get("x-amzn-ErrorType"), e.Type), e.Message, e.Reason, e.Fields
}

func between(s, from, to string) string {
	_, s, ok := strings.Cut(s, from)
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, to)
	return s
}

// readAll is a body of this text.
func readAll(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

func pageInput() *inspector2.ListFindingsInput { return new(inspector2.ListFindingsInput) }
