package browser

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// workloads is how many accounts there are beside audit and management: more
// than a page shows.
const workloads = 25

// TestSetUp walks through the set-up of an organization in the console, in both
// languages, and asks the API afterwards what has become of it.
func TestSetUp(t *testing.T) {
	needs(t)
	for _, language := range []string{"en", "ja"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := start(t, "No account yet", "--bare", "--feeds", t.TempDir())
			management, key := s.account(t, "management")
			org := organizations.New(organizations.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Credentials: key})
			ids := populate(t, org)
			script(t, s, "setup.mjs", language, map[string]string{
				"management": s.ticket(t, management), "audit": s.ticket(t, ids["audit"]), "member": s.ticket(t, ids["workload-1"]),
				"auditAccount": ids["audit"], "accounts": strconv.Itoa(workloads + 2),
			})
			s.members(t, ids["audit"])
		})
	}
}

var (
	accountLine = regexp.MustCompile(`\b(\d{12})\b`)
	keyLine     = regexp.MustCompile(`\b(AKIA\w+)`)
	secretLine  = regexp.MustCompile(`secret_access_key\s+(\S{40})`)
)

// account signs up a stand-alone account and returns its root key.
func (s server) account(t *testing.T, name string) (string, aws.CredentialsProvider) {
	t.Helper()
	out := s.admin(t, "create-account", "--name", name, "--email", name+"@example.com")
	id, key, secret := accountLine.FindString(out), keyLine.FindString(out), secretLine.FindStringSubmatch(out)
	if id == "" || key == "" || secret == nil {
		t.Fatalf("create-account said %q", out)
	}
	return id, credentials.NewStaticCredentialsProvider(key, secret[1], "")
}

// populate makes the organization and its accounts.
func populate(t *testing.T, org *organizations.Client) map[string]string {
	t.Helper()
	if _, err := org.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{FeatureSet: types.OrganizationFeatureSetAll}); err != nil {
		t.Fatal(err)
	}
	names := []string{"audit"}
	for i := range workloads {
		names = append(names, fmt.Sprintf("workload-%d", i+1))
	}
	for _, name := range names {
		if _, err := org.CreateAccount(t.Context(), &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@example.com")}); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]string{}
	for deadline := time.Now().Add(time.Minute); len(ids) < len(names)+1; {
		if time.Now().After(deadline) {
			t.Fatalf("only %d accounts were made", len(ids))
		}
		for pages := organizations.NewListAccountsPaginator(org, &organizations.ListAccountsInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Accounts {
				ids[*a.Name] = *a.Id
			}
		}
	}
	return ids
}

// members holds what the console has done against what the API says.
func (s server) members(t *testing.T, audit string) {
	t.Helper()
	out := s.admin(t, "issue-key", audit)
	key, secret := keyLine.FindString(out), secretLine.FindStringSubmatch(out)
	if secret == nil {
		t.Fatalf("issue-key said %q", out)
	}
	client := inspector2.New(inspector2.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Credentials: credentials.NewStaticCredentialsProvider(key, secret[1], "")})
	n := 0
	for pages := inspector2.NewListMembersPaginator(client, &inspector2.ListMembersInput{OnlyAssociated: aws.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Members)
	}
	if n != workloads+1 {
		t.Errorf("%d members, want %d", n, workloads+1)
	}
	auto, err := client.DescribeOrganizationConfiguration(t.Context(), &inspector2.DescribeOrganizationConfigurationInput{})
	if err != nil || !*auto.AutoEnable.Ec2 || !*auto.AutoEnable.Ecr || !*auto.AutoEnable.Lambda {
		t.Errorf("automatic activation is %+v, %v", auto, err)
	}
}
