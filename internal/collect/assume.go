package collect

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"muster/internal/arn"
	"muster/internal/collect/query"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Credentials sign calls.
type Credentials = aws.CredentialsProvider

// Key are those of an access key.
func Key(id, secret string) Credentials {
	return credentials.NewStaticCredentialsProvider(id, secret, "")
}

// Ambient finds the credentials that AWS's tools would use here, of the
// environment, the user's files or the machine, and the Region, "" where none
// is set.
func Ambient(ctx context.Context, profile string) (Credentials, arn.Region, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	if err != nil {
		return nil, "", fmt.Errorf("AWS credentials: %w", err)
	}
	return c.Credentials, arn.Region(c.Region), nil
}

// Role is what is assumed in each account.
type Role struct {
	// Name may contain a path: "team/reader".
	Name string
	// ExternalID is what the role's trust policy asks for; "" for nothing.
	ExternalID string
	// Session names the sessions, which CloudTrail shows.
	Session string
}

// ARN is the role's in an account.
func (r *Role) ARN(account arn.AccountID, region arn.Region) string {
	return "arn:" + partition(region) + ":iam::" + string(account) + ":role/" + r.Name
}

// partition is the part of AWS that a Region belongs to.
func partition(region arn.Region) string {
	switch query.Domain(string(region)) {
	case "amazonaws.com.cn":
		return "aws-cn"
	case "c2s.ic.gov":
		return "aws-iso"
	case "sc2s.sgov.gov":
		return "aws-iso-b"
	case "amazonaws.eu":
		return "aws-eusc"
	}
	if len(region) > 7 && region[:7] == "us-gov-" {
		return "aws-us-gov"
	}
	return "aws"
}

// Assume are the credentials of a role in an account, got with others and
// renewed as long as they are used.
func Assume(with Credentials, r *Role, account arn.AccountID, o query.Options) Credentials {
	asked := sts.New(sts.Options{Region: o.Region, Credentials: with, HTTPClient: client(o.HTTP), BaseEndpoint: base(o.Endpoint)})
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(asked, r.ARN(account, arn.Region(o.Region)), func(a *stscreds.AssumeRoleOptions) {
		a.RoleSessionName = r.Session
		if r.ExternalID != "" {
			a.ExternalID = &r.ExternalID
		}
	}))
}

// client is the SDK's word for a client; nil stays nil.
func client(c *http.Client) aws.HTTPClient {
	if c == nil {
		return nil
	}
	return c
}

func base(endpoint string) *string {
	if endpoint == "" {
		return nil
	}
	return &endpoint
}

// Whose is the account of credentials.
func Whose(ctx context.Context, o query.Options) (arn.AccountID, error) {
	asked := sts.New(sts.Options{Region: o.Region, Credentials: o.Credentials, HTTPClient: client(o.HTTP), BaseEndpoint: base(o.Endpoint)})
	out, err := asked.GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("sts:GetCallerIdentity: %w", err)
	}
	return arn.AccountID(aws.ToString(out.Account)), nil
}

// Accounts are the active ones of the credentials' organization.
func Accounts(ctx context.Context, o query.Options) ([]arn.AccountID, error) {
	asked := organizations.New(organizations.Options{Region: o.Region, Credentials: o.Credentials, HTTPClient: client(o.HTTP), BaseEndpoint: base(o.Endpoint)})
	var all []arn.AccountID
	for pages := organizations.NewListAccountsPaginator(asked, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("organizations:ListAccounts: %w", err)
		}
		for _, a := range page.Accounts {
			if a.Status == types.AccountStatusActive {
				all = append(all, arn.AccountID(aws.ToString(a.Id)))
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// Regions are those that the credentials' account has switched on.
func Regions(ctx context.Context, o query.Options) ([]arn.Region, error) {
	var out struct {
		Names []arn.Region `xml:"regionInfo>item>regionName"`
	}
	if err := query.New(o).Query(ctx, query.EC2(), "DescribeRegions", url.Values{}, &out); err != nil {
		return nil, err
	}
	slices.Sort(out.Names)
	return out.Names, nil
}
