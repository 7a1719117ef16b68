"""What filters mean (findings interfaces 7.2), over answers as they are on the wire.

A criterion's filters over texts: EQUALS and PREFIX are joined by "or",
NOT_EQUALS by "and", the two groups by "and"; of several values of an attribute
one has to equal, or none. Ranges without bounds match everything; what lacks
the attribute fails ranges, EQUALS and PREFIX and passes NOT_EQUALS.
"""

DETAILS = {"AWS_EC2_INSTANCE": "awsEc2Instance", "AWS_ECR_CONTAINER_IMAGE": "awsEcrContainerImage", "AWS_LAMBDA_FUNCTION": "awsLambdaFunction",
           "CODE_REPOSITORY": "codeRepository"}


def listed(value):
    return [] if value is None or value == "" else value if isinstance(value, list) else [value]


def details(finding, kind):
    resource = finding["resources"][0]
    return resource.get("details", {}).get(DETAILS[kind], {}) if resource["type"] == kind else {}


def of_resource(kind, member):
    return lambda f: listed(details(f, kind).get(member))


def of_package(member):
    return lambda f: listed(f.get("packageVulnerabilityDetails", {}).get(member))


def of_network(member):
    return lambda f: listed(f.get("networkReachabilityDetails", {}).get(member))


def of_steps(member):
    return lambda f: [s[member] for s in f.get("networkReachabilityDetails", {}).get("networkPath", {}).get("steps", [])]


def of_code(member):
    return lambda f: listed(f.get("codeVulnerabilityDetails", {}).get(member))


def top(member):
    return lambda f: listed(f.get(member))


EC2, ECR, LAMBDA, CODE = DETAILS
STRINGS = {
    "findingArn": top("findingArn"), "awsAccountId": top("awsAccountId"), "findingType": top("type"), "severity": top("severity"),
    "findingStatus": top("status"), "title": top("title"), "fixAvailable": top("fixAvailable"), "exploitAvailable": top("exploitAvailable"),
    "resourceType": lambda f: [f["resources"][0]["type"]], "resourceId": lambda f: [f["resources"][0]["id"]],
    "ec2InstanceImageId": of_resource(EC2, "imageId"), "ec2InstanceVpcId": of_resource(EC2, "vpcId"), "ec2InstanceSubnetId": of_resource(EC2, "subnetId"),
    "ecrImageArchitecture": of_resource(ECR, "architecture"), "ecrImageRegistry": of_resource(ECR, "registry"),
    "ecrImageRepositoryName": of_resource(ECR, "repositoryName"), "ecrImageTags": of_resource(ECR, "imageTags"), "ecrImageHash": of_resource(ECR, "imageHash"),
    "networkProtocol": of_network("protocol"), "componentId": of_steps("componentId"), "componentType": of_steps("componentType"),
    "vulnerabilityId": of_package("vulnerabilityId"), "vulnerabilitySource": of_package("source"), "vendorSeverity": of_package("vendorSeverity"),
    "relatedVulnerabilities": of_package("relatedVulnerabilities"),
    "lambdaFunctionName": of_resource(LAMBDA, "functionName"), "lambdaFunctionLayers": of_resource(LAMBDA, "layers"),
    "lambdaFunctionRuntime": of_resource(LAMBDA, "runtime"), "lambdaFunctionExecutionRoleArn": of_resource(LAMBDA, "executionRoleArn"),
    "codeVulnerabilityDetectorName": of_code("detectorName"), "codeVulnerabilityDetectorTags": of_code("detectorTags"),
    "codeVulnerabilityFilePath": lambda f: [p["filePath"] for p in of_code("filePath")(f)],
    "codeRepositoryProjectName": of_resource(CODE, "projectName"), "codeRepositoryProviderType": of_resource(CODE, "providerType"),
}
DATES = {
    "firstObservedAt": top("firstObservedAt"), "lastObservedAt": top("lastObservedAt"), "updatedAt": top("updatedAt"),
    "ecrImagePushedAt": of_resource(ECR, "pushedAt"), "ecrImageLastInUseAt": of_resource(ECR, "lastInUseAt"),
    "lambdaFunctionLastModifiedAt": of_resource(LAMBDA, "lastModifiedAt"),
}
NUMBERS = {
    "inspectorScore": top("inspectorScore"), "epssScore": lambda f: listed(f.get("epss", {}).get("score")), "ecrImageInUseCount": of_resource(ECR, "inUseCount"),
}
PACKAGE = {"name": "name", "version": "version", "release": "release", "architecture": "arch", "sourceLayerHash": "sourceLayerHash",
           "sourceLambdaLayerArn": "sourceLambdaLayerArn", "filePath": "filePath"}


def text(filters, values):
    wanted = [f for f in filters if f["comparison"] != "NOT_EQUALS"]
    refused = [f["value"] for f in filters if f["comparison"] == "NOT_EQUALS"]
    hit = lambda f, v: v == f["value"] if f["comparison"] == "EQUALS" else v.startswith(f["value"])
    return (not wanted or any(hit(f, v) for f in wanted for v in values)) and not any(v in refused for v in values)


def span(filters, values, low, high):
    def within(f):
        a, b = f.get(low), f.get(high)
        return a is None and b is None or any((a is None or v >= a) and (b is None or v <= b) for v in values)
    return any(within(f) for f in filters)


def tagged(filters, tags):
    return any(f["key"] in tags and ("value" not in f or tags[f["key"]] == f["value"]) for f in filters)


def ports(filters, finding):
    def within(f):
        a, b = f.get("beginInclusive"), f.get("endInclusive")
        return a is None and b is None or any((b is None or r["begin"] <= b) and (a is None or r["end"] >= a) for r in of_network("openPortRange")(finding))
    return any(within(f) for f in filters)


def packaged(filters, finding):
    def holds(f, p):
        for member, where in PACKAGE.items():
            if member in f and not text([f[member]], listed(p.get(where))):
                return False
        return "epoch" not in f or span([f["epoch"]], [p.get("epoch", 0)], "lowerInclusive", "upperInclusive")
    return any(not f or any(holds(f, p) for p in of_package("vulnerablePackages")(finding)) for f in filters)


def matches(criteria, finding):
    """Whether a finding meets filter criteria."""
    for name, filters in criteria.items():
        if name in STRINGS:
            ok = text(filters, STRINGS[name](finding))
        elif name in DATES:
            ok = span(filters, DATES[name](finding), "startInclusive", "endInclusive")
        elif name in NUMBERS:
            ok = span(filters, NUMBERS[name](finding), "lowerInclusive", "upperInclusive")
        else:
            ok = {"portRange": lambda: ports(filters, finding), "vulnerablePackages": lambda: packaged(filters, finding),
                  "resourceTags": lambda: tagged(filters, finding["resources"][0].get("tags", {}))}[name]()
        if not ok:
            return False
    return True


# Coverage: the same words over other rows.
def meta(kind, member):
    return lambda r: listed(r.get("resourceMetadata", {}).get(kind, {}).get(member))


def repository(row):
    if row["resourceType"] == "AWS_ECR_CONTAINER_IMAGE":
        return [row["resourceId"].split(":repository/")[1].rsplit("/", 1)[0]]
    return meta("ecrRepository", "name")(row)


COVERED = {
    "scanStatusCode": lambda r: [r["scanStatus"]["statusCode"]], "scanStatusReason": lambda r: [r["scanStatus"]["reason"]],
    "accountId": top("accountId"), "resourceId": top("resourceId"), "resourceType": top("resourceType"), "scanType": top("scanType"), "scanMode": top("scanMode"),
    "ecrRepositoryName": repository, "ecrImageTags": meta("ecrImage", "tags"), "lambdaFunctionName": meta("lambdaFunction", "functionName"),
    "lambdaFunctionRuntime": meta("lambdaFunction", "runtime"), "codeRepositoryProjectName": meta("codeRepository", "projectName"),
    "codeRepositoryProviderType": meta("codeRepository", "providerType"), "codeRepositoryProviderTypeVisibility": meta("codeRepository", "providerTypeVisibility"),
    "lastScannedCommitId": meta("codeRepository", "lastScannedCommitId"),
}
COVERED_DATES = {"lastScannedAt": top("lastScannedAt"), "imagePulledAt": meta("ecrImage", "imagePulledAt"), "ecrImageLastInUseAt": meta("ecrImage", "lastInUseAt")}
COVERED_NUMBERS = {"ecrImageInUseCount": meta("ecrImage", "inUseCount")}
COVERED_TAGS = {"ec2InstanceTags": ("ec2", "tags"), "lambdaFunctionTags": ("lambdaFunction", "functionTags")}


def covered(criteria, row):
    """Whether a covered resource meets coverage criteria."""
    for name, filters in criteria.items():
        if name in COVERED:
            ok = text(filters, COVERED[name](row))
        elif name in COVERED_DATES:
            ok = span(filters, COVERED_DATES[name](row), "startInclusive", "endInclusive")
        elif name in COVERED_NUMBERS:
            ok = span(filters, COVERED_NUMBERS[name](row), "lowerInclusive", "upperInclusive")
        else:
            kind, member = COVERED_TAGS[name]
            ok = tagged(filters, row.get("resourceMetadata", {}).get(kind, {}).get(member, {}))
        if not ok:
            return False
    return True
