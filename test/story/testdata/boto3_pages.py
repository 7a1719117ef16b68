"""Reads every list that boto3 knows how to page through, in pages of one, two
and three, and wants the pages to make up the answer in one piece.

$OPERATIONS holds the operations that muster implements by service, so that a
new one is looked at without being named here; only what needs arguments, or
cannot have two pages, is. Endpoint and credentials come from the environment,
$OUTSIDERS holds keys of accounts that stand alone, $HOSTS how many hosts of the
first account have reported two vulnerable packages each.
"""

import json
import os
import time

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(retries={"total_max_attempts": 1})
INSPECTOR = "inspector2.amazonaws.com"
SERVICES = ("organizations", "inspector2", "iam", "sts")
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}})
THREE = ("a", "b", "c")

# Lists that cannot have a second page, and why.
ONE_PAGE = {
    "organizations.ListRoots": "an organization has one root",
    "organizations.ListParents": "an account or unit has one parent",
    "organizations.ListTagsForResource": "the client cannot ask for smaller pages",
    "inspector2.ListDelegatedAdminAccounts": "a Region has one administrator",
    "inspector2.ListCoverageStatistics": "the client cannot ask for smaller pages",
    "inspector2.GetClustersForImage": "no image runs in a cluster here",
    "inspector2.SearchVulnerabilities": "the client cannot ask for smaller pages",
    "iam.ListAccountAliases": "an account has one alias",
    "iam.ListMFADevices": "there are none",
    "iam.ListSSHPublicKeys": "there are none",
    "iam.ListServerCertificates": "there are none",
    "iam.ListSigningCertificates": "there are none",
    "iam.ListVirtualMFADevices": "there are none",
}
UNSIZED = {name for name, why in ONE_PAGE.items() if "smaller pages" in why}


def clients(session):
    return {name: session.client(name, region_name="us-east-1", config=CONFIG, endpoint_url=os.environ["AWS_ENDPOINT_URL"]) for name in SERVICES}


def eventually(ask, settled, seconds=30):
    until = time.monotonic() + seconds
    while not settled(answer := ask()):
        assert time.monotonic() < until, answer
    return answer


def enter(sts, account):
    c = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole", RoleSessionName="pages")["Credentials"]
    return clients(boto3.Session(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]))


def tags(**more):
    return [{"Key": k, "Value": v} for k, v in {**dict(zip(THREE, THREE)), **more}.items()]


class Setup:
    """An organization with at least two of everything."""

    def __init__(self):
        self.own = clients(boto3.Session())
        self.outsiders = [clients(boto3.Session(c["id"], c["secret"])) for c in json.loads(os.environ["OUTSIDERS"])]
        self.organization()
        self.policies()
        self.invitations()
        self.inspector()
        self.identities()

    def organization(self):
        org = self.own["organizations"]
        org.create_organization(FeatureSet="ALL")
        self.root = org.list_roots()["Roots"][0]["Id"]
        for name in ("audit", *THREE):
            org.create_account(AccountName=name, Email=f"{name}@example.com")
        eventually(org.list_create_account_status, lambda s: all(c["State"] == "SUCCEEDED" for c in s["CreateAccountStatuses"]))
        self.accounts = {a["Name"]: a["Id"] for a in org.list_accounts()["Accounts"]}
        for name in THREE:
            org.create_organizational_unit(ParentId=self.root, Name=name)
        principals = (INSPECTOR, "config.amazonaws.com", "guardduty.amazonaws.com")
        for p in principals:
            org.enable_aws_service_access(ServicePrincipal=p)
            org.register_delegated_administrator(AccountId=self.accounts["audit"], ServicePrincipal=p)
        org.register_delegated_administrator(AccountId=self.accounts["a"], ServicePrincipal="config.amazonaws.com")
        self.audit = enter(self.own["sts"], self.accounts["audit"])

    def policies(self):
        org = self.own["organizations"]
        scps = [org.create_policy(Type="SERVICE_CONTROL_POLICY", Name=n, Description=n, Content=ALLOW)["Policy"]["PolicySummary"]["Id"] for n in THREE]
        self.policy = scps[0]
        for name in THREE:
            org.attach_policy(PolicyId=self.policy, TargetId=self.accounts[name])
        for p in scps[1:]:
            org.attach_policy(PolicyId=p, TargetId=self.accounts["a"])
        org.enable_policy_type(RootId=self.root, PolicyType="TAG_POLICY")
        eventually(lambda: org.list_roots()["Roots"][0]["PolicyTypes"], lambda types: {"Type": "TAG_POLICY", "Status": "ENABLED"} in types)
        for owner in ("ours", "theirs"):
            content = {"tags": {n: {"tag_value": {"@@assign": [owner]}, "tag_key": {"@@assign": f"{n}-{owner}"}} for n in THREE}}
            made = org.create_policy(Type="TAG_POLICY", Name=owner, Description=owner, Content=json.dumps(content))
            org.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=self.root)
        org.tag_resource(ResourceId=self.accounts["a"], Tags=tags())

    def invitations(self):
        """The first outsider is invited by the others and by us, who invite further ones."""
        guest = self.outsiders[0]["sts"].get_caller_identity()["Account"]
        for host in self.outsiders[1:]:
            host["organizations"].create_organization(FeatureSet="ALL")
            host["organizations"].invite_account_to_organization(Target={"Id": guest, "Type": "ACCOUNT"})
        for target in ({"Id": guest, "Type": "ACCOUNT"}, {"Id": "x@example.com", "Type": "EMAIL"}, {"Id": "y@example.com", "Type": "EMAIL"}):
            self.own["organizations"].invite_account_to_organization(Target=target)

    def inspector(self):
        self.own["inspector2"].enable_delegated_admin_account(delegatedAdminAccountId=self.accounts["audit"])
        i = self.audit["inspector2"]
        i.enable(resourceTypes=["EC2", "ECR"])
        others = [a for name, a in self.accounts.items() if name != "audit"]
        for a in others:
            i.associate_member(accountId=a)
            eventually(lambda: i.get_member(accountId=a)["member"], lambda m: m["relationshipStatus"] == "ENABLED")
        i.enable(accountIds=others, resourceTypes=["EC2"])
        for name in THREE:
            i.create_filter(name=f"rule-{name}", action="NONE", filterCriteria={"severity": [{"comparison": "EQUALS", "value": "LOW"}]})
        eventually(lambda: i.list_findings()["findings"], lambda f: len(f) == 2 * int(os.environ["HOSTS"]))

    def identities(self):
        iam = self.own["iam"]
        self.arn = arns = []
        for n in THREE:
            arns.append(iam.create_policy(PolicyName=n, PolicyDocument=ALLOW, Tags=tags())["Policy"]["Arn"])
            iam.create_user(UserName=n, Tags=tags())
            iam.create_group(GroupName=n)
            iam.create_role(RoleName=n, AssumeRolePolicyDocument=TRUST, Tags=tags())
            iam.create_instance_profile(InstanceProfileName=n, Tags=tags())
            iam.add_role_to_instance_profile(InstanceProfileName=n, RoleName="a")
            iam.put_user_policy(UserName="a", PolicyName=n, PolicyDocument=ALLOW)
            iam.put_group_policy(GroupName="a", PolicyName=n, PolicyDocument=ALLOW)
            iam.put_role_policy(RoleName="a", PolicyName=n, PolicyDocument=ALLOW)
        for n in THREE:
            iam.add_user_to_group(GroupName="a", UserName=n)
            if n != "a":
                iam.add_user_to_group(GroupName=n, UserName="a")
            iam.attach_role_policy(RoleName=n, PolicyArn=arns[0])
        for a in arns:
            iam.attach_user_policy(UserName="a", PolicyArn=a)
            iam.attach_group_policy(GroupName="a", PolicyArn=a)
            if a != arns[0]:
                iam.attach_role_policy(RoleName="a", PolicyArn=a)
            iam.create_policy_version(PolicyArn=arns[0], PolicyDocument=ALLOW)
        for _ in range(2):
            iam.create_access_key(UserName="a")
        self.oidc = iam.create_open_id_connect_provider(Url="https://idp.example.com", ThumbprintList=[], Tags=tags())["OpenIDConnectProviderArn"]
        metadata = '<EntityDescriptor entityID="idp">' + " " * 1000 + "</EntityDescriptor>"
        self.saml = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=metadata, Tags=tags())["SAMLProviderArn"]
        iam.create_account_alias(AccountAlias="pages-story")

    def caller(self, service, operation):
        if operation == "ListHandshakesForAccount":
            return self.outsiders[0]
        if service == "inspector2" and operation != "ListDelegatedAdminAccounts":
            return self.audit
        return self.own

    def arguments(self, service, operation):
        me = self.own["sts"].get_caller_identity()
        user, role, group, policy = {"UserName": "a"}, {"RoleName": "a"}, {"GroupName": "a"}, {"PolicyArn": self.arn[0]}
        actions = ["iam:GetUser", "iam:ListUsers", "sts:AssumeRole", "inspector2:Enable"]
        return {
            "organizations": {
                "ListAccountsForParent": {"ParentId": self.root},
                "ListAccountsWithInvalidEffectivePolicy": {"PolicyType": "TAG_POLICY"},
                "ListChildren": {"ParentId": self.root, "ChildType": "ACCOUNT"},
                "ListDelegatedServicesForAccount": {"AccountId": self.accounts["audit"]},
                "ListEffectivePolicyValidationErrors": {"AccountId": self.accounts["a"], "PolicyType": "TAG_POLICY"},
                "ListInboundResponsibilityTransfers": {"Type": "BILLING"},
                "ListOrganizationalUnitsForParent": {"ParentId": self.root},
                "ListOutboundResponsibilityTransfers": {"Type": "BILLING"},
                "ListParents": {"ChildId": self.accounts["a"]},
                "ListPolicies": {"Filter": "SERVICE_CONTROL_POLICY"},
                "ListPoliciesForTarget": {"TargetId": self.accounts["a"], "Filter": "SERVICE_CONTROL_POLICY"},
                "ListTagsForResource": {"ResourceId": self.accounts["a"]},
                "ListTargetsForPolicy": {"PolicyId": self.policy},
            },
            "inspector2": {
                "GetClustersForImage": {"filter": {"resourceId": f"arn:aws:ecr:us-east-1:{self.accounts['audit']}:repository/a/sha256:{64 * '0'}"}},
                "ListFindingAggregations": {"aggregationType": "PACKAGE"},
                "ListCoverageStatistics": {"groupBy": "RESOURCE_TYPE"},
                "SearchVulnerabilities": {"filterCriteria": {"vulnerabilityIds": ["CVE-2026-0001"]}},
            },
            "iam": {
                "GetGroup": group, "ListAccessKeys": user, "ListAttachedGroupPolicies": group, "ListAttachedRolePolicies": role,
                "ListAttachedUserPolicies": user, "ListEntitiesForPolicy": policy, "ListGroupPolicies": group, "ListGroupsForUser": user,
                "ListInstanceProfileTags": {"InstanceProfileName": "a"}, "ListInstanceProfilesForRole": role, "ListMFADevices": user,
                "ListOpenIDConnectProviderTags": {"OpenIDConnectProviderArn": self.oidc}, "ListSAMLProviderTags": {"SAMLProviderArn": self.saml},
                "ListPolicyTags": policy, "ListPolicyVersions": policy, "ListRolePolicies": role, "ListRoleTags": role,
                "ListSSHPublicKeys": user, "ListSigningCertificates": user, "ListUserPolicies": user, "ListUserTags": user,
                "SimulateCustomPolicy": {"PolicyInputList": [ALLOW], "ActionNames": actions},
                "SimulatePrincipalPolicy": {"PolicySourceArn": me["Arn"], "ActionNames": actions},
            },
        }.get(service, {}).get(operation, {})


def stable(value):
    """A value without what time alone changes."""
    if isinstance(value, dict):
        return {k: stable(v) for k, v in value.items() if k not in ("RoleLastUsed", "usage")}
    return [stable(v) for v in value] if isinstance(value, list) else value


def items(answer, keys):
    return {k.expression: stable(k.search(answer) or []) for k in keys}


def read(client, operation, arguments, size):
    """What the pages of a size hold together, and how many there were."""
    paginator = client.get_paginator(operation)
    config = {"PageSize": size} if size else {}
    whole, pages = {k.expression: [] for k in paginator.result_keys}, 0
    for page in paginator.paginate(PaginationConfig=config, **arguments):
        part, pages = items(page, paginator.result_keys), pages + 1
        assert not size or sum(map(len, part.values())) <= size, (operation, size, part)
        for k, v in part.items():
            whole[k] += v
    return whole, pages


def check(setup, service, operation):
    client, name = setup.caller(service, operation)[service], xform_name(operation)
    arguments, full = setup.arguments(service, operation), f"{service}.{operation}"
    keys = client.get_paginator(name).result_keys
    whole = items(getattr(client, name)(**arguments), keys)
    for size in (None,) if full in UNSIZED else (1, 2, 3):
        found, pages = read(client, name, arguments, size)
        assert found == whole, (full, size, found, whole)
        if size == 1 and full not in ONE_PAGE:
            assert pages > 1, f"{full} has too little for two pages: {whole}"
    return sum(map(len, whole.values()))


def main():
    setup, seen, wrong = Setup(), set(), []
    for service, operations in json.loads(os.environ["OPERATIONS"]).items():
        client = setup.own[service]
        for operation in filter(lambda o: client.can_paginate(xform_name(o)), operations):
            seen.add(f"{service}.{operation}")
            try:
                print(f"{service}.{operation}: {check(setup, service, operation)} items")
            except (AssertionError, ClientError) as e:
                wrong.append(f"{service}.{operation}: {e}")
    assert not wrong, "\n".join(wrong)
    assert len(seen) >= 50 and {"organizations.ListAccounts", "inspector2.ListFindings", "iam.ListRoles"} <= seen, seen
    assert ONE_PAGE.keys() <= seen, f"no such lists: {ONE_PAGE.keys() - seen}"


main()
