"""Tests automation as a user of the emulator would: boto3, made-up credentials,
no sleeping, a reset in between. Checks everything itself."""

import os
import time
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

PLAIN, STRICT, SLOW = os.environ["PLAIN"], os.environ["STRICT"], os.environ["SLOW"]
MANAGEMENT, AUDIT, NEW, OTHER = "111111111111", "222222222222", "333333333333", "444444444444"
ANYBODY = "123456789012"


def client(service, account, endpoint=PLAIN, secret="made up", token=None, region="us-east-1", config=None):
    return boto3.client(
        service, region, endpoint_url=endpoint, aws_access_key_id=account, aws_secret_access_key=secret,
        aws_session_token=token, config=config or Config(retries={"max_attempts": 0}),
    )


def who(account, **more):
    return client("sts", account, **more).get_caller_identity()["Arn"]


def refused(call, code, text=""):
    try:
        got = call()
    except ClientError as e:
        assert e.response["Error"]["Code"] == code and text in e.response["Error"]["Message"], e.response
        return e.response
    raise AssertionError(f"not refused: {got}")


def reset(path="/_muster/reset", endpoint=PLAIN):
    reply = urllib.request.urlopen(urllib.request.Request(endpoint + path, method="POST"))
    assert reply.status == 200 and reply.read() == b'{"status":"ok"}\n'


def anybody_is_somebody():
    assert who(MANAGEMENT) == f"arn:aws:iam::{MANAGEMENT}:root"
    assert who("testing") == who("AKIAIOSFODNN7EXAMPLE") == f"arn:aws:iam::{ANYBODY}:root"
    assert who(AUDIT, token="made up, too", region="eu-west-1") == f"arn:aws:iam::{AUDIT}:root"
    unsigned = client("inspector2", None, config=Config(signature_version=UNSIGNED))
    assert unsigned.batch_get_account_status()["accounts"][0]["accountId"] == ANYBODY


def build_organization():
    """The order of operations that every set-up script follows."""
    organizations = client("organizations", MANAGEMENT)
    organizations.create_organization(FeatureSet="ALL")
    created = organizations.create_account(AccountName="workload", Email="workload@example.com")["CreateAccountStatus"]
    assert created["State"] == "SUCCEEDED", created
    failed = organizations.create_account(AccountName="again", Email="workload@example.com")["CreateAccountStatus"]
    assert (failed["State"], failed["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS"), failed
    for account in (AUDIT, NEW):
        invitation = organizations.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": account})["Handshake"]
        client("organizations", account).accept_handshake(HandshakeId=invitation["Id"])
    pages = organizations.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 2})
    assert sorted(a["Id"] for p in pages for a in p["Accounts"]) == sorted([MANAGEMENT, AUDIT, NEW, created["AccountId"]])
    root = organizations.list_roots()["Roots"][0]["Id"]
    changed = organizations.enable_policy_type(RootId=root, PolicyType="TAG_POLICY")["Root"]["PolicyTypes"]
    assert {"Type": "TAG_POLICY", "Status": "ENABLED"} in changed, changed
    return created["AccountId"]


def delegate_and_enable(workload):
    """States pass without waiting, and what the real service refuses is refused."""
    refused(lambda: client("inspector2", AUDIT).enable_delegated_admin_account(delegatedAdminAccountId=AUDIT), "AccessDeniedException", "Invoking account")
    client("inspector2", MANAGEMENT).enable_delegated_admin_account(delegatedAdminAccountId=AUDIT)
    audit = client("inspector2", AUDIT)
    refused(audit.list_delegated_admin_accounts, "ValidationException", "Invoking account is the delegated admin.")
    enable(audit, [AUDIT])
    failed = audit.enable(accountIds=[workload], resourceTypes=["EC2"])["failedAccounts"]
    assert failed[0]["errorCode"] == "ACCESS_DENIED", failed
    for member in (workload, NEW):
        audit.associate_member(accountId=member)
        assert audit.get_member(accountId=member)["member"]["relationshipStatus"] == "ENABLED"
    enable(audit, [workload, NEW])
    refused(lambda: client("inspector2", NEW).disable(resourceTypes=["EC2"]), "AccessDeniedException", f"Member account {NEW} is not authorized to disable itself.")
    elsewhere = client("inspector2", AUDIT, region="eu-west-1").batch_get_account_status()["accounts"][0]
    assert elsewhere["state"]["status"] == "DISABLED", elsewhere


def enable(inspector, accounts):
    for a in inspector.enable(accountIds=accounts, resourceTypes=["EC2", "ECR"])["accounts"]:
        assert a["status"] == "ENABLING", a
    for a in inspector.batch_get_account_status(accountIds=accounts)["accounts"]:
        assert a["resourceState"]["ec2"]["status"] == a["resourceState"]["ecr"]["status"] == "ENABLED", a


def enter_accounts(workload):
    """Roles that creation made are there, as is the first role of an account used first; others are not."""
    session = assume(MANAGEMENT, f"arn:aws:iam::{workload}:role/OrganizationAccountAccessRole")
    assert who(**session) == f"arn:aws:sts::{workload}:assumed-role/OrganizationAccountAccessRole/test"
    session = assume(MANAGEMENT, f"arn:aws:iam::{OTHER}:role/deploy")
    assert who(**session) == f"arn:aws:sts::{OTHER}:assumed-role/deploy/test"
    invited = f"arn:aws:iam::{AUDIT}:role/OrganizationAccountAccessRole"
    refused(lambda: assume(MANAGEMENT, invited), "AccessDenied", "is not authorized to perform: sts:AssumeRole")
    return session


def assume(account, role, endpoint=PLAIN):
    c = client("sts", account, endpoint).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {"account": c["AccessKeyId"], "secret": c["SecretAccessKey"], "token": c["SessionToken"]}


def issued_keys_count(endpoint, strict):
    """A key that was issued here is verified; what its owner may do is the switch's matter."""
    iam = client("iam", OTHER, endpoint)
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    mine = {"secret": key["SecretAccessKey"], "endpoint": endpoint}
    assert who(key["AccessKeyId"], **mine) == f"arn:aws:iam::{OTHER}:user/ada"
    refused(lambda: who(key["AccessKeyId"], endpoint=endpoint), "SignatureDoesNotMatch")
    ada = client("iam", key["AccessKeyId"], **mine)
    if strict:
        refused(ada.list_users, "AccessDenied", "no identity-based policy allows the iam:ListUsers action")
        iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    assert ada.list_users()["Users"][0]["UserName"] == "ada"
    return key, mine


def reset_forgets(path, session, key, mine):
    page = client("organizations", MANAGEMENT).list_accounts(MaxResults=1)["NextToken"]
    reset(path)
    refused(client("organizations", MANAGEMENT).describe_organization, "AWSOrganizationsNotInUseException")
    assert who(key["AccessKeyId"], **mine) == who(**session) == f"arn:aws:iam::{ANYBODY}:root"
    assert client("iam", OTHER).list_users()["Users"] == []
    assert client("inspector2", AUDIT).batch_get_account_status()["accounts"][0]["state"]["status"] == "DISABLED"
    client("organizations", MANAGEMENT).create_organization(FeatureSet="ALL")
    refused(lambda: client("organizations", MANAGEMENT).list_accounts(MaxResults=1, NextToken=page), "InvalidInputException")
    reset(path)


def strict_roles():
    """With permissions, nothing is there that nobody has made."""
    refused(lambda: assume(MANAGEMENT, f"arn:aws:iam::{NEW}:role/deploy", STRICT), "AccessDenied")


def service_control_policies(endpoint, strict):
    """They bind the members' root users, and the management account never."""
    organizations = client("organizations", MANAGEMENT, endpoint)
    organizations.create_organization(FeatureSet="ALL")
    member = organizations.create_account(AccountName="member", Email="member@example.com")["CreateAccountStatus"]["AccountId"]
    deny = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"inspector2:Enable","Resource":"*"}]}'
    policy = organizations.create_policy(Name="deny", Description="", Type="SERVICE_CONTROL_POLICY", Content=deny)["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=organizations.list_roots()["Roots"][0]["Id"])
    bound = lambda: client("inspector2", member, endpoint).enable(resourceTypes=["EC2"])
    if strict:
        refused(bound, "AccessDeniedException", "with an explicit deny in a service control policy")
    else:
        bound()
    client("inspector2", MANAGEMENT, endpoint).enable(resourceTypes=["EC2"])
    reset(endpoint=endpoint)


def delays_as_asked():
    inspector = client("inspector2", MANAGEMENT, SLOW)
    inspector.enable(resourceTypes=["EC2"])
    seen = inspector.batch_get_account_status()["accounts"][0]["resourceState"]["ec2"]["status"]
    assert seen == "ENABLING", seen
    while inspector.batch_get_account_status()["accounts"][0]["resourceState"]["ec2"]["status"] != "ENABLED":
        time.sleep(0.1)


for path in ("/_muster/reset", "/moto-api/reset"):
    anybody_is_somebody()
    workload = build_organization()
    delegate_and_enable(workload)
    session = enter_accounts(workload)
    key, mine = issued_keys_count(PLAIN, strict=False)
    reset_forgets(path, session, key, mine)
issued_keys_count(STRICT, strict=True)
strict_roles()
service_control_policies(PLAIN, strict=False)
service_control_policies(STRICT, strict=True)
delays_as_asked()
