// Tests of what needs no page: run by `npm test`, which bundles them for Node.
import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { serialize } from "../src/api/call";
import { ListFindings, ListTagsForResource } from "../src/api/inspector2";
import { flatten } from "../src/api/query";
import { bytes, hex, hmac, sha256 } from "../src/api/sha256";
import { sign } from "../src/api/sign";
import { AssumeRole } from "../src/api/sts";
import { findingProperties } from "../src/filters/findingproperties";
import { criteria, read, seconds, spelled, type Token, valid, write } from "../src/filters/property";
import { coverageProperties } from "../src/pages/coverageproperties";
import { tokensOf } from "../src/pages/rulecriteria";
import { auditQuestion } from "../src/pages/audit";
import { everyPage, untilFound } from "../src/shell/loading";
import { href, parse } from "../src/shell/route";
import { command, kebab, quoted } from "../src/table/cli";
import { displayed } from "../src/table/columns";
import { csv } from "../src/table/csv";
import { text, texts } from "../src/text";

const project = process.env.MUSTER_PROJECT!;

test("SHA-256 and HMAC are those of everybody else", () => {
  for (const n of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 70_000]) {
    const message = randomBytes(n);
    assert.equal(hex(sha256(message)), createHash("sha256").update(message).digest("hex"));
    const key = randomBytes(n % 150);
    assert.equal(hex(hmac(key, message)), createHmac("sha256", key).update(message).digest("hex"));
  }
});

test("a request is signed as AWS's published example is", () => {
  // GET ListUsers of "Signature Version 4 signing process", with its keys of documentation.
  const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
  const request = { method: "GET", path: "/", query: [["Action", "ListUsers"], ["Version", "2010-05-08"]] as [string, string][], headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }, body: "" };
  const signed = sign(request, "iam.amazonaws.com", "iam", "us-east-1", credentials, new Date("2015-08-30T12:36:00Z"));
  assert.match(signed.authorization, /Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7$/);
});

test("inputs go on the wire in each protocol's form", () => {
  assert.deepEqual(JSON.parse(serialize(ListFindings, { maxResults: 5, nextToken: undefined }).body), { maxResults: 5 });
  assert.equal(serialize(ListTagsForResource, { resourceArn: "arn:aws:inspector2:a/b" }).path, "/tags/arn%3Aaws%3Ainspector2%3Aa%2Fb");
  assert.match(serialize(AssumeRole, { RoleArn: "arn:x", RoleSessionName: "me" }).body, /^Action=AssumeRole&RoleArn=arn%3Ax&RoleSessionName=me&Version=2011-06-15$/);
  assert.deepEqual(flatten({ Tags: [{ Key: "a", Value: "b" }], N: 1 }), [["Tags.member.1.Key", "a"], ["Tags.member.1.Value", "b"], ["N", "1"]]);
});

test("every criterion of the APIs can be filtered by", () => {
  const model = JSON.parse(readFileSync(join(project, "internal/awsmodel/models/inspector2.json"), "utf8"));
  for (const [shape, properties] of [["FilterCriteria", findingProperties], ["CoverageFilterCriteria", coverageProperties]] as const) {
    const wanted = new Set<string>();
    for (const member of Object.keys(model.shapes[shape].members)) {
      if (member !== "vulnerablePackages") wanted.add(member);
      else for (const m of Object.keys(model.shapes.PackageFilter.members)) wanted.add(`vulnerablePackages.${m}`);
    }
    assert.deepEqual(new Set(properties.map((p) => p.key)), wanted);
  }
});

const samples: Record<string, string> = { date: "2026-11-22", number: "7.5", port: "20-25", tag: "env=prod", text: "a=b^c", exact: "x" };

test("a filter comes back from its address and from the API's form", () => {
  for (const p of findingProperties) {
    const value = p.values?.[0] ?? samples[p.kind];
    const operator = p.kind === "date" || p.kind === "number" ? ">=" : "=";
    const token: Token = { key: p.key, operator, value };
    const params = new URLSearchParams();
    write(params, [token]);
    const back = read(new URLSearchParams(params.toString()), findingProperties);
    assert.deepEqual(back, [token], spelled(token));
    const asked = criteria([token], findingProperties);
    assert.ok(asked, p.key);
    const [stored] = tokensOf(asked as never);
    assert.deepEqual(criteria([stored], findingProperties), asked, `${p.key} after being stored`);
  }
});

test("ranges narrow, choices add up, a package is one package", () => {
  const t = (key: string, operator: string, value: string) => ({ key, operator, value });
  assert.deepEqual(criteria([t("inspectorScore", ">=", "7"), t("inspectorScore", "<=", "9")], findingProperties), { inspectorScore: [{ lowerInclusive: 7, upperInclusive: 9 }] });
  assert.deepEqual(criteria([t("severity", "=", "HIGH"), t("severity", "=", "LOW")], findingProperties)!.severity.length, 2);
  assert.deepEqual(criteria([t("vulnerablePackages.name", "=", "perl"), t("vulnerablePackages.version", "^", "5."), t("vulnerablePackages.name", "=", "zip")], findingProperties), {
    vulnerablePackages: [{ name: { comparison: "EQUALS", value: "perl" }, version: { comparison: "PREFIX", value: "5." } }, { name: { comparison: "EQUALS", value: "zip" } }],
  });
  assert.equal(seconds("2026-11-22", true) - seconds("2026-11-22", false), 86_399);
  const port = findingProperties.find((p) => p.kind === "port")!;
  assert.deepEqual(["22", "20-25", "25-20", "x", "70000"].map((v) => valid(port, v)), [true, true, false, false, false]);
});

test("addresses with nonsense are read as far as they make sense", () => {
  for (const nonsense of ["f=", "f=severity", "f=unknown%3Dx", "f=severity%3E%3D5"]) assert.deepEqual(read(new URLSearchParams(nonsense), findingProperties), []);
  assert.equal(read(new URLSearchParams("page=2"), findingProperties), undefined);
});

test("a file holds no formula", () => {
  assert.equal(csv(["a"], [["=1+1"], ["@x"], ['say "hi", twice'], ["-2"], ["+3"]]), 'a\r\n\'=1+1\r\n\'@x\r\n"say ""hi"", twice"\r\n\'-2\r\n\'+3\r\n');
});

test("what a spreadsheet might run or break at is disarmed", () => {
  const lines = csv(["a", "b"], [["\t=1+1", "x,y"], ["\r=1", "1-1"], ["", "two\nlines"], ["日本", "a=b"]]).split("\r\n");
  assert.deepEqual(lines.slice(0, 2), ["a,b", "'\t=1+1,\"x,y\""]);
  assert.equal(lines.slice(2).join("\r\n"), "\"'\r=1\",1-1\r\n,\"two\nlines\"\r\n日本,a=b\r\n");
});

test("what a page shows stands in its address and comes back from it", () => {
  const params = new URLSearchParams([["f", "title=a&b=c d"], ["f", "severity=HIGH"], ["sort", "-X"]]);
  const back = parse(href("/findings", params));
  assert.deepEqual([back.path, [...back.params]], ["/findings", [...params]]);
  assert.equal(href("/x", { a: undefined, b: "", c: "1" }), "#/x?c=1");
  assert.deepEqual(parse("").path, "/");
});

test("empty pages are no end", async () => {
  const pages: Record<string, { items: number[]; nextToken?: string }> = { "": { items: [], nextToken: "a" }, a: { items: [], nextToken: "b" }, b: { items: [1, 2], nextToken: "c" }, c: { items: [], nextToken: "d" }, d: { items: [3] } };
  const asked: string[] = [];
  const page = async (token = "") => {
    asked.push(token);
    return pages[token];
  };
  assert.deepEqual(await untilFound(page, undefined, new AbortController().signal), { items: [1, 2], nextToken: "c" });
  assert.deepEqual(await untilFound(page, "c", new AbortController().signal), { items: [3] });
  assert.deepEqual(asked, ["", "a", "b", "c", "d"]);
  assert.deepEqual(await everyPage(page), [1, 2, 3]);
  const abort = new AbortController();
  abort.abort();
  assert.deepEqual(await untilFound(page, undefined, abort.signal), { items: [], nextToken: "a" }, "goes on although nobody waits");
  let n = 0;
  await everyPage(async () => ({ items: [n++], nextToken: "more" }), 10);
  assert.equal(n, 10, "a server that never ends is followed for ever");
});

test("a command asks the AWS CLI for the same", () => {
  assert.deepEqual(["ListFindings", "filterCriteria", "accountIds", "BatchGetEc2"].map(kebab), ["list-findings", "filter-criteria", "account-ids", "batch-get-ec2"]);
  assert.deepEqual(["a", "it's", "a b", "$x", ""].map(quoted), ["a", "'it'\\''s'", "'a b'", "'$x'", "''"]);
  const asked = { service: "inspector2", operation: "ListFindings", input: { filterCriteria: criteria([{ key: "title", operator: "=", value: "a'b" }], findingProperties), sortCriteria: undefined, organization: true } };
  assert.equal(command(asked, "us-east-1", "http://127.0.0.1:8440"),
    `aws inspector2 list-findings --filter-criteria '{"title":[{"comparison":"EQUALS","value":"a'\\''b"}]}' --organization --region us-east-1 --endpoint-url http://127.0.0.1:8440`);
});

test("columns keep the reader's order, and new ones their place", () => {
  const columns = ["a", "b", "c", "d"].map((id) => ({ id }));
  const shown = (order: string[], visible: string[]) => displayed(columns, { order, visible }).map((c) => (c.visible ? c.id : `(${c.id})`)).join("");
  assert.equal(shown([], ["a", "c"]), "a(b)c(d)");
  assert.equal(shown(["c", "a", "b", "d"], ["a", "b", "c"]), "cab(d)");
  assert.equal(shown(["a", "gone", "b"], ["a", "d"]), "a(c)(b)d".replace("(c)(b)", "(b)(c)"));
});

test("numbers and times are the reader's", () => {
  const at = Date.UTC(2026, 10, 22, 3, 4, 5) / 1000;
  const [en, ja] = [text("en"), text("ja")];
  const here = new Date(at * 1000);
  assert.match(ja.time(at), new RegExp(`^2026/\\d{2}/\\d{2} ${here.getHours()}:0?${here.getMinutes()}$`));
  assert.match(ja.moment(at), /:05$/);
  assert.match(en.moment(at), /:05 [AP]M$/);
  assert.match(ja.day(at), /^2026\/11\/2\d$/);
  assert.equal(ja.number(1234567.5), "1,234,567.5");
  for (const t of [en, ja]) assert.deepEqual([t.time(undefined), t.moment(undefined), t.day(undefined), t.number(undefined)], ["–", "–", "–", "–"]);
  assert.equal(en.t("doctor.accounts", { n: 1 }), "1 account");
  assert.equal(en.t("doctor.accounts", { n: 2000 }), "2,000 accounts");
  assert.equal(ja.t("doctor.accounts", { n: 1 }), "1 件のアカウント");
  assert.equal(en.name("severity", "NEW_WORD"), "NEW_WORD");
});

test("a page's filter is what its operation takes", () => {
  const t = (key: string, operator: string, value: string) => ({ key, operator, value });
  assert.deepEqual(auditQuestion([t("operation", "=", "Enable"), t("time", ">=", "2026-11-22"), t("time", "<=", "2026-11-22")]), { operation: "Enable", startTime: Date.UTC(2026, 10, 22) / 1000, endTime: Date.UTC(2026, 10, 22, 23, 59, 59) / 1000 });
  assert.deepEqual(criteria([t("resourceTags", "=", "env=prod=1"), t("resourceTags", "=", "team")], findingProperties), { resourceTags: [{ comparison: "EQUALS", key: "env", value: "prod=1" }, { comparison: "EQUALS", key: "team" }] });
  assert.deepEqual(criteria([t("portRange", "=", "22"), t("portRange", "=", "80-90")], findingProperties), { portRange: [{ beginInclusive: 22, endInclusive: 22 }, { beginInclusive: 80, endInclusive: 90 }] });
  assert.equal(criteria([t("severity", "=", "TERRIBLE")], findingProperties), undefined);
  assert.equal(criteria([], findingProperties), undefined);
});

test("every text is in both languages, with the same places", () => {
  const places = (s: string) => [...s.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, [en, ja]] of Object.entries(texts)) {
    assert.ok(en && ja, key);
    assert.deepEqual(places(en), places(ja), key);
    const latin = /^[\x00-\x7f–…]*$/.test(ja);
    assert.ok(!latin || en === ja, `${key} is not Japanese: ${ja}`);
  }
  assert.equal(text("en").t("table.selected", { n: 12345 }), "12,345 selected");
});

test("every word of the APIs that is shown has a name", () => {
  const inspector = JSON.parse(readFileSync(join(project, "internal/awsmodel/models/inspector2.json"), "utf8")).shapes;
  const own = JSON.parse(readFileSync(join(project, "internal/awsmodel/models/muster.json"), "utf8")).shapes;
  const groups: [string, string[]][] = [
    ["severity", inspector.Severity.enum], ["findingStatus", inspector.FindingStatus.enum], ["findingType", inspector.FindingType.enum], ["resourceType", inspector.CoverageResourceType.enum],
    ["scanType", inspector.ResourceScanType.enum], ["scanKind", inspector.ScanType.enum], ["scanMode", [...inspector.ScanMode.enum, ...inspector.Ec2ScanMode.enum]], ["status", inspector.Status.enum],
    ["relationship", [...inspector.RelationshipStatus.enum, ...own.AccountRelationship.enum]], ["deep", inspector.Ec2DeepInspectionStatus.enum], ["reason", inspector.ScanStatusReason.enum], ["todo", inspector.ScanStatusReason.enum],
    ["rescan", [...inspector.EcrRescanDuration.enum, ...inspector.EcrPullDateRescanDuration.enum]], ["pullMode", inspector.EcrPullDateRescanMode.enum], ["usage", inspector.UsageType.enum], ["scanStatus", inspector.ScanStatusCode.enum],
    ["feed", own.FeedStatus.enum], ["job", own.JobStatus.enum], ["host", own.HostStatus.enum], ["rollout", [...own.RolloutStatus.enum, ...own.RolloutRegionStatus.enum]], ["rolloutAction", own.RolloutAction.enum], ["outcome", own.RolloutOutcome.enum],
    ["problem", own.ProblemCode.enum], ["remedyRole", own.RemedyRole.enum], ["problemSeverity", own.Severity.enum], ["accountState", own.AccountState.enum], ["delegation", inspector.DelegatedAdminStatus.enum],
    ["activationStatus", own.ActivationStatus.enum], ["registryStatus", own.RegistryConnectionStatus.enum], ["sinkKind", own.SinkKind.enum],
    ["sinkStatus", own.SinkStatus.enum], ["ruleChange", own.FilterChange.enum], ["auditOutcome", own.AuditOutcome.enum], ["historyKind", own.FindingHistoryKind.enum], ["networkSource", own.NetworkSource.enum],
    ["exportKind", own.ExportKind.enum], ["export", own.ExportStatus.enum], ["exportError", inspector.ReportingErrorCode.enum], ["exportFormat", [...inspector.ReportFormat.enum, ...inspector.SbomReportFormat.enum]],
  ];
  for (const [group, words] of groups) for (const word of words) assert.ok(`${group}.${word}` in texts, `${group}.${word}`);
});

/** The sources of the pages. */
function sources(folder = join(project, "internal/console/ui/src")): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? sources(join(folder, e.name)) : e.name.endsWith(".tsx") ? [join(folder, e.name)] : []));
}

test("no text stands in a page itself", () => {
  const attribute = /\b(?:header|headerText|title|label|text|description|placeholder|ariaLabel|aria-label|empty|loadingText|constraintText|errorText|content)(?:=|: )"([^"]*[A-Za-z]{2}[^"]*)"/g;
  const between = /(?<!=)>\s*([A-Z][a-z]+(?: [a-z]+)+|[A-Z][a-z]{3,})\s*</g;
  for (const path of sources()) {
    const source = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const [, said] of [...source.matchAll(attribute), ...source.matchAll(between)]) assert.ok(said in texts || said.startsWith("CVSS"), `${path}: ${said}`);
  }
});

test("every text is used", () => {
  const all = [...sources(), ...readdirSync(join(project, "internal/console/ui/src"), { recursive: true }).filter((n) => String(n).endsWith(".ts")).map((n) => join(project, "internal/console/ui/src", String(n)))]
    .filter((n) => !/\/(text|api)\/[a-z0-9]+\.ts$/.test(n)).map((n) => readFileSync(n, "utf8")).join("\n");
  const spoken = /^(severity|findingStatus|findingType|resourceType|yesNo|scanType|scanKind|scanMode|scanStatus|status|relationship|accountState|deep|rescan|pullMode|settingStatus|usage|feed|job|work|host|rollout|rolloutAction|outcome|delegation|standing|remedyRole|problemSeverity|problem|reason|todo|error|start|activationStatus|registryStatus|sinkKind|codeProvider|codeStatus|sinkStatus|historyKind|networkSource|ruleChange|auditOutcome|exportKind|export|exportError|exportFormat)\./;
  const unused = Object.keys(texts).filter((key) => !all.includes(`"${key}"`) && !spoken.test(key));
  assert.deepEqual(unused, []);
});
