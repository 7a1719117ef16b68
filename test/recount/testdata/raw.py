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
    return {**({"Name": resource["ID"]} if resource["Reports"] and resource["Type"] == "AWS_EC2_INSTANCE" else {}), **(resource["Tags"] or {})}


def installed(p):
    """A package as findings name it: version, epoch, release, path, layer."""
    os = p["Ecosystem"] == "Debian"
    path = p["Path"]
    return (p["Name"], str(p["Version"]) if os else f"{p['Version']}.0.0", p["Epoch"], "1" if os else None, path.lstrip("/") or None, p["Layer"] or None)


def shown(p):
    return (p["name"], p["version"], p["epoch"], p.get("release"), (p.get("filePath") or "").lstrip("/") or None, p.get("sourceLayerHash") or p.get("sourceLambdaLayerArn"))


def check(report, plan, callers, wholes):
    ids = {a["Name"]: a["ID"] for a in plan["Accounts"]}
    for (name, region), whole in wholes.items():
        if name == "audit":
            continue
        found = {(f["resources"][0]["id"], of_package("vulnerabilityId")(f)[0]): f for f in whole if f["type"] == "PACKAGE_VULNERABILITY"}
        report.same(f"{name} in {region}: one finding for a resource and a vulnerability", len(found), sum(f["type"] == "PACKAGE_VULNERABILITY" for f in whole))
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
