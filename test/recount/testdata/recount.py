"""Recalculates what a server says of its organization, and compares.

usage: recount.py PLAN QUESTIONS
"""
import json
import random as randoms
import sys
import time

import ask
import cli
import coverage
import exports
import findings
import groups
import kinds
import others
import own
import raw
import wrong
from draw import Draw


class Report:
    """What was compared, and what differs."""

    def __init__(self):
        self.checked, self.wrong = 0, []

    def same(self, question, got, expected):
        self.checked += 1
        if got == expected:
            return True
        if isinstance(got, (set, list)) and isinstance(expected, (set, list)):
            extra, missing = [x for x in got if x not in expected], [x for x in expected if x not in got]
            self.note(f"{question}\n  unexpected {extra[:3]} of {len(extra)}\n  missing    {missing[:3]} of {len(missing)}")
        else:
            self.note(f"{question}\n  got      {got!r}\n  expected {expected!r}")
        return False

    def true(self, question, holds, why=lambda: ""):
        self.checked += 1
        if not holds:
            self.note(f"{question}: no\n  {why()}")
        return bool(holds)

    def note(self, text):
        self.wrong.append(text[:1200])


def whole_of(callers):
    """Every finding that anybody sees in a Region, from those whose it is."""
    return [f for at in (("audit", "us-east-1"), ("stranger", "us-east-1")) for f in callers[at].whole("list_findings", "findings", 100)]


def hide(admin):
    """Rules that stay: of a package, and of everything that a tag is on."""
    criteria = {"one-package": {"vulnerablePackages": [{"name": {"comparison": "EQUALS", "value": "zlib1g"}, "epoch": {"lowerInclusive": 1}}]},
                "by-tag": {"resourceTags": [{"comparison": "EQUALS", "key": "owner@x.y:z"}], "severity": [{"comparison": "EQUALS", "value": "LOW"}]}}
    for name, c in criteria.items():
        admin.inspector.create_filter(name=name, action="SUPPRESS", filterCriteria=c)


def main():
    plan, questions = json.load(open(sys.argv[1])), int(sys.argv[2])
    random, report = randoms.Random(plan["Seed"]), Report()
    callers = {(a["Name"], r): ask.Caller(plan["URL"], a, r) for a in plan["Accounts"] for r in plan["Regions"]}
    for caller in callers.values():
        caller.governed = {a["ID"] for a in plan["Accounts"] if a["Seen"]} if caller.name == "audit" else {caller.id}
        caller.pick_account = lambda r: r.choice(plan["Accounts"])["ID"]
    read = lambda operation, key, size: {at: c.whole(operation, key, size) for at, c in callers.items()}
    wholes, covered = read("list_findings", "findings", 100), read("list_coverage", "coveredResources", 200)
    raw.check(report, plan, callers, wholes)
    kinds.check_windows(report, plan, callers, wholes)
    kinds.check_networks(report, plan, callers, wholes)
    findings.check_scope(report, callers, wholes)
    coverage.check_plan(report, plan, callers, covered)
    admin = callers["audit", "us-east-1"]
    hide(admin)
    wholes = read("list_findings", "findings", 100)
    whole = wholes["audit", "us-east-1"]
    draw = Draw(random, whole)
    steps = {
        "findings": lambda: findings.ask(report, random, draw, callers, wholes, questions),
        "aggregations": lambda: groups.ask(report, random, draw, callers, wholes, questions),
        "coverage": lambda: coverage.ask(report, random, Draw(random, covered["audit", "us-east-1"], coverage=True), callers, covered, questions),
        "reports": lambda: [exports.check_reports(report, draw, callers[n, "us-east-1"], wholes[n, "us-east-1"], 3) for n in ("audit", "ann")],
        "sboms": lambda: [exports.check_sboms(report, plan, callers[n, "us-east-1"], wholes[n, "us-east-1"], covered[n, "us-east-1"]) for n in ("audit", "stranger")],
        "details": lambda: others.check_details(report, random, plan, admin, whole, wholes["stranger", "us-east-1"][0]["findingArn"]),
        "summaries": lambda: own.check_summary(report, callers, wholes, covered),
        "members": lambda: own.check_members(report, callers, wholes, covered),
        "previews": lambda: own.check_previews(report, draw, callers, wholes),
        "lives": lambda: own.check_lives(report, plan, callers, wholes),
        "clusters": lambda: own.check_clusters(report, plan, callers, covered),
        "usage": lambda: own.check_usage(report, plan, callers, covered),
        "vulnerabilities": lambda: others.check_vulnerabilities(report, plan, admin),
        "accounts": lambda: others.check_accounts(report, plan, callers),
        "ecr": lambda: others.check_ecr(report, callers, wholes, covered),
        "wrong input": lambda: wrong.ask(report, callers, plan),
        "aws": lambda: cli.ask(report, callers, wholes, covered),
        "operators": lambda: own.check_operators(report, draw, callers, wholes),
        "rules": lambda: findings.ask_rules(report, random, draw, admin, lambda: whole_of(callers), questions // 4),
    }
    for name, step in steps.items():
        if not sys.argv[3:] or not sys.argv[3] or name in sys.argv[3]:
            began, before = time.monotonic(), report.checked
            step()
            print(f"{name}: {report.checked - before} comparisons in {time.monotonic() - began:.1f} s", flush=True)
    print(f"{report.checked} comparisons, {len(report.wrong)} differ")
    print("\n".join(report.wrong[:20]))
    sys.exit(bool(report.wrong))


main()
