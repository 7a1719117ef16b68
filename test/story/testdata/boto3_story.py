"""Tells the story of a delegated administrator through boto3 and checks what
scripts and tools rely on beside texts: exception classes with their further
members, HTTP status, paginators, waiters, and the types of values.

Endpoint and credentials come from the environment. A host of this account,
$HOST, reports two vulnerable packages.
"""

import datetime
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# What the client would refuse is sent, and calls are made once.
CONFIG = Config(parameter_validation=False, retries={"total_max_attempts": 1})
PRINCIPAL = "inspector2.amazonaws.com"


def clients(session, region="us-east-1"):
    return {name: session.client(name, region_name=region, config=CONFIG, endpoint_url=os.environ["AWS_ENDPOINT_URL"]) for name in ("organizations", "iam", "sts", "inspector2")}


def refused(call, kind, status, text=None, **members):
    """The call raises the client's own class for the exception, with members."""
    try:
        call()
    except kind as e:
        r = e.response
    except ClientError as e:
        raise AssertionError(f"{type(e).__name__} is not {kind}: {e.response}")
    else:
        raise AssertionError(f"{kind} was expected")
    assert r["ResponseMetadata"]["HTTPStatusCode"] == status, r
    assert r["ResponseMetadata"]["RequestId"], r
    assert text is None or r["Error"]["Message"] == text, r
    for name, value in members.items():
        assert r.get(name) == value, (name, value, r)
    return r


def eventually(ask, settled, seconds=30):
    """Asks until the answer is settled, as tools without a waiter do."""
    until = time.monotonic() + seconds
    while True:
        answer = ask()
        if settled(answer):
            return answer
        assert time.monotonic() < until, answer


def moment(value):
    """A time with a zone, between the day muster was thought of and tomorrow."""
    assert isinstance(value, datetime.datetime) and value.tzinfo is not None, value
    assert datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) < value, value
    assert value < datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1), value


def pages(client, operation, key, size, **arguments):
    """All items of a list in pages of a size; a list taken up in the middle is
    the same list."""
    paginator = client.get_paginator(operation)
    found = [p[key] for p in paginator.paginate(PaginationConfig={"PageSize": size}, **arguments)]
    assert all(len(p) <= size for p in found), found
    items = [i for p in found for i in p]
    if len(items) > size:
        assert len(found) > 1, found
        first = paginator.paginate(PaginationConfig={"PageSize": size, "MaxItems": size}, **arguments).build_full_result()
        rest = paginator.paginate(PaginationConfig={"PageSize": size, "StartingToken": first["NextToken"]}, **arguments).build_full_result()
        assert first[key] + rest[key] == items, (first, rest, items)
    return items


def create_account(organizations, name):
    status = organizations.create_account(AccountName=name, Email=name + "@example.com")["CreateAccountStatus"]
    assert status["State"] == "IN_PROGRESS" and "AccountId" not in status, status
    moment(status["RequestedTimestamp"])
    status = eventually(
        lambda: organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"],
        lambda s: s["State"] != "IN_PROGRESS",
    )
    assert status["State"] == "SUCCEEDED", status
    moment(status["CompletedTimestamp"])
    return status["AccountId"]


def enter(sts, account):
    answer = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole", RoleSessionName="story")
    credentials = answer["Credentials"]
    assert isinstance(credentials["Expiration"], datetime.datetime), credentials
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/OrganizationAccountAccessRole/story", answer
    return clients(boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]))


def organization(own):
    """Makes the organization and returns the ids of its accounts by name."""
    org, me = own["organizations"], own["sts"].get_caller_identity()["Account"]
    refused(org.describe_organization, org.exceptions.AWSOrganizationsNotInUseException, 400, "Your account is not a member of an organization.")
    org.create_organization(FeatureSet="ALL")
    refused(org.create_organization, org.exceptions.AlreadyInOrganizationException, 400)
    accounts = {"management": me, **{name: create_account(org, name) for name in ("audit", "one", "two", "three")}}

    listed = pages(org, "list_accounts", "Accounts", 2)
    assert sorted(a["Id"] for a in listed) == sorted(accounts.values()), listed
    for a in listed:
        moment(a["JoinedTimestamp"])
    root = pages(org, "list_roots", "Roots", 1)[0]["Id"]
    for name in ("a", "b", "c"):
        org.create_organizational_unit(ParentId=root, Name=name)
    assert [u["Name"] for u in sorted(pages(org, "list_organizational_units_for_parent", "OrganizationalUnits", 1, ParentId=root), key=lambda u: u["Name"])] == ["a", "b", "c"]
    assert len(pages(org, "list_children", "Children", 2, ParentId=root, ChildType="ACCOUNT")) == 5
    assert len(pages(org, "list_create_account_status", "CreateAccountStatuses", 3)) == 4

    x = org.exceptions
    refused(lambda: org.create_organizational_unit(ParentId=root, Name="a"), x.DuplicateOrganizationalUnitException, 400)
    refused(lambda: org.describe_account(AccountId="999999999999"), x.AccountNotFoundException, 400, "You specified an account that doesn't exist.")
    refused(lambda: org.describe_account(AccountId="12"), x.InvalidInputException, 400, Reason="INVALID_PATTERN")
    refused(lambda: org.list_accounts(MaxResults=21), x.InvalidInputException, 400, Reason="MAX_VALUE_EXCEEDED")
    refused(lambda: org.list_accounts(NextToken="nonsense"), x.InvalidInputException, 400, Reason="INVALID_NEXT_TOKEN")
    refused(lambda: org.enable_aws_service_access(ServicePrincipal="x.amazonaws.com"), x.InvalidInputException, 400,
            "You specified an unrecognized service principal.", Reason="UNRECOGNIZED_SERVICE_PRINCIPAL")
    register = lambda account: lambda: org.register_delegated_administrator(AccountId=account, ServicePrincipal=PRINCIPAL)
    refused(register(accounts["audit"]), x.ConstraintViolationException, 400, Reason="SERVICE_ACCESS_NOT_ENABLED")
    org.enable_aws_service_access(ServicePrincipal=PRINCIPAL)
    moment(org.list_aws_service_access_for_organization()["EnabledServicePrincipals"][0]["DateEnabled"])
    refused(register(me), x.ConstraintViolationException, 400, Reason="CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
    register(accounts["audit"])()
    refused(register(accounts["audit"]), x.AccountAlreadyRegisteredException, 400)
    refused(register(accounts["one"]), x.ConstraintViolationException, 400, Reason="MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED")
    refused(lambda: org.remove_account_from_organization(AccountId=accounts["audit"]), x.ConstraintViolationException, 400,
            Reason="CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG")
    administrator = pages(org, "list_delegated_administrators", "DelegatedAdministrators", 1)[0]
    assert administrator["Id"] == accounts["audit"], administrator
    moment(administrator["DelegationEnabledDate"])
    refused(org.leave_organization, x.MasterCannotLeaveOrganizationException, 400)
    refused(org.delete_organization, x.OrganizationNotEmptyException, 400)
    return accounts


def roles(own, member):
    """IAM's waiter, documents and classes, about roles and users."""
    iam, x = own["iam"], own["iam"].exceptions
    iam.get_waiter("role_exists").wait(RoleName="AWSServiceRoleForAmazonInspector2", WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    role = iam.get_role(RoleName="AWSServiceRoleForAmazonInspector2")["Role"]
    moment(role["CreateDate"])
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": PRINCIPAL}, role
    refused(lambda: iam.get_role(RoleName="nobody"), x.NoSuchEntityException, 404, "The role with name nobody cannot be found.")
    refused(lambda: iam.delete_role(RoleName=role["RoleName"]), x.UnmodifiableEntityException, 400)
    refused(lambda: iam.create_service_linked_role(AWSServiceName=PRINCIPAL), x.InvalidInputException, 400,
            "Service role name AWSServiceRoleForAmazonInspector2 has been taken in this account, please try a different suffix.")
    for name in ("b", "c", "d"):
        moment(iam.create_user(UserName=name)["User"]["CreateDate"])
        iam.get_waiter("user_exists").wait(UserName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    assert [u["UserName"] for u in pages(iam, "list_users", "Users", 2)] == ["b", "c", "d", "management"]
    refused(lambda: iam.create_user(UserName="b"), x.EntityAlreadyExistsException, 409)
    refused(lambda: iam.create_policy(PolicyName="p", PolicyDocument="{"), x.MalformedPolicyDocumentException, 400)
    iam.create_access_key(UserName="b")
    refused(lambda: iam.delete_user(UserName="b"), x.DeleteConflictException, 409)
    iam.create_access_key(UserName="b")
    refused(lambda: iam.create_access_key(UserName="b"), x.LimitExceededException, 409)
    assert len(pages(iam, "list_access_keys", "AccessKeyMetadata", 1, UserName="b")) == 2
    refused(lambda: member["sts"].assume_role(RoleArn=role["Arn"], RoleSessionName="story"), ClientError, 403)


def delegation(own, audit, member, accounts):
    """The administrator of a Region, with Inspector's classes."""
    inspector, x = own["inspector2"], own["inspector2"].exceptions
    refused(inspector.get_delegated_admin_account, x.ResourceNotFoundException, 404)
    refused(lambda: member["inspector2"].enable_delegated_admin_account(delegatedAdminAccountId=accounts["audit"]), member["inspector2"].exceptions.AccessDeniedException, 403,
            "Invoking account does not have access to enable the delegated admin account")
    answer = refused(lambda: inspector.enable_delegated_admin_account(delegatedAdminAccountId="12"), x.ValidationException, 400, reason="FIELD_VALIDATION_FAILED")
    assert [f["name"] for f in answer["fields"]] == ["delegatedAdminAccountId"] * 2 and all(f["message"] for f in answer["fields"]), answer
    refused(lambda: inspector.enable_delegated_admin_account(delegatedAdminAccountId="999999999999"), x.ResourceNotFoundException, 404)
    inspector.enable_delegated_admin_account(delegatedAdminAccountId=accounts["audit"])
    for account in ("audit", "one"):
        refused(lambda: inspector.enable_delegated_admin_account(delegatedAdminAccountId=accounts[account]), x.ConflictException, 409,
                resourceId=accounts["audit"], resourceType="DelegatedAdminAccount")
    assert pages(inspector, "list_delegated_admin_accounts", "delegatedAdminAccounts", 5) == [{"accountId": accounts["audit"], "status": "ENABLED"}]
    theirs = audit["inspector2"]
    refused(theirs.get_delegated_admin_account, theirs.exceptions.ValidationException, 400, "Invoking account is the delegated admin.", reason="OTHER")
    refused(lambda: theirs.update_organization_configuration(autoEnable={"ec2": True, "ecr": True}), theirs.exceptions.ValidationException, 400,
            "Invoking account is not enabled", reason="OTHER")


def members(audit, accounts):
    """Members, switched on and waited for, as a tool does it."""
    inspector, x = audit["inspector2"], audit["inspector2"].exceptions
    ids = sorted(accounts[name] for name in ("management", "one", "two", "three"))
    started = inspector.enable(resourceTypes=["EC2", "ECR"])
    assert started["failedAccounts"] == [] and started["accounts"][0]["status"] == "ENABLING", started
    refused(lambda: inspector.get_member(accountId=ids[0]), x.ResourceNotFoundException, 404)
    refused(lambda: inspector.disassociate_member(accountId=ids[0]), x.ValidationException, 400, reason="OTHER")
    for account in ids:
        assert inspector.associate_member(accountId=account)["accountId"] == account
        eventually(lambda: inspector.get_member(accountId=account)["member"], lambda m: m["relationshipStatus"] == "ENABLED")
    refused(lambda: inspector.associate_member(accountId=ids[0]), x.ValidationException, 400, reason="OTHER")
    listed = pages(inspector, "list_members", "members", 1)
    assert [m["accountId"] for m in listed] == ids, listed
    for m in listed:
        moment(m["updatedAt"])
        assert m["delegatedAdminAccountId"] == accounts["audit"], m

    inspector.enable(accountIds=ids, resourceTypes=["EC2"])
    status = eventually(lambda: inspector.batch_get_account_status(accountIds=ids + ["999999999999"]),
                        lambda s: all(a["resourceState"]["ec2"]["status"] == "ENABLED" for a in s["accounts"]))
    assert len(status["accounts"]) == 4, status
    for a in status["accounts"]:
        assert set(a["resourceState"]) == {"ec2", "ecr", "lambda", "lambdaCode", "codeRepository"}, a
        assert "errorCode" not in a["state"] and "errorMessage" not in a["resourceState"]["ec2"], a
    assert [f["errorCode"] for f in status["failedAccounts"]] == ["RESOURCE_NOT_FOUND"], status
    off = inspector.disable(accountIds=[ids[0]])
    assert off["accounts"] == [] and off["failedAccounts"][0]["errorCode"] == "RESOURCE_SCAN_NOT_DISABLED", off
    auto = {"ec2": True, "ecr": False, "lambda": False, "lambdaCode": False, "codeRepository": False}
    assert inspector.update_organization_configuration(autoEnable={"ec2": True, "ecr": False})["autoEnable"] == auto
    assert inspector.describe_organization_configuration()["autoEnable"] == auto
    assert inspector.describe_organization_configuration()["maxAccountLimitReached"] is False


def findings(own, audit, member, accounts):
    """Findings, coverage and filters, in pages and with their types."""
    host = os.environ["HOST"]
    inspector = audit["inspector2"]
    eventually(lambda: inspector.list_findings()["findings"], lambda f: len(f) == 2)
    listed = pages(inspector, "list_findings", "findings", 1, sortCriteria={"field": "VULNERABILITY_ID", "sortOrder": "DESC"})
    assert [f["packageVulnerabilityDetails"]["vulnerabilityId"] for f in listed] == ["CVE-2026-0002", "CVE-2026-0001"], listed
    for f in listed:
        assert f["awsAccountId"] == accounts["management"] and f["resources"][0]["id"] == host and f["status"] == "ACTIVE", f
        assert f["type"] == "PACKAGE_VULNERABILITY" and isinstance(f["resources"][0].get("tags", {}), dict), f
        for name in ("firstObservedAt", "lastObservedAt", "updatedAt"):
            moment(f[name])
    assert member["inspector2"].list_findings()["findings"] == []
    assert [f["findingArn"] for f in own["inspector2"].list_findings()["findings"]] != []
    since = {"firstObservedAt": [{"startInclusive": datetime.datetime.now() - datetime.timedelta(days=1)}]}
    assert len(inspector.list_findings(filterCriteria=since)["findings"]) == 2
    before = {"firstObservedAt": [{"endInclusive": datetime.datetime.now() - datetime.timedelta(days=1)}]}
    assert inspector.list_findings(filterCriteria=before)["findings"] == []
    for kind, key in (("ACCOUNT", "accountAggregation"), ("PACKAGE", "packageAggregation"), ("TITLE", "titleAggregation"), ("FINDING_TYPE", "findingTypeAggregation")):
        rows = pages(inspector, "list_finding_aggregations", "responses", 1, aggregationType=kind)
        assert rows and all(key in r and isinstance(r[key]["severityCounts"]["all"], int) for r in rows), rows
    covered = pages(inspector, "list_coverage", "coveredResources", 1)
    assert [c["resourceId"] for c in covered] == [host], covered
    moment(covered[0]["lastScannedAt"])
    counts = inspector.list_coverage_statistics()
    assert counts["totalCounts"] == 1, counts

    x, low = inspector.exceptions, {"severity": [{"comparison": "EQUALS", "value": "LOW"}]}
    names = [f"rule-{n}" for n in range(5)]
    arns = {name: inspector.create_filter(name=name, action="SUPPRESS", filterCriteria=low, tags={"n": name})["arn"] for name in names}
    listed = pages(inspector, "list_filters", "filters", 2)
    assert {f["name"]: f["arn"] for f in listed} == arns, listed
    for f in listed:
        moment(f["createdAt"]), moment(f["updatedAt"])
        assert f["tags"] == {"n": f["name"]} and f["criteria"] == low, f
    refused(lambda: inspector.create_filter(name="rule-1", action="NONE", filterCriteria=low), x.BadRequestException, 400, "Filter name already exists")
    answer = refused(lambda: inspector.create_filter(name="", action="HIDE", filterCriteria={}), x.ValidationException, 400, reason="FIELD_VALIDATION_FAILED")
    assert {f["name"] for f in answer["fields"]} == {"name", "action"}, answer
    refused(lambda: inspector.list_findings(nextToken="nonsense"), x.ValidationException, 400, "The nextToken is not valid for this request.", reason="OTHER")
    refused(lambda: inspector.delete_filter(arn=arns["rule-1"] + "0"), x.ResourceNotFoundException, 404)
    refused(lambda: member["inspector2"].create_filter(name="mine", action="SUPPRESS", filterCriteria=low), member["inspector2"].exceptions.AccessDeniedException, 403)


def farewell(own, audit, member, accounts):
    """A member's own Disable, and the end of everything."""
    theirs = member["inspector2"]
    refused(lambda: theirs.disable(resourceTypes=["EC2"]), theirs.exceptions.AccessDeniedException, 403,
            f"Member account {accounts['one']} is not authorized to disable itself.")
    inspector = own["inspector2"]
    inspector.disable_delegated_admin_account(delegatedAdminAccountId=accounts["audit"])
    eventually(lambda: inspector.list_delegated_admin_accounts()["delegatedAdminAccounts"], lambda d: d == [])
    refused(lambda: inspector.disable_delegated_admin_account(delegatedAdminAccountId=accounts["audit"]), inspector.exceptions.ResourceNotFoundException, 404)
    refused(audit["inspector2"].list_members, audit["inspector2"].exceptions.AccessDeniedException, 403, "Invoking account does not have access to list members")
    refused(lambda: inspector.list_cis_scans(), ClientError, 501)


def main():
    own = clients(boto3.Session())
    accounts = organization(own)
    audit, member = enter(own["sts"], accounts["audit"]), enter(own["sts"], accounts["one"])
    roles(own, member)
    delegation(own, audit, member, accounts)
    members(audit, accounts)
    findings(own, audit, member, accounts)
    farewell(own, audit, member, accounts)


main()
