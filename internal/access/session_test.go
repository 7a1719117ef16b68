package access_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	iamapi "muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// trusting lets a principal do sts actions with a role.
func trusting(principal, actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":[` + actions + `]}]}`
}

const (
	assumeOnly = `"sts:AssumeRole"`
	assumeAll  = `"sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"`
)

// federate authorizes and runs GetFederationToken as the door would.
func (w *world) federate(p arn.Principal, in stsapi.GetFederationTokenInput) (arn.Principal, error) {
	w.t.Helper()
	if err := w.authorize(p, "sts", "GetFederationToken", &in); err != nil {
		return arn.Principal{}, err
	}
	out, err := w.sts.GetFederationToken(w.t.Context(), w.call(p), &in)
	if err != nil {
		return arn.Principal{}, err
	}
	return w.signIn(out.Credentials.AccessKeyId, out.Credentials.SessionToken), nil
}

func TestSessionTags(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("sts:*", "*"))
		byTag := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["inspector2:ListFindings","sts:*"],"Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}`
		role := w.role(home, "Tagged", trusting(string(home), assumeAll), byTag)
		closed := w.role(home, "Closed", trusting(string(home), assumeOnly), byTag)
		next := w.role(away, "Next", trusting(string(home), assumeAll), byTag)
		nextClosed := w.role(away, "NextClosed", trusting(string(home), assumeOnly), byTag)
		red := []stsapi.Tag{{Key: "Team", Value: "red"}, {Key: "cost", Value: "1"}}
		list := &inspector2.ListFindingsInput{}

		plain, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role})
		w.must(err)
		if w.authorize(plain, "inspector2", "ListFindings", list) == nil {
			t.Error("allowed without the tag")
		}
		tagged, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role, Tags: red, TransitiveTagKeys: []string{"team"}})
		w.must(err)
		w.must(w.authorize(tagged, "inspector2", "ListFindings", list))
		_, err = w.assume(ada, stsapi.AssumeRoleInput{RoleArn: closed, Tags: red})
		w.refused(err, 403, "AccessDenied", "User: "+string(ada.ARN)+" is not authorized to perform: sts:TagSession on resource: "+closed)

		// A transitive tag follows along a chain, another does not.
		chained, err := w.assume(tagged, stsapi.AssumeRoleInput{RoleArn: next})
		w.must(err)
		w.must(w.authorize(chained, "inspector2", "ListFindings", list))
		if s := chained.Session; len(s.Tags) != 1 || s.Tags["Team"] != "red" {
			t.Errorf("chained tags %v", s.Tags)
		}
		_, err = w.assume(tagged, stsapi.AssumeRoleInput{RoleArn: nextClosed})
		w.refused(err, 403, "AccessDenied", "User: "+string(tagged.ARN)+" is not authorized to perform: sts:TagSession on resource: "+nextClosed)

		for _, c := range []struct {
			from    arn.Principal
			in      stsapi.AssumeRoleInput
			message string
		}{
			{ada, stsapi.AssumeRoleInput{Tags: []stsapi.Tag{{Key: "a"}, {Key: "A"}}}, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
			{ada, stsapi.AssumeRoleInput{Tags: []stsapi.Tag{{Key: "AWS:a"}}}, "Tag keys beginning with aws: are reserved for AWS."},
			{ada, stsapi.AssumeRoleInput{Tags: red, TransitiveTagKeys: []string{"other"}}, "The specified transitive tag key must be included in the requested tags."},
			{tagged, stsapi.AssumeRoleInput{Tags: red}, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."},
		} {
			c.in.RoleArn = role
			_, err := w.assume(c.from, c.in)
			w.refused(err, 400, "InvalidParameterValue", c.message)
		}
		large := stsapi.AssumeRoleInput{RoleArn: role}
		for i := range 50 {
			large.Tags = append(large.Tags, stsapi.Tag{Key: strings.Repeat("k", i+1), Value: strings.Repeat("v", 256)})
		}
		_, err = w.assume(ada, large)
		w.refused(err, 400, "PackedPolicyTooLarge", "Packed size of session policy consumes 171% of allotted space.")
	})
}

func TestTagsOfTheRequestAreConditions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("sts:*", "*"))
		role := w.role(home, "R", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringLike":{"sts:ExternalId":"secret-*","sts:RoleSessionName":"${aws:username}"}}},
			{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:TagSession","Condition":{"StringEquals":{"aws:RequestTag/team":["red","blue"]},"ForAllValues:StringEquals":{"aws:TagKeys":["team"],"sts:TransitiveTagKeys":["team"]}}},
			{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringNotLikeIfExists":{"sts:SourceIdentity":"ada*"}}}]}`)
		good := stsapi.AssumeRoleInput{RoleArn: role, RoleSessionName: "ada", ExternalId: new("secret-1"), SourceIdentity: new("ada@x"),
			Tags: []stsapi.Tag{{Key: "team", Value: "red"}}, TransitiveTagKeys: []string{"team"}}
		got, err := w.assume(ada, good)
		w.must(err)
		if got.Session.SourceIdentity != "ada@x" {
			t.Errorf("session %+v", got.Session)
		}
		for name, change := range map[string]func(in *stsapi.AssumeRoleInput){
			"external id":     func(in *stsapi.AssumeRoleInput) { in.ExternalId = new("guess") },
			"no external id":  func(in *stsapi.AssumeRoleInput) { in.ExternalId = nil },
			"session name":    func(in *stsapi.AssumeRoleInput) { in.RoleSessionName = "bob" },
			"tag value":       func(in *stsapi.AssumeRoleInput) { in.Tags = []stsapi.Tag{{Key: "team", Value: "green"}} },
			"further tag":     func(in *stsapi.AssumeRoleInput) { in.Tags = append(in.Tags, stsapi.Tag{Key: "x"}) },
			"source identity": func(in *stsapi.AssumeRoleInput) { in.SourceIdentity = new("eve") },
		} {
			in := good
			in.Tags = append([]stsapi.Tag{}, good.Tags...)
			change(&in)
			if _, err := w.assume(ada, in); err == nil {
				t.Errorf("%s: allowed", name)
			}
		}
	})
}

func TestSourceIdentityStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("sts:*", "*"))
		role := w.role(home, "One", trusting(string(home), assumeAll), allow("sts:*", "*"), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"inspector2:ListFindings","Resource":"*","Condition":{"StringEquals":{"aws:SourceIdentity":"ada"}}}]}`)
		two := w.role(away, "Two", trusting(string(home), assumeAll))
		closed := w.role(away, "Closed", trusting(string(home), assumeOnly))
		one, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role, SourceIdentity: new("ada")})
		w.must(err)
		w.must(w.authorize(one, "inspector2", "ListFindings", &inspector2.ListFindingsInput{}))
		second, err := w.assume(one, stsapi.AssumeRoleInput{RoleArn: two})
		w.must(err)
		if second.Session.SourceIdentity != "ada" {
			t.Errorf("chained: %+v", second.Session)
		}
		_, err = w.assume(one, stsapi.AssumeRoleInput{RoleArn: two, SourceIdentity: new("eve")})
		w.refused(err, 403, "AccessDenied", "The source identity of a session cannot be changed: it is ada.")
		_, err = w.assume(one, stsapi.AssumeRoleInput{RoleArn: closed})
		w.refused(err, 403, "AccessDenied", "User: "+string(one.ARN)+" is not authorized to perform: sts:SetSourceIdentity on resource: "+closed)
		_, err = w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role, SourceIdentity: new("aws:x")})
		w.refused(err, 400, "ValidationError", "The source identity must not begin with aws:.")
	})
}

func TestFederatedUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("inspector2:*", "*"), allow("sts:GetFederationToken", "arn:aws:sts::111111111111:federated-user/b*"), allow("sts:TagSession", "*"))
		bob, err := w.federate(ada, stsapi.GetFederationTokenInput{Name: "bob", Policy: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`), Tags: []stsapi.Tag{{Key: "team", Value: "red"}}})
		w.must(err)
		if bob.ARN != "arn:aws:sts::111111111111:federated-user/bob" || bob.ID != "111111111111:bob" || bob.Session.Tags["team"] != "red" {
			t.Errorf("federated user %+v", bob)
		}
		who := do(w, bob, w.sts.GetCallerIdentity, stsapi.GetCallerIdentityInput{})
		if *who.Arn != string(bob.ARN) || *who.UserId != bob.ID {
			t.Errorf("identity %+v", who)
		}
		w.must(w.authorize(bob, "inspector2", "Enable", &inspector2.EnableInput{}))
		if w.authorize(bob, "organizations", "ListAccounts", nil) == nil {
			t.Error("a session policy widened the user behind the session")
		}
		bare, err := w.federate(ada, stsapi.GetFederationTokenInput{Name: "bare"})
		w.must(err)
		w.refused(w.authorize(bare, "inspector2", "Enable", &inspector2.EnableInput{}), 403, "AccessDeniedException",
			"User: arn:aws:sts::111111111111:federated-user/bare is not authorized to perform: inspector2:Enable on resource: arn:aws:inspector2:us-east-1:111111111111:/enable because no session policy allows the inspector2:Enable action")
		_, err = w.federate(ada, stsapi.GetFederationTokenInput{Name: "eve"})
		w.refused(err, 403, "AccessDenied", "User: "+string(ada.ARN)+" is not authorized to perform: sts:GetFederationToken on resource: arn:aws:sts::111111111111:federated-user/eve because no identity-based policy allows the sts:GetFederationToken action")
		w.refused(w.authorize(bob, "iam", "ListUsers", &iamapi.ListUsersInput{}), 403, "InvalidClientTokenId", "The security token included in the request is invalid")
		w.refused(w.authorize(bob, "sts", "AssumeRole", &stsapi.AssumeRoleInput{}), 403, "AccessDenied", "Cannot call AssumeRole with session credentials")

		// The user's end is its sessions' end.
		do(w, root(home), w.iam.Handlers().DeleteUserPolicy, iamapi.DeleteUserPolicyInput{UserName: "ada", PolicyName: "a"})
		if w.authorize(bob, "inspector2", "Enable", &inspector2.EnableInput{}) == nil {
			t.Error("a session outlives the user's permission")
		}
		boss, err := w.federate(root(home), stsapi.GetFederationTokenInput{Name: "boss", PolicyArns: []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/AmazonInspector2ReadOnlyAccess")}}})
		w.must(err)
		w.must(w.authorize(boss, "inspector2", "ListFindings", &inspector2.ListFindingsInput{}))
		if w.authorize(boss, "inspector2", "Enable", &inspector2.EnableInput{}) == nil {
			t.Error("root's federated user is not held by its policy")
		}
	})
}

func TestOwnSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("*", "*"))
		role := w.role(home, "R", trust(string(home)))
		k := do(w, ada, w.sts.GetSessionToken, stsapi.GetSessionTokenInput{DurationSeconds: new(int32(900))}).Credentials
		me := w.signIn(k.AccessKeyId, k.SessionToken)
		w.must(w.authorize(me, "inspector2", "Enable", &inspector2.EnableInput{}))
		w.must(w.authorize(me, "sts", "GetCallerIdentity", &stsapi.GetCallerIdentityInput{}))
		_, err := w.assume(me, stsapi.AssumeRoleInput{RoleArn: role, DurationSeconds: new(int32(3600))})
		w.must(err)
		w.refused(w.authorize(me, "iam", "ListUsers", &iamapi.ListUsersInput{}), 403, "InvalidClientTokenId", "The security token included in the request is invalid")
		w.refused(w.authorize(me, "sts", "GetFederationToken", &stsapi.GetFederationTokenInput{Name: "x"}), 403, "AccessDenied", "Cannot call GetFederationToken with session credentials")
		session, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role})
		w.must(err)
		_, err = w.sts.GetFederationToken(t.Context(), w.call(session), &stsapi.GetFederationTokenInput{Name: "x"})
		w.refused(err, 403, "AccessDenied", "Cannot call GetFederationToken with session credentials")
		rootKey := do(w, root(home), w.sts.GetSessionToken, stsapi.GetSessionTokenInput{DurationSeconds: new(int32(43200))}).Credentials
		if !rootKey.Expiration.Equal(w.now.Add(time.Hour)) {
			t.Errorf("root's session lasts until %v", rootKey.Expiration)
		}
	})
}

// rootly is an organization that may hold its members' root users.
func (w *world) rootly() {
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		_, err := directory.InsertTrustedService(w.t.Context(), tx, "o-exampleorgid", directory.TrustedService{Principal: "iam.amazonaws.com", EnabledAt: w.now})
		return err
	}))
}

func (w *world) assumeRoot(p arn.Principal, target, task string) (arn.Principal, error) {
	w.t.Helper()
	in := stsapi.AssumeRootInput{TargetPrincipal: target, TaskPolicyArn: &stsapi.PolicyDescriptorType{Arn: new("arn:aws:iam::aws:policy/root-task/" + task)}}
	if err := w.authorize(p, "sts", "AssumeRoot", &in); err != nil {
		return arn.Principal{}, err
	}
	out, err := w.sts.AssumeRoot(w.t.Context(), w.call(p), &in)
	if err != nil {
		return arn.Principal{}, err
	}
	if !out.Credentials.Expiration.Equal(w.now.Add(15 * time.Minute)) {
		w.t.Errorf("a root session lasts until %v", out.Credentials.Expiration)
	}
	return w.signIn(out.Credentials.AccessKeyId, out.Credentials.SessionToken), nil
}

func TestAssumeRoot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.iam.Handlers()
		ada := w.user("ada", allow("sts:AssumeRoot", "arn:aws:iam::222222222222:root"))
		const no = "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: sts:AssumeRoot on resource: arn:aws:iam::222222222222:root"
		try := func(task string) error { _, err := w.assumeRoot(ada, string(away), task); return err }
		w.refused(try("IAMAuditRootUserCredentials"), 403, "AccessDenied", no)
		_, err := h.EnableOrganizationsRootSessions(t.Context(), w.call(root(home)), &iamapi.EnableOrganizationsRootSessionsInput{})
		w.code(err, "ServiceAccessNotEnabledException")
		w.rootly()
		w.refused(try("IAMAuditRootUserCredentials"), 403, "AccessDenied", no)
		_, err = h.EnableOrganizationsRootSessions(t.Context(), w.call(root(away)), &iamapi.EnableOrganizationsRootSessionsInput{})
		w.code(err, "CallerIsNotManagementAccountException")
		_, err = h.ListOrganizationsFeatures(t.Context(), w.call(root(away)), &iamapi.ListOrganizationsFeaturesInput{})
		w.code(err, "AccountNotManagementOrDelegatedAdministratorException")
		do(w, root(home), h.EnableOrganizationsRootCredentialsManagement, iamapi.EnableOrganizationsRootCredentialsManagementInput{})
		w.must(try("IAMAuditRootUserCredentials"))
		w.refused(try("S3UnlockBucketPolicy"), 403, "AccessDenied", no)
		out := do(w, root(home), h.EnableOrganizationsRootSessions, iamapi.EnableOrganizationsRootSessionsInput{})
		if *out.OrganizationId != "o-exampleorgid" || len(out.EnabledFeatures) != 2 {
			t.Errorf("features %+v", out)
		}
		w.must(try("S3UnlockBucketPolicy"))
		w.refused(try("AdministratorAccess"), 400, "ValidationError", "The task policy arn:aws:iam::aws:policy/root-task/AdministratorAccess is not one of the policies for root tasks.")
		_, err = w.assumeRoot(ada, string(home), "IAMAuditRootUserCredentials")
		w.refused(err, 403, "AccessDenied", strings.ReplaceAll(no, "222222222222:root", "111111111111:root"))
		_, err = w.assumeRoot(root(home), string(away), "IAMAuditRootUserCredentials")
		w.refused(err, 403, "AccessDenied", strings.Replace(no, "user/ada", "root", 1))
	})
}

func TestRootSessionsDoTheirTaskOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.iam.Handlers()
		w.rootly()
		do(w, root(home), h.EnableOrganizationsRootSessions, iamapi.EnableOrganizationsRootSessionsInput{})
		ada := w.user("ada", allow("sts:*", "*"))
		key := do(w, root(away), w.iam.CreateAccessKey, iamapi.CreateAccessKeyInput{}).AccessKey.AccessKeyId
		audit, err := w.assumeRoot(ada, "arn:aws:iam::222222222222:root", "IAMAuditRootUserCredentials")
		w.must(err)
		if audit.ARN != away.Root() || audit.ID != string(away) || audit.Kind != arn.RootUser {
			t.Errorf("session %+v", audit)
		}
		w.must(w.authorize(audit, "iam", "ListAccessKeys", &iamapi.ListAccessKeysInput{}))
		w.must(w.authorize(audit, "iam", "ListMFADevices", &iamapi.ListMFADevicesInput{}))
		w.must(w.authorize(audit, "iam", "GetAccountSummary", &iamapi.GetAccountSummaryInput{}))
		for name, in := range map[string]any{
			"ListAccessKeys":  &iamapi.ListAccessKeysInput{UserName: new("someone")},
			"DeleteAccessKey": &iamapi.DeleteAccessKeyInput{AccessKeyId: key},
			"CreateUser":      &iamapi.CreateUserInput{UserName: "x"},
		} {
			if w.authorize(audit, "iam", name, in) == nil {
				t.Errorf("an audit may %s", name)
			}
		}
		remove, err := w.assumeRoot(ada, string(away), "IAMDeleteRootUserCredentials")
		w.must(err)
		in := &iamapi.DeleteAccessKeyInput{AccessKeyId: key}
		w.must(w.authorize(remove, "iam", "DeleteAccessKey", in))
		do(w, remove, w.iam.DeleteAccessKey, *in)
		if list := do(w, remove, w.iam.ListAccessKeys, iamapi.ListAccessKeysInput{}).AccessKeyMetadata; len(list) != 0 {
			t.Errorf("keys left %+v", list)
		}
		if w.authorize(remove, "inspector2", "Enable", &inspector2.EnableInput{}) == nil {
			t.Error("a root session may more than its task")
		}
	})
}

// code wants an error of a code.
func (w *world) code(err error, code string) {
	w.t.Helper()
	var e awsmodel.Error
	if !errors.As(err, &e) || e.ErrorCode() != code {
		w.t.Errorf("got %v, want %s", err, code)
	}
}

func TestAuthorizationMessages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const text = `{"allowed":false,"explicitDeny":false}`
		sealed := w.keys.SealMessage(home, text)
		got := do(w, root(home), w.sts.DecodeAuthorizationMessage, stsapi.DecodeAuthorizationMessageInput{EncodedMessage: sealed})
		if *got.DecodedMessage != text {
			t.Errorf("decoded %s", *got.DecodedMessage)
		}
		for _, bad := range []string{"x", sealed[1:], "!", w.keys.SealMessage(away, text)} {
			_, err := w.sts.DecodeAuthorizationMessage(t.Context(), w.call(root(home)), &stsapi.DecodeAuthorizationMessageInput{EncodedMessage: bad})
			w.refused(err, 400, "InvalidAuthorizationMessageException", "Message is not valid")
		}
		if w.authorize(w.user("ada"), "sts", "DecodeAuthorizationMessage", &stsapi.DecodeAuthorizationMessageInput{EncodedMessage: sealed}) == nil {
			t.Error("anyone may decode")
		}
	})
}

func TestOrganizationPathsAreConditions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		under := func(path string) string {
			return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"inspector2:*","Resource":"*","Condition":{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"` + path + `"}}}]}`
		}
		for path, want := range map[string]bool{"o-exampleorgid/*": true, "o-exampleorgid/r-abcd/": true, "o-exampleorgid/r-abcd/ou-*": false, "o-other/*": false} {
			p := w.user("u"+strings.NewReplacer("/", "-", "*", "x").Replace(path), under(path))
			if err := w.authorize(p, "inspector2", "Enable", &inspector2.EnableInput{}); (err == nil) != want {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

// TestDenialsCanBeDecoded wants the sealed reason of a denial to say what was
// asked and why it was denied, to the caller's account alone.
func TestDenialsCanBeDecoded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("inspector2:*", "*"), deny("inspector2:Enable"))
		for _, in := range []any{&inspector2.EnableInput{}, &inspector2.EnableInput{ClientToken: new("x")}} {
			err := w.authorize(ada, "inspector2", "Enable", in)
			w.code(err, "AccessDeniedException")
			sealed, ok := errors.AsType[interface {
				error
				EncodedMessage() string
			}](err)
			if !ok {
				t.Fatalf("%v has no reason", err)
			}
			encoded := sealed.EncodedMessage()
			if len(encoded) > 10240 {
				t.Errorf("a message of %d characters", len(encoded))
			}
			got := *do(w, root(home), w.sts.DecodeAuthorizationMessage, stsapi.DecodeAuthorizationMessageInput{EncodedMessage: encoded}).DecodedMessage
			var why struct {
				Allowed, ExplicitDeny bool
				MatchedStatements     struct {
					Items []struct{ Effect, SourcePolicyType string }
				}
				Context struct {
					Principal        map[string]string
					Action, Resource string
					Conditions       struct {
						Items []struct {
							Key    string
							Values struct{ Items []struct{ Value string } }
						}
					}
				}
			}
			if err := json.Unmarshal([]byte(got), &why); err != nil {
				t.Fatal(err)
			}
			if why.Allowed || !why.ExplicitDeny || len(why.MatchedStatements.Items) != 1 || why.MatchedStatements.Items[0].SourcePolicyType != "identity-based policy" ||
				why.Context.Action != "inspector2:Enable" || why.Context.Principal["arn"] != string(ada.ARN) || why.Context.Resource != "arn:aws:inspector2:us-east-1:111111111111:/enable" ||
				!strings.Contains(got, `"key":"aws:sourceip","values":{"items":[{"value":"192.0.2.7"}]}`) {
				t.Errorf("decoded %s", got)
			}
			if _, err := w.sts.DecodeAuthorizationMessage(t.Context(), w.call(root(away)), &stsapi.DecodeAuthorizationMessageInput{EncodedMessage: encoded}); err == nil {
				t.Error("another account decoded it")
			}
		}
		long := w.call(ada)
		long.UserAgent = strings.Repeat("x", 100_000)
		err := w.desk.Authorize(t.Context(), long, &awsmodel.Operation{Service: "iam", Name: "TagUser"}, &iamapi.TagUserInput{UserName: "ada", Tags: manyTags()})
		sealed, ok := errors.AsType[interface {
			error
			EncodedMessage() string
		}](err)
		if !ok || len(sealed.EncodedMessage()) > 10240 {
			t.Errorf("a large request's reason: %v", err)
		}
	})
}

func manyTags() []iamapi.Tag {
	var list []iamapi.Tag
	for i := range 50 {
		list = append(list, iamapi.Tag{Key: strings.Repeat("k", 70+i), Value: strings.Repeat("v", 256)})
	}
	return list
}
