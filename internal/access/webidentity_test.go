package access_test

import (
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	iamapi "muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/webidentity"
	"muster/internal/webidentity/webidentitytest"
)

// federated is a trust policy for a provider of an account.
func federated(account arn.AccountID, name, condition string) string {
	if condition == "" {
		condition = `{}`
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::%s:oidc-provider/%s"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":%s}]}`, account, name, condition)
}

// enter authorizes and assumes a role with a token, as the door would.
func (w *world) enter(in stsapi.AssumeRoleWithWebIdentityInput) (arn.Principal, *stsapi.AssumeRoleWithWebIdentityOutput, error) {
	w.t.Helper()
	if in.RoleSessionName == "" {
		in.RoleSessionName = "ada@example.com"
	}
	if err := w.authorize(arn.Principal{}, "sts", "AssumeRoleWithWebIdentity", &in); err != nil {
		return arn.Principal{}, nil, err
	}
	out, err := w.sts.AssumeRoleWithWebIdentity(w.t.Context(), w.call(arn.Principal{}), &in)
	if err != nil {
		return arn.Principal{}, nil, err
	}
	return w.signIn(out.Credentials.AccessKeyId, out.Credentials.SessionToken), out, nil
}

// TestWhoMayAssumeARoleWithAToken is the table of tokens and trust policies.
func TestWhoMayAssumeARoleWithAToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i, _ := webidentitytest.NewIssuer(t, false)
		name := webidentity.Name(i.URL)
		do(w, root(home), w.iam.Handlers().CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderInput{Url: i.URL, ClientIDList: []string{"muster"}})
		do(w, root(away), w.iam.Handlers().CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderInput{Url: "https://" + name, ClientIDList: []string{"muster"}})
		token := func(subject string, further map[string]any) string {
			return i.Sign(t, "one", i.Claims(subject, "muster", w.now, further))
		}
		ada := token("ada", map[string]any{"groups": []string{"security", "ops"}})
		roles := map[string]string{
			"anyone":        w.role(home, "Anyone", federated(home, name, "")),
			"ada":           w.role(home, "Ada", federated(home, name, `{"StringEquals":{"`+name+`:sub":"ada","`+name+`:aud":"muster"}}`)),
			"security":      w.role(home, "Security", federated(home, name, `{"ForAnyValue:StringEquals":{"`+name+`:groups":"security"}}`)),
			"users only":    w.role(home, "Users", trust(string(home))),
			"another's":     w.role(home, "Foreign", federated(away, name, "")),
			"other account": w.role(away, "Away", federated(away, name, "")),
			"other action":  w.role(home, "Saml", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/`+name+`"},"Action":"sts:AssumeRoleWithSAML"}]}`),
			"denied":        w.role(home, "Denied", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRoleWithWebIdentity"},{"Effect":"Deny","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/`+name+`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"`+name+`:sub":"eve"}}}]}`),
			"nowhere":       "arn:aws:iam::111111111111:role/Nowhere",
		}
		const no = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
		for _, c := range []struct {
			role, token   string
			status        int
			code, message string
		}{
			{"anyone", ada, 0, "", ""},
			{"ada", ada, 0, "", ""},
			{"security", ada, 0, "", ""},
			{"denied", ada, 0, "", ""},
			{"ada", token("eve", nil), 403, "AccessDenied", no},
			{"security", token("eve", map[string]any{"groups": []string{"ops"}}), 403, "AccessDenied", no},
			{"denied", token("eve", nil), 403, "AccessDenied", no},
			{"users only", ada, 403, "AccessDenied", no},
			{"another's", ada, 403, "AccessDenied", no},
			{"other action", ada, 403, "AccessDenied", no},
			{"nowhere", ada, 403, "AccessDenied", no},
			// That provider is known by TLS only.
			{"other account", ada, 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + i.URL},
			{"anyone", i.Sign(t, "two", i.Claims("ada", "muster", w.now, nil)), 400, "InvalidIdentityToken", "The web identity token that was passed could not be validated"},
			{"anyone", token("ada", map[string]any{"aud": "stranger"}), 400, "InvalidIdentityToken", "Incorrect token audience"},
			{"anyone", token("ada", map[string]any{"iss": "https://example.com/x"}), 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://example.com/x"},
			{"anyone", "not a token", 400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"},
			{"anyone", token("ada", map[string]any{"exp": w.now.Unix() - 5}), 400, "ExpiredTokenException", fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", w.now.Unix(), w.now.Unix()-5)},
			// The tags are allowed by the trust policy, the source identity is not.
			{"anyone", token("ada", map[string]any{"https://aws.amazon.com/source_identity": "ada"}), 403, "AccessDenied", no},
		} {
			_, _, err := w.enter(stsapi.AssumeRoleWithWebIdentityInput{RoleArn: roles[c.role], WebIdentityToken: c.token})
			switch {
			case c.code != "":
				w.refused(err, c.status, c.code, c.message)
			case err != nil:
				t.Errorf("%s: %v", c.role, err)
			}
		}
	})
}

// TestASessionOfAToken has the role's rights, the token's tags, and says where it
// comes from.
func TestASessionOfAToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i, _ := webidentitytest.NewIssuer(t, false)
		name := webidentity.Name(i.URL)
		provider := do(w, root(home), w.iam.Handlers().CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderInput{Url: i.URL, ClientIDList: []string{"muster"}}).OpenIDConnectProviderArn
		role := w.role(home, "Analyst", federated(home, name, `{"StringEquals":{"aws:RequestTag/team":"red"}}`), allow("inspector2:List*", "*"))
		raw := i.Sign(t, "one", i.Claims("ada", "muster", w.now, map[string]any{
			"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"team": []string{"red"}}, "transitive_tag_keys": []string{"team"}},
		}))
		p, out, err := w.enter(stsapi.AssumeRoleWithWebIdentityInput{RoleArn: role, WebIdentityToken: raw, DurationSeconds: new(int32(900))})
		w.must(err)
		if *out.Provider != *provider || *out.SubjectFromWebIdentityToken != "ada" || *out.Audience != "muster" || out.AssumedRoleUser.Arn != "arn:aws:sts::111111111111:assumed-role/Analyst/ada@example.com" {
			t.Errorf("answer %+v", out)
		}
		if !out.Credentials.Expiration.Equal(w.now.Add(15 * time.Minute)) {
			t.Errorf("expires %v", out.Credentials.Expiration)
		}
		if p.Session.Tags["team"] != "red" || len(p.Session.Transitive) != 1 || p.Kind != arn.AssumedRole {
			t.Errorf("session %+v", p.Session)
		}
		w.must(w.authorize(p, "inspector2", "ListFindings", &inspector2.ListFindingsInput{}))
		if err := w.authorize(p, "inspector2", "Enable", &inspector2.EnableInput{}); err == nil {
			t.Error("the session may more than its role")
		}
		_, _, err = w.enter(stsapi.AssumeRoleWithWebIdentityInput{RoleArn: role, WebIdentityToken: raw, DurationSeconds: new(int32(7200))})
		w.refused(err, 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	})
}
