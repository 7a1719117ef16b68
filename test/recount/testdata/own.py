"""muster's own operations, what members see beside their administrator, suppression by every operator, lives, clusters and usage."""
import json
import time
from collections import Counter

import exports
import groups
from draw import ENUMS
from oracle import DATES, NUMBERS, STRINGS, matches, of_package

SEVERITIES = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNTRIAGED"]


def check_summary(report, callers, wholes, covered):
    for at, caller in callers.items():
        out = caller.own("GetSummary", {})
        kind = lambda f: (f["status"], f["type"], f["resources"][0]["type"], f["severity"])
        expected = {}
        for f in wholes[at]:
            row = expected.setdefault(kind(f), [0, 0, 0])
            for i, yes in enumerate((True, f.get("exploitAvailable") == "YES", f.get("fixAvailable") == "YES")):
                row[i] += yes
        got = {(t["status"], t["findingType"], t["resourceType"], t["severity"]): [t["count"], t["exploitAvailable"], t["fixAvailable"]] for t in out["findings"]}
        report.same(f"GetSummary of {at}: findings", {k: v for k, v in got.items() if v != [0, 0, 0]}, expected)
        tally = Counter((r["resourceType"], r["scanType"], r.get("scanMode"), r["scanStatus"]["statusCode"], r["scanStatus"]["reason"]) for r in covered[at])
        report.same(f"GetSummary of {at}: coverage", {(t["resourceType"], t["scanType"], t.get("scanMode"), t["statusCode"], t["reason"]): t["count"] for t in out["coverage"] if t["count"]}, dict(tally))
        active = [f for f in wholes[at] if f["status"] == "ACTIVE"]
        severe = [f for f in active if f["severity"] in ("HIGH", "CRITICAL")]
        days = caller.own("GetFindingTrend", {"days": 30})["days"]
        report.same(f"GetFindingTrend of {at}: open", (days[-1]["open"], days[-1]["severeOpen"]), (len(active), len(severe)))
        report.same(f"GetFindingTrend of {at}: opened and closed", sum(d["opened"] - d["closed"] for d in days), len(active))
        report.same(f"GetFindingTrend of {at}: severe opened and closed", sum(d["severeOpened"] - d["severeClosed"] for d in days), len(severe))


def check_members(report, callers, wholes, covered):
    """Each member sees what its administrator sees of it, in everything."""
    for (name, region), member in callers.items():
        if name == "audit" or not member.account["Seen"]:
            continue
        admin = callers["audit", region]
        own = [{"comparison": "EQUALS", "value": member.id}]
        question = f"{name} in {region} beside its administrator: "
        report.same(question + "findings", admin.whole("list_findings", "findings", 100, filterCriteria={"awsAccountId": own}), member.whole("list_findings", "findings", 100))
        report.same(question + "coverage", admin.whole("list_coverage", "coveredResources", 200, filterCriteria={"accountId": own}), covered[name, region])
        for by in ("SCAN_STATUS_CODE", "SCAN_STATUS_REASON", "RESOURCE_TYPE", "ECR_REPOSITORY_NAME", "ACCOUNT_ID"):
            counts = lambda caller, **c: [(p["totalCounts"], p.get("countsByGroup")) for p in caller.pages("list_coverage_statistics", groupBy=by, **c)]
            report.same(question + "coverage by " + by, counts(admin, filterCriteria={"accountId": own}), counts(member))
        for kind in groups.TYPES:
            rows = lambda caller, **c: [r for p in caller.pages("list_finding_aggregations", 100, aggregationType=kind, **c) for r in p["responses"]]
            report.same(question + kind, rows(admin, accountIds=own), rows(member))
        some = [f["findingArn"] for f in wholes[name, region][:10]]
        if some:
            told = lambda caller: {k: v for k, v in caller.inspector.batch_get_finding_details(findingArns=some).items() if k != "ResponseMetadata"}
            report.same(question + "details", told(admin), told(member))
            for arn in some[:3]:
                report.same(question + "history", admin.own("GetFindingHistory", {"findingArn": arn}), member.own("GetFindingHistory", {"findingArn": arn}))
        usage = lambda caller: {t["accountId"] for t in caller.whole("list_usage_totals", "totals", accountIds=[member.id])}
        report.same(question + "usage", usage(admin), usage(member))


def wire(value):
    """Criteria as JSON has them: times are numbers."""
    if isinstance(value, dict):
        return {k: wire(v) for k, v in value.items()}
    if isinstance(value, list):
        return [wire(v) for v in value]
    return value.timestamp() if hasattr(value, "timestamp") else value


def rotating(draw):
    """Every criterion, each with another of its operators."""
    by = {}
    for criteria in questions(draw):
        by.setdefault(next(iter(criteria)), []).append(criteria)
    return [list_[n % len(list_)] for n, list_ in enumerate(by.values())]


def questions(draw):
    """Every criterion with every operator that it has."""
    for name in draw.names():
        if name in ("findingStatus", "updatedAt"):
            continue  # refused, and changed by what rules do
        if name in STRINGS:
            for comparison in ("EQUALS", "PREFIX", "NOT_EQUALS"):
                yield {name: [draw.one(name, comparison)]}
        else:
            yield {name: [draw.one(name)]}
        yield {name: draw.several(name)}


def check_previews(report, draw, callers, wholes):
    """What a rule would hide, for every criterion and operator."""
    for at in (("audit", "us-east-1"), ("ann", "us-east-1"), ("stranger", "us-east-1")):
        whole, caller = wholes[at], callers[at]
        for criteria in questions(draw) if at[0] == "audit" else [{"severity": [{"comparison": "NOT_EQUALS", "value": "LOW"}]}]:
            out, question = caller.own("PreviewFilter", {"filterCriteria": wire(criteria), "maxResults": 100}), f"PreviewFilter by {caller.name}: {criteria}"
            hit = [f for f in whole if matches(criteria, f)]
            hidden = [f for f in hit if f["status"] == "ACTIVE"]
            report.same(question, (out["complete"], out["hiddenCount"], out["suppressedCount"]), (True, len(hidden), sum(f["status"] == "SUPPRESSED" for f in hit)))
            report.same(question + ": severities", [(s["severity"], s["count"]) for s in out["bySeverity"]], [(s, sum(f["severity"] == s for f in hidden)) for s in SEVERITIES])
            by = Counter(f["awsAccountId"] for f in hidden)
            severe = Counter((f["awsAccountId"], f["severity"]) for f in hidden)
            report.same(question + ": accounts", [(a["accountId"], a["count"], a["critical"], a["high"]) for a in out["byAccount"]],
                        [(a, n, severe[a, "CRITICAL"], severe[a, "HIGH"]) for a, n in sorted(by.items(), key=lambda kv: (-kv[1], kv[0]))])
            report.same(question + ": number of accounts", out["accountCount"], len(by))
            first = [f["findingArn"] for f in out["findings"]]
            report.true(question + ": the first findings", set(first) <= {f["findingArn"] for f in hidden} and len(first) == min(100, len(hidden)))


def check_operators(report, draw, callers, wholes):
    """Every criterion with every operator as a rule: what it hides, and brings back."""
    admin, region = callers["audit", "us-east-1"], "us-east-1"
    whole = wholes["audit", region]
    base = {f["findingArn"] for f in whole if f["status"] == "SUPPRESSED"}
    hidden = lambda caller: {f["findingArn"] for f in caller.whole("list_findings", "findings", 100, filterCriteria={"findingStatus": [{"comparison": "EQUALS", "value": "SUPPRESSED"}]})}
    stranger = hidden(callers["stranger", region])
    for n, criteria in enumerate(rotating(draw)):
        made = admin.inspector.create_filter(name=f"operator-{n}", action="SUPPRESS", filterCriteria=criteria)["arn"]
        expected = base | {f["findingArn"] for f in whole if f["status"] == "ACTIVE" and matches(criteria, f)}
        report.same(f"a rule by every operator: {criteria}", hidden(admin), expected)
        kept = admin.inspector.list_filters(arns=[made])["filters"][0]
        report.same(f"a rule is told as it was made: {criteria}", exports.plain(kept["criteria"]), told(criteria))
        admin.inspector.delete_filter(arn=made)
    report.same("what rules hid is back", hidden(admin), base)
    report.same("no rule reached a stranger", hidden(callers["stranger", region]), stranger)


def told(criteria):
    """Criteria as they are told: numbers of the interface, times whole milliseconds."""
    return wire(criteria)


def check_lives(report, plan, callers, wholes):
    """What happened to each finding, from the reports one after the other."""
    import raw
    ids = {a["Name"]: a["ID"] for a in plan["Accounts"]}
    for (name, region), whole in wholes.items():
        if name == "audit":
            continue
        by = {(f["resources"][0]["id"], of_package("vulnerabilityId")(f)[0]): f for f in whole if f["type"] == "PACKAGE_VULNERABILITY"}
        for r in plan["Resources"]:
            if (r["Account"], r["Region"]) != (name, region) or r["Type"] != "AWS_EC2_INSTANCE" or len(r["Reports"] or []) < 2:
                continue
            for a in plan["Advisories"]:
                steps, open_ = [], False
                for packages in [*r["Reports"], *([[]] if r["End"] in ("excluded", "revoked") else [])]:
                    now = bool(raw.hit(a, packages))
                    if now != open_:
                        steps.append("CLOSED" if open_ else "REOPENED" if "OPENED" in steps else "OPENED")
                    open_ = now
                if not steps:
                    continue
                question = f"the life of {a['ID']} on {r['ID']}"
                f = by.get((r["ID"], a["ID"]))
                if not report.true(question + ": is there", f is not None):
                    continue
                entries = callers[name, region].own("GetFindingHistory", {"findingArn": f["findingArn"]})["entries"]
                report.same(question, [e["kind"] for e in entries if e["kind"] in ("OPENED", "REOPENED", "CLOSED")], steps)
                report.true(question + ": in order", [e["at"] for e in entries] == sorted(e["at"] for e in entries))
                report.true(question + ": begins when it was first seen", abs(entries[0]["at"] - f["firstObservedAt"].timestamp()) < 0.002, lambda: (entries, f["firstObservedAt"]))
                report.true(question + ": ends as it is", entries[-1]["status"] == f["status"])
                report.true(question + ": seen in order", f["firstObservedAt"] <= f["lastObservedAt"] and f["firstObservedAt"] <= f["updatedAt"])


def check_clusters(report, plan, callers, covered):
    """In which clusters images run, and how often, from what was reported."""
    uses = {(u["Account"], u["Digest"]): u for u in plan["Uses"]}
    ids = {a["ID"]: a["Name"] for a in plan["Accounts"]}
    for at in (("audit", "us-east-1"), ("ann", "us-east-1"), ("ben", "us-east-1"), ("stranger", "us-east-1")):
        for r in covered["audit", "us-east-1"] + covered["stranger", "us-east-1"]:
            if r["resourceType"] != "AWS_ECR_CONTAINER_IMAGE":
                continue
            use = uses.get((ids[r["accountId"]], r["resourceId"].rsplit("/", 1)[1]))
            visible = r["accountId"] in callers[at].governed
            out = callers[at].inspector.get_clusters_for_image(filter={"resourceId": r["resourceId"]})["cluster"]
            shape = lambda c: (c["clusterArn"], [(d["runningUnitCount"], d["stoppedUnitCount"], d["clusterMetadata"]) for d in c["clusterDetails"]])
            expected = [(use["Cluster"], [(use["Running"], use["Stopped"], {"awsEksMetadataDetails": {"namespace": "shop", "workloadInfoList": [{"name": "web", "type": "Deployment"}]}})])] if use and visible else []
            report.same(f"clusters of {r['resourceId']} for {at[0]}", [shape(c) for c in out], expected)
            if visible:
                seen = next((x for x in covered[at] if x["resourceId"] == r["resourceId"]), None)
                report.same(f"uses of {r['resourceId']}", seen["resourceMetadata"]["ecrImage"].get("inUseCount"), use["Running"] if use else None)


HOURS = {"EC2_INSTANCE_HOURS": "AWS_EC2_INSTANCE", "LAMBDA_FUNCTION_HOURS": "AWS_LAMBDA_FUNCTION"}


def read_usage(caller):
    before = time.time()
    totals = {t["accountId"]: {u["type"]: (u["total"], u["estimatedMonthlyCost"]) for u in t["usage"]} for t in caller.whole("list_usage_totals", "totals", 3)}
    return before, totals, time.time()


def check_usage(report, plan, callers, covered):
    """What is billed: hours rise with the clock and with what is covered, scans are counted."""
    at = [at for at in callers if at[0] in ("audit", "ben", "stranger")]
    first = {a: read_usage(callers[a]) for a in at}
    time.sleep(0.5)
    ids = {a["ID"]: a["Name"] for a in plan["Accounts"]}
    for a in at:
        (_, before, began), (asked, after, ended) = first[a], read_usage(callers[a])
        began_at = first[a][0]
        for account, totals in after.items():
            question = f"usage of {ids[account]} by {a}: "
            for kind, resource in HOURS.items():
                n = sum(r["accountId"] == account and r["resourceType"] == resource and r["scanType"] == "PACKAGE" and r["scanStatus"]["statusCode"] == "ACTIVE" for r in covered[a])
                grown = (totals[kind][0] - before[account][kind][0]) * 3600
                report.true(question + kind, n * (asked - began) - 0.05 <= grown <= n * (ended - began_at) + 0.05, lambda: (n, grown, asked - began, ended - began_at))
            own = [r for r in plan["Resources"] if (r["Account"], r["Region"]) == (ids[account], a[1])]
            scanned = lambda kind: sum(r["Type"] == kind and bool(r["Reports"]) and "/manual/" not in r["ID"] for r in own)
            report.same(question + "code", totals["CODE_REPOSITORY_SCA"][0], scanned("CODE_REPOSITORY"))
            report.same(question + "first scans of images", totals["ECR_INITIAL_SCAN"][0], scanned("AWS_ECR_CONTAINER_IMAGE"))
            report.same(question + "what there is not", [totals[k][0] for k in ("CODE_REPOSITORY_SAST", "CODE_REPOSITORY_IAC", "EC2_AGENTLESS_INSTANCE_HOURS", "LAMBDA_FUNCTION_CODE_HOURS")], [0, 0, 0, 0])
            report.true(question + "costs", all(abs(cost - total * plan["Prices"].get(kind, 0)) < 1e-9 for kind, (total, cost) in totals.items()))
