"""Findings worked out from what was reported and what is known of vulnerabilities."""
from oracle import DETAILS, details, of_package

SCORES = {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8, "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": 7.8,
          "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": 6.1, "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N": 2.5,
          "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": 0.0}
WORDS = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "unimportant": "INFORMATIONAL"}


def band(score):
    return next(word for least, word in [(9, "CRITICAL"), (7, "HIGH"), (4, "MEDIUM"), (0.1, "LOW"), (0, "INFORMATIONAL")] if score >= least)


def hit(advisory, packages):
    """The packages of a list that a vulnerability is in."""
    def vulnerable(p):
        fixed = advisory["Fixed"].get(p["Ecosystem"], {}).get(p["Name"])
        return fixed is not None and (fixed == 0 or p["Version"] < fixed)
    return [p for p in packages or [] if vulnerable(p)]


def fix(advisory, packages):
    has = {advisory["Fixed"][p["Ecosystem"]][p["Name"]] > 0 for p in packages}
    return {frozenset([True]): "YES", frozenset([False]): "NO"}.get(frozenset(has), "PARTIAL")


def severity(advisory, packages):
    """By the vector, else by the vendor's word; what a vendor calls unimportant is that."""
    word = advisory["Word"].lower() if any(p["Ecosystem"] == "Debian" for p in packages) else ""
    if word == "unimportant":
        return "INFORMATIONAL"
    if advisory["Vector"]:
        return band(SCORES[advisory["Vector"]])
    return WORDS.get(word, "UNTRIAGED")


def tags(resource):
    """The resource's tags; hosts without a Name have their label as one."""
    if resource["Type"] == "AWS_ECR_CONTAINER_IMAGE":
        return {}
    return {**({"Name": resource["ID"]} if (resource["Reports"] or resource["Windows"]) and resource["Type"] == "AWS_EC2_INSTANCE" else {}), **(resource["Tags"] or {})}


def installed(p):
    """A package as findings name it: version, epoch, release, path, layer."""
    os = p["Ecosystem"] == "Debian"
    path = p["Path"]
    return (p["Name"], str(p["Version"]) if os else f"{p['Version']}.0.0", p["Epoch"], "1" if os else None, path.lstrip("/") or None, p["Layer"] or None)


def installed_text(p):
    """A package's version as its package manager writes it."""
    if p["Ecosystem"] == "Windows":
        return f"10.0.17763.{p['Version']}"
    if p["Ecosystem"] != "Debian":
        return f"{p['Version']}.0.0"
    return (f"{p['Epoch']}:" if p["Epoch"] else "") + f"{p['Version']}-1"


def fixed(advisory, p):
    """The version that mends a package, as findings write it; "" where none does."""
    n = advisory["Fixed"][p["Ecosystem"]][p["Name"]]
    if n == 0:
        return ""
    return f"{n}.0.0" if p["Ecosystem"] != "Debian" else f"{p['Epoch']}:{n}-1"


MANAGERS = {(e, t): m for t in DETAILS for e, m in (("Debian", "OS"), ("PyPI", "PYTHONPKG"), ("npm", "NPM"))}


def shown(p):
    return (p["name"], p["version"], p["epoch"], p.get("release"), (p.get("filePath") or "").lstrip("/") or None, p.get("sourceLayerHash") or p.get("sourceLambdaLayerArn"))


def check(report, plan, callers, wholes):
    ids = {a["Name"]: a["ID"] for a in plan["Accounts"]}
    windows = {r["ID"] for r in plan["Resources"] if r["Windows"]}
    for (name, region), whole in wholes.items():
        if name == "audit":
            continue
        packages = [f for f in whole if f["type"] == "PACKAGE_VULNERABILITY" and f["resources"][0]["id"] not in windows]
        found = {(f["resources"][0]["id"], of_package("vulnerabilityId")(f)[0]): f for f in packages}
        report.same(f"{name} in {region}: one finding for a resource and a vulnerability", len(found), len(packages))
        report.same(f"{name} in {region}: no findings of code, which nothing here judges", [f["findingArn"] for f in whole if f["type"] == "CODE_VULNERABILITY"], [])
        expected = {}
        for r in plan["Resources"]:
            if (r["Account"], r["Region"]) != (name, region):
                continue
            reports = r["Reports"] or []
            if r["Type"] == "AWS_LAMBDA_FUNCTION" and r["End"] == "excluded":
                reports = []  # from the beginning
            for a in plan["Advisories"]:
                now = [] if r["End"] in ("excluded", "revoked") else hit(a, reports[-1] if reports else [])
                before = [h for h in (hit(a, packages) for packages in reports) if h]
                if before:
                    expected[r["ID"], a["ID"]] = (r, a, now or before[-1], "ACTIVE" if now else "CLOSED")
        report.same(f"{name} in {region}: findings from what was reported", set(found), set(expected))
        for key in found.keys() & expected.keys():
            one(report, ids, key, found[key], *expected[key])


def one(report, ids, key, f, resource, advisory, packages, status):
    known = lambda what, got, want: report.same(f"{key}: {what}", got, want)
    known("account", f["awsAccountId"], ids[resource["Account"]])
    known("type", f["resources"][0]["type"], resource["Type"])
    known("status", f["status"], status)
    known("title", f["title"], f"{advisory['ID']} - {', '.join(sorted({p['Name'] for p in packages}))}")
    known("description", f["description"], advisory["Text"])
    known("packages", sorted(map(shown, of_package("vulnerablePackages")(f)), key=repr), sorted(map(installed, packages), key=repr))
    known("severity", f["severity"], severity(advisory, packages))
    known("fixes", sorted((p["name"], p.get("fixedInVersion"), p.get("remediation")) for p in of_package("vulnerablePackages")(f)) if all(fixed(advisory, p) for p in packages) else None,
          sorted((p["Name"], fixed(advisory, p), "apt-get update && apt-get upgrade" if p["Ecosystem"] == "Debian" else None) for p in packages) if all(fixed(advisory, p) for p in packages) else None)
    known("managers", {p["packageManager"] for p in of_package("vulnerablePackages")(f)}, {MANAGERS[p["Ecosystem"], resource["Type"]] for p in packages})
    known("CVSS", [(c["source"], c["version"], c["baseScore"], c["scoringVector"]) for c in of_package("cvss")(f) if c["source"] == "NVD"],
          [("NVD", "3.1", SCORES[advisory["Vector"]], advisory["Vector"])] if advisory["Vector"] else [])
    known("fixAvailable", f.get("fixAvailable"), fix(advisory, packages))
    known("exploitAvailable", f.get("exploitAvailable"), "YES" if advisory["KEV"] or advisory["Exploit"] else "NO")
    known("epss", f.get("epss", {}).get("score"), advisory["EPSS"])
    known("tags", f["resources"][0]["tags"], tags(resource))
    told = details(f, resource["Type"])
    for member, value in (resource["Details"] or {}).items():
        if value:
            known(member, sorted(told.get(member) or []) if isinstance(value, list) else told.get(member), sorted(value) if isinstance(value, list) else value)
    if resource["Type"] != "AWS_EC2_INSTANCE":  # where what the network lets in counts, too
        known("inspectorScore", f.get("inspectorScore"), SCORES.get(advisory["Vector"]))
    known("resources", len(f["resources"]), 1)
    known("details of its type", list(f["resources"][0].get("details", {})), [DETAILS[resource["Type"]]])
