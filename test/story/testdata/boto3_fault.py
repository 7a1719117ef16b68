"""What testers order, boto3 meets: its retries, its exceptions, its waits."""

import json
import os
import time
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

session = boto3.Session(region_name="us-east-1")
endpoint = os.environ["AWS_ENDPOINT_URL"]


def own(called, /, **body):
    """Calls an operation of muster's own service."""
    request = AWSRequest("POST", endpoint + "/", data=json.dumps(body), headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Muster_20261101." + called})
    SigV4Auth(session.get_credentials(), "muster", "us-east-1").add_auth(request)
    raw = urllib.request.Request(request.url, request.body, dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(raw) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def client(service, attempts):
    # The environment of the tests says one attempt; the configuration wins.
    return session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}))


def put(kind, /, **rule):
    got = own("PutFault", faultId="f", kind=kind, **rule)
    assert "fault" in got, got


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response
    raise AssertionError("not refused")


def retries(reply):
    return reply["ResponseMetadata"]["RetryAttempts"]


def until(done, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = done()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError("did not come about")


inspector, organizations, sts, iam = (client(name, 2) for name in ("inspector2", "organizations", "sts", "iam"))

# Once throttled, the second attempt comes through; each protocol in its words.
for call, service, operation, code, status in [
    (inspector.batch_get_account_status, "inspector2", "BatchGetAccountStatus", "ThrottlingException", 429),
    (sts.get_caller_identity, "sts", "GetCallerIdentity", "Throttling", 400),
    (iam.list_users, "iam", "ListUsers", "Throttling", 400),
    (organizations.list_aws_service_access_for_organization, "organizations", "ListAWSServiceAccessForOrganization", "TooManyRequestsException", 400),
]:
    if service == "organizations":
        organizations.create_organization(FeatureSet="ALL")
    put("THROTTLING", service=service, operation=operation, times=1)
    assert retries(call()) == 1, service
    put("THROTTLING", service=service, operation=operation, retryAfterSeconds=7)
    answer = refused(call)
    assert answer["Error"]["Code"] == code, answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7", answer
    assert retries(answer) == 1, answer

# Every third call of one caller fails in the server.
put("SERVER_ERROR", service="organizations", operation="ListRoots", every=3)
assert [retries(organizations.list_roots()) for _ in range(4)] == [0, 0, 1, 0], "every third"
put("SERVER_ERROR", service="organizations", httpStatus=503)
assert refused(client("organizations", 1).list_roots)["ResponseMetadata"]["HTTPStatusCode"] == 503
put("SERVER_ERROR", service="inspector2")
assert refused(client("inspector2", 1).batch_get_account_status)["Error"]["Code"] == "InternalServerException"

# An account fails once, as Terraform's retries expect, and then succeeds.
put("ACCOUNT_FAILURE", errorCode="SSM_THROTTLED", errorMessage="later", resourceTypes=["EC2"], times=1)
first = inspector.enable(resourceTypes=["EC2", "ECR"])
assert first["accounts"] == [] and first["failedAccounts"][0]["errorCode"] == "SSM_THROTTLED", first
assert first["failedAccounts"][0]["errorMessage"] == "later", first
assert inspector.enable(resourceTypes=["EC2", "ECR"])["failedAccounts"] == []


def state(kind):
    return inspector.batch_get_account_status()["accounts"][0]["resourceState"][kind]


until(lambda: state("ec2")["status"] == "ENABLED")

# Switching on that fails in the end: ENABLING, and then off with the reason.
put("ACCOUNT_FAILURE", errorCode="EC2_SSM_RESOURCE_DATA_SYNC_LIMIT_EXCEEDED", transition="SCANS", resourceTypes=["LAMBDA"])
assert inspector.enable(resourceTypes=["LAMBDA"])["failedAccounts"] == []
until(lambda: state("lambda")["status"] == "DISABLED")
assert state("lambda")["errorCode"] == "EC2_SSM_RESOURCE_DATA_SYNC_LIMIT_EXCEEDED", state("lambda")

# A slow transition is seen, and ends.
put("SLOW_TRANSITION", transition="SCANS", delayMilliseconds=1500)
began = time.monotonic()
assert inspector.enable(resourceTypes=["LAMBDA"])["failedAccounts"] == []
assert state("lambda")["status"] == "ENABLING"
until(lambda: state("lambda")["status"] == "ENABLED")
assert time.monotonic() - began >= 1.4, "too quick"

# An account that cannot be created, once.
put("ACCOUNT_CREATION_FAILURE", errorCode="INTERNAL_FAILURE", times=1)


def create(name):
    request = organizations.create_account(AccountName=name, Email=name + "@example.com")["CreateAccountStatus"]["Id"]

    def ended():
        status = organizations.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"]
        return status if status["State"] != "IN_PROGRESS" else None
    return until(ended)


failed = create("one")
assert failed["State"] == "FAILED" and failed["FailureReason"] == "INTERNAL_FAILURE", failed
assert create("one")["State"] == "SUCCEEDED"

# What is wrong is refused in words, and a fault can be taken back.
assert "SLOW_TRANSITION has no times" in own("PutFault", faultId="x", kind="SLOW_TRANSITION", transition="SCANS", delayMilliseconds=1, times=1)["message"]
put("THROTTLING")
assert own("ListFaults")["faults"][0]["kind"] == "THROTTLING"
assert own("DeleteFault", faultId="f") == {}
assert retries(sts.get_caller_identity()) == 0
