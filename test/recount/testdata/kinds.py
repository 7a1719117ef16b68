"""Findings of Windows machines and of networks, worked out from updates and rules."""
from oracle import EC2, details, of_package
from raw import SCORES, band, tags

RELEASE = "10.0.17763."
WORDS = {"Critical": "CRITICAL", "Important": "HIGH", "Moderate": "MEDIUM", "Low": "LOW"}


def missing(updates, machine):
    """The updates that a machine lacks: neither its build nor what is installed has them, directly or through others."""
    installed = machine["Installed"] or []
    have = {u["KB"] for u in updates if u["Build"] and u["Build"] <= machine["Build"]} | set(installed)
    while True:
        more = {s for u in updates if u["KB"] in have for s in u["Supersedes"] or []} - have
        if not more:
            break
        have |= more
    # What has no build is judged where something is known of what is installed.
    return [u for u in updates if u["KB"] not in have and (u["Build"] or installed)]


def check_windows(report, plan, callers, wholes):
    ids = {a["Name"]: a["ID"] for a in plan["Accounts"]}
    for r in plan["Resources"]:
        if not r["Windows"]:
            continue
        found = {of_package("vulnerabilityId")(f)[0]: f for f in wholes[r["Account"], r["Region"]] if f["resources"][0]["id"] == r["ID"]}
        expected = {u["KB"]: u for u in missing(plan["Updates"], r["Windows"])}
        report.same(f"updates that {r['ID']} lacks", sorted(found), sorted(expected))
        for kb in found.keys() & expected.keys():
            f, u = found[kb], expected[kb]
            package = of_package("vulnerablePackages")(f)[0]
            known = lambda what, got, want: report.same(f"{kb} on {r['ID']}: {what}", got, want)
            known("account and status", (f["awsAccountId"], f["status"], f["type"]), (ids[r["Account"]], "ACTIVE", "PACKAGE_VULNERABILITY"))
            known("title", f["title"], f"{kb} - Windows Server 2019")
            known("CVEs", sorted(f["packageVulnerabilityDetails"]["relatedVulnerabilities"]), sorted(u["CVEs"]))
            known("severity", f["severity"], band(SCORES[u["Vector"]]) if u["Vector"] else WORDS[u["Word"]])
            known("score", f.get("inspectorScore"), SCORES.get(u["Vector"]))
            known("package", (package["name"], package["version"], package["packageManager"]), ("Windows Server 2019", RELEASE + str(r["Windows"]["Build"]), "OS"))
            known("fix", (f["fixAvailable"], package["fixedInVersion"]), ("YES", RELEASE + str(u["Build"]) if u["Build"] else kb))
            known("platform", details(f, EC2)["platform"], "WINDOWS_SERVER_2019")
            known("tags", f["resources"][0]["tags"], {"Name": r["ID"], **(r["Tags"] or {})})


# What the three groups let in, cut at the table's ports (network reachability, 6.3).
OPEN = {0: [("TCP", 22, 22, "MEDIUM")], 1: [("TCP", 80, 80, "LOW"), ("TCP", 81, 87, "INFORMATIONAL"), ("TCP", 88, 88, "MEDIUM"), ("TCP", 89, 90, "INFORMATIONAL")],
        2: [("UDP", 53, 53, "INFORMATIONAL")]}


def check_networks(report, plan, callers, wholes):
    for name in ("ann", "ben"):
        caller, whole = callers[name, "us-east-1"], wholes[name, "us-east-1"]
        machines = [r for r in plan["Resources"] if (r["Account"], r["Region"]) == (name, "us-east-1") and (r["Details"] or {}).get("subnetId")]
        report.same(f"{name} has machines in a network", len(machines), 3)
        found = {(f["resources"][0]["id"], n["protocol"], n["openPortRange"]["begin"], n["openPortRange"]["end"]): f for f in whole if (n := f.get("networkReachabilityDetails"))}
        # Those with agents come first, the bare one last.
        expected = {(r["ID"], p, a, b): (n, r, severity) for n, r in enumerate(machines) for p, a, b, severity in OPEN[n]}
        report.same(f"what the internet reaches of {name}", sorted(found), sorted(expected))
        report.same(f"what the internet reaches of {name}, each once", sum(f["type"] == "NETWORK_REACHABILITY" for f in whole), len(expected))
        arn = lambda kind, id: f"arn:aws:ec2:us-east-1:{caller.id}:{kind}/{id}"
        for key in found.keys() & expected.keys():
            f, (n, r, severity) = found[key], expected[key]
            known = lambda what, got, want: report.same(f"{key}: {what}", got, want)
            ports = f"Port {key[2]}" if key[2] == key[3] else f"Port range {key[2]}-{key[3]}"
            known("title", f["title"], f"{ports} is reachable from an Internet Gateway - {key[1]}")
            known("description", f["description"], f"On the instance {key[0]}, the ports {key[2]}-{key[3]} can be reached over {key[1]} from InternetGateway igw-{name}1 through the attached interface ENI eni-{name}{n}.")
            known("severity", (f["severity"], f["status"], f["type"]), (severity, "ACTIVE", "NETWORK_REACHABILITY"))
            known("path", [(s["componentType"], s["componentId"], s.get("componentArn")) for s in f["networkReachabilityDetails"]["networkPath"]["steps"]],
                  [("AWS::EC2::InternetGateway", f"igw-{name}1", arn("internet-gateway", f"igw-{name}1")), ("AWS::EC2::NetworkAcl", f"acl-{name}1", arn("network-acl", f"acl-{name}1")),
                   ("AWS::EC2::SecurityGroup", f"sg-{name}{n}", arn("security-group", f"sg-{name}{n}")), ("AWS::EC2::NetworkInterface", f"eni-{name}{n}", arn("network-interface", f"eni-{name}{n}")),
                   ("AWS::EC2::Instance", key[0], arn("instance", key[0]))])
            told = details(f, EC2)
            known("addresses", sorted(told["ipV4Addresses"]), sorted([f"10.0.0.{5 + n}", f"54.0.0.{5 + n}"]))
            known("where", (told["imageId"], told["vpcId"], told["subnetId"]), (r["Details"]["imageId"], f"vpc-{name}1", f"subnet-{name}1"))
            known("tags", f["resources"][0]["tags"], tags(r))
            known("what packages have", [f.get(m) for m in ("inspectorScore", "epss", "fixAvailable", "exploitAvailable", "packageVulnerabilityDetails")], [None] * 5)
            known("resource", (f["awsAccountId"], f["resources"][0]["type"], f["resources"][0]["region"]), (caller.id, "AWS_EC2_INSTANCE", "us-east-1"))
