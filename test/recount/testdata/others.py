"""Details, vulnerabilities, usage, accounts, and what ECR says."""
import math
from collections import Counter

from botocore.exceptions import ClientError

import raw
from oracle import ECR, details, matches, of_package

def check_details(report, random, plan, caller, whole, foreign):
    known = {a["ID"]: a for a in plan["Advisories"]}
    packages = [f for f in whole if of_package("vulnerabilityId")(f) and of_package("vulnerabilityId")(f)[0] in known]
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
            report.same(f"KEV of {a['ID']}: dates", [d["cisaData"][m].strftime("%Y-%m-%d") for m in ("dateAdded", "dateDue")] if a["KEV"] else None, ["2026-02-03", "2026-02-24"] if a["KEV"] else None)
            report.same(f"CWEs of {a['ID']}", d["cwes"], ["CWE-79"])
            report.same(f"references of {a['ID']}", d["referenceUrls"], f["packageVulnerabilityDetails"]["referenceUrls"])
            likely = 1 if a["KEV"] else a["EPSS"] or 0
            report.same(f"risk of {a['ID']}", d["riskScore"], math.floor(10 * likely * f.get("inspectorScore", 5) + 0.5))


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
