"""The AWS CLI itself, in the shapes that its documentation shows."""
import json
import os
import subprocess
import sys
import tempfile

from ask import environment
from oracle import matches

try:
    from awscli.clidriver import create_clidriver
except ImportError:  # installed for another Python
    create_clidriver = None

SHORT = "--filter-criteria"


def run(caller, *arguments):
    """A call, in a process of its own; the CLI's code is loaded once where it can be."""
    arguments = ["--endpoint-url", caller.url, "inspector2", *arguments]
    if create_clidriver is None:
        done = subprocess.run(["aws", *arguments], env={**os.environ, **environment(caller)}, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr
    sys.stdout.flush()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(environment(caller), arguments, out, err)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), *(text(f) for f in (out, err))


def child(env, arguments, out, err):
    os.environ.update(env)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    code = 255
    try:
        code = create_clidriver().main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def text(file):
    file.seek(0)
    return file.read().decode()


def answer(report, caller, *arguments):
    code, out, err = run(caller, *arguments)
    report.true(f"aws {arguments}: exit code", code == 0, lambda: err)
    try:
        return json.loads(out)
    except json.JSONDecodeError:
        return out.strip()


def ask(report, callers, wholes, coverage):
    admin, whole, rows = callers["audit", "us-east-1"], wholes["audit", "us-east-1"], coverage["audit", "us-east-1"]
    active = [f for f in whole if f["status"] == "ACTIVE"]
    ask = lambda *arguments: answer(report, admin, *arguments)
    count = lambda **c: sum(matches({k: [{"comparison": "EQUALS", "value": v}] for k, v in c.items()}, f) for f in whole)
    report.same("aws list-findings, all pages", ask("list-findings", "--query", "length(findings[])"), len(whole))
    report.same("aws list-findings, JSON criteria", ask("list-findings", SHORT, '{"severity":[{"comparison":"EQUALS","value":"HIGH"}],"findingStatus":[{"comparison":"EQUALS","value":"ACTIVE"}]}',
                                                      "--query", "length(findings)"), count(severity="HIGH", findingStatus="ACTIVE"))
    report.same("aws list-findings, shorthand", sorted(ask("list-findings", SHORT, "severity=[{comparison=EQUALS,value=CRITICAL}],resourceType=[{comparison=EQUALS,value=AWS_EC2_INSTANCE}]",
                                                          "--query", "findings[].findingArn")),
                sorted(f["findingArn"] for f in whole if f["severity"] == "CRITICAL" and f["resources"][0]["type"] == "AWS_EC2_INSTANCE"))
    first = ask("list-findings", "--max-items", "7", "--page-size", "3", "--sort-criteria", "field=SEVERITY,sortOrder=DESC")
    rest = ask("list-findings", "--starting-token", first["NextToken"], "--page-size", "100", "--sort-criteria", "field=SEVERITY,sortOrder=DESC", "--query", "findings[].findingArn")
    report.same("aws list-findings, in two parts", sorted([f["findingArn"] for f in first["findings"]] + rest), sorted(f["findingArn"] for f in whole))
    lines = ask("list-findings", SHORT, "findingType=[{comparison=EQUALS,value=NETWORK_REACHABILITY}]", "--query", "findings[].[severity,title]", "--output", "text")
    report.same("aws list-findings as text", sorted(lines.splitlines()), sorted(f"{f['severity']}\t{f['title']}" for f in whole if f["type"] == "NETWORK_REACHABILITY"))
    one = active[0]["updatedAt"].isoformat()
    report.same("aws list-findings of one moment", ask("list-findings", SHORT, json.dumps({"updatedAt": [{"startInclusive": one[:19] + "+00:00"}]}), "--query", "length(findings)"),
                sum(f["updatedAt"] >= active[0]["updatedAt"].replace(microsecond=0) for f in whole))
    totals = ask("list-finding-aggregations", "--aggregation-type", "ACCOUNT", "--query", "responses[].accountAggregation.[accountId,severityCounts.all]")
    report.same("aws list-finding-aggregations", sorted(map(tuple, totals)), sorted((a, sum(f["awsAccountId"] == a for f in active)) for a in {f["awsAccountId"] for f in active}))
    names = ask("list-finding-aggregations", "--aggregation-type", "PACKAGE", "--aggregation-request", '{"packageAggregation":{"packageNames":[{"comparison":"PREFIX","value":"lib"}],"sortBy":"ALL"}}',
                "--query", "responses[].packageAggregation.packageName")
    report.same("aws list-finding-aggregations of packages", set(names), {p["name"] for f in active for p in f.get("packageVulnerabilityDetails", {}).get("vulnerablePackages", []) if p["name"].startswith("lib")})
    report.same("aws list-coverage", ask("list-coverage", "--query", "length(coveredResources)"), len(rows))
    report.same("aws list-coverage, AWS's example", ask("list-coverage", SHORT, '{"resourceType":[{"comparison":"EQUALS","value":"AWS_ECR_INSTANCE"}]}')["coveredResources"], [])
    by = ask("list-coverage-statistics", "--group-by", "RESOURCE_TYPE")
    report.same("aws list-coverage-statistics", ({g["groupKey"]: g["count"] for g in by["countsByGroup"]}, by["totalCounts"]),
                ({t: sum(r["resourceType"] == t for r in rows) for t in {r["resourceType"] for r in rows}}, len(rows)))
    for arguments, words in [(("list-findings", "--max-results", "101"), "maxResults"), (("list-findings", "--next-token", "x", "--no-paginate"), "nextToken"),
                             (("list-findings", SHORT, "severity=[{comparison=EQUALS,value=Critical}]"), "severity")]:
        code, _, err = run(admin, *arguments)
        report.true(f"aws {arguments} is refused", code == 254 or code == 255, lambda: (code, err))
        report.true(f"aws {arguments} says why", "ValidationException" in err and words in err, lambda: err)
