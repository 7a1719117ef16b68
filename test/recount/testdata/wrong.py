"""Input that is refused, and how (findings interfaces 7, 7.2)."""
from botocore.exceptions import ClientError

TOKEN = "The nextToken is not valid for this request."
EQ = lambda v: [{"comparison": "EQUALS", "value": v}]


def refused(report, question, call, code="ValidationException", reason=None, text="", fields=None):
    try:
        answer = call()
    except ClientError as e:
        error, body = e.response["Error"], e.response
        report.same(f"{question}: code", error["Code"], code)
        report.same(f"{question}: status", body["ResponseMetadata"]["HTTPStatusCode"], {"ValidationException": 400, "BadRequestException": 400, "AccessDeniedException": 403, "ResourceNotFoundException": 404}[code])
        if reason:
            report.same(f"{question}: reason", body.get("reason"), reason)
        report.true(f"{question}: {text!r} in its words", text in error["Message"], lambda: error["Message"])
        if fields:
            report.same(f"{question}: fields", sorted({f["name"] for f in body.get("fields", [])}), sorted(fields))
    else:
        answer.pop("ResponseMetadata")
        report.true(f"{question} is refused", False, lambda: answer)


def ask(report, callers, plan):
    admin, ann, stranger = (callers[n, "us-east-1"] for n in ("audit", "ann", "stranger"))
    i, far = admin.inspector, callers["audit", "eu-west-1"].inspector
    token = i.list_findings(maxResults=1)["nextToken"]
    lists = {
        "list_findings": {}, "list_finding_aggregations": {"aggregationType": "PACKAGE"}, "list_coverage": {}, "list_coverage_statistics": {"groupBy": "SCAN_STATUS_REASON"},
        "list_usage_totals": {}, "list_filters": {}, "list_members": {},
    }
    for name, arguments in lists.items():
        refused(report, f"{name} with a token that is none", lambda: getattr(i, name)(**arguments, nextToken="x"), reason="OTHER", text=TOKEN)
        if name != "list_findings":
            refused(report, f"{name} with another's token", lambda: getattr(i, name)(**arguments, nextToken=token), reason="OTHER", text=TOKEN)
    refused(report, "a token of another account", lambda: stranger.inspector.list_findings(maxResults=1, nextToken=token), reason="OTHER", text=TOKEN)
    refused(report, "a token of the administrator", lambda: ann.inspector.list_findings(maxResults=1, nextToken=token), reason="OTHER", text=TOKEN)
    refused(report, "a token of another Region", lambda: far.list_findings(maxResults=1, nextToken=token), reason="OTHER", text=TOKEN)
    refused(report, "a token of another order", lambda: i.list_findings(nextToken=token, sortCriteria={"field": "SEVERITY", "sortOrder": "ASC"}), reason="OTHER", text=TOKEN)
    refused(report, "a token of other criteria", lambda: i.list_findings(nextToken=token, filterCriteria={"severity": EQ("HIGH")}), reason="OTHER", text=TOKEN)
    report.same("a token with another size of page", len(i.list_findings(maxResults=3, nextToken=token)["findings"]), 3)
    group = i.list_finding_aggregations(aggregationType="PACKAGE", maxResults=1)["nextToken"]
    refused(report, "a token of another aggregation", lambda: i.list_finding_aggregations(aggregationType="TITLE", nextToken=group), reason="OTHER", text=TOKEN)
    invalid(report, admin, i)
    rules(report, admin, ann, i)


def invalid(report, admin, i):
    field = dict(reason="FIELD_VALIDATION_FAILED")
    for name, most, arguments in [("list_findings", 100, {}), ("list_finding_aggregations", None, {"aggregationType": "ACCOUNT"}), ("list_coverage", 200, {}), ("list_usage_totals", 500, {}), ("list_filters", 100, {})]:
        call = getattr(i, name)
        for size in [s for s in (0, -1, most and most + 1) if s is not None]:
            if size <= 0 and most is None:
                continue
            refused(report, f"{name} in pages of {size}", lambda: call(maxResults=size, **arguments), text="maxResults", fields=["maxResults"], **field)
        refused(report, f"{name} in pages of a text", lambda: call(maxResults="ten", **arguments), reason="FIELD_VALIDATION_FAILED")
    criteria = {
        "severity": [{"severity": []}, {"severity": EQ("HIGHEST")}, {"severity": EQ("high")}, {"severity": EQ("HIGH") * 11}, {"severity": [{"value": "HIGH"}]}, {"severity": [{"comparison": "EQUALS"}]},
                     {"severity": [{"comparison": "CONTAINS", "value": "HIGH"}]}, {"severity": EQ("")}],
        "title": [{"title": EQ("x" * 1025)}, {"title": EQ("")}],
        "findingStatus": [{"findingStatus": EQ("OPEN")}], "resourceType": [{"resourceType": EQ("AWS_EC2")}], "findingType": [{"findingType": EQ("X")}],
        "fixAvailable": [{"fixAvailable": EQ("MAYBE")}], "exploitAvailable": [{"exploitAvailable": EQ("PARTIAL")}], "networkProtocol": [{"networkProtocol": EQ("ICMP")}],
        "resourceTags": [{"resourceTags": []}, {"resourceTags": [{"comparison": "PREFIX", "key": "a"}]}, {"resourceTags": [{"comparison": "EQUALS", "key": ""}]}, {"resourceTags": [{"comparison": "EQUALS", "key": "k", "value": "v" * 257}]}],
        "portRange": [{"portRange": [{"beginInclusive": -1}]}, {"portRange": [{"endInclusive": 65536}]}, {"portRange": []}],
        "epssScore": [{"epssScore": []}], "updatedAt": [{"updatedAt": []}],
        "vulnerablePackages": [{"vulnerablePackages": []}, {"vulnerablePackages": [{"name": {"comparison": "EQUALS", "value": ""}}]}],
    }
    for name, list_ in criteria.items():
        for c in list_:
            refused(report, f"the criteria {str(c)[:80]}", lambda: i.list_findings(filterCriteria=c), text=name, **field)
    refused(report, "an order of nothing", lambda: i.list_findings(sortCriteria={"field": "AGE", "sortOrder": "ASC"}), text="sortCriteria", **field)
    refused(report, "an order of no direction", lambda: i.list_findings(sortCriteria={"field": "SEVERITY"}), text="sortOrder", **field)
    refused(report, "no aggregation", lambda: i.list_finding_aggregations(), text="aggregationType", **field)
    refused(report, "an aggregation of nothing", lambda: i.list_finding_aggregations(aggregationType="TAG"), text="aggregationType", **field)
    refused(report, "another type's request", lambda: i.list_finding_aggregations(aggregationType="AMI", aggregationRequest={"packageAggregation": {"sortBy": "ALL"}}), text="aggregationRequest")
    refused(report, "two requests", lambda: i._make_api_call("ListFindingAggregations", {"aggregationType": "AMI", "aggregationRequest": {"amiAggregation": {}, "packageAggregation": {}}}))
    refused(report, "a sort key of another type", lambda: i.list_finding_aggregations(aggregationType="AMI", aggregationRequest={"amiAggregation": {"sortBy": "AFFECTED_IMAGES"}}), text="sortBy", **field)
    refused(report, "an empty filter", lambda: i.list_finding_aggregations(aggregationType="AMI", aggregationRequest={"amiAggregation": {"amis": []}}), text="amis", **field)
    refused(report, "no accounts", lambda: i.list_finding_aggregations(aggregationType="ACCOUNT", accountIds=[]), text="accountIds", **field)
    refused(report, "PREFIX in coverage", lambda: i.list_coverage(filterCriteria={"resourceId": [{"comparison": "PREFIX", "value": "i-"}]}), text="comparison", **field)
    refused(report, "a group of nothing", lambda: i.list_coverage_statistics(groupBy="TAG"), text="groupBy", **field)
    refused(report, "two vulnerabilities", lambda: i.search_vulnerabilities(filterCriteria={"vulnerabilityIds": ["CVE-2026-0001", "CVE-2026-0002"]}), text="vulnerabilityIds", **field)
    refused(report, "no finding's details", lambda: i.batch_get_finding_details(findingArns=[]), text="findingArns", **field)
    refused(report, "eleven findings' details", lambda: i.batch_get_finding_details(findingArns=[f"arn:aws:inspector2:us-east-1:{admin.id}:finding/{n:032x}" for n in range(11)]), text="findingArns", **field)


def rules(report, admin, ann, i):
    some = {"severity": EQ("LOW")}
    refused(report, "a member's rule", lambda: ann.inspector.create_filter(name="mine", action="SUPPRESS", filterCriteria=some), code="AccessDeniedException")
    refused(report, "a rule without criteria", lambda: i.create_filter(name="all", action="SUPPRESS", filterCriteria={}))
    refused(report, "a rule over the status", lambda: i.create_filter(name="own", action="SUPPRESS", filterCriteria={"findingStatus": EQ("ACTIVE")}))
    for name in ("ab", "a b", "a" * 65, "é" * 3, ""):
        refused(report, f"a rule called {name!r:.20}", lambda: i.create_filter(name=name, action="NONE", filterCriteria=some))
    made = i.create_filter(name="twice", action="NONE", filterCriteria=some)["arn"]
    refused(report, "a name twice", lambda: i.create_filter(name="twice", action="NONE", filterCriteria=some), code="BadRequestException", text="Filter name already exists")
    i.delete_filter(arn=made)
    refused(report, "a rule that is gone", lambda: i.delete_filter(arn=made), code="ResourceNotFoundException")
    refused(report, "an update of a rule that is gone", lambda: i.update_filter(filterArn=made, name="new"), code="ResourceNotFoundException")
