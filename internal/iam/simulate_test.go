package iam_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam"
	"muster/internal/policy"
)

const bucketPolicy = `{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::teambucket"
  }
}`

// summary is a result in one line.
func summary(r api.EvaluationResult) string {
	text := fmt.Sprintf("%s %s %s", r.EvalActionName, *r.EvalResourceName, r.EvalDecision)
	for _, m := range r.MatchedStatements {
		text += fmt.Sprintf(" %s(%s)@%d:%d-%d:%d", *m.SourcePolicyId, m.SourcePolicyType,
			*m.StartPosition.Line, *m.StartPosition.Column, *m.EndPosition.Line, *m.EndPosition.Column)
	}
	if len(r.MissingContextValues) > 0 {
		text += " missing " + strings.Join(r.MissingContextValues, ",")
	}
	if d := r.PermissionsBoundaryDecisionDetail; d != nil {
		text += fmt.Sprintf(" boundary:%v", *d.AllowedByPermissionsBoundary)
	}
	if d := r.OrganizationsDecisionDetail; d != nil {
		text += fmt.Sprintf(" organization:%v", *d.AllowedByOrganizations)
	}
	for _, key := range []string{"IAM Policy", "Resource Policy"} {
		if d, ok := r.EvalDecisionDetails[key]; ok {
			text += fmt.Sprintf(" %s:%s", key, d)
		}
	}
	return text
}

func resource(principal string) *string {
	return new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"s3:GetObject","Resource":"*"}]}`)
}

func TestSimulateCustomPolicy(t *testing.T) {
	w := newWorld(t, sqlite(t))
	const ada = "arn:aws:iam::111111111111:user/ada"
	conditional := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}]}`
	published := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}`
	at := func(now string) []api.ContextEntry {
		return []api.ContextEntry{{ContextKeyName: new("aws:CurrentTime"), ContextKeyValues: []string{now}, ContextKeyType: api.ContextKeyTypeEnumDate}}
	}
	for _, c := range []struct {
		in   api.SimulateCustomPolicyInput
		want []string
	}{
		// The examples that the AWS CLI publishes, with their answers.
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{published}, ActionNames: []string{"dynamodb:CreateBackup"}, ContextEntries: at("2019-04-25T11:00:00Z")},
			[]string{"dynamodb:CreateBackup * allowed PolicyInputList.1(IAM Policy)@1:38-1:167"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{published}, ActionNames: []string{"dynamodb:CreateBackup"}, ContextEntries: at("2014-04-25T11:00:00Z")},
			[]string{"dynamodb:CreateBackup * implicitDeny"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{bucketPolicy}, ActionNames: []string{"s3:ListBucket"}, ResourceArns: []string{"arn:aws:s3:::teambucket"}},
			[]string{"s3:ListBucket arn:aws:s3:::teambucket allowed PolicyInputList.1(IAM Policy)@3:17-7:4"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{bucketPolicy}, ActionNames: []string{"s3:ListBucket", "S3:listbucket"}},
			[]string{"s3:ListBucket * implicitDeny", "S3:listbucket * implicitDeny"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll, deny}, ActionNames: []string{"s3:GetObject", "s3:PutObject"}},
			[]string{"s3:GetObject * explicitDeny PolicyInputList.2(IAM Policy)@1:39-1:94", "s3:PutObject * allowed PolicyInputList.1(IAM Policy)@1:39-1:84"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{conditional}, ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::home/ada/x"}},
			[]string{"s3:GetObject arn:aws:s3:::home/ada/x implicitDeny missing aws:username,aws:SecureTransport"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{conditional}, ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::home/ada/x"},
			ContextEntries: []api.ContextEntry{
				{ContextKeyName: new("aws:UserName"), ContextKeyValues: []string{"ada"}, ContextKeyType: api.ContextKeyTypeEnumString},
				{ContextKeyName: new("aws:SecureTransport"), ContextKeyValues: []string{"true"}, ContextKeyType: api.ContextKeyTypeEnumBoolean},
			}},
			[]string{"s3:GetObject arn:aws:s3:::home/ada/x allowed PolicyInputList.1(IAM Policy)@1:39-1:173"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, PermissionsBoundaryPolicyInputList: []string{only("s3:Get*")}, ActionNames: []string{"s3:GetObject", "s3:PutObject"}},
			[]string{"s3:GetObject * allowed PolicyInputList.1(IAM Policy)@1:39-1:84 PermissionsBoundaryPolicyInputList.1(IAM Permissions Boundary Policy)@1:39-1:90 boundary:true",
				"s3:PutObject * implicitDeny boundary:false"}},
		// One account: either side is enough.
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{only("iam:GetUser")}, ResourcePolicy: resource(ada), CallerArn: new(ada), ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/x"}},
			[]string{"s3:GetObject arn:aws:s3:::b/x allowed ResourcePolicy(Resource Policy)@1:39-1:152"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ResourcePolicy: resource("arn:aws:iam::111111111111:user/bob"), CallerArn: new(ada), ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/x"}},
			[]string{"s3:GetObject arn:aws:s3:::b/x allowed PolicyInputList.1(IAM Policy)@1:39-1:84"}},
		// Two accounts: both have to allow.
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{only("iam:GetUser")}, ResourcePolicy: resource(ada), CallerArn: new(ada), ResourceOwner: new("arn:aws:iam::222222222222:root"), ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:::b/x"}},
			[]string{"s3:GetObject arn:aws:s3:::b/x implicitDeny IAM Policy:implicitDeny Resource Policy:allowed"}},
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ResourcePolicy: resource(ada), CallerArn: new(ada), ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{"arn:aws:s3:us-east-1:222222222222:accesspoint/x"}},
			[]string{"s3:GetObject arn:aws:s3:us-east-1:222222222222:accesspoint/x allowed ResourcePolicy(Resource Policy)@1:39-1:152 PolicyInputList.1(IAM Policy)@1:39-1:84 IAM Policy:allowed Resource Policy:allowed"}},
		// A role's trust policy has to agree even in its own account.
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, ResourcePolicy: new(strings.ReplaceAll(trustMe, "111111111111", "222222222222")), CallerArn: new(ada), ActionNames: []string{"sts:AssumeRole"}, ResourceArns: []string{"arn:aws:iam::111111111111:role/R"}},
			[]string{"sts:AssumeRole arn:aws:iam::111111111111:role/R implicitDeny"}},
	} {
		out := do(w, w.SimulateCustomPolicy, c.in)
		var got []string
		for _, r := range out.EvaluationResults {
			got = append(got, summary(r))
			if named := c.in.ResourceArns != nil; named != (len(r.ResourceSpecificResults) == 1) || named != (r.EvalDecisionDetails != nil) {
				t.Errorf("%s: resource-specific results %+v", summary(r), r.ResourceSpecificResults)
			}
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestWrongSimulations(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for _, c := range []struct {
		in      api.SimulateCustomPolicyInput
		message string
	}{
		{api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll, "{"}, ActionNames: []string{"s3:Get"}}, "Invalid policy in PolicyInputList.2: Syntax errors in policy."},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3"}}, "Invalid Action Name: s3"},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:*"}}, "Invalid Action Name: s3:*"},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get"}, ResourceArns: []string{"x"}}, "Invalid Resource Arn: x"},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get"}, CallerArn: new("arn:aws:iam::111111111111:root")}, "Invalid Caller Arn: arn:aws:iam::111111111111:root"},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get"}, ResourcePolicy: resource("*")}, "CallerArn is required when a ResourcePolicy is included and the caller is not a user or role."},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get"}, PermissionsBoundaryPolicyInputList: []string{allowAll, allowAll}}, "Only one permissions boundary policy is allowed."},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get"}, ContextEntries: []api.ContextEntry{{ContextKeyName: new("aws:x"), ContextKeyValues: []string{"1", "2"}, ContextKeyType: api.ContextKeyTypeEnumNumeric}}},
			"Context key aws:x of type numeric can have one value only."},
		{api.SimulateCustomPolicyInput{ActionNames: []string{"s3:Get"}, ContextEntries: []api.ContextEntry{{ContextKeyName: new("plain")}}}, "Invalid Context Key Name: plain"},
	} {
		refuse(w, w.SimulateCustomPolicy, c.in, "InvalidInput", c.message)
	}
	for _, bad := range []string{"arn:aws:sts::111111111111:assumed-role/R/s", "arn:aws:iam::111111111111:policy/p", "not an arn, not at all", "arn:aws:iam::111111111111:role"} {
		refuse(w, w.SimulatePrincipalPolicy, api.SimulatePrincipalPolicyInput{PolicySourceArn: bad, ActionNames: []string{"s3:Get"}},
			"InvalidInput", "Invalid Entity Arn: "+bad+" does not clearly define entity type and name.")
	}
	refuse(w, w.SimulatePrincipalPolicy, api.SimulatePrincipalPolicyInput{PolicySourceArn: "arn:aws:iam::111111111111:role/none", ActionNames: []string{"s3:Get"}},
		"NoSuchEntity", "The role with name none cannot be found.")
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var controls [][]*policy.Document
		pages := newPages(t)
		h := iam.New(w.keys, iam.Options{Pages: pages, Controls: func(context.Context, arn.AccountID) ([][]*policy.Document, error) { return controls, nil }}).Handlers()
		u := do(w, w.CreateUser, api.CreateUserInput{UserName: "ada", Tags: []api.Tag{{Key: "team", Value: "red"}}}).User
		do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "ops"})
		do(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: "ops", UserName: "ada"})
		do(w, w.PutGroupPolicy, api.PutGroupPolicyInput{GroupName: "ops", PolicyName: "list", PolicyDocument: only("inspector2:List*")})
		do(w, w.PutUserPolicy, api.PutUserPolicyInput{UserName: "ada", PolicyName: "own", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}`})
		do(w, w.AttachUserPolicy, api.AttachUserPolicyInput{UserName: "ada", PolicyArn: "arn:aws:iam::aws:policy/AmazonInspector2ReadOnlyAccess"})
		ask := func(source string, in api.SimulatePrincipalPolicyInput) string {
			in.PolicySourceArn = source
			return summary(do(w, h.SimulatePrincipalPolicy, in).EvaluationResults[0])
		}
		want := func(got, prefix string) {
			t.Helper()
			if !strings.HasPrefix(got, prefix) {
				t.Errorf("got  %s\nwant %s", got, prefix)
			}
		}
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"iam:GetUser"}, ResourceArns: []string{u.Arn}}),
			"iam:GetUser "+u.Arn+" allowed user_ada_own(IAM Policy)@1:39-")
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"inspector2:ListFindings"}}),
			"inspector2:ListFindings * allowed AmazonInspector2ReadOnlyAccess(IAM Policy)@4:8-21:8 group_ops_list(IAM Policy)@1:39-1:99")
		want(ask("arn:aws:iam::111111111111:group/ops", api.SimulatePrincipalPolicyInput{ActionNames: []string{"inspector2:ListFindings"}}),
			"inspector2:ListFindings * allowed group_ops_list(IAM Policy)@1:39-1:99")
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"s3:X"}, PolicyInputList: []string{only("s3:X")}}),
			"s3:X * allowed PolicyInputList.1(IAM Policy)@1:39-1:87")
		deny, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"inspector2:*","Resource":"*"}]}`, policy.Control)
		if err != nil {
			t.Fatal(err)
		}
		controls = [][]*policy.Document{{deny}}
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"inspector2:ListFindings"}}), "inspector2:ListFindings * explicitDeny organization:false")
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"iam:GetUser"}, ResourceArns: []string{u.Arn}}),
			"iam:GetUser "+u.Arn+" allowed user_ada_own(IAM Policy)@1:39-1:183 organization:true")
		do(w, w.PutUserPermissionsBoundary, api.PutUserPermissionsBoundaryInput{UserName: "ada", PermissionsBoundary: "arn:aws:iam::aws:policy/IAMReadOnlyAccess"})
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"iam:DeleteUser"}, ResourceArns: []string{u.Arn}}), "iam:DeleteUser "+u.Arn+" implicitDeny boundary:false organization:true")
		want(ask(u.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"iam:DeleteUser"}, ResourceArns: []string{u.Arn}, PermissionsBoundaryPolicyInputList: []string{allowAll}}), "iam:DeleteUser "+u.Arn+" allowed")

		role := do(w, w.CreateRole, api.CreateRoleInput{RoleName: "R", Path: new("/x/"), AssumeRolePolicyDocument: trustMe}).Role
		do(w, w.PutRolePolicy, api.PutRolePolicyInput{RoleName: "R", PolicyName: "p", PolicyDocument: only("iam:GetRole")})
		want(ask(role.Arn, api.SimulatePrincipalPolicyInput{ActionNames: []string{"iam:GetRole"}}), "iam:GetRole * allowed role_R_p(IAM Policy)@1:39-")
		refuse(w, h.SimulatePrincipalPolicy, api.SimulatePrincipalPolicyInput{PolicySourceArn: "arn:aws:iam::111111111111:role/R", ActionNames: []string{"iam:GetRole"}},
			"NoSuchEntity", "The role with name R cannot be found.")
	})
}

func TestSimulationsPage(t *testing.T) {
	w := newWorld(t, sqlite(t))
	in := api.SimulateCustomPolicyInput{PolicyInputList: []string{allowAll}, MaxItems: new(int32(4))}
	for _, a := range "ABC" {
		in.ActionNames = append(in.ActionNames, "s:"+string(a))
		in.ResourceArns = append(in.ResourceArns, "arn:aws:s:::"+string(a))
	}
	got := ""
	for more := true; more; {
		out := do(w, w.SimulateCustomPolicy, in)
		for _, r := range out.EvaluationResults {
			got += r.EvalActionName[2:] + (*r.EvalResourceName)[len("arn:aws:s:::"):] + " "
		}
		in.Marker, more = out.Marker, *out.IsTruncated
	}
	if got != "AA AB AC BA BB BC CA CB CC " {
		t.Errorf("pages gave %s", got)
	}
	first := do(w, w.SimulateCustomPolicy, in)
	in.Marker, in.ActionNames = first.Marker, []string{"s:Other"}
	refuse(w, w.SimulateCustomPolicy, in, "ValidationError", "Invalid Marker.")
}

func TestContextKeys(t *testing.T) {
	w := newWorld(t, sqlite(t))
	doc := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/${aws:PrincipalTag/team, 'none'}","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
		{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:UserName":"x"},"StringLike":{"s3:prefix":["${aws:userid}*"]}}}]}`
	got := do(w, w.GetContextKeysForCustomPolicy, api.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{doc, trustMe, *resource("*")}}).ContextKeyNames
	const want = "aws:username aws:PrincipalTag/team aws:SecureTransport s3:prefix aws:userid"
	if strings.Join(got, " ") != want {
		t.Errorf("keys %v", got)
	}
	refuse(w, w.GetContextKeysForCustomPolicy, api.GetContextKeysForCustomPolicyInput{PolicyInputList: []string{"x"}}, "InvalidInput", "Invalid policy in PolicyInputList.1: Syntax errors in policy.")
	u := do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"}).User
	if got := do(w, w.GetContextKeysForPrincipalPolicy, api.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: u.Arn}).ContextKeyNames; got == nil || len(got) != 0 {
		t.Errorf("keys of nothing: %#v", got)
	}
	do(w, w.PutUserPolicy, api.PutUserPolicyInput{UserName: "ada", PolicyName: "p", PolicyDocument: doc})
	if got := do(w, w.GetContextKeysForPrincipalPolicy, api.GetContextKeysForPrincipalPolicyInput{PolicySourceArn: u.Arn}).ContextKeyNames; strings.Join(got, " ") != want {
		t.Errorf("keys %v", got)
	}
}
