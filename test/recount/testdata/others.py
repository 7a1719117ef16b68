"""Reports, details, vulnerabilities, usage, accounts, and what ECR says."""
import base64
import csv
import io
import json
import time
from collections import Counter

from botocore.exceptions import ClientError

import raw
from oracle import ECR, details, matches, of_package

HEADER = ("AWS Account Id,Severity,Fix Available,Finding Type,Title,Description,Finding ARN,First Seen,Last Seen,Last Updated,Resource ID,Container Image Tags,Region,"
          "Platform,Resource Tags,Affected Packages,Package Installed Version,Fixed in Version,Package Remediation,File Path,Network Paths,Age (Days),Remediation,"
          "Inspector Score,Inspector Score Vector,Status,Vulnerability Id,Vendor,Vendor Severity,Vendor Advisory,Vendor Advisory Published,NVD CVSS3 Score,"
          "NVD CVSS3 Vector,NVD CVSS2 Score,NVD CVSS2 Vector,Vendor CVSS3 Score,Vendor CVSS3 Vector,Vendor CVSS2 Score,Vendor CVSS2 Vector,Resource Type,Ami,"
          "Resource Public Ipv4,Resource Private Ipv4,Resource Ipv6,Resource Vpc,Port Range,Epss Score,Exploit Available,Last Exploited At,Lambda Layers,"
          "Lambda Package Type,Lambda Last Updated At,Reference Urls,Detector Name,Package Manager").split(",")


def exported(caller, form, criteria):
    """The bytes of a findings report, or why there are none."""
    arguments = {"filterCriteria": criteria} if criteria is not None else {}
    where = {"bucketName": "reports", "keyPrefix": "a/", "kmsKeyArn": f"arn:aws:kms:{caller.region}:{caller.id}:key/11111111-2222-3333-4444-555555555555"}
    report = caller.inspector.create_findings_report(reportFormat=form, s3Destination=where, **arguments)["reportId"]
    until = time.monotonic() + 60
    while (status := caller.inspector.get_findings_report_status(reportId=report))["status"] == "IN_PROGRESS":
        assert time.monotonic() < until, status
        time.sleep(0.02)
    if status["status"] != "SUCCEEDED":
        return status["errorCode"]
    body, token = b"", {}
    while True:
        part = caller.own("GetExportObject", {"exportId": report, "key": f"a/{report}.{form.lower()}", "raw": True, **token})
        body += base64.b64decode(part["content"])
        if "nextToken" not in part:
            return body
        token = {"nextToken": part["nextToken"]}


def seconds(f):
    return {k: v.timestamp() if hasattr(v, "timestamp") else v for k, v in f.items() if k in ("findingArn", "severity", "status", "title", "updatedAt", "awsAccountId")}


def check_reports(report, draw, caller, whole, number):
    for n in range(number):
        criteria = None if n == 0 else {"severity": [{"comparison": "NOT_EQUALS", "value": "LOW"}]} if n == 1 else draw.conjunction()
        expected = [f for f in whole if (matches(criteria, f) if criteria is not None else f["status"] == "ACTIVE")]
        question = f"a report by {caller.name} of {criteria}"
        if not expected:
            report.same(question, exported(caller, "JSON", criteria), "NO_FINDINGS_FOUND")
            continue
        got = json.loads(exported(caller, "JSON", criteria))["findings"]
        by = lambda f: f["findingArn"]
        report.same(question + " in JSON", [seconds(f) for f in sorted(got, key=by)], [seconds(f) for f in sorted(expected, key=by)])
        report.same(question + ": details", [json.dumps(f["resources"][0]["details"], sort_keys=True, default=lambda t: t) for f in sorted(got, key=by) if f["type"] == "NETWORK_REACHABILITY"],
                    [json.dumps(f["resources"][0]["details"], sort_keys=True) for f in sorted(expected, key=by) if f["type"] == "NETWORK_REACHABILITY"])
        rows = list(csv.reader(io.StringIO(exported(caller, "CSV", criteria).decode(), newline="")))
        report.same(question + " in CSV: header", rows[0], HEADER)
        cell = lambda row, name: row[HEADER.index(name)]
        lines = sorted([cell(r, "Finding ARN"), cell(r, "AWS Account Id"), cell(r, "Severity"), cell(r, "Status"), cell(r, "Title"), cell(r, "Description"), cell(r, "Resource ID"),
                        cell(r, "Fix Available"), cell(r, "Exploit Available"), cell(r, "Vulnerability Id"), cell(r, "Resource Type"), cell(r, "Finding Type"), cell(r, "Region")] for r in rows[1:])
        report.same(question + " in CSV", lines, sorted(
            [f["findingArn"], f["awsAccountId"], f["severity"], f["status"], f["title"], f["description"], f["resources"][0]["id"], f.get("fixAvailable", ""),
             f.get("exploitAvailable", ""), (of_package("vulnerabilityId")(f) or [""])[0], f["resources"][0]["type"], f["type"], f["resources"][0]["region"]] for f in expected))
        numbers = {f["findingArn"]: (f.get("inspectorScore"), f.get("epss", {}).get("score")) for f in expected}
        number_of = lambda text: float(text) if text else None
        report.same(question + " in CSV: scores", {cell(r, "Finding ARN"): (number_of(cell(r, "Inspector Score")), number_of(cell(r, "Epss Score"))) for r in rows[1:]}, numbers)


def check_details(report, random, plan, caller, whole, foreign):
    known = {a["ID"]: a for a in plan["Advisories"]}
    packages = [f for f in whole if f["type"] == "PACKAGE_VULNERABILITY"]
    for _ in range(5):
        chosen = random.sample(packages, 9)
        other, code = random.choice([(f"arn:aws:inspector2:us-east-1:{caller.id}:finding/" + "0" * 32, "FINDING_DETAILS_NOT_FOUND"), (foreign, "ACCESS_DENIED")])
        out = caller.inspector.batch_get_finding_details(findingArns=[*(f["findingArn"] for f in chosen), other])
        report.same("errors of details", [(e["findingArn"], e["errorCode"]) for e in out["errors"]], [(other, code)])
        got = {d["findingArn"]: d for d in out["findingDetails"]}
        report.same("details of all that were asked for", set(got), {f["findingArn"] for f in chosen})
        for f in chosen:
            d, a = got[f["findingArn"]], known[of_package("vulnerabilityId")(f)[0]]
            report.same(f"EPSS of {a['ID']}", d.get("epssScore"), a["EPSS"])
            report.same(f"KEV of {a['ID']}", d.get("cisaData", {}).get("action"), "Update." if a["KEV"] else None)
            report.true(f"risk of {a['ID']}", 0 <= d["riskScore"] <= 100)


def check_vulnerabilities(report, plan, caller):
    for a in plan["Advisories"]:
        found = caller.inspector.search_vulnerabilities(filterCriteria={"vulnerabilityIds": [a["ID"]]})["vulnerabilities"]
        report.same(f"{a['ID']} is known", [v["id"] for v in found], [a["ID"]])
        for v in found:
            report.same(f"{a['ID']}: source", v.get("source"), "NVD")
            report.same(f"{a['ID']}: EPSS", v.get("epss", {}).get("score"), a["EPSS"])
            report.same(f"{a['ID']}: KEV", v.get("cisaData", {}).get("action"), "Update." if a["KEV"] else None)
            report.same(f"{a['ID']}: text", v.get("description"), a["Text"])
            report.same(f"{a['ID']}: score", v.get("cvss3", {}).get("baseScore"), raw.SCORES.get(a["Vector"]))
    report.same("an unknown id", caller.inspector.search_vulnerabilities(filterCriteria={"vulnerabilityIds": ["CVE-1999-99999"]})["vulnerabilities"], [])


def check_accounts(report, plan, callers):
    admin, everyone = callers["audit", "us-east-1"], {a["ID"] for a in plan["Accounts"]}
    seen = {a["ID"] for a in plan["Accounts"] if a["Seen"]}
    members = admin.whole("list_members", "members", 2)
    report.same("members", {m["accountId"] for m in members}, seen - {admin.id})
    report.same("members are enabled", {m["relationshipStatus"] for m in members}, {"ENABLED"})
    totals = admin.whole("list_usage_totals", "totals", 3)
    report.same("usage of all members", sorted(t["accountId"] for t in totals), sorted(seen))
    for t in totals:
        one = callers[next(a["Name"] for a in plan["Accounts"] if a["ID"] == t["accountId"]), "us-east-1"].whole("list_usage_totals", "totals", accountIds=[t["accountId"]])
        report.same(f"types of usage of {t['accountId']}", [sorted(u["type"] for u in x["usage"]) for x in one], [sorted(u["type"] for u in t["usage"])])
        for u in t["usage"]:
            report.true(f"usage {u}", u["total"] >= 0 and u["currency"] == "USD")
    status = admin.inspector.batch_get_account_status(accountIds=sorted(everyone))
    report.same("statuses", {a["accountId"] for a in status["accounts"]}, seen)
    report.same("refused statuses", {a["accountId"] for a in status["failedAccounts"]}, everyone - seen)
    for a in status["accounts"]:
        report.same(f"status of {a['accountId']}", {k: v["status"] for k, v in a["resourceState"].items() if k in ("ec2", "ecr", "lambda", "codeRepository")},
                    dict.fromkeys(("ec2", "ecr", "lambda", "codeRepository"), "ENABLED"))
    trials = admin.inspector.batch_get_free_trial_info(accountIds=sorted(everyone))
    report.same("trials", {a["accountId"] for a in trials["accounts"]}, seen)
    report.same("refused trials", {(a["accountId"], a["code"]) for a in trials["failedAccounts"]}, {(a, "ACCESS_DENIED") for a in everyone - seen})
    for a in trials["accounts"]:
        for t in a["freeTrialInfo"]:
            report.same(f"trial of {a['accountId']} {t['type']}", ((t["end"] - t["start"]).days, t["status"]), (15, "ACTIVE"))
        report.same(f"trials of {a['accountId']}", {t["type"] for t in a["freeTrialInfo"]}, {"EC2", "ECR", "LAMBDA", "CODE_REPOSITORY"})


def check_ecr(report, callers, wholes, coverage):
    for (name, region), caller in callers.items():
        for row in coverage[name, region]:
            if row["resourceType"] != "AWS_ECR_CONTAINER_IMAGE" or row["accountId"] != caller.id:
                continue
            repository, digest = row["resourceId"].split(":repository/")[1].rsplit("/", 1)
            question = f"ECR of {repository} {digest[:15]} of {name}"
            pages = list(caller.ecr.get_paginator("describe_image_scan_findings").paginate(repositoryName=repository, imageId={"imageDigest": digest}, PaginationConfig={"PageSize": 4}))
            expected = [f for f in wholes[name, region] if f["resources"][0]["id"] == row["resourceId"] and f["status"] == "ACTIVE"]
            word = lambda s: "UNDEFINED" if s == "UNTRIAGED" else s
            for p in pages:
                report.same(question + ": counts", p["imageScanFindings"].get("findingSeverityCounts", {}), dict(Counter(word(f["severity"]) for f in expected)))
            got = [f for p in pages for f in p["imageScanFindings"].get("enhancedFindings", [])]
            facts = lambda f: (f["findingArn"], f["severity"], f["title"], f["status"], f.get("fixAvailable"), f.get("exploitAvailable"),
                               f["packageVulnerabilityDetails"]["vulnerabilityId"], len(f["packageVulnerabilityDetails"]["vulnerablePackages"]), f["updatedAt"])
            report.same(question, sorted(map(facts, got)), sorted(map(facts, expected)))
            state = {"SUCCESSFUL": "ACTIVE", "SCAN_FREQUENCY_SCAN_ON_PUSH": "COMPLETE", "SCAN_FREQUENCY_MANUAL": "FINDINGS_UNAVAILABLE"}
            report.same(question + ": status", pages[0]["imageScanStatus"]["status"], state[row["scanStatus"]["reason"]])
