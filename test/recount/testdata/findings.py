"""ListFindings: scope, criteria, orders and pages."""
from oracle import ECR, details, matches, of_network, of_package, of_steps

RANKS = ["UNTRIAGED", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]


def first(values):
    return values[0] if values else None


# What each order goes by; None is missing.
ORDERS = {
    "AWS_ACCOUNT_ID": lambda f: f["awsAccountId"], "FINDING_TYPE": lambda f: f["type"], "SEVERITY": lambda f: RANKS.index(f["severity"]),
    "FIRST_OBSERVED_AT": lambda f: f["firstObservedAt"], "LAST_OBSERVED_AT": lambda f: f["lastObservedAt"], "FINDING_STATUS": lambda f: f["status"],
    "RESOURCE_TYPE": lambda f: f["resources"][0]["type"], "ECR_IMAGE_PUSHED_AT": lambda f: details(f, ECR).get("pushedAt"),
    "ECR_IMAGE_REPOSITORY_NAME": lambda f: details(f, ECR).get("repositoryName"), "ECR_IMAGE_REGISTRY": lambda f: details(f, ECR).get("registry"),
    "NETWORK_PROTOCOL": lambda f: first(of_network("protocol")(f)), "COMPONENT_TYPE": lambda f: first(of_steps("componentType")(f)),
    "VULNERABILITY_ID": lambda f: first(of_package("vulnerabilityId")(f)), "VULNERABILITY_SOURCE": lambda f: first(of_package("source")(f)),
    "INSPECTOR_SCORE": lambda f: f.get("inspectorScore"), "VENDOR_SEVERITY": lambda f: first(of_package("vendorSeverity")(f)),
    "EPSS_SCORE": lambda f: f.get("epss", {}).get("score"),
}


def ordered(findings, field, order):
    """The list in an order, once with ties rising by ARN and once falling."""
    get, falling = ORDERS[field], order == "DESC"
    out = []
    for ties in (False, True):
        named = sorted(findings, key=lambda f: f["findingArn"], reverse=ties)
        out.append(sorted((f for f in named if get(f) is not None), key=get, reverse=falling) + [f for f in named if get(f) is None])
    return out


def in_order(got, expected, field, order):
    """Whether a list is in an order. Times are finer than they are shown, so that their ties tell nothing."""
    if not field.endswith("_AT"):
        return arns(got) in [arns(o) for o in ordered(expected, field, order)]
    values = [ORDERS[field](f) for f in got]
    there = [v for v in values if v is not None]
    return values == sorted(there, reverse=order == "DESC") + [None] * (len(values) - len(there))


def arns(findings):
    return [f["findingArn"] for f in findings]


def check_list(report, caller, whole, criteria, sort=None, size=100):
    """A list by criteria in an order, in pages of a size, against the whole."""
    arguments = {"filterCriteria": criteria} if criteria else {}
    if sort:
        arguments["sortCriteria"] = {"field": sort[0], "sortOrder": sort[1]}
    pages = caller.pages("list_findings", size, **arguments)
    got = [f for p in pages for f in p["findings"]]
    expected = [f for f in whole if matches(criteria, f)]
    question = f"ListFindings by {caller.name} in {caller.region}: {criteria} {sort} in pages of {size}"
    if not report.same(question, set(arns(got)), set(arns(expected))):
        return
    report.true(question + ": in order", in_order(got, expected, *(sort or ("LAST_OBSERVED_AT", "DESC"))),
                lambda: "\n".join(f"{f['findingArn'][-40:]} {ORDERS[(sort or ('LAST_OBSERVED_AT',))[0]](f)}" for f in got))
    report.true(question + ": no finding twice", len(got) == len(expected))
    report.true(question + ": no page too large", all(len(p["findings"]) <= size for p in pages))
    by = {f["findingArn"]: f for f in whole}
    report.true(question + ": the same findings", all(by[f["findingArn"]] == f for f in got), lambda: [(f, by[f["findingArn"]]) for f in got if by[f["findingArn"]] != f][:1])


def check_scope(report, callers, wholes):
    """The administrator sees its members' findings, everybody else their own."""
    for region in sorted({c.region for c in callers.values()}):
        seen = []
        for (name, at), whole in wholes.items():
            if at != region:
                continue
            caller = callers[name, at]
            if name != "audit":
                report.same(f"{name} in {region} sees its own", {f["awsAccountId"] for f in whole} - {caller.id}, set())
            if caller.account["Seen"]:
                seen += [f for f in whole if f["awsAccountId"] == caller.id]
        report.same(f"audit in {region} sees all of its members", sorted(seen, key=lambda f: f["findingArn"]),
                    sorted(wholes["audit", region], key=lambda f: f["findingArn"]))


def ask(report, random, draw, callers, wholes, questions):
    admin = callers["audit", "us-east-1"]
    whole = wholes["audit", "us-east-1"]
    for name in draw.names():
        if name in draw.strings:
            for comparison in ("EQUALS", "PREFIX", "NOT_EQUALS"):
                check_list(report, admin, whole, {name: [draw.one(name, comparison)]})
        else:
            check_list(report, admin, whole, {name: [draw.one(name)]})
            check_list(report, admin, whole, {name: draw.several(name)})
    for field in ORDERS:
        check_list(report, admin, whole, {}, (field, "ASC"), 100)
        check_list(report, admin, whole, {}, (field, "DESC"), 41)
        check_list(report, admin, whole, draw.conjunction(), (field, random.choice(["ASC", "DESC"])), random.choice([1, 3]))
    for _ in range(questions):
        at = random.choice(sorted(callers))
        sort = random.choice([None, (random.choice(sorted(ORDERS)), random.choice(["ASC", "DESC"]))])
        check_list(report, callers[at], wholes[at], draw.conjunction(), sort, random.choice([2, 5, 25, 100]))


def ask_rules(report, random, draw, admin, everyone, number):
    """The same criteria as suppression rules: what a rule hides, and brings back."""
    before = everyone()
    for n in range(number):
        name = random.choice(draw.names())
        criteria = {name: draw.several(name)} if random.random() < 0.6 else draw.conjunction()
        # A rule over the status is refused; what it hides is updated by that.
        for name in ("findingStatus", "updatedAt"):
            criteria.pop(name, None)
        if not criteria:
            continue
        before = everyone()
        made = admin.inspector.create_filter(name=f"rule-{n}", action="SUPPRESS", filterCriteria=criteria)["arn"]
        after = {f["findingArn"]: f for f in everyone()}
        question = f"a rule by {admin.name}: {criteria}"
        for f in before:
            now, visible = after[f["findingArn"]], f["awsAccountId"] in admin.governed
            hidden = visible and f["status"] == "ACTIVE" and matches(criteria, f)
            report.same(f"{question}: {f['findingArn']} that was {f['status']}", now["status"], "SUPPRESSED" if hidden else f["status"])
            same = {k: v for k, v in now.items() if k not in ("status", "updatedAt")} == {k: v for k, v in f.items() if k not in ("status", "updatedAt")}
            report.true(f"{question}: {f['findingArn']} is otherwise the same", same and (hidden or now == f))
        admin.inspector.delete_filter(arn=made)
    report.same("all rules are deleted", [(f["findingArn"], f["status"]) for f in sorted(everyone(), key=lambda f: f["findingArn"])],
                [(f["findingArn"], f["status"]) for f in sorted(before, key=lambda f: f["findingArn"])])
