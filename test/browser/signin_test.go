package browser

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"muster/internal/webidentity/webidentitytest"
)

// TestSignIn goes every way into the console.
func TestSignIn(t *testing.T) {
	needs(t)
	for _, language := range []string{"en", "ja"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			issuer := webidentitytest.Server(t, "http://"+address+"/console/api/openid/callback")
			s := startAt(t, address, []string{
				"MUSTER_OPENID_ISSUER=" + issuer, "MUSTER_OPENID_CLIENT_ID=" + webidentitytest.Client, "MUSTER_OPENID_CLIENT_SECRET=" + webidentitytest.Secret,
				"MUSTER_OPENID_NAME=Example Login", "MUSTER_OPENID_NETWORKS=127.0.0.0/8,::1", "MUSTER_OPENID_SCOPES=profile,email,offline_access",
			}, "No account yet", "--bare", "--feeds", t.TempDir())
			account, root := s.account(t, "alone")
			key, err := root.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			const first = "Correct horse 1"
			ada := aws.String("ada")
			client := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.url()), Credentials: root})
			if _, err := client.CreateAccountAlias(t.Context(), &iam.CreateAccountAliasInput{AccountAlias: aws.String("the-lonely")}); err != nil {
				t.Fatal(err)
			}
			if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: ada}); err != nil {
				t.Fatal(err)
			}
			if _, err := client.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: ada, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}); err != nil {
				t.Fatal(err)
			}
			if _, err := client.CreateLoginProfile(t.Context(), &iam.CreateLoginProfileInput{UserName: ada, Password: aws.String(first), PasswordResetRequired: true}); err != nil {
				t.Fatal(err)
			}
			trust(t, client, issuer, "Analyst", "Administrator")
			script(t, s, "signin.mjs", language, map[string]string{
				"issuer": issuer, "person": webidentitytest.First, "personPassword": webidentitytest.Password, "account": account, "alias": "the-lonely", "keyId": key.AccessKeyID, "secret": key.SecretAccessKey, "password": first})
		})
	}
}

// trust makes roles that whoever the provider knows may enter.
func trust(t *testing.T, client *iam.Client, issuer string, names ...string) {
	t.Helper()
	provider, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &issuer, ClientIDList: []string{webidentitytest.Client}})
	if err != nil {
		t.Fatal(err)
	}
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + *provider.OpenIDConnectProviderArn + `"}}]}`
	for _, name := range names {
		if _, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &document}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}); err != nil {
			t.Fatal(err)
		}
	}
}
