package iam_test

import (
	"strings"
	"testing"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam"
	"muster/internal/store"
)

const (
	inspectorPrincipal = "inspector2.amazonaws.com"
	inspectorRole      = "AWSServiceRoleForAmazonInspector2"
	protectedText      = "Cannot perform the operation on the protected role 'AWSServiceRoleForAmazonInspector2' - this role is only modifiable by AWS"
)

func TestServiceLinkedRolesBelongToTheirService(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := do(w, w.CreateServiceLinkedRole, api.CreateServiceLinkedRoleInput{AWSServiceName: inspectorPrincipal}).Role
		if r.Arn != "arn:aws:iam::111111111111:role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2" ||
			!strings.Contains(*r.AssumeRolePolicyDocument, "%22Service%22%3A%22inspector2.amazonaws.com%22") {
			t.Errorf("created %+v", r)
		}
		refuse(w, w.CreateServiceLinkedRole, api.CreateServiceLinkedRoleInput{AWSServiceName: inspectorPrincipal},
			"InvalidInput", "Service role name AWSServiceRoleForAmazonInspector2 has been taken in this account, please try a different suffix.")
		refuse(w, w.CreateServiceLinkedRole, api.CreateServiceLinkedRoleInput{AWSServiceName: "none.amazonaws.com"}, "InvalidInput", "Invalid service name: none.amazonaws.com")
		attached := do(w, w.ListAttachedRolePolicies, api.ListAttachedRolePoliciesInput{RoleName: inspectorRole}).AttachedPolicies
		if len(attached) != 1 || *attached[0].PolicyName != "AmazonInspector2ServiceRolePolicy" {
			t.Errorf("attached %+v", attached)
		}
		const no = protectedText
		refuse(w, w.DeleteRole, api.DeleteRoleInput{RoleName: inspectorRole}, "UnmodifiableEntity", no)
		refuse(w, w.UpdateAssumeRolePolicy, api.UpdateAssumeRolePolicyInput{RoleName: inspectorRole, PolicyDocument: trustMe}, "UnmodifiableEntity", no)
		refuse(w, w.AttachRolePolicy, api.AttachRolePolicyInput{RoleName: inspectorRole, PolicyArn: admin}, "UnmodifiableEntity", no)
		refuse(w, w.PutRolePolicy, api.PutRolePolicyInput{RoleName: inspectorRole, PolicyName: "p", PolicyDocument: allowAll}, "UnmodifiableEntity", no)
		refuse(w, w.DetachRolePolicy, api.DetachRolePolicyInput{RoleName: inspectorRole, PolicyArn: *attached[0].PolicyArn}, "UnmodifiableEntity", no)
		refuse(w, w.UpdateRole, api.UpdateRoleInput{RoleName: inspectorRole, MaxSessionDuration: new(int32(3600))}, "UnmodifiableEntity", no)
		do(w, w.UpdateRole, api.UpdateRoleInput{RoleName: inspectorRole, Description: new("mine")})
	})
}

func TestEnsureServiceLinkedRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 2 {
			w.update(func(tx *store.Tx) error {
				return iam.EnsureServiceLinkedRole(t.Context(), tx, account, "agentless.inspector2.amazonaws.com", w.now)
			})
		}
		r := do(w, w.ListRoles, api.ListRolesInput{PathPrefix: new("/aws-service-role/")}).Roles
		if len(r) != 1 || r[0].RoleName != "AWSServiceRoleForAmazonInspector2Agentless" {
			t.Errorf("roles %+v", r)
		}
	})
}

func TestDeletingAServiceLinkedRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		refuse(w, w.DeleteServiceLinkedRole, api.DeleteServiceLinkedRoleInput{RoleName: inspectorRole}, "NoSuchEntity", "The role with name "+inspectorRole+" cannot be found.")
		do(w, w.CreateRole, api.CreateRoleInput{RoleName: "own", AssumeRolePolicyDocument: trustMe})
		refuse(w, w.DeleteServiceLinkedRole, api.DeleteServiceLinkedRoleInput{RoleName: "own"}, "NoSuchEntity", "The service-linked role with name own cannot be found.")
		do(w, w.CreateServiceLinkedRole, api.CreateServiceLinkedRoleInput{AWSServiceName: inspectorPrincipal})
		w.usage = []iam.RoleUsage{{Region: "us-east-1", Resources: []arn.ARN{"arn:aws:inspector2:us-east-1:111111111111:ec2"}}}
		first := w.delete()
		if again := do(w, w.DeleteServiceLinkedRole, api.DeleteServiceLinkedRoleInput{RoleName: inspectorRole}).DeletionTaskId; again != first {
			t.Errorf("a second task %s beside %s", again, first)
		}
		if s := w.status(first); s.Status != api.DeletionTaskStatusTypeInProgress {
			t.Errorf("before the job: %+v", s)
		}
		w.runDeletion(first)
		s := w.status(first)
		if s.Status != api.DeletionTaskStatusTypeFailed || s.Reason == nil || len(s.Reason.RoleUsageList) != 1 || *s.Reason.RoleUsageList[0].Region != "us-east-1" {
			t.Errorf("in use: %+v", s)
		}
		w.usage = nil
		second := w.delete()
		if second == first {
			t.Errorf("the failed task %s was used again", first)
		}
		w.runDeletion(second)
		w.runDeletion(second) // jobs may run twice
		if s := w.status(second); s.Status != api.DeletionTaskStatusTypeSucceeded {
			t.Errorf("not in use: %+v", s)
		}
		refuse(w, w.GetRole, api.GetRoleInput{RoleName: inspectorRole}, "NoSuchEntity", "The role with name "+inspectorRole+" cannot be found.")
		refuse(w, w.GetServiceLinkedRoleDeletionStatus, api.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: "task/aws-service-role/x"},
			"NoSuchEntity", "Deletion Task Id task/aws-service-role/x not found.")
		refuse(w, w.GetServiceLinkedRoleDeletionStatus, api.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: "x"}, "InvalidInput", "Invalid deletion task id: x")
	})
}

func (w *world) delete() string {
	return do(w, w.DeleteServiceLinkedRole, api.DeleteServiceLinkedRoleInput{RoleName: inspectorRole}).DeletionTaskId
}

func (w *world) status(id string) *api.GetServiceLinkedRoleDeletionStatusOutput {
	return do(w, w.GetServiceLinkedRoleDeletionStatus, api.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: id})
}

func (w *world) runDeletion(id string) {
	w.t.Helper()
	if err := w.service.RunDeletion(w.t.Context(), store.Job{Account: string(account), Payload: []byte(id)}); err != nil {
		w.t.Fatal(err)
	}
}
