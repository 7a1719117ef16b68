package awsapi

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"muster/internal/clienttest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	insptypes "github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// serve starts a door with real time on loopback.
func serve(t *testing.T, ahead time.Duration) string {
	t.Helper()
	keys := testKeys()
	for id, c := range keys {
		c.ExpiresAt = time.Time{}
		keys[id] = c
	}
	l := newLab(t, testDesks(), func(c *Config) {
		c.Keys = keys
		c.Now = func() time.Time { return time.Now().Add(ahead) }
	})
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	return s.URL
}

func sdk(url string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: aws.String(url), Credentials: credentials.NewStaticCredentialsProvider(userKey, secret, ""),
		RetryMaxAttempts: 2,
	}
}

// TestGoSDK uses the AWS SDK for Go against the door.
func TestGoSDK(t *testing.T) {
	ctx := t.Context()
	config := sdk(serve(t, 0))
	t.Run("inspector2", func(t *testing.T) { inspectorSDK(t, inspector2.NewFromConfig(config)) })
	t.Run("organizations", func(t *testing.T) {
		c := organizations.NewFromConfig(config)
		out, err := c.ListAccounts(ctx, &organizations.ListAccountsInput{MaxResults: aws.Int32(5)})
		if err != nil || len(out.Accounts) != 1 || *out.Accounts[0].Name != "mänagement" || !out.Accounts[0].JoinedTimestamp.Equal(noon.Add(123*time.Millisecond)) {
			t.Errorf("got %+v, %v", out, err)
		}
		_, err = c.CreateAccount(ctx, &organizations.CreateAccountInput{AccountName: aws.String("a"), Email: aws.String("a@b.example")})
		if e, ok := errors.AsType[*orgtypes.ConstraintViolationException](err); !ok || e.Reason != orgtypes.ConstraintViolationExceptionReasonAccountNumberLimitExceeded || e.ErrorMessage() != "too many" {
			t.Errorf("got %v", err)
		}
		if _, err := c.DeleteOrganization(ctx, nil); err != nil {
			t.Error(err)
		}
		_, err = c.ListRoots(ctx, nil)
		code(t, err, "NotImplementedException")
	})
	t.Run("iam", func(t *testing.T) {
		c := iam.NewFromConfig(config)
		out, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bob"), Tags: []iamtypes.Tag{{Key: aws.String("ключ"), Value: aws.String("a b+c")}}})
		if err != nil || *out.User.Arn != "arn:aws:iam::111122223333:user/bob" || !out.User.CreateDate.Equal(noon) || *out.User.Tags[0].Key != "ключ" || *out.User.Tags[0].Value != "a b+c" {
			t.Errorf("got %+v, %v", out, err)
		}
		_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")})
		if e, ok := errors.AsType[*iamtypes.NoSuchEntityException](err); !ok || e.ErrorMessage() != "The role with name r cannot be found." {
			t.Errorf("got %v", err)
		}
		users, err := c.ListUsers(ctx, &iam.ListUsersInput{})
		if err != nil || users.Users == nil || len(users.Users) != 0 {
			t.Errorf("got %+v, %v", users, err)
		}
	})
	t.Run("sts", func(t *testing.T) {
		config := config.Copy()
		config.Credentials = credentials.NewStaticCredentialsProvider(sessKey, secret, sessToken)
		out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
		if err != nil || *out.Account != account || *out.UserId != "AROAADMIN:s" {
			t.Errorf("got %+v, %v", out, err)
		}
		config.Credentials = credentials.NewStaticCredentialsProvider(userKey, "guess", "")
		_, err = sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
		code(t, err, "SignatureDoesNotMatch")
	})
	t.Run("ecr", func(t *testing.T) {
		_, err := ecr.NewFromConfig(config).DescribeRepositories(ctx, nil)
		if e, ok := errors.AsType[*ecrtypes.RepositoryNotFoundException](err); !ok || e.ErrorMessage() != "no such repository" {
			t.Errorf("got %v", err)
		}
	})
}

func inspectorSDK(t *testing.T, c *inspector2.Client) {
	ctx := t.Context()
	out, err := c.ListFindings(ctx, &inspector2.ListFindingsInput{FilterCriteria: &insptypes.FilterCriteria{
		Severity:  []insptypes.StringFilter{{Comparison: insptypes.StringComparisonEquals, Value: aws.String("HIGH")}},
		UpdatedAt: []insptypes.DateFilter{{StartInclusive: aws.Time(noon)}},
	}})
	if err != nil || len(out.Findings) != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	if f := out.Findings[0]; !f.LastObservedAt.Equal(noon.Add(500*time.Millisecond)) || *f.Description != "überlauf <&>\u2028" || f.Severity != insptypes.SeverityHigh || *f.InspectorScore != 7.5 {
		t.Errorf("got %+v", f)
	}
	_, err = c.AssociateMember(ctx, &inspector2.AssociateMemberInput{AccountId: aws.String("12")})
	invalid, ok := errors.AsType[*insptypes.ValidationException](err)
	if !ok || invalid.Reason != insptypes.ValidationExceptionReasonFieldValidationFailed || len(invalid.Fields) != 2 || *invalid.Fields[0].Name != "accountId" {
		t.Errorf("got %v", err)
	}
	resource := "arn:aws:inspector2:eu-central-1:111122223333:owner/111122223333/filter/a1 b"
	tags, err := c.ListTagsForResource(ctx, &inspector2.ListTagsForResourceInput{ResourceArn: &resource})
	if err != nil || tags.Tags["arn"] != resource {
		t.Errorf("got %+v, %v", tags, err)
	}
	_, err = c.UntagResource(ctx, &inspector2.UntagResourceInput{ResourceArn: &resource, TagKeys: []string{"a+b", "c/d=e"}})
	if e, ok := errors.AsType[*insptypes.ResourceNotFoundException](err); !ok || e.ErrorMessage() != "a+b|c/d=e" {
		t.Errorf("got %v", err)
	}
	_, err = c.ListCisScans(ctx, &inspector2.ListCisScansInput{})
	code(t, err, "NotImplementedException")
}

func code(t *testing.T, err error, want string) {
	t.Helper()
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestClientClockIsCorrected: a client whose clock is an hour off learns the
// time from the refusal's Date and succeeds with the second attempt.
func TestClientClockIsCorrected(t *testing.T) {
	config := sdk(serve(t, time.Hour))
	config.RetryMaxAttempts = 3
	if _, err := sts.NewFromConfig(config).GetCallerIdentity(context.Background(), nil); err != nil {
		t.Errorf("sts: %v", err)
	}
	if _, err := inspector2.NewFromConfig(config).ListFindings(context.Background(), &inspector2.ListFindingsInput{}); err != nil {
		t.Errorf("inspector2: %v", err)
	}
}

// program finds a client program, which continuous integration must have.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is required: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

func clientEnv(t *testing.T, url string) []string {
	return append(clienttest.Environment(t, url),
		"AWS_ACCESS_KEY_ID="+userKey, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
}

// TestBoto3 runs testdata/boto3_client.py, which checks what it gets itself.
func TestBoto3(t *testing.T) {
	python := program(t, "python3")
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("boto3 is required: %v", err)
		}
		t.Skip("boto3 is not installed")
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/boto3_client.py")
	cmd.Env = clientEnv(t, serve(t, 0))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestCLI types commands into the AWS CLI.
func TestCLI(t *testing.T) {
	cli := program(t, "aws")
	url := serve(t, 0)
	env := clientEnv(t, url)
	tests := []struct{ name, args, want string }{
		{"identity", "sts get-caller-identity --query Arn --output text", "arn:aws:iam::111122223333:user/team/alice"},
		{"findings", `inspector2 list-findings --filter-criteria {"severity":[{"comparison":"EQUALS","value":"HIGH"}]} --query findings[0].severity --output text`, "HIGH"},
		{"constraints", "inspector2 associate-member --account-id 12345678901x", "An error occurred (ValidationException) when calling the AssociateMember operation: 1 validation error detected: Value '12345678901x' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"missing role", "iam get-role --role-name r", "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name r cannot be found."},
		{"limit", "organizations create-account --account-name a --email a@b.example", "An error occurred (ConstraintViolationException) when calling the CreateAccount operation: too many"},
		{"SBOM", `inspector-scan scan-sbom --sbom {"a":[1.5,null]} --query sbom.a[0] --output text`, "1.5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(cli, append(strings.Fields(tt.args), "--endpoint-url", url)...)
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			// Older ones add how often they tried.
			if !strings.Contains(strings.ReplaceAll(string(out), " (reached max retries: 0)", ""), tt.want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
