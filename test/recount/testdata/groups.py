"""ListFindingAggregations: all twelve types, worked out from the findings."""
import itertools

from oracle import CODE, EC2, ECR, LAMBDA, STRINGS, details, listed, of_package, span, tagged, text


def packages(member):
    return lambda f: sorted({p.get(member) for p in of_package("vulnerablePackages")(f)} - {None})


def of(kind, *keys):
    """One group for a resource of a kind, named by details of it."""
    def keys_of(f):
        return [tuple(k(f) for k in keys)] if f["resources"][0]["type"] == kind else []
    return keys_of


def rid(f):
    return f["resources"][0]["id"]


def has(kind, member):
    return lambda f: details(f, kind).get(member)


def layered(kind, name, member):
    return lambda f: [(details(f, kind)[name], rid(f), l) for l in packages(member)(f)] if f["resources"][0]["type"] == kind else []


def present(keys):
    return lambda f: [k for k in keys(f) if k[-1] is not None]


# type: request member, the groups a finding counts in, the answer's names of the key's parts.
TYPES = {
    "ACCOUNT": ("accountAggregation", lambda f: [()], ()),
    "FINDING_TYPE": ("findingTypeAggregation", lambda f: [(f["type"],)], (None,)),
    "AMI": ("amiAggregation", present(of(EC2, has(EC2, "imageId"))), ("ami",)),
    "AWS_EC2_INSTANCE": ("ec2InstanceAggregation", of(EC2, rid), ("instanceId",)),
    "AWS_ECR_CONTAINER": ("awsEcrContainerAggregation", of(ECR, rid), ("resourceId",)),
    "IMAGE_LAYER": ("imageLayerAggregation", layered(ECR, "repositoryName", "sourceLayerHash"), ("repository", "resourceId", "layerHash")),
    "REPOSITORY": ("repositoryAggregation", of(ECR, has(ECR, "repositoryName")), ("repository",)),
    "PACKAGE": ("packageAggregation", lambda f: [(n,) for n in packages("name")(f)], ("packageName",)),
    "TITLE": ("titleAggregation", lambda f: [(f["title"], *(of_package("vulnerabilityId")(f) or [""]))], ("title", "vulnerabilityId")),
    "AWS_LAMBDA_FUNCTION": ("lambdaFunctionAggregation", of(LAMBDA, rid), ("resourceId",)),
    "LAMBDA_LAYER": ("lambdaLayerAggregation", layered(LAMBDA, "functionName", "sourceLambdaLayerArn"), ("functionName", "resourceId", "layerArn")),
    "CODE_REPOSITORY": ("codeRepositoryAggregation", of(CODE, rid), ("resourceId",)),
}
EXTRA = {"AMI": "AFFECTED_INSTANCES", "AWS_EC2_INSTANCE": "NETWORK_FINDINGS", "REPOSITORY": "AFFECTED_IMAGES"}
# Filters over texts of findings by the request's member, and those over a part of the group's key.
FILTERS = {
    "AWS_EC2_INSTANCE": {"amis": "ec2InstanceImageId", "instanceIds": "resourceId"},
    "AWS_ECR_CONTAINER": {"resourceIds": "resourceId", "imageShas": "ecrImageHash", "repositories": "ecrImageRepositoryName",
                          "architectures": "ecrImageArchitecture", "imageTags": "ecrImageTags"},
    "IMAGE_LAYER": {"repositories": "ecrImageRepositoryName", "resourceIds": "resourceId"},
    "TITLE": {"titles": "title", "vulnerabilityIds": "vulnerabilityId"},
    "AWS_LAMBDA_FUNCTION": {"resourceIds": "resourceId", "functionNames": "lambdaFunctionName", "runtimes": "lambdaFunctionRuntime"},
    "LAMBDA_LAYER": {"functionNames": "lambdaFunctionName", "resourceIds": "resourceId"},
    "CODE_REPOSITORY": {"projectNames": "codeRepositoryProjectName", "providerTypes": "codeRepositoryProviderType", "resourceIds": "resourceId"},
}
KEYS = {"AMI": "amis", "IMAGE_LAYER": "layerHashes", "REPOSITORY": "repositories", "PACKAGE": "packageNames", "LAMBDA_LAYER": "layerArns"}
TAGS = {"AWS_EC2_INSTANCE": "instanceTags", "AWS_LAMBDA_FUNCTION": "functionTags"}
BY_TYPE = {"ACCOUNT", "FINDING_TYPE", "TITLE"}


def counted(kind, request, f):
    """Whether a finding counts for a request at all."""
    for member, filters in request.items():
        if member in FILTERS.get(kind, {}):
            ok = text(filters, STRINGS[FILTERS[kind][member]](f))
        elif member == TAGS.get(kind):
            ok = tagged(filters, f["resources"][0].get("tags", {}))
        elif member == "operatingSystems":
            ok = text(filters, listed(details(f, EC2).get("platform")))
        elif member == "lastInUseAt":
            ok = span(filters, listed(details(f, ECR).get("lastInUseAt")), "startInclusive", "endInclusive")
        elif member == "inUseCount":
            ok = span(filters, listed(details(f, ECR).get("inUseCount")), "lowerInclusive", "upperInclusive")
        elif member == "findingType":
            ok = f["type"] == filters
        elif member == "resourceType":
            ok = f["resources"][0]["type"] == filters
        else:
            ok = True
        if not ok:
            return False
    return True


def expected(kind, findings, accounts, request):
    """The groups as answers, each with its metric and key, in no order."""
    _, keys_of, names = TYPES[kind]
    groups = {}
    for f in findings:
        if f["status"] != "ACTIVE" or accounts and not text(accounts, [f["awsAccountId"]]) or not counted(kind, request, f):
            continue
        for key in keys_of(f):
            if KEYS.get(kind) in request and not text(request[KEYS[kind]], [key[-1]]):
                continue
            groups.setdefault((f["awsAccountId"], *key), []).append(f)
    out = []
    for (account, *key), list_ in groups.items():
        severities = [f["severity"] for f in list_]
        counts = {"all": len(list_), **{s.lower(): severities.count(s) for s in ("CRITICAL", "HIGH", "MEDIUM")}}
        answer = {"accountId": account, "severityCounts": counts, **{n: k for n, k in zip(names, key) if n and k}}
        answer.update(more(kind, list_))
        metric = {"CRITICAL": counts["critical"], "HIGH": counts["high"], "ALL": counts["all"],
                  EXTRA.get(kind): answer.get({"AMI": "affectedInstances", "AWS_EC2_INSTANCE": "networkFindings", "REPOSITORY": "affectedImages"}.get(kind))}
        out.append((metric[request.get("sortBy", "CRITICAL")], (account, *key), answer))
    return out


def more(kind, findings):
    """What the answer for a group says beside its key and severities."""
    f = findings[0]
    number = lambda member: sum(1 for x in findings if x.get(member) == "YES")
    given = lambda where, **names: {n: details(f, where)[m] for n, m in names.items() if details(f, where).get(m) is not None}
    tags = f["resources"][0].get("tags", {})
    return {
        "ACCOUNT": lambda: {"exploitAvailableCount": number("exploitAvailable"), "fixAvailableCount": number("fixAvailable")},
        "FINDING_TYPE": lambda: {"exploitAvailableCount": number("exploitAvailable"), "fixAvailableCount": number("fixAvailable")},
        "AMI": lambda: {"affectedInstances": len({rid(x) for x in findings})},
        "REPOSITORY": lambda: {"affectedImages": len({rid(x) for x in findings})},
        "AWS_EC2_INSTANCE": lambda: {**given(EC2, ami="imageId", operatingSystem="platform"), "instanceTags": tags,
                                     "networkFindings": sum(1 for x in findings if x["type"] == "NETWORK_REACHABILITY")},
        "AWS_ECR_CONTAINER": lambda: given(ECR, imageSha="imageHash", repository="repositoryName", architecture="architecture", imageTags="imageTags",
                                           lastInUseAt="lastInUseAt", inUseCount="inUseCount"),
        "AWS_LAMBDA_FUNCTION": lambda: {**given(LAMBDA, functionName="functionName", runtime="runtime", lastModifiedAt="lastModifiedAt"), "lambdaTags": tags},
        # Trees are uploaded here; the model has no word for that in findings.
        "CODE_REPOSITORY": lambda: {"providerType": "UPLOAD", **given(CODE, projectNames="projectName", providerType="providerType"),
                                    "exploitAvailableActiveFindingsCount": number("exploitAvailable"), "fixAvailableActiveFindingsCount": number("fixAvailable")},
    }.get(kind, dict)()


def check(report, caller, whole, kind, request, accounts=None, size=None):
    member = TYPES[kind][0]
    arguments = {"aggregationType": kind, **({"aggregationRequest": {member: request}} if request else {}), **({"accountIds": accounts} if accounts else {})}
    pages = caller.pages("list_finding_aggregations", size, **arguments)
    question = f"ListFindingAggregations by {caller.name} in {caller.region}: {arguments} in pages of {size}"
    report.true(question + ": its type", all(p["aggregationType"] == kind for p in pages))
    report.true(question + ": no page too large", all(len(p["responses"]) <= (size or 100) for p in pages))
    got = [r[member] for p in pages for r in p["responses"]]
    groups, falling = expected(kind, whole, accounts, request), request.get("sortOrder", "DESC") == "DESC"
    for ties in (False, True):
        by_key = sorted(groups, key=lambda g: g[1], reverse=ties)
        if got == [g[2] for g in sorted(by_key, key=lambda g: g[0], reverse=falling)]:
            report.checked += 1
            return
    listed_by = lambda answers: sorted(answers, key=repr)
    if report.same(question, listed_by(got), listed_by([g[2] for g in groups])):
        report.true(question + ": in order", False, lambda: got)


def options(kind):
    return [*FILTERS.get(kind, {}), *(["operatingSystems"] if kind == "AWS_EC2_INSTANCE" else []), *(["lastInUseAt", "inUseCount"] if kind == "AWS_ECR_CONTAINER" else []),
            *filter(None, [KEYS.get(kind), TAGS.get(kind)]), *(["findingType", "resourceType"] if kind in BY_TYPE else [])]


def option(random, draw, kind, name, keys):
    """A value for a member of a request."""
    if name in ("findingType", "resourceType"):
        return draw.pick(name)
    if name == TAGS.get(kind):
        return draw.several("resourceTags")
    if name in FILTERS.get(kind, {}):
        return draw.several(FILTERS[kind][name])
    if name in ("lastInUseAt", "inUseCount"):
        return draw.several({"lastInUseAt": "ecrImageLastInUseAt", "inUseCount": "ecrImageInUseCount"}[name])
    if name == "operatingSystems":
        return [{"comparison": random.choice(["EQUALS", "PREFIX", "NOT_EQUALS"]), "value": random.choice(["DEBIAN_12", "DEBIAN_11", "DEBIAN_1", "x"])}]
    key = random.choice(keys)
    return [{"comparison": c, "value": key[:random.randint(1, len(key))] if c == "PREFIX" else key} for c in random.sample(["EQUALS", "PREFIX", "NOT_EQUALS"], random.randint(1, 2))]


def ask(report, random, draw, callers, wholes, questions):
    admin, whole = callers["audit", "us-east-1"], wholes["audit", "us-east-1"]
    for kind in TYPES:
        keys = sorted({k[-1] for f in whole for k in TYPES[kind][1](f) if k}) or ["x"]
        check(report, admin, whole, kind, {})
        report.true(f"{kind} has groups", expected(kind, whole, None, {}))
        for by, order in itertools.product(["CRITICAL", "HIGH", "ALL", *filter(None, [EXTRA.get(kind)])], ["ASC", "DESC"]):
            check(report, admin, whole, kind, {"sortBy": by, "sortOrder": order}, size=random.choice([3, 7]))
        for name in options(kind):
            for _ in range(2):
                check(report, admin, whole, kind, {name: option(random, draw, kind, name, keys)})
        accounts = [{"comparison": random.choice(["EQUALS", "PREFIX", "NOT_EQUALS"]), "value": admin.pick_account(random)}]
        check(report, admin, whole, kind, {}, accounts, 5)
    for _ in range(questions):
        at, kind = random.choice(sorted(callers)), random.choice(sorted(TYPES))
        keys = sorted({k[-1] for f in whole for k in TYPES[kind][1](f) if k}) or ["x"]
        request = {n: option(random, draw, kind, n, keys) for n in options(kind) if random.random() < 0.4}
        request.update(random.choice([{}, {"sortBy": random.choice(["CRITICAL", "HIGH", "ALL"])}, {"sortOrder": "ASC"}]))
        accounts = random.choice([None, None, draw.several("awsAccountId")])
        check(report, callers[at], wholes[at], kind, request, accounts, random.choice([None, 1, 4, 100]))
