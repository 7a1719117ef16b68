package models

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/server"
	"muster/test/livetest"
)

// world is a server with an organization, and callers of every kind in it.
type world struct {
	t      *testing.T
	server *livetest.Server
	models map[string]*livetest.Model
	// management is the management account.
	management arn.AccountID
	// implemented are the actions that the server runs.
	implemented map[string]bool
	// callers by name: management, administrator (Inspector's delegated one),
	// member, solo, nobody (a user without permissions).
	callers map[string]*livetest.Client
	known   map[string]func() any
	serial  int
}

// callers in the order in which they act.
var kinds = []string{"management", "administrator", "member", "solo"}

const (
	anyPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"inspector2:*","Resource":"*"}]}`
	trusting  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}`
)

func newWorld(t *testing.T, database string) *world {
	t.Helper()
	w := &world{t: t, server: livetest.Start(t, database), models: livetest.Models(t), implemented: map[string]bool{}, callers: map[string]*livetest.Client{}}
	for _, s := range server.Coverage() {
		for _, op := range s.Operations {
			w.implemented[op.Action()] = op.Invoke != nil
		}
	}
	w.management, w.callers["management"] = w.server.Account(t, "management")
	_, w.callers["solo"] = w.server.Account(t, "solo")
	w.known = map[string]func() any{}
	w.organize()
	w.inspect()
	w.identify()
	w.perOperation()
	return w
}

// set gives places of the models a value.
func (w *world) set(v any, keys ...string) {
	for _, k := range keys {
		w.known[k] = func() any { return v }
	}
}

// fresh gives places a new name at each use.
func (w *world) fresh(format string, keys ...string) {
	for _, k := range keys {
		w.known[k] = func() any {
			w.serial++
			return fmt.Sprintf(format, w.serial)
		}
	}
}

// must calls an operation that has to succeed.
func (w *world) must(caller, service, operation string, in map[string]any) livetest.Answer {
	w.t.Helper()
	a, err := w.callers[caller].Call(w.t.Context(), service, operation, in)
	if err != nil || !a.OK() {
		w.t.Fatalf("%s %s by %s: %v %v", service, operation, caller, a, err)
	}
	return a
}

type object = map[string]any

func (w *world) organize() {
	made := w.must("management", "organizations", "CreateOrganization", nil).JSON()
	root := livetest.Dig(w.must("management", "organizations", "ListRoots", nil).JSON(), "Roots", 0, "Id")
	unit := livetest.Dig(w.must("management", "organizations", "CreateOrganizationalUnit", object{"ParentId": root, "Name": "unit"}).JSON(), "OrganizationalUnit", "Id")
	administrator, _ := w.join("administrator")
	member, request := w.join("member")
	w.set(administrator, "organizations.RegisterDelegatedAdministrator.AccountId", "inspector2..delegatedAdminAccountId")
	w.set(member, "organizations.AccountId", "organizations.ChildId", "organizations.CloseAccount.AccountId", "inspector2.AccountId", "inspector2.MeteringAccountId", "inspector2.UsageAccountId")
	w.set(unit, "organizations.OrganizationalUnitId", "organizations.PolicyTargetId", "organizations.TaggableResourceId", "organizations.DestinationParentId", "organizations..DestinationParentId")
	w.set(root, "organizations.RootId", "organizations.ParentId", "organizations..SourceParentId")
	w.set(request, "organizations.CreateAccountRequestId")
	w.set(livetest.Dig(made, "Organization", "Id"), "organizations.OrganizationId", "iam.OrganizationIdType")
	w.set("config.amazonaws.com", "organizations.ServicePrincipal")
	w.set("inspector2.amazonaws.com", "organizations.RegisterDelegatedAdministrator.ServicePrincipal", "organizations.DeregisterDelegatedAdministrator.ServicePrincipal")
	w.set("SERVICE_CONTROL_POLICY", "organizations.PolicyType")
	w.set("INSPECTOR_POLICY", "organizations.EffectivePolicyType")
	w.set(anyPolicy, "organizations.PolicyContent")
	w.set(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"organizations:Describe*","Resource":"*"}]}`, "organizations.ResourcePolicyContent")
	w.set(object{"Id": "guest@example.com", "Type": "EMAIL"}, "organizations.HandshakeParty")
	w.fresh("someone-%d@example.com", "organizations.Email")
	w.fresh("name-%d", "organizations.OrganizationalUnitName", "organizations.PolicyName", "organizations.CreateAccountName")
	if w.implemented["organizations:CreatePolicy"] {
		policy := livetest.Dig(w.must("management", "organizations", "CreatePolicy", object{"Name": "first", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": anyPolicy}).JSON(), "Policy", "PolicySummary", "Id")
		w.set(policy, "organizations.PolicyId")
	}
	if w.implemented["organizations:InviteAccountToOrganization"] {
		w.server.Account(w.t, "guest")
		a := w.must("management", "organizations", "InviteAccountToOrganization", object{"Target": object{"Id": "guest@example.com", "Type": "EMAIL"}})
		w.set(livetest.Dig(a.JSON(), "Handshake", "Id"), "organizations.HandshakeId")
	}
}

// join creates an account of the organization, and a client for it.
func (w *world) join(name string) (id, request string) {
	status := object{"CreateAccountStatus": livetest.Dig(w.must("management", "organizations", "CreateAccount", object{"AccountName": name, "Email": name + "@example.com"}).JSON(), "CreateAccountStatus")}
	request, _ = livetest.Dig(status, "CreateAccountStatus", "Id").(string)
	for deadline := time.Now().Add(20 * time.Second); livetest.Dig(status, "CreateAccountStatus", "State") != "SUCCEEDED"; {
		if time.Now().After(deadline) {
			w.t.Fatalf("the account is not created: %v", status)
		}
		status = w.must("management", "organizations", "DescribeCreateAccountStatus", object{"CreateAccountRequestId": request}).JSON()
	}
	id, _ = livetest.Dig(status, "CreateAccountStatus", "AccountId").(string)
	w.enter(name, id)
	return id, request
}

// enter assumes an account's access role.
func (w *world) enter(name, id string) {
	role := "arn:aws:iam::" + id + ":role/OrganizationAccountAccessRole"
	w.identity("iam", "CreateUser", object{"UserName": "admin-" + name})
	w.identity("iam", "AttachUserPolicy", object{"UserName": "admin-" + name, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
	key := w.identity("iam", "CreateAccessKey", object{"UserName": "admin-" + name})
	w.callers["entering"] = w.server.Client(livetest.Key{ID: key.Field("AccessKeyId"), Secret: key.Field("SecretAccessKey")})
	a := w.must("entering", "sts", "AssumeRole", object{"RoleArn": role, "RoleSessionName": "models"})
	w.callers[name] = w.server.Client(livetest.Key{ID: a.Field("AccessKeyId"), Secret: a.Field("SecretAccessKey"), Token: a.Field("SessionToken")})
}

func (w *world) identity(service, operation string, in object) livetest.Answer {
	w.t.Helper()
	return w.must("management", service, operation, in)
}

func (w *world) inspect() {
	w.must("management", "inspector2", "EnableDelegatedAdminAccount", object{"delegatedAdminAccountId": w.known["inspector2..delegatedAdminAccountId"]()})
	w.must("administrator", "inspector2", "Enable", object{"resourceTypes": []any{"EC2", "ECR", "LAMBDA"}})
	w.must("administrator", "inspector2", "AssociateMember", object{"accountId": w.known["inspector2.AccountId"]()})
	filter := w.must("administrator", "inspector2", "CreateFilter", object{"name": "first", "action": "NONE", "filterCriteria": object{}}).JSON()["arn"]
	w.set(filter, "inspector2.FilterArn", "inspector2..resourceArn")
	w.fresh("filter-%d", "inspector2.FilterName")
	w.set(object{"owner": "a"}, "inspector2.TagMap")
	w.set([]any{"owner"}, "inspector2.TagKeyList")
	w.set("EC2", "inspector2.ResourceScanType")
	w.set(object{"ec2": true, "ecr": false}, "inspector2.AutoEnable")
	w.fresh("token-%d", "inspector2.ClientToken")
	w.set("EQUALS", "inspector2.StringComparison")
	// These may be anything, and mean something.
	w.set("/opt/app", "inspector2.Path")
	w.set("owner", "inspector2.TagKey")
	w.set("UTC", "inspector2.Timezone")
}

func (w *world) identify() {
	w.identity("iam", "CreateUser", object{"UserName": "someone"})
	w.identity("iam", "CreateGroup", object{"GroupName": "team"})
	trusting := fmt.Sprintf(trusting, w.management)
	w.identity("iam", "CreateRole", object{"RoleName": "runner", "AssumeRolePolicyDocument": trusting})
	policy := w.identity("iam", "CreatePolicy", object{"PolicyName": "some", "PolicyDocument": anyPolicy}).Field("Arn")
	role := w.identity("iam", "GetRole", object{"RoleName": "runner"}).Field("Arn")
	w.set("someone", "iam.userNameType", "iam.existingUserNameType")
	w.set("team", "iam.groupNameType")
	w.set("runner", "iam.roleNameType")
	w.set(policy, "iam.arnType", "iam..PolicyArn", "iam..PermissionsBoundary")
	w.set(role, "iam..PolicySourceArn", "iam..Arn", "sts..RoleArn")
	w.set("some", "iam.policyNameType")
	w.set(anyPolicy, "iam.policyDocumentType", "sts.sessionPolicyDocumentType", "sts.unrestrictedSessionPolicyDocumentType")
	w.set(trusting, "iam.AssumeRolePolicyDocument", "iam..AssumeRolePolicyDocument", "iam.UpdateAssumeRolePolicy.PolicyDocument")
	w.set("/", "iam.pathType", "iam.pathPrefixType", "iam.policyPathType")
	w.set("v1", "iam.policyVersionIdType")
	w.set("inspector2:Enable", "iam.ActionNameType")
	w.set([]any{"inspector2.amazonaws.com"}, "iam.serviceNamespaceListType")
	w.set("agentless.inspector2.amazonaws.com", "iam..AWSServiceName")
	for _, kind := range []string{"User", "Group", "Role", "Policy"} {
		w.fresh("new-%d", "iam.Create"+kind+"."+kind+"Name")
	}
	w.identity("iam", "CreateUser", object{"UserName": "nobody"})
	key := w.identity("iam", "CreateAccessKey", object{"UserName": "nobody"})
	w.callers["nobody"] = w.server.Client(livetest.Key{ID: key.Field("AccessKeyId"), Secret: key.Field("SecretAccessKey")})
	own := w.identity("iam", "CreateAccessKey", object{"UserName": "someone"})
	w.set(own.Field("AccessKeyId"), "iam.accessKeyIdType", "sts.accessKeyIdType")
}

// perOperation are values that only one operation wants.
func (w *world) perOperation() {
	w.set(object{"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}, "sts..TaskPolicyArn")
	w.set("inspector2.amazonaws.com", "organizations.EnableAWSServiceAccess.ServicePrincipal")
	w.set([]any{"ec2:DescribeInstances"}, "iam.ContextKeyNamesResultListType")
}

// actionOf splits "iam:GetRole".
func actionOf(action string) (service, operation string) {
	service, operation, _ = strings.Cut(action, ":")
	return service, operation
}
