package access_test

import (
	"testing"
	"time"

	"muster/internal/arn"
	iamapi "muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/store"
)

// TestWhoMayAssumeARole is the table of callers and trust policies.
func TestWhoMayAssumeARole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		may := w.user("may", allow("sts:AssumeRole", "*"))
		mayNot := w.user("maynot")
		mayOne := w.user("mayone", allow("sts:AssumeRole", "arn:aws:iam::222222222222:role/ByAccount"))
		never := w.user("never", deny("sts:AssumeRole"))
		const homeUser = "arn:aws:iam::111111111111:user/"
		roles := map[string]string{
			"own, by account":     w.role(home, "ByAccount", trust(string(home))),
			"own, by user":        w.role(home, "ByUser", trust(homeUser+"maynot")),
			"foreign, by account": w.role(away, "ByAccount", trust("arn:aws:iam::111111111111:root")),
			"foreign, by user":    w.role(away, "ByUser", trust(homeUser+"maynot")),
			"foreign, not us":     w.role(away, "NotUs", trust(string(away))),
			"nowhere":             "arn:aws:iam::222222222222:role/Nowhere",
			"wrong path":          "arn:aws:iam::222222222222:role/x/ByAccount",
			"no ARN":              "role/ByAccount-without-arn",
			"service's":           "arn:aws:iam::111111111111:role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2",
		}
		w.must(w.store.Update(t.Context(), func(tx *store.Tx) error {
			return iam.EnsureServiceLinkedRole(t.Context(), tx, home, "inspector2.amazonaws.com", w.now)
		}))
		do(w, root(home), w.iam.PutUserPolicy, iamapi.PutUserPolicyInput{UserName: "never", PolicyName: "z", PolicyDocument: allow("sts:*", "*")})
		yes := map[string][]string{
			"own, by account": {"may"}, "own, by user": {"maynot"}, "foreign, by account": {"may", "mayone"},
		}
		for name, role := range roles {
			for who, p := range map[string]arn.Principal{"may": may, "maynot": mayNot, "mayone": mayOne, "never": never} {
				want := false
				for _, allowed := range yes[name] {
					want = want || allowed == who
				}
				_, err := w.assume(p, stsapi.AssumeRoleInput{RoleArn: role})
				if want {
					if err != nil {
						t.Errorf("%s as %s: %v", name, who, err)
					}
					continue
				}
				w.refused(err, 403, "AccessDenied", "User: "+string(p.ARN)+" is not authorized to perform: sts:AssumeRole on resource: "+role)
			}
		}
		_, err := w.assume(root(home), stsapi.AssumeRoleInput{RoleArn: roles["own, by account"]})
		w.refused(err, 403, "AccessDenied", "Roles may not be assumed by root accounts.")
	})
}

// TestNamesOfTheDeletedAreNotTrusted: whoever takes the name of a deleted or
// renamed user is not the one whom a trust policy means, until it is written
// anew.
func TestNamesOfTheDeletedAreNotTrusted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.user("ada", allow("sts:AssumeRole", "*"))
		trusting := trust(string(first.ARN))
		role := w.role(away, "ByUser", trusting)
		if _, err := w.assume(first, stsapi.AssumeRoleInput{RoleArn: role}); err != nil {
			t.Fatal(err)
		}
		do(w, root(home), w.iam.UpdateUser, iamapi.UpdateUserInput{UserName: "ada", NewUserName: new("lovelace")})
		second := w.user("ada", allow("sts:AssumeRole", "*"))
		_, err := w.assume(second, stsapi.AssumeRoleInput{RoleArn: role})
		w.refused(err, 403, "AccessDenied", "User: "+string(second.ARN)+" is not authorized to perform: sts:AssumeRole on resource: "+role)
		do(w, root(away), w.iam.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyInput{RoleName: "ByUser", PolicyDocument: trusting})
		if _, err := w.assume(second, stsapi.AssumeRoleInput{RoleArn: role}); err != nil {
			t.Errorf("after the policy was written anew: %v", err)
		}
	})
}

func TestSessionsHaveTheRolesRightsWithinTheirPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("sts:AssumeRole", "*"))
		role := w.role(away, "Audit", trust(string(home)), allow("inspector2:*", "*"))
		list, enable := &inspector2.ListFindingsInput{}, &inspector2.EnableInput{}

		full, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role})
		w.must(err)
		if full.Account != away || full.ARN != "arn:aws:sts::222222222222:assumed-role/Audit/run" {
			t.Errorf("session is %+v", full)
		}
		w.must(w.authorize(full, "inspector2", "ListFindings", list))
		w.must(w.authorize(full, "inspector2", "Enable", enable))

		narrow, err := w.assume(ada, stsapi.AssumeRoleInput{
			RoleArn: role, Policy: new(allow("inspector2:List*", "*")),
			PolicyArns: []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}},
		})
		w.must(err)
		w.must(w.authorize(narrow, "inspector2", "ListFindings", list))
		w.refused(w.authorize(narrow, "inspector2", "Enable", enable), 403, "AccessDeniedException",
			"User: arn:aws:sts::222222222222:assumed-role/Audit/run is not authorized to perform: inspector2:Enable on resource: arn:aws:inspector2:us-east-1:222222222222:/enable because no session policy allows the inspector2:Enable action")
		if w.authorize(narrow, "iam", "ListRoles", &iamapi.ListRolesInput{}) == nil {
			t.Error("a session policy widened the role")
		}

		// The console's way to revoke sessions acts on those of before.
		revoke := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-22T10:30:00Z"}}}]}`
		do(w, root(away), w.iam.PutRolePolicy, iamapi.PutRolePolicyInput{RoleName: "Audit", PolicyName: "AWSRevokeOlderSessions", PolicyDocument: revoke})
		if w.authorize(full, "inspector2", "ListFindings", list) == nil {
			t.Error("a revoked session goes on")
		}
		w.now = w.now.Add(time.Hour)
		later, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role})
		w.must(err)
		w.must(w.authorize(later, "inspector2", "ListFindings", list))
	})
}

func TestLimitsOfSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("sts:*", "*"))
		role := w.role(home, "Short", trust(string(home)), allow("sts:*", "*"))
		long := do(w, root(home), w.iam.CreateRole, iamapi.CreateRoleInput{RoleName: "Long", AssumeRolePolicyDocument: trust(string(home)), MaxSessionDuration: new(int32(43200))}).Role.Arn
		for _, c := range []struct {
			in            stsapi.AssumeRoleInput
			status        int
			code, message string
		}{
			{stsapi.AssumeRoleInput{RoleArn: role, DurationSeconds: new(int32(3601))}, 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
			{stsapi.AssumeRoleInput{RoleArn: role, Policy: new("{")}, 400, "MalformedPolicyDocument", "Syntax errors in policy."},
			{stsapi.AssumeRoleInput{RoleArn: role, PolicyArns: []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/None")}}}, 400, "MalformedPolicyDocument", "The session policy arn:aws:iam::aws:policy/None does not exist."},
		} {
			_, err := w.assume(ada, c.in)
			w.refused(err, c.status, c.code, c.message)
		}
		session, err := w.assume(ada, stsapi.AssumeRoleInput{RoleArn: role})
		w.must(err)
		_, err = w.assume(session, stsapi.AssumeRoleInput{RoleArn: long, DurationSeconds: new(int32(3601))})
		w.refused(err, 400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
		_, err = w.assume(session, stsapi.AssumeRoleInput{RoleArn: long})
		w.must(err)
		_, err = w.assume(ada, stsapi.AssumeRoleInput{RoleArn: long, DurationSeconds: new(int32(43200))})
		w.must(err)

		own := do(w, ada, w.sts.GetSessionToken, stsapi.GetSessionTokenInput{}).Credentials
		me := w.signIn(own.AccessKeyId, own.SessionToken)
		if me.ARN != ada.ARN || !own.Expiration.Equal(w.now.Add(12*time.Hour)) {
			t.Errorf("own session is %+v until %v", me, own.Expiration)
		}
		_, err = w.sts.GetSessionToken(t.Context(), w.call(me), &stsapi.GetSessionTokenInput{})
		w.refused(err, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
		if got := do(w, me, w.sts.GetCallerIdentity, stsapi.GetCallerIdentityInput{}); *got.Arn != string(ada.ARN) || *got.Account != string(home) || *got.UserId != ada.ID {
			t.Errorf("identity %+v", got)
		}
		if got := do(w, me, w.sts.GetAccessKeyInfo, stsapi.GetAccessKeyInfoInput{AccessKeyId: own.AccessKeyId}); *got.Account != string(home) {
			t.Errorf("key of %s", *got.Account)
		}
		_, err = w.sts.GetAccessKeyInfo(t.Context(), w.call(me), &stsapi.GetAccessKeyInfoInput{AccessKeyId: "AKIAIOSFODNN7EXAMPLE"})
		w.refused(err, 400, "ValidationError", "Invalid access key id: AKIAIOSFODNN7EXAMPLE")
	})
}
