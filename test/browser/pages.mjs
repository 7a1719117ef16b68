// Opens every page as a delegated administrator, a management account and a
// member, and fails on an uncaught error, a violation of the content policy, a
// request to elsewhere, a finding of axe, an English text on a Japanese page,
// or a page wider than the screen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { launch, open, settled, visit, violations } from "./browser.mjs";
import { english, language, t } from "./words.mjs";

const tickets = JSON.parse(process.env.MUSTER_TICKETS);
const artefacts = process.env.MUSTER_ARTEFACTS;
const look = language === "ja" ? { language, width: 390, height: 844, dark: true } : { language, width: 1280, height: 900 };

const pages = [
  "/dashboard", "/findings", "/findings?f=severity%3DHIGH&f=severity%3DMEDIUM&sort=-INSPECTOR_SCORE", "/findings?f=findingStatus%3DSUPPRESSED",
  "/findings/vulnerabilities", "/findings/accounts", "/findings/units", "/findings/instances", "/findings/images", "/findings/repositories", "/findings/layers", "/findings/functions", "/findings/packages",
  "/rules", "/rules/new?f=severity%3DLOW", "/network", "/exports", "/exports/new", "/exports/new?kind=SBOM&f=resourceType%3DAWS_EC2_INSTANCE", "/vulnerabilities", "/components", "/coverage", "/coverage?f=scanStatusCode%3DINACTIVE", "/start", "/doctor", "/doctor?regions=all", "/delegate",
  "/accounts", "/rollouts", "/settings", "/usage", "/feeds", "/agents", "/registries", "/code", "/destinations", "/jobs", "/audit", "/rules/history", "/security", "/switch-role?account=123456789012&role=Auditor", "/nowhere",
];

const browser = await launch();
let wrong = 0;
const complain = (...words) => {
  wrong++;
  console.log("WRONG", ...words);
};

async function check(page, path, who) {
  await page.screenshot({ path: join(artefacts, `${language}-${who}-${path.replace(/[^a-z]+/gi, "-").slice(1, 60)}.png`), fullPage: true });
  for (const v of new Set(await violations(page))) complain(who, path, v);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) complain(who, path, `is ${wide} pixels wider than the screen`);
  if (language === "ja") {
    const seen = await page.evaluate(() => {
      const list = [];
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("[lang=en], script, style")) list.push(walk.currentNode.data.trim());
      for (const e of document.querySelectorAll("[aria-label], [placeholder], [title]")) list.push(e.ariaLabel, e.getAttribute("placeholder"), e.title);
      return list;
    });
    for (const text of seen) if (english.has(text)) complain(who, path, `English on a Japanese page: ${text}`);
  }
}

async function round(who, paths, more = async () => undefined) {
  const { page, faults, context } = await open(browser, { ...look, token: tickets[who] });
  for (const path of paths) {
    await visit(page, path);
    await check(page, path, who);
  }
  await more(page);
  for (const f of new Set(faults)) complain(who, f);
  await context.close();
}

/** Through the list into one finding, and what can be done from there. */
async function findings(page) {
  await visit(page, "/findings");
  const rows = page.locator("tbody tr a");
  await rows.first().waitFor();
  const title = await rows.first().innerText();
  await rows.first().click();
  await settled(page);
  assert.equal((await page.locator("h1").innerText()).trim(), title.trim());
  await page.getByText(t("finding.scoreExplained")).waitFor();
  await page.getByText(t("finding.affected")).first().waitFor();
  await check(page, "/finding", "administrator");
  // A shared address opens the same finding again.
  const address = page.url();
  await page.reload();
  await settled(page);
  assert.equal(page.url(), address);
  assert.equal((await page.locator("h1").innerText()).trim(), title.trim());
}

/** What the network lets in: the way drawn, what has become of it, and the question that explains it. */
async function network(page) {
  await visit(page, "/findings?f=findingType%3DNETWORK_REACHABILITY");
  await page.locator("tbody tr a").first().click();
  await settled(page);
  const drawing = page.locator("svg[role=img]").first();
  await drawing.waitFor();
  assert.match(await drawing.innerHTML(), /InternetGateway[^]*NetworkInterface[^]*i-0000/);
  await page.getByText(t("historyKind.OPENED"), { exact: true }).first().waitFor();
  await check(page, "/finding of the network", "administrator");
  await page.getByRole("link", { name: t("network.explain") }).click();
  await page.getByText(t("network.changes"), { exact: true }).waitFor();
  await page.getByRole("table", { name: t("network.rules") }).getByText("tcp 22").first().waitFor();
  await page.getByRole("grid", { name: t("network.snapshots") }).getByText("us-east-1").waitFor();
  await check(page, "/network answered", "administrator");
}

/** A report of what a filter means is ordered, waited for and fetched; so is the bill of materials of one resource. */
async function exports(page) {
  await visit(page, "/findings?f=findingType%3DNETWORK_REACHABILITY");
  await page.getByRole("link", { name: t("exports.report") }).click();
  await page.getByRole("button", { name: t("exports.order"), exact: true }).click();
  await page.getByText(t("export.SUCCEEDED"), { exact: true }).first().waitFor();
  await page.locator("tbody input[type=radio]").first().check({ force: true });
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: t("exports.download"), exact: true }).click()]);
  assert.match(readFileSync(await file.path(), "utf8"), /^AWS Account Id,Severity,[^]*Port 22 is reachable/);
  await check(page, "/exports with one", "administrator");

  await visit(page, "/coverage?f=scanType%3DPACKAGE&f=scanStatusCode%3DACTIVE");
  await page.locator("tbody tr a").first().click();
  await settled(page);
  const list = page.getByRole("grid", { name: t("sbom.title") });
  await list.getByText(/^pkg:/).first().waitFor();
  await page.getByRole("searchbox", { name: t("sbom.filter") }).fill("libc6");
  await list.getByText(/^pkg:deb\/debian\/libc6@/).first().waitFor();
  await check(page, "/resource with its packages", "administrator");

  await visit(page, "/components");
  await page.getByRole("searchbox", { name: t("components.name") }).fill("IBC6");
  await page.keyboard.press("Enter");
  await page.getByRole("grid", { name: t("nav.components") }).getByText("libc6", { exact: true }).first().waitFor();
  assert.match(page.url(), /[?&]name=IBC6/);
  await check(page, "/components with what was found", "administrator");
  await page.locator("tbody tr a").first().click();
  await page.getByRole("grid", { name: t("sbom.title") }).waitFor();
}

/** A rule is made of a filter, previewed, acts at once, and is deleted again. */
async function rules(page) {
  await visit(page, "/findings?f=findingStatus%3DACTIVE");
  const [id] = /CVE-\d+-\d+/.exec(await page.locator("tbody").innerText());
  await visit(page, "/rules");
  await page.getByRole("checkbox", { name: t("rule.reasonRequired") }).click({ force: true });
  await page.getByText(t("rule.reasonNeeded")).waitFor();
  await visit(page, `/rules/new?f=vulnerabilityId%3D${id}`);
  await page.locator("tbody").getByText(id).first().waitFor();
  await page.getByLabel(t("rule.name"), { exact: true }).fill("accepted-for-now");
  await page.getByText(new RegExp(t("rule.needsReason"))).first().waitFor();
  await page.getByRole("button", { name: t("do.save") }).click();
  await page.locator("form").getByText(t("rule.needsReason"), { exact: true }).waitFor();
  await page.getByLabel(t("rule.reason"), { exact: true }).fill("Not reachable");
  const end = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel(t("rule.expires"), { exact: true }).first().fill(end.replaceAll("-", "/"));
  await page.getByRole("button", { name: t("do.save") }).click();
  await page.getByText(t("rule.saved", { name: "accepted-for-now" })).waitFor();
  await visit(page, "/rules");
  const row = page.locator("tbody tr").filter({ hasText: "accepted-for-now" });
  assert.ok(!(await row.innerText()).includes(t("rule.never")), "the rule has no end");
  assert.ok((await row.innerText()).includes("Not reachable"), "the rule has no reason");
  await check(page, "/rules with one", "administrator");
  await row.getByRole("link").first().click();
  await settled(page);
  assert.equal((await page.getByLabel(t("rule.expires"), { exact: true }).first().inputValue()).replaceAll("/", "-"), end, "the form forgets when the rule ends");
  await page.getByRole("link", { name: t("rule.historyOf") }).click();
  await page.getByText(t("ruleChange.CREATED"), { exact: true }).first().waitFor();
  await page.getByText(t("ruleChange.EXPIRY_SET"), { exact: true }).first().waitFor();
  await check(page, "/rules with a history", "administrator");
  const suppressed = `/findings?f=findingStatus%3DSUPPRESSED&f=vulnerabilityId%3D${id}`;
  await visit(page, suppressed);
  for (let tries = 0; !(await page.locator("tbody").innerText()).includes(id); tries++) {
    assert.ok(tries < 100, "the rule does not act");
    await page.getByRole("button", { name: t("do.refresh") }).click();
    await page.waitForTimeout(200);
  }
  await visit(page, "/rules");
  await page.locator("tbody input[type=radio]").first().check({ force: true });
  await page.getByRole("button", { name: t("rule.delete") }).click();
  await page.getByRole("dialog").getByRole("button", { name: t("do.delete") }).click();
  await page.getByText(t("rule.deleted", { name: "accepted-for-now" })).waitFor();
  await page.getByRole("checkbox", { name: t("rule.reasonRequired") }).click({ force: true });
  await page.getByText(t("rule.reasonFree")).waitFor();
}

/** The rows of the page as a file, without a formula in it. */
async function csv(page) {
  await visit(page, "/findings");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: t("do.download") }).click()]);
  const text = readFileSync(await file.path(), "utf8");
  const lines = text.trim().split("\r\n");
  assert.ok(lines[0].includes(t("finding.severity")) && lines.length > 1, `the file holds ${text.slice(0, 300)}`);
  assert.ok(lines.every((l) => !/^"?[=+@-]/.test(l)), "a cell begins like a formula");
}

/** The filter with keys alone: property, operator and value; the address says it, and a click on the cross takes it back. */
async function filter(page) {
  await visit(page, "/findings?f=");
  const box = page.getByRole("combobox", { name: t("filter.label") });
  await box.focus();
  await page.keyboard.type(`${t("finding.severity")} = ${t("severity.HIGH")}`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("severity%3DHIGH"));
  await settled(page);
}

/** The Back button takes back one filter after the other; a filter that is kept is there for later, and goes again. */
async function back(page) {
  const tokens = () => page.evaluate(() => decodeURIComponent(location.hash));
  await visit(page, "/findings?f=findingStatus%3DACTIVE");
  // The header stands there twice, as it sticks to the top.
  await page.locator("[data-focus-id=sorting-control-score]").first().evaluate((e) => e.click());
  await page.waitForFunction(() => location.hash.includes("INSPECTOR_SCORE"));
  const box = page.getByRole("combobox", { name: t("filter.label") });
  await box.focus();
  await page.keyboard.type(`${t("finding.severity")} = ${t("severity.HIGH")}`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("severity%3DHIGH"));
  await settled(page);

  await page.getByRole("button", { name: t("saved.title") }).click();
  await page.getByRole("menuitem", { name: t("saved.save") }).click();
  await page.getByRole("dialog").getByLabel(t("rule.name"), { exact: true }).fill("the-high-ones");
  await page.getByRole("dialog").getByRole("button", { name: t("do.save") }).click();
  await page.getByText(t("saved.saved", { name: "the-high-ones" })).waitFor();

  await page.getByRole("button", { name: t("command.title") }).click();
  const line = await page.getByText(/^aws inspector2 list-findings/).innerText();
  assert.ok(line.includes('"severity":[{"comparison":"EQUALS","value":"HIGH"}]') && line.includes("INSPECTOR_SCORE"), line);
  await page.keyboard.press("Escape");

  await page.goBack();
  await page.waitForFunction(() => !location.hash.includes("severity%3DHIGH"));
  assert.ok((await tokens()).includes("INSPECTOR_SCORE"), "Back takes back more than the last change");
  await page.goBack();
  await page.waitForFunction(() => !location.hash.includes("INSPECTOR_SCORE"));
  await settled(page);
  assert.match(await page.locator("main").innerText(), new RegExp(t("severity.CRITICAL") + "|" + t("severity.MEDIUM")), "the list does not follow");

  await page.getByRole("button", { name: t("saved.title") }).click();
  await page.getByRole("menuitem", { name: "the-high-ones" }).first().click();
  await page.waitForFunction(() => location.hash.includes("severity%3DHIGH"));
  await settled(page);
  await page.getByRole("button", { name: t("saved.title") }).click();
  await page.getByRole("menuitem", { name: "the-high-ones" }).last().click();
  await page.getByRole("dialog").getByRole("button", { name: t("do.delete") }).click();
  await page.getByText(t("saved.deleted", { name: "the-high-ones" })).waitFor();
}

/** What was done just now stands in the audit log, which can be restricted to it; members are refused the organization's. */
async function log(page) {
  await visit(page, "/audit?f=operation%3DCreateFilter");
  await page.locator("tbody tr").first().waitFor();
  const rows = await page.locator("tbody tr").allInnerTexts();
  assert.ok(rows.length > 0 && rows.every((r) => r.includes("CreateFilter")) && rows[0].includes(t("auditOutcome.SUCCESS")), `the log holds ${rows}`);
  assert.equal(await page.getByRole("checkbox", { name: t("audit.organization") }).count(), 0, "only the management account may read everybody's");
}

/** With keys alone: past the navigation to the page, into a dialog that keeps the focus, and out of it to where it was opened. */
async function keys(page) {
  await visit(page, "/accounts");
  await page.reload();
  await settled(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), t("app.skip"));
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  assert.ok(page.url().endsWith("#/accounts"), "the address has changed");
  const opener = page.getByRole("button", { name: t("account.associate"), exact: true });
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => !!document.activeElement.closest("[role=dialog]")), "the focus leaves the dialog");
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.ok(await opener.evaluate((e) => e === document.activeElement), "the focus does not return");
  // Every stop of the Tab key on the way through the page is seen to be one.
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press("Tab");
    const unseen = await page.evaluate(() => {
      const e = document.activeElement;
      const box = e.getBoundingClientRect();
      return box.width === 0 && box.height === 0 ? e.outerHTML.slice(0, 120) : "";
    });
    assert.equal(unseen, "", "the focus is where nobody sees it");
  }
}

/** A code for a further host, shown once. */
async function activation(page) {
  await visit(page, "/agents");
  await page.getByRole("button", { name: t("agents.create") }).click();
  await page.getByRole("dialog").getByRole("button", { name: t("do.create") }).click();
  await page.getByText(/muster-agent enroll --server/).waitFor();
  await check(page, "/agents with a code", "member");
}

/** From the management account into a member, and back. */
async function roles(page) {
  await visit(page, `/switch-role?account=${tickets.account}&role=OrganizationAccountAccessRole`);
  await page.getByRole("button", { name: t("role.switch") }).last().click();
  await page.waitForFunction((account) => JSON.parse(sessionStorage.getItem("muster.session")).accountId === account, tickets.account);
  await settled(page);
  const session = await page.evaluate(() => JSON.parse(sessionStorage.getItem("muster.session")));
  assert.ok(session.base && session.role, "the session does not remember where it came from");
  await page.evaluate((s) => sessionStorage.setItem("muster.session", JSON.stringify({ ...s, expiresAt: new Date(Date.now() + 30_000).toISOString() })), session);
  await page.reload();
  await settled(page);
  const renewed = await page.evaluate(() => JSON.parse(sessionStorage.getItem("muster.session")));
  assert.notEqual(renewed.accessKeyId, session.accessKeyId, "a role's session is not renewed");
}

try {
  await round("administrator", pages, async (page) => {
    await findings(page);
    await csv(page);
    await network(page);
    if (language === "en") {
      await filter(page);
      await back(page);
      await rules(page);
      await log(page);
      await exports(page);
      await keys(page);
    }
  });
  await round("management", ["/dashboard", "/start", "/delegate", "/doctor"], roles);
  await round("member", ["/dashboard", "/start", "/delegate", "/accounts", "/rules", "/settings", "/doctor"], async (page) => {
    await visit(page, "/accounts");
    await page.locator("tbody").getByText(/\d{12}/).first().waitFor();
    assert.equal(await page.getByRole("button", { name: t("account.deactivateInspector") }).count(), 0, "a member is offered to switch itself off");
    await activation(page);
  });
  const { page, faults } = await open(browser, look);
  await page.goto(`${process.env.MUSTER_URL}/console/`);
  await settled(page);
  await check(page, "/sign-in", "nobody");
  for (const f of new Set(faults)) complain("nobody", f);
} finally {
  await browser.close();
}
assert.equal(wrong, 0, `${wrong} things are wrong`);
