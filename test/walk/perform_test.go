package walk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/test/livetest"
)

// perform sends a step and compares the answer with what the model says.
func (w *world) perform(s step, want verdict) error {
	if s.op == "crash" {
		return w.installation.crash()
	}
	service, op, in := w.request(s)
	region := s.region
	if region == "" {
		region = regions[0]
	}
	a, err := w.call(s.caller, region, service, op, in)
	if err != nil {
		return err
	}
	code := a.Code
	if code == conflict && strings.Contains(a.Message, "already enabled") {
		code += " already enabled"
	}
	if code != want.code {
		return fmt.Errorf("answered %v, want %q", a, want.code)
	}
	if !a.OK() {
		return nil
	}
	if want.failed != nil {
		if err := w.compareFailures(s, a, want.failed); err != nil {
			return err
		}
	}
	if s.crash {
		if err := w.installation.crash(); err != nil {
			return err
		}
	}
	return w.follow(s, a)
}

func (w *world) all(names []string) []any {
	list := []any{}
	for _, n := range names {
		list = append(list, w.ids[n])
	}
	return list
}

func texts(list []string) []any {
	out := []any{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

const principal = "inspector2.amazonaws.com"

// request is what a step sends.
func (w *world) request(s step) (service, op string, in object) {
	switch s.op {
	case "create unit":
		return "organizations", "CreateOrganizationalUnit", object{"ParentId": w.ids[s.target], "Name": s.text}
	case "delete unit":
		return "organizations", "DeleteOrganizationalUnit", object{"OrganizationalUnitId": w.ids[s.target]}
	case "move account":
		return "organizations", "MoveAccount", object{"AccountId": w.ids[s.targets[0]], "SourceParentId": w.ids[s.list[0]], "DestinationParentId": w.ids[s.target]}
	case "create account":
		return "organizations", "CreateAccount", object{"AccountName": s.text, "Email": s.text + "@example.com"}
	case "leave":
		return "organizations", "LeaveOrganization", nil
	case "remove":
		return "organizations", "RemoveAccountFromOrganization", object{"AccountId": w.ids[s.target]}
	case "close":
		return "organizations", "CloseAccount", object{"AccountId": w.ids[s.target]}
	case "invite":
		return "organizations", "InviteAccountToOrganization", object{"Target": object{"Id": w.ids[s.target], "Type": "ACCOUNT"}}
	case "accept", "decline", "cancel":
		op := map[string]string{"accept": "AcceptHandshake", "decline": "DeclineHandshake", "cancel": "CancelHandshake"}[s.op]
		return "organizations", op, object{"HandshakeId": w.handshakes[s.target]}
	case "trust":
		return "organizations", "EnableAWSServiceAccess", object{"ServicePrincipal": principal}
	case "distrust":
		return "organizations", "DisableAWSServiceAccess", object{"ServicePrincipal": principal}
	case "register":
		return "organizations", "RegisterDelegatedAdministrator", object{"AccountId": w.ids[s.target], "ServicePrincipal": principal}
	case "deregister":
		return "organizations", "DeregisterDelegatedAdministrator", object{"AccountId": w.ids[s.target], "ServicePrincipal": principal}
	}
	if slices.Contains(policyKinds, s.op) {
		op, in = w.policyRequest(s)
		return "organizations", op, in
	}
	op, in = w.inspectorRequest(s)
	return "inspector2", op, in
}

func (w *world) inspectorRequest(s step) (op string, in object) {
	switch s.op {
	case "designate":
		return "EnableDelegatedAdminAccount", object{"delegatedAdminAccountId": w.ids[s.target]}
	case "undesignate":
		return "DisableDelegatedAdminAccount", object{"delegatedAdminAccountId": w.ids[s.target]}
	case "associate":
		return "AssociateMember", object{"accountId": w.ids[s.target]}
	case "disassociate":
		return "DisassociateMember", object{"accountId": w.ids[s.target]}
	case "enable", "disable":
		in = object{"resourceTypes": texts(s.list)}
		if len(s.targets) > 0 {
			in["accountIds"] = w.all(s.targets)
		}
		return map[string]string{"enable": "Enable", "disable": "Disable"}[s.op], in
	case "configure organization":
		auto := object{}
		for t, v := range s.flags {
			auto[member(t)] = v
		}
		return "UpdateOrganizationConfiguration", object{"autoEnable": auto}
	case "organization paths":
		return "UpdateOrgEc2DeepInspectionConfiguration", object{"orgPackagePaths": texts(s.list)}
	case "paths":
		return "UpdateEc2DeepInspectionConfiguration", object{"packagePaths": texts(s.list)}
	case "configure":
		return "UpdateConfiguration", object{"ecrConfiguration": object{"rescanDuration": s.text}}
	case "create filter":
		return "CreateFilter", object{"name": s.text, "action": s.list[0], "filterCriteria": object{"severity": []any{object{"comparison": "EQUALS", "value": "LOW"}}}}
	case "rename filter":
		return "UpdateFilter", object{"filterArn": w.filters[w.filterKey(s, s.text)], "name": s.list[0]}
	}
	return "DeleteFilter", object{"arn": w.filters[w.filterKey(s, s.text)]}
}

func (w *world) filterKey(s step, name string) string { return s.region + " " + s.caller + " " + name }

// member is a scan type's member in structures.
func member(scan string) string {
	return map[string]string{"EC2": "ec2", "ECR": "ecr", "LAMBDA": "lambda", "LAMBDA_CODE": "lambdaCode", "CODE_REPOSITORY": "codeRepository"}[scan]
}

// compareFailures compares the failedAccounts of an answer.
func (w *world) compareFailures(s step, a livetest.Answer, want map[string]string) error {
	got := map[string]string{}
	failed, _ := a.JSON()["failedAccounts"].([]any)
	for _, f := range failed {
		got[w.names[fmt.Sprint(livetest.Dig(f, "accountId"))]] = fmt.Sprint(livetest.Dig(f, "errorCode"))
	}
	accounts, _ := a.JSON()["accounts"].([]any)
	if !maps.Equal(got, want) || len(accounts)+len(got) != max(1, len(s.targets)) {
		return fmt.Errorf("failures %v, want %v: %v", got, want, a)
	}
	return nil
}

// follow learns what an answer tells.
func (w *world) follow(s step, a livetest.Answer) error {
	switch s.op {
	case "create unit":
		w.know(s.text, livetest.Dig(a.JSON(), "OrganizationalUnit", "Id").(string))
	case "delete unit":
		delete(w.names, w.ids[s.target])
	case "create policy":
		w.ids["policy "+s.text] = livetest.Dig(a.JSON(), "Policy", "PolicySummary", "Id").(string)
	case "invite":
		w.handshakes[s.target] = livetest.Dig(a.JSON(), "Handshake", "Id").(string)
	case "create filter":
		w.filters[w.filterKey(s, s.text)] = a.JSON()["arn"].(string)
	case "rename filter":
		w.filters[w.filterKey(s, s.list[0])] = w.filters[w.filterKey(s, s.text)]
	case "create account":
		return w.await(s.text, livetest.Dig(a.JSON(), "CreateAccountStatus", "Id").(string))
	}
	return nil
}

// await waits for an account to be created, and enters it.
func (w *world) await(name, request string) error {
	id := ""
	err := w.eventually(func() error {
		a, err := w.must(head, regions[0], "organizations", "DescribeCreateAccountStatus", object{"CreateAccountRequestId": request})
		if err != nil {
			return err
		}
		status := a.JSON()["CreateAccountStatus"]
		if livetest.Dig(status, "State") != "SUCCEEDED" {
			return fmt.Errorf("%s: %v", name, status)
		}
		id, _ = livetest.Dig(status, "AccountId").(string)
		return nil
	})
	if err != nil {
		return err
	}
	return w.enter(name, id)
}

// touched are the Regions that a step can have changed; nil means none.
func (s step) touched() []string {
	if s.op == "crash" {
		return nil
	}
	if s.region != "" {
		return []string{s.region}
	}
	if slices.Contains([]string{"create account", "distrust", "deregister", "close", "leave", "remove", "accept"}, s.op) {
		return regions
	}
	return nil
}
