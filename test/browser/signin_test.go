package browser

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestSignIn goes every way into the console.
func TestSignIn(t *testing.T) {
	needs(t)
	for _, language := range []string{"en", "ja"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := start(t, "No account yet", "--bare", "--feeds", t.TempDir())
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
			script(t, s, "signin.mjs", language, map[string]string{"account": account, "alias": "the-lonely", "keyId": key.AccessKeyID, "secret": key.SecretAccessKey, "password": first})
		})
	}
}
