"""ListCoverage and ListCoverageStatistics."""
from collections import Counter

import raw
from oracle import covered, repository

GROUPS = {
    "SCAN_STATUS_CODE": lambda r: [r["scanStatus"]["statusCode"]], "SCAN_STATUS_REASON": lambda r: [r["scanStatus"]["reason"]],
    "ACCOUNT_ID": lambda r: [r["accountId"]], "RESOURCE_TYPE": lambda r: [r["resourceType"]], "ECR_REPOSITORY_NAME": repository,
}


def named(rows):
    return [(r["accountId"], r["resourceId"], r["scanType"]) for r in rows]


def check(report, caller, whole, criteria, size=None):
    arguments = {"filterCriteria": criteria} if criteria else {}
    pages = caller.pages("list_coverage", size, **arguments)
    got = [r for p in pages for r in p["coveredResources"]]
    question = f"ListCoverage by {caller.name} in {caller.region}: {criteria} in pages of {size}"
    expected = [r for r in whole if covered(criteria, r)]
    report.same(question, got, expected)
    report.true(question + ": no page too large", all(len(p["coveredResources"]) <= (size or 200) for p in pages))
    statistics = caller.pages("list_coverage_statistics", **arguments)
    report.same(f"ListCoverageStatistics by {caller.name}: {criteria}", [(p["totalCounts"], p.get("countsByGroup")) for p in statistics], [(len(expected), None)])
    return expected


def count(report, caller, expected, criteria, by):
    pages = caller.pages("list_coverage_statistics", groupBy=by, **({"filterCriteria": criteria} if criteria else {}))
    question = f"ListCoverageStatistics by {caller.name} in {caller.region}: {criteria} by {by}"
    got = [(g["groupKey"], g["count"]) for p in pages for g in p.get("countsByGroup", [])]
    report.same(question, dict(got), dict(Counter(k for r in expected for k in GROUPS[by](r))))
    report.same(question + ": no group twice", len(got), len(dict(got)))
    report.true(question + ": five groups a page", all(len(p.get("countsByGroup", [])) <= 5 for p in pages))
    report.true(question + ": totals", all(p["totalCounts"] == len(expected) for p in pages))


def check_plan(report, plan, callers, wholes):
    """What is covered, from what there is."""
    for (name, region), whole in wholes.items():
        if name == "audit":
            continue
        got = {(r["resourceId"], r["scanStatus"]["reason"], r["scanStatus"]["statusCode"]) for r in whole if r["scanType"] == "PACKAGE" and r["resourceType"] != "AWS_ECR_REPOSITORY"}
        expected = set()
        for r in plan["Resources"]:
            if (r["Account"], r["Region"]) != (name, region) or r["End"] == "revoked":
                continue
            reason, code = "SUCCESSFUL", "ACTIVE"
            if r["End"] == "stopped":
                reason, code = "EC2_INSTANCE_STOPPED", "INACTIVE"
            elif r["End"] == "excluded":
                reason, code = "EXCLUDED_BY_TAG", "INACTIVE"
            elif "/manual/" in r["ID"]:
                reason, code = "SCAN_FREQUENCY_MANUAL", "INACTIVE"
            elif "/zoo/" in r["ID"]:
                reason, code = "SCAN_FREQUENCY_SCAN_ON_PUSH", "INACTIVE"
            elif r["Type"] == "AWS_EC2_INSTANCE" and not r["Reports"] and not r["Windows"]:
                reason, code = ("UNMANAGED_EC2_INSTANCE" if r["ID"].startswith("i-01") else "NO_INVENTORY"), "INACTIVE"
            expected.add((r["ID"], reason, code))
        report.same(f"{name} in {region} has covered", got, expected)
        tags = {r["ID"]: raw.tags(r) for r in plan["Resources"] if r["Type"] == "AWS_EC2_INSTANCE" and r["Account"] == name}
        mute = {r["ID"] for r in plan["Resources"] if not r["Reports"] and not r["Windows"]}
        windows = {r["ID"] for r in plan["Resources"] if r["Windows"]}
        for r in whole:
            ec2 = r["resourceMetadata"].get("ec2")
            if ec2:
                report.same(f"tags of {r['resourceId']}", ec2["tags"], tags[r["resourceId"]])
                silent = r["resourceId"] in mute
                report.same(f"platform of {r['resourceId']}", ec2["platform"], "UNKNOWN" if silent else "WINDOWS" if r["resourceId"] in windows else "LINUX")
    for region in plan["Regions"]:
        seen = [r for (name, at), whole in wholes.items() if at == region and callers[name, at].account["Seen"] and name != "audit" for r in whole]
        seen += [r for r in wholes["audit", region] if r["accountId"] == callers["audit", region].id]
        report.same(f"audit in {region} sees what its members cover", sorted(named(seen)), sorted(named(wholes["audit", region])))


def ask(report, random, draw, callers, wholes, questions):
    admin, whole = callers["audit", "us-east-1"], wholes["audit", "us-east-1"]
    for by in GROUPS:
        for at, caller in callers.items():
            count(report, caller, wholes[at], {}, by)
    for name in draw.names():
        for criteria in ({name: [draw.one(name, "EQUALS")]}, {name: [draw.one(name, "NOT_EQUALS")]}, {name: draw.several(name)}):
            check(report, admin, whole, criteria)
    # What no resource has finds nothing and is no error.
    for name in ("resourceType", "scanStatusReason", "scanMode", "scanType"):
        check(report, admin, whole, {name: [{"comparison": "EQUALS", "value": "AWS_ECR_INSTANCE"}]})
    for _ in range(questions):
        at, criteria = random.choice(sorted(callers)), draw.conjunction()
        expected = check(report, callers[at], wholes[at], criteria, random.choice([1, 3, 50, 200]))
        count(report, callers[at], expected, criteria, random.choice(sorted(GROUPS)))
