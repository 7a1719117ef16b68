package up

import (
	"path/filepath"
	"testing"

	"muster/internal/testshared"
	"muster/internal/up"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// TestUpLeavesTheOrganizationToItsUser takes apart what the first start has
// built, down to the keys of a profile. Later starts build nothing up again,
// miss nothing and serve.
func TestUpLeavesTheOrganizationToItsUser(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole program: make test runs it")
	}
	feeds := filepath.Join(testshared.Dir(t), "advisories", "small")
	bin, data, address := build(t), filepath.Join(t.TempDir(), "data"), freeAddress(t)
	const ready = "Profiles: audit, management, workload-1, workload-2"
	first := start(t, bin, "up", "--data", data, "--listen", address, "--feeds", feeds)
	first.await(t, ready)
	takeApart(t, data)
	first.stop(t)

	second := start(t, bin, "up", "--data", data, "--listen", address, "--feeds", feeds)
	second.await(t, "0 vulnerabilities that the audit account sees")
	second.await(t, ready)
	management := inspector2.NewFromConfig(profile(t, data, "management"))
	out, err := management.ListDelegatedAdminAccounts(t.Context(), &inspector2.ListDelegatedAdminAccountsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out.DelegatedAdminAccounts { // its removal may be under way
		if a.Status == types.DelegatedAdminStatusEnabled {
			t.Errorf("the second start has delegated %s again", aws.ToString(a.AccountId))
		}
	}
	withdrawKeys(t, data, "audit")
	second.stop(t)

	third := start(t, bin, "up", "--data", data, "--listen", freeAddress(t), "--feeds", feeds)
	third.await(t, "nothing to report: ")
	third.await(t, ready)
	status, err := inspector2.NewFromConfig(profile(t, data, "workload-1")).BatchGetAccountStatus(t.Context(), &inspector2.BatchGetAccountStatusInput{})
	if err != nil || status.Accounts[0].State.Status != types.StatusDisabled {
		t.Errorf("the third start has enabled %+v, %v", status, err)
	}
	third.stop(t)
}

// profile is the configuration of a profile that up has written.
func profile(t *testing.T, data, name string) aws.Config {
	t.Helper()
	c, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(name),
		config.WithSharedConfigFiles([]string{filepath.Join(data, "aws", "config")}),
		config.WithSharedCredentialsFiles([]string{filepath.Join(data, "aws", "credentials")}))
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPClient = up.HTTPClient()
	return c
}

// takeApart ends delegation, trusted access and the scanning of a member.
func takeApart(t *testing.T, data string) {
	t.Helper()
	c := profile(t, data, "management")
	inspector, org := inspector2.NewFromConfig(c), organizations.NewFromConfig(c)
	list, err := inspector.ListDelegatedAdminAccounts(t.Context(), &inspector2.ListDelegatedAdminAccountsInput{})
	if err != nil || len(list.DelegatedAdminAccounts) != 1 {
		t.Fatalf("got %+v, %v", list, err)
	}
	account := list.DelegatedAdminAccounts[0].AccountId
	if _, err := inspector.DisableDelegatedAdminAccount(t.Context(), &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: account}); err != nil {
		t.Fatal(err)
	}
	if _, err := org.DisableAWSServiceAccess(t.Context(), &organizations.DisableAWSServiceAccessInput{ServicePrincipal: aws.String("inspector2.amazonaws.com")}); err != nil {
		t.Fatal(err)
	}
	member := inspector2.NewFromConfig(profile(t, data, "workload-1"))
	off, err := member.Disable(t.Context(), &inspector2.DisableInput{ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2, types.ResourceScanTypeEcr, types.ResourceScanTypeLambda, types.ResourceScanTypeCodeRepository}})
	if err != nil || len(off.FailedAccounts) > 0 {
		t.Fatalf("got %+v, %v", off, err)
	}
}

// withdrawKeys deletes the keys of a profile's user.
func withdrawKeys(t *testing.T, data, name string) {
	t.Helper()
	c := iam.NewFromConfig(profile(t, data, name))
	keys, err := c.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.AccessKeyMetadata {
		if _, err := c.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: k.UserName, AccessKeyId: k.AccessKeyId}); err != nil {
			t.Fatal(err)
		}
	}
}
