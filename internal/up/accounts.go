package up

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	management = "management"
	audit      = "audit"
	workload1  = "workload-1"
	workload2  = "workload-2"

	// adminUser is the IAM user behind each written profile.
	adminUser = "muster-admin"
	// accessRole is the role that Organizations puts into accounts it creates.
	accessRole = "OrganizationAccountAccessRole"
	adminARN   = "arn:aws:iam::aws:policy/AdministratorAccess"
)

// members are the accounts of the demonstration organization beside its
// management account.
var members = []string{audit, workload1, workload2}

func email(name string) string { return name + "@example.com" }

// organization builds the demonstration organization and the credentials of
// its accounts, or finds them again: every step first looks at what is there,
// so that it continues after any interruption.
func (r *run) organization(ctx context.Context) error {
	if err := r.managementAccount(ctx); err != nil {
		return err
	}
	if err := r.createOrganization(ctx); err != nil {
		return err
	}
	if err := r.memberAccounts(ctx); err != nil {
		return err
	}
	for _, name := range members {
		if err := r.memberKey(ctx, name); err != nil {
			return fmt.Errorf("credentials of %s: %w", name, err)
		}
	}
	return r.profiles.writeConfig(r.endpoint, r.region)
}

// managementAccount signs up the first account as an operator would and gives
// it an administrator. Its root key is gone before the profile is written, so
// that a profile that works leaves none behind; root keys of interrupted starts
// go first, because an account has room for two.
func (r *run) managementAccount(ctx context.Context) error {
	if id, ok := r.works(ctx, management); ok {
		r.accounts[management] = id
		return nil
	}
	id, err := r.operator.EnsureAccount(ctx, management, email(management))
	if err != nil {
		return fmt.Errorf("management account: %w", err)
	}
	if err := r.operator.RetireRootKeys(ctx, id); err != nil {
		return fmt.Errorf("retire root keys: %w", err)
	}
	root, err := r.operator.IssueRootKey(ctx, id)
	if err != nil {
		return fmt.Errorf("root key: %w", err)
	}
	k, err := administrator(ctx, r.clients(key{root.ID, root.Secret}, ""))
	if err != nil {
		return err
	}
	if err := r.operator.RetireRootKeys(ctx, id); err != nil {
		return fmt.Errorf("retire root keys: %w", err)
	}
	r.accounts[management] = string(id)
	return r.profiles.put(management, k)
}

// works reports whether a written profile is accepted, and for which account.
func (r *run) works(ctx context.Context, name string) (string, bool) {
	k, ok := r.profiles.keys[name]
	if !ok || k.ID == "" {
		return "", false
	}
	out, err := r.clients(k, "").sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", false
	}
	return aws.ToString(out.Account), true
}

// administrator makes the user behind a profile, with a key. Keys left by an
// interrupted start are deleted: their secrets were never written.
func administrator(ctx context.Context, c *clients) (key, error) {
	user := aws.String(adminUser)
	if _, err := c.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: user}); err != nil && !refused(err, "EntityAlreadyExists") {
		return key{}, err
	}
	if _, err := c.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String(adminARN)}); err != nil {
		return key{}, err
	}
	old, err := c.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user})
	if err != nil {
		return key{}, err
	}
	for _, k := range old.AccessKeyMetadata {
		if _, err := c.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: k.AccessKeyId}); err != nil {
			return key{}, err
		}
	}
	out, err := c.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})
	if err != nil {
		return key{}, err
	}
	return key{aws.ToString(out.AccessKey.AccessKeyId), aws.ToString(out.AccessKey.SecretAccessKey)}, nil
}

func (r *run) createOrganization(ctx context.Context) error {
	c := r.as(management)
	_, err := c.organizations.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if refused(err, "AWSOrganizationsNotInUseException") {
		r.say("creating the demonstration organization")
		_, err = c.organizations.CreateOrganization(ctx, &organizations.CreateOrganizationInput{FeatureSet: orgtypes.OrganizationFeatureSetAll})
	}
	return err
}

// memberAccounts creates the accounts that are missing and notes every id.
func (r *run) memberAccounts(ctx context.Context) error {
	if err := r.awaitCreation(ctx); err != nil {
		return err
	}
	if err := r.noteAccounts(ctx); err != nil {
		return err
	}
	for _, name := range members {
		if r.accounts[name] != "" {
			continue
		}
		r.say("creating the account %s", name)
		_, err := r.as(management).organizations.CreateAccount(ctx, &organizations.CreateAccountInput{
			AccountName: aws.String(name), Email: aws.String(email(name)),
		})
		if err != nil {
			return fmt.Errorf("account %s: %w", name, err)
		}
	}
	if err := r.awaitCreation(ctx); err != nil {
		return err
	}
	if err := r.noteAccounts(ctx); err != nil {
		return err
	}
	for _, name := range members {
		if r.accounts[name] == "" {
			return fmt.Errorf("the account %s was not created", name)
		}
	}
	return nil
}

// awaitCreation waits until no account is being created any more.
func (r *run) awaitCreation(ctx context.Context) error {
	return until(ctx, "account creation", time.Minute, func() (bool, error) {
		out, err := r.as(management).organizations.ListCreateAccountStatus(ctx, &organizations.ListCreateAccountStatusInput{
			States: []orgtypes.CreateAccountState{orgtypes.CreateAccountStateInProgress},
		})
		return err == nil && len(out.CreateAccountStatuses) == 0, err
	})
}

func (r *run) noteAccounts(ctx context.Context) error {
	pages := organizations.NewListAccountsPaginator(r.as(management).organizations, &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.Accounts {
			for _, name := range members {
				if aws.ToString(a.Email) == email(name) {
					r.accounts[name] = aws.ToString(a.Id)
				}
			}
		}
	}
	return nil
}

// memberKey enters a member account through its access role and makes its
// administrator there.
func (r *run) memberKey(ctx context.Context, name string) error {
	if id, ok := r.works(ctx, name); ok && id == r.accounts[name] {
		return nil
	}
	out, err := r.as(management).sts.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + r.accounts[name] + ":role/" + accessRole),
		RoleSessionName: aws.String("muster-up"),
	})
	if err != nil {
		return err
	}
	session := out.Credentials
	c := r.clients(key{aws.ToString(session.AccessKeyId), aws.ToString(session.SecretAccessKey)}, aws.ToString(session.SessionToken))
	k, err := administrator(ctx, c)
	if err != nil {
		return err
	}
	return r.profiles.put(name, k)
}
