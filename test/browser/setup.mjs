// The set-up of an organization as the console's walkthrough tells it, from
// the management account to the member that cannot switch itself off.
import assert from "node:assert/strict";
import { join } from "node:path";
import { launch, open, settled, visit, violations } from "./browser.mjs";
import { language, t } from "./words.mjs";

const given = JSON.parse(process.env.MUSTER_TICKETS);
const region = "us-east-1";
const browser = await launch();
const faults = [];

async function as(who) {
  const opened = await open(browser, { language, width: 1400, height: 1000, token: given[who] });
  faults.push(opened.faults);
  return opened.page;
}

async function picture(page, name) {
  await page.screenshot({ path: join(process.env.MUSTER_ARTEFACTS, `setup-${language}-${name}.png`), fullPage: true });
  assert.deepEqual([...new Set(await violations(page))], [], name);
}

const button = (page, key, values) => page.getByRole("button", { name: t(key, values), exact: true });
const dialog = (page) => page.getByRole("dialog");

try {
  // The management account delegates, in two Regions at once.
  const management = await as("management");
  await visit(management, "/start");
  await management.getByText(t("start.delegate")).first().waitFor();
  await picture(management, "start");
  await visit(management, "/delegate");
  await management.getByLabel(t("delegate.account"), { exact: true }).fill(given.auditAccount);
  await management.locator("form").getByLabel(t("delegate.regions")).first().click();
  await management.getByRole("option", { name: "eu-west-1" }).click();
  await management.keyboard.press("Escape");
  await button(management, "delegate.delegate").click();
  const asked = await dialog(management).innerText();
  assert.ok(asked.includes(given.auditAccount) && asked.includes(region) && asked.includes("eu-west-1") && asked.includes("audit"), `the dialog does not repeat what is asked: ${asked}`);
  await dialog(management).getByRole("button", { name: t("delegate.delegate") }).click();
  for (const r of [region, "eu-west-1"]) await management.getByText(t("delegate.done", { account: given.auditAccount, region: r })).waitFor();
  await management.locator("tbody").getByText(given.auditAccount).nth(1).waitFor();
  await picture(management, "delegated");

  // The administrator sees everybody, and activates all of them, more than a page holds.
  const audit = await as("audit");
  await visit(audit, "/accounts");
  await audit.getByText(t("relationship.NONE")).first().waitFor();
  await picture(audit, "accounts-before");
  await audit.locator("thead input[type=checkbox]").first().check({ force: true });
  await button(audit, "account.selectAll", { n: given.accounts }).click();
  await audit.getByText(t("account.allSelected", { n: given.accounts })).waitFor();
  await button(audit, "account.activate").click();
  await audit.getByRole("menuitem", { name: t("account.activateAll") }).first().click();
  await dialog(audit).getByText(t("account.enableBody")).waitFor();
  // How many there are is asked anew when the dialog opens.
  await dialog(audit).getByText(String(given.accounts)).first().waitFor();
  await dialog(audit).getByRole("button", { name: t("account.submit") }).click();
  await audit.getByText(t("rollout.SUCCEEDED"), { exact: true }).waitFor({ timeout: 120_000 });
  await picture(audit, "rollout");
  await dialog(audit).getByRole("button", { name: t("do.close") }).last().click();
  await audit.waitForFunction((word) => ![...document.querySelectorAll("tbody td")].some((c) => c.textContent === word), t("relationship.NONE"));
  await audit.getByText(t("status.ENABLED")).first().waitFor();

  // New accounts by themselves.
  await audit.getByRole("checkbox", { name: t("account.auto") }).check({ force: true });
  await button(audit, "do.save").first().click();
  await audit.getByText(t("account.autoSaved")).waitFor();
  await picture(audit, "accounts-after");

  // The doctor finds what is missing, and a button mends it. There are no advisories here.
  await visit(audit, "/doctor");
  await audit.getByText(t("problem.ADVISORIES_MISSING")).first().waitFor();
  assert.equal(await audit.getByText(t("problem.MEMBERS_NOT_ASSOCIATED")).count(), 0, "the doctor still misses members");
  await picture(audit, "doctor");

  // One account leaves.
  await visit(audit, "/accounts?name=workload-7");
  await audit.locator("tbody input[type=checkbox]").first().check({ force: true });
  await button(audit, "do.actions").click();
  await audit.getByRole("menuitem", { name: t("account.disassociate") }).click();
  await dialog(audit).getByRole("button", { name: t("account.submit") }).click();
  await audit.getByText(t("account.disassociated", { n: 1 })).waitFor();
  await audit.getByText(t("relationship.REMOVED")).first().waitFor();
  await visit(audit, "/doctor");
  await audit.getByText(t("problem.MEMBERS_NOT_ASSOCIATED")).first().waitFor();
  await button(audit, "doctor.mend").first().click();
  await audit.getByText(t("doctor.mended")).waitFor({ timeout: 60_000 });
  await audit.waitForFunction((word) => !document.querySelector("main").innerText.includes(word), t("problem.MEMBERS_NOT_ASSOCIATED"));

  // A member sees what is on, and is not offered to switch it off.
  const member = await as("member");
  await visit(member, "/accounts");
  await member.getByText(t("account.managedByAdmin", { account: given.auditAccount, region })).waitFor();
  assert.equal(await button(member, "account.deactivateInspector").count(), 0, "a member is offered to switch itself off");
  await picture(member, "member");

  // The administrator of one Region is removed again; the other stays.
  await visit(management, "/delegate");
  await management.locator("tbody").getByRole("button", { name: `${t("delegate.remove")} eu-west-1` }).click();
  assert.ok((await dialog(management).innerText()).includes(t("delegate.removeElsewhere", { regions: region })), "the dialog does not say where it stays");
  await dialog(management).locator("input").fill(given.auditAccount);
  await dialog(management).getByRole("button", { name: t("delegate.remove") }).click();
  await management.getByText(t("delegate.removed", { region: "eu-west-1" })).waitFor();
  await settled(management);
  assert.deepEqual([...new Set(faults.flat())], []);
} catch (e) {
  for (const [i, c] of browser.contexts().entries()) {
    for (const p of c.pages()) {
      await p.screenshot({ path: join(process.env.MUSTER_ARTEFACTS, `setup-${language}-failed-${i}.png`) });
      console.log(p.url(), (await p.locator("main").first().innerText().catch(() => "")).slice(0, 3000));
    }
  }
  throw e;
} finally {
  await browser.close();
}
