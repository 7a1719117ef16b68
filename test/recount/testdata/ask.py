"""Asking: clients by account and Region, whole lists by the SDK's paginators."""
import datetime
import json
import urllib.request

import boto3
import botocore.serialize
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials


def fractions(self, value):
    """Timestamps with their fractions, as other SDKs send them; boto3 sends whole seconds."""
    at = value.timestamp()
    return int(at) if at == int(at) else round(at, 6)


botocore.serialize.Serializer._timestamp_unixtimestamp = fractions
CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False, max_pool_connections=4, read_timeout=600)


def moment(value):
    return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)


class Caller:
    """One account in one Region."""

    def __init__(self, url, account, region):
        self.url, self.account, self.region, self.name, self.id = url, account, region, account["Name"], account["ID"]
        session = boto3.Session(account["Key"], account["Secret"], region_name=region)
        # The SDK's own reading of times looks for their form, ten times slower.
        session._session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
        self.inspector = session.client("inspector2", endpoint_url=url, config=CONFIG)
        self.ecr = session.client("ecr", endpoint_url=url, config=CONFIG)

    def pages(self, operation, size=None, **arguments):
        """The answers of a list, page by page."""
        config = {"PageSize": size} if size else {}
        return list(self.inspector.get_paginator(operation).paginate(PaginationConfig=config, **arguments))

    def whole(self, operation, key, size=None, **arguments):
        return [x for page in self.pages(operation, size, **arguments) for x in page.get(key, [])]

    def own(self, operation, arguments):
        """One of muster's own operations, which boto3 does not know."""
        body = json.dumps(arguments).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Muster_20261101." + operation}
        request = AWSRequest("POST", self.url + "/", headers, body)
        SigV4Auth(Credentials(self.account["Key"], self.account["Secret"]), "muster", self.region).add_auth(request)
        with urllib.request.urlopen(urllib.request.Request(self.url + "/", body, dict(request.headers.items()))) as answer:
            return json.load(answer)


def environment(caller):
    """What the AWS CLI needs to call as a caller."""
    return {"AWS_ACCESS_KEY_ID": caller.account["Key"], "AWS_SECRET_ACCESS_KEY": caller.account["Secret"], "AWS_DEFAULT_REGION": caller.region}
