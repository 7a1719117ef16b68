"""Exports read back: findings reports in both formats, SBOMs in both formats."""
import base64
import csv
import io
import ipaddress
import json
import time
import urllib.parse

from oracle import EC2, ECR, LAMBDA, details, matches, of_network, of_package
from raw import installed_text

EMPTY = ""


def listed(values):
    return ", ".join(values)


def joined(f, member):
    """A text of every package, nothing where none has it."""
    values = [member(p) or "" for p in of_package("vulnerablePackages")(f)]
    return listed(values) if any(values) else EMPTY


def moment(value):
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z" if value else EMPTY


def version(p):
    return (f"{p['epoch']}:" if p.get("epoch") else "") + p["version"] + (f"-{p['release']}" if p.get("release") else "")


def cvss(nvd, major, member):
    def get(f):
        for s in of_package("cvss")(f):
            if (s["source"] == "NVD") == nvd and s["version"].startswith(major):
                return s[member]
        return None
    return get


def addresses(private):
    return lambda f: listed(a for a in details(f, EC2).get("ipV4Addresses", []) if ipaddress.ip_address(a).is_private == private)


def ports(f):
    return "".join(f"{r['begin']}-{r['end']}" for r in of_network("openPortRange")(f))


def path(f):
    return " > ".join(f"{s['componentId']} ({s['componentType']})" for s in f.get("networkReachabilityDetails", {}).get("networkPath", {}).get("steps", []))


def first(member):
    return lambda f: (of_package(member)(f) or [EMPTY])[0]


def platform(f):
    return details(f, EC2).get("platform") or details(f, ECR).get("platform") or EMPTY


# The 55 columns (findings interfaces, 10.1), each from the finding as the API tells it.
COLUMNS = {
    "AWS Account Id": lambda f: f["awsAccountId"], "Severity": lambda f: f["severity"], "Fix Available": lambda f: f.get("fixAvailable"), "Finding Type": lambda f: f["type"],
    "Title": lambda f: f["title"], "Description": lambda f: f["description"], "Finding ARN": lambda f: f["findingArn"], "First Seen": lambda f: moment(f["firstObservedAt"]),
    "Last Seen": lambda f: moment(f["lastObservedAt"]), "Last Updated": lambda f: moment(f["updatedAt"]), "Resource ID": lambda f: f["resources"][0]["id"],
    "Container Image Tags": lambda f: listed(details(f, ECR).get("imageTags", [])), "Region": lambda f: f["resources"][0]["region"], "Platform": platform,
    "Resource Tags": lambda f: listed(f"{k}:{v}" for k, v in sorted(f["resources"][0].get("tags", {}).items())),
    "Affected Packages": lambda f: joined(f, lambda p: p["name"]), "Package Installed Version": lambda f: joined(f, version),
    "Fixed in Version": lambda f: joined(f, lambda p: p.get("fixedInVersion")), "Package Remediation": lambda f: joined(f, lambda p: p.get("remediation")),
    "File Path": lambda f: joined(f, lambda p: p.get("filePath")), "Network Paths": path, "Age (Days)": lambda f: "0",
    "Remediation": lambda f: f["remediation"]["recommendation"].get("text"), "Inspector Score": lambda f: f.get("inspectorScore"),
    "Inspector Score Vector": lambda f: f.get("inspectorScoreDetails", {}).get("adjustedCvss", {}).get("scoringVector"), "Status": lambda f: f["status"],
    "Vulnerability Id": first("vulnerabilityId"), "Vendor": first("source"), "Vendor Severity": first("vendorSeverity"), "Vendor Advisory": first("sourceUrl"),
    "Vendor Advisory Published": lambda f: moment(f.get("packageVulnerabilityDetails", {}).get("vendorCreatedAt")),
    "NVD CVSS3 Score": cvss(True, "3", "baseScore"), "NVD CVSS3 Vector": cvss(True, "3", "scoringVector"),
    "NVD CVSS2 Score": cvss(True, "2", "baseScore"), "NVD CVSS2 Vector": cvss(True, "2", "scoringVector"),
    "Vendor CVSS3 Score": cvss(False, "3", "baseScore"), "Vendor CVSS3 Vector": cvss(False, "3", "scoringVector"),
    "Vendor CVSS2 Score": cvss(False, "2", "baseScore"), "Vendor CVSS2 Vector": cvss(False, "2", "scoringVector"),
    "Resource Type": lambda f: f["resources"][0]["type"], "Ami": lambda f: details(f, EC2).get("imageId"), "Resource Public Ipv4": addresses(False),
    "Resource Private Ipv4": addresses(True), "Resource Ipv6": lambda f: listed(details(f, EC2).get("ipV6Addresses", [])),
    "Resource Vpc": lambda f: details(f, EC2).get("vpcId") or details(f, LAMBDA).get("vpcConfig", {}).get("vpcId"), "Port Range": ports,
    "Epss Score": lambda f: f.get("epss", {}).get("score"), "Exploit Available": lambda f: f.get("exploitAvailable"),
    "Last Exploited At": lambda f: moment(f.get("exploitabilityDetails", {}).get("lastKnownExploitAt")), "Lambda Layers": lambda f: listed(details(f, LAMBDA).get("layers", [])),
    "Lambda Package Type": lambda f: details(f, LAMBDA).get("packageType"), "Lambda Last Updated At": lambda f: moment(details(f, LAMBDA).get("lastModifiedAt")),
    "Reference Urls": lambda f: listed(of_package("referenceUrls")(f)), "Detector Name": lambda f: f.get("codeVulnerabilityDetails", {}).get("detectorName"),
    "Package Manager": lambda f: joined(f, lambda p: p.get("packageManager")),
}
NUMBERS = {"Inspector Score", "NVD CVSS3 Score", "NVD CVSS2 Score", "Vendor CVSS3 Score", "Vendor CVSS2 Score", "Epss Score"}


def read(caller, export, key, raw=True):
    """The bytes of an object of an export."""
    body, token = b"", {}
    while True:
        part = caller.own("GetExportObject", {"exportId": export, "key": key, "raw": raw, **token})
        body += base64.b64decode(part["content"])
        if "nextToken" not in part:
            return body
        token = {"nextToken": part["nextToken"]}


def where(caller):
    return {"bucketName": "reports", "keyPrefix": "a/", "kmsKeyArn": f"arn:aws:kms:{caller.region}:{caller.id}:key/11111111-2222-3333-4444-555555555555"}


def ended(ask, **arguments):
    until = time.monotonic() + 60
    while (status := ask(**arguments))["status"] == "IN_PROGRESS":
        assert time.monotonic() < until, status
        time.sleep(0.02)
    return status


def exported(caller, form, criteria):
    """A findings report: its id, and its bytes or why there are none."""
    arguments = {"filterCriteria": criteria} if criteria is not None else {}
    report = caller.inspector.create_findings_report(reportFormat=form, s3Destination=where(caller), **arguments)["reportId"]
    status = ended(caller.inspector.get_findings_report_status, reportId=report)
    return report, status["errorCode"] if status["status"] != "SUCCEEDED" else read(caller, report, f"a/{report}.{form.lower()}")


def plain(value):
    """An answer of boto3 as JSON has it: times as the interface writes them."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.timestamp() if hasattr(value, "timestamp") else value


def check_reports(report, draw, caller, whole, number):
    for n in range(number):
        criteria = None if n == 0 else {"severity": [{"comparison": "NOT_EQUALS", "value": "LOW"}]} if n == 1 else draw.conjunction()
        expected = sorted((f for f in whole if (matches(criteria, f) if criteria is not None else f["status"] == "ACTIVE")), key=lambda f: f["findingArn"])
        question = f"a report by {caller.name} of {criteria}"
        if not expected:
            report.same(question, exported(caller, "JSON", criteria)[1], "NO_FINDINGS_FOUND")
            continue
        got = sorted(json.loads(exported(caller, "JSON", criteria)[1])["findings"], key=lambda f: f["findingArn"])
        report.same(question + " in JSON: findings", [f["findingArn"] for f in got], [f["findingArn"] for f in expected])
        for g, f in zip(got, expected):
            report.same(f"{question} in JSON: {f['findingArn']}", g, plain(f))
        id, body = exported(caller, "CSV", criteria)
        rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
        report.same(question + " in CSV: header", rows[0], list(COLUMNS))
        rows = sorted(rows[1:], key=lambda r: r[6])
        report.same(question + " in CSV: findings", [r[6] for r in rows], [f["findingArn"] for f in expected])
        for row, f in zip(rows, expected):
            for name, cell in zip(COLUMNS, row):
                want = COLUMNS[name](f)
                if name in NUMBERS:
                    report.same(f"{question} in CSV: {name} of {f['findingArn']}", float(cell) if cell else None, want)
                else:
                    report.same(f"{question} in CSV: {name} of {f['findingArn']}", cell, want or EMPTY)
        shown = list(csv.reader(io.StringIO(read(caller, id, f"a/{id}.csv", raw=False).decode(), newline="")))
        report.true(question + " in CSV: no formulas in what a person opens", not any(c[:1] in "=+-@\t\r" for r in shown for c in r if c))


# What an SBOM's purl begins with, by ecosystem.
PURLS = {"Debian": "pkg:deb/debian/", "PyPI": "pkg:pypi/", "npm": "pkg:npm/", "Windows": "pkg:generic/microsoft/"}


def check_sboms(report, plan, caller, whole, rows):
    """SBOMs of everything that is scanned, against what was reported and what is open."""
    ids = {a["Name"]: a["ID"] for a in plan["Accounts"]}
    active = {(r["accountId"], r["resourceType"], r["resourceId"]) for r in rows if r["scanStatus"]["statusCode"] == "ACTIVE" and r["scanType"] == "PACKAGE" and r["resourceType"] != "AWS_ECR_REPOSITORY"}
    on = {(ids[r["Account"]], r["Type"], r["ID"]): r["Reports"][-1] for r in plan["Resources"] if r["Reports"]}
    on.update({(ids[r["Account"]], r["Type"], r["ID"]): [{"Ecosystem": "Windows", "Name": "Windows Server 2019", "Version": r["Windows"]["Build"]}] for r in plan["Resources"] if r["Windows"]})
    for form in ("CYCLONEDX_1_4", "SPDX_2_3"):
        for criteria in (None, {"resourceType": [{"comparison": "EQUALS", "value": "AWS_ECR_CONTAINER_IMAGE"}]}, {"accountId": [{"comparison": "NOT_EQUALS", "value": caller.id}]}):
            chosen = active & on.keys()
            if criteria and "resourceType" in criteria:
                chosen = {c for c in chosen if c[1] == "AWS_ECR_CONTAINER_IMAGE"}
            elif criteria:
                chosen = {c for c in chosen if c[0] != caller.id}
            export = caller.inspector.create_sbom_export(reportFormat=form, s3Destination=where(caller), **({"resourceFilterCriteria": criteria} if criteria else {}))["reportId"]
            status = ended(caller.inspector.get_sbom_export, reportId=export)
            question = f"{form} by {caller.name} of {criteria}"
            report.same(question, (status["status"], status["format"]), ("SUCCEEDED", form))
            keys = {f"a/{form}_outputs_{export}/account={a}/resource={t}/{i.replace('/', '_')}_{form}.json": (a, t, i) for a, t, i in chosen}
            objects, token = [], {}
            while token is not None:
                page = caller.own("ListExportObjects", {"exportId": export, "maxResults": 7, **token})
                objects += page["objects"]
                token = {"nextToken": page["nextToken"]} if "nextToken" in page else None
            report.same(question + ": objects", sorted(o["key"] for o in objects), sorted(keys))
            for o in objects:
                if o["key"] not in keys:
                    continue
                body = read(caller, export, o["key"])
                report.same(f"{question}: size of {o['key']}", len(body), o["size"])
                at = keys[o["key"]]
                found = [f for f in whole if (f["awsAccountId"], f["resources"][0]["id"]) == (at[0], at[2]) and f["status"] != "CLOSED" and f["type"] == "PACKAGE_VULNERABILITY"]
                (cyclonedx if form == "CYCLONEDX_1_4" else spdx)(report, f"{question}: {at[2]}", json.loads(body), at, on[at], found)


def purl(p):
    """A package's purl without its qualifiers, unescaped."""
    return f"{PURLS[p['Ecosystem']]}{p['Name']}@{installed_text(p)}"


def cut(text):
    """A purl without its qualifiers, unescaped."""
    return urllib.parse.unquote(text.split("?")[0])


def cyclonedx(report, question, document, at, packages, found):
    report.same(question + ": form", (document["bomFormat"], document["specVersion"]), ("CycloneDX", "1.4"))
    properties = {p["name"].rsplit(":", 1)[-1]: p["value"] for p in document["metadata"]["properties"]}
    report.same(question + ": of", (properties.get("accountId"), properties.get("resourceType")), at[:2])
    there = [c for c in document.get("components", []) if c.get("purl")]
    report.same(question + ": packages", sorted({cut(c["purl"]) for c in there}), sorted({purl(p) for p in packages}))
    refs = {c["bom-ref"]: (c["name"], c["purl"]) for c in there}
    report.same(question + ": no bom-ref twice", len(refs), len(there))
    got = {v["id"]: sorted({full(*refs[a["ref"]]) for a in v["affects"] if a["ref"] in refs}) for v in document.get("vulnerabilities", [])}
    report.true(question + ": no vulnerability twice", len(got) == len(document.get("vulnerabilities", [])))
    report.same(question + ": vulnerabilities", got, {of_package("vulnerabilityId")(f)[0]: sorted({p["name"] for p in of_package("vulnerablePackages")(f)}) for f in found})


def full(name, url):
    """A component's name, with npm's scope."""
    return "@" + url.split("%40")[1].split("@")[0] if "%40" in url.split("@")[0] and not name.startswith("@") else name


def spdx(report, question, document, at, packages, found):
    report.same(question + ": form", document["spdxVersion"], "SPDX-2.3")
    refs = lambda p, category: [r["referenceLocator"] for r in p.get("externalRefs", []) if r["referenceCategory"].replace("_", "-") == category]
    there = [p for p in document["packages"] if refs(p, "PACKAGE-MANAGER")]
    report.same(question + ": packages", sorted({cut(u) for p in there for u in refs(p, "PACKAGE-MANAGER")}), sorted({purl(p) for p in packages}))
    report.same(question + ": no id twice", len({p["SPDXID"] for p in document["packages"]}), len(document["packages"]))
    got = {}
    for p in there:
        for r in p.get("externalRefs", []):
            if r["referenceCategory"] == "SECURITY":
                got.setdefault(r["comment"], set()).add(full(p["name"], refs(p, "PACKAGE-MANAGER")[0]))
    report.same(question + ": vulnerabilities", {k: sorted(v) for k, v in got.items()},
                {of_package("vulnerabilityId")(f)[0]: sorted({p["name"] for p in of_package("vulnerablePackages")(f)}) for f in found})
    report.true(question + ": is described", any(r["relationshipType"] == "DESCRIBES" for r in document["relationships"]))
