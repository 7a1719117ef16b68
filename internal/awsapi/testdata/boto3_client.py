"""Calls every service through boto3 and checks what comes back.

The endpoint and the credentials come from the environment.
"""

import datetime
import json
import os
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError


def refused(call, code, text="", **members):
    try:
        call()
    except ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == code, e.response
        assert text in got["Message"], e.response
        for name, value in members.items():
            assert e.response.get(name) == value, e.response
        assert e.response["ResponseMetadata"]["RequestId"], e.response
        return e.response
    raise AssertionError(f"{code} was expected")



def client(service, **credentials):
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], **credentials)


noon = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)

inspector = client("inspector2")
finding = inspector.list_findings(
    filterCriteria={"updatedAt": [{"startInclusive": noon}], "severity": [{"comparison": "EQUALS", "value": "HIGH"}]}
)["findings"][0]
assert finding["lastObservedAt"] == noon + datetime.timedelta(milliseconds=500), finding
assert finding["description"] == "überlauf <&>\u2028", finding
assert finding["resources"] == [], finding
response = refused(
    lambda: inspector.enable(resourceTypes=["LAMBDACODE"]),
    "NotImplementedException",
)
response = refused(
    lambda: inspector.associate_member(accountId="12345678901x"),
    "ValidationException",
    "1 validation error detected: Value '12345678901x' at 'accountId'",
    reason="FIELD_VALIDATION_FAILED",
)
assert response["fields"][0]["name"] == "accountId", response
arn = "arn:aws:inspector2:eu-central-1:111122223333:owner/111122223333/filter/a b+c"
assert inspector.list_tags_for_resource(resourceArn=arn)["tags"] == {"arn": arn}
refused(lambda: inspector.untag_resource(resourceArn=arn, tagKeys=["a/b", "c+d=e"]), "ResourceNotFoundException", "a/b|c+d=e")
response = refused(lambda: inspector.list_findings(nextToken="busy"), "ThrottlingException", "slow down")
assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7", response
assert inspector.get_encryption_key(scanType="CODE", resourceType="CODE_REPOSITORY")["kmsKeyId"] == "CODE/CODE_REPOSITORY"

scan = client("inspector-scan")
sbom = {"bomFormat": "CycloneDX", "components": [{"name": "ü", "n": 1.5, "none": None}]}
assert scan.scan_sbom(sbom=sbom)["sbom"] == sbom

organizations = client("organizations")
account = organizations.list_accounts()["Accounts"][0]
assert account["Name"] == "mänagement", account
assert account["JoinedTimestamp"] == noon + datetime.timedelta(milliseconds=123), account
response = refused(
    lambda: organizations.create_account(AccountName="a", Email="a@b.example"),
    "ConstraintViolationException",
    "too many",
    Reason="ACCOUNT_NUMBER_LIMIT_EXCEEDED",
)
refused(lambda: organizations.create_account(AccountName="a", Email="not-an-address"), "InvalidInputException", "does not match the required pattern", Reason="INVALID_PATTERN")
organizations.delete_organization()

iam = client("iam")
user = iam.create_user(UserName="bob", Tags=[{"Key": "k", "Value": "a b+c/ü"}])["User"]
assert user["CreateDate"] == noon and user["Tags"] == [{"Key": "k", "Value": "a b+c/ü"}], user
assert iam.list_users()["Users"] == []
refused(lambda: iam.get_role(RoleName="r"), "NoSuchEntity", "The role with name r cannot be found.")
refused(lambda: iam.create_user(UserName="a b", Path="/x"), "ValidationError", "2 validation errors detected")

sts = client("sts")
assert sts.get_caller_identity()["Account"] == "111122223333"
refused(lambda: client("sts", aws_secret_access_key="guess", aws_access_key_id="AKIAUSERUSERUSERUSER").get_caller_identity(), "SignatureDoesNotMatch")
refused(lambda: client("sts", aws_secret_access_key="guess", aws_access_key_id="AKIANOBODYNOBODYNOBO").get_caller_identity(), "InvalidClientTokenId")
refused(lambda: sts.assume_role_with_web_identity(RoleArn="arn:aws:iam::111122223333:role/r", RoleSessionName="s1", WebIdentityToken="token"), "NotImplemented")

url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
with urllib.request.urlopen(url) as answer:
    assert b"<Account>111122223333</Account>" in answer.read()

ecr = client("ecr")
refused(lambda: ecr.describe_repositories(), "RepositoryNotFoundException", "no such repository")
refused(lambda: ecr.describe_repositories(repositoryNames=["UPPER"]), "InvalidParameterException", "Invalid parameter at 'repositoryNames'")

# An unsigned request is told so.
try:
    urllib.request.urlopen(urllib.request.Request(inspector.meta.endpoint_url + "/findings/list", data=b"{}", method="POST"))
    raise AssertionError("an unsigned request was answered")
except urllib.error.HTTPError as e:
    assert e.code == 403 and json.load(e) == {"message": "Missing Authentication Token"}, e.headers
