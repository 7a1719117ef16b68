// Every way in: an access key, a name with a password that must be changed
// first, a second factor that is set up here, and the way out.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { launch, open, settled, violations, visit } from "./browser.mjs";
import { language, t } from "./words.mjs";

const given = JSON.parse(process.env.MUSTER_TICKETS);
const browser = await launch();
const { page, faults } = await open(browser, { language });
const field = (key) => page.getByLabel(t(key), { exact: true });
const enter = () => page.getByRole("button", { name: t("signIn.title"), exact: true }).click();
const session = () => page.evaluate(() => JSON.parse(sessionStorage.getItem("muster.session") ?? "null"));

async function arrive(path = "/console/") {
  await page.goto(process.env.MUSTER_URL + path);
  await settled(page);
}

async function inside() {
  await page.waitForFunction(() => sessionStorage.getItem("muster.session"));
  await settled(page);
}

async function leave() {
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await page.getByRole("tab", { name: t("signIn.password") }).waitFor();
}

async function typeName(password) {
  await field("signIn.account").fill(given.alias);
  await field("signIn.user").fill("ada");
  await field("signIn.pass").fill(password);
}

/** What an authenticator with the seed shows (RFC 6238), in Node's words. */
function code(base32, steps = 0) {
  const bits = [...base32].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const seed = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const h = createHmac("sha1", seed).update(counter).digest();
  return String((h.readUInt32BE(h[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

try {
  // An access key; a wrong one is refused, the right one is exchanged and not kept.
  await arrive();
  await page.getByRole("tab", { name: t("signIn.key") }).click();
  await field("signIn.keyId").fill(given.keyId);
  await field("signIn.secret").fill("x".repeat(40));
  await enter();
  await page.getByText(/signature/i).first().waitFor();
  await field("signIn.secret").fill(given.secret);
  await enter();
  await inside();
  const kept = JSON.stringify(await page.evaluate(() => ({ ...sessionStorage, ...localStorage })));
  assert.ok(!kept.includes(given.secret) && !kept.includes(given.keyId), "the access key is kept");
  assert.ok((await session()).sessionToken, "the session has no token");
  await leave();

  // A password that must be changed; the page asked for opens afterwards.
  await arrive("/console/#/coverage");
  await typeName("wrong");
  await enter();
  await page.getByText(/is wrong/).first().waitFor();
  await typeName(given.password);
  await enter();
  await field("signIn.newPass").fill("Battery staple 2");
  await enter();
  await inside();
  assert.ok(page.url().endsWith("#/coverage"), page.url());
  assert.equal((await session()).principal, "ada");

  // A second factor.
  await visit(page, "/security");
  await page.getByText(t("security.none")).waitFor();
  await page.getByRole("button", { name: t("security.add"), exact: true }).click();
  const seed = (await page.getByRole("dialog").getByText(/^[A-Z2-7]{32}$/).innerText()).trim();
  await page.getByAltText(t("security.picture")).waitFor();
  await field("security.code1").fill(code(seed, -1));
  await field("security.code2").fill(code(seed, 0));
  await page.screenshot({ path: join(process.env.MUSTER_ARTEFACTS, `signin-${language}-factor.png`) });
  assert.deepEqual([...new Set(await violations(page))], []);
  await page.getByRole("dialog").getByRole("button", { name: t("security.add"), exact: true }).click();
  await page.getByText(t("security.added")).waitFor();
  await leave();
  await typeName("Battery staple 2");
  await enter();
  await field("signIn.code").fill("000000");
  await enter();
  await page.getByText(/is wrong/).first().waitFor();
  await field("signIn.code").fill(code(seed, 1));
  await enter();
  await inside();
  assert.equal((await session()).principal, "ada");
  await leave();

  // An identity provider, from a page and back to it, under one of two roles.
  await arrive("/console/#/coverage");
  const provider = page.getByRole("button", { name: t("signIn.with", { name: "Example Login" }) });
  await provider.click();
  await page.getByLabel("Username:").fill(given.person);
  await page.getByLabel("Password:").fill(given.personPassword);
  await page.getByRole("button", { name: "Login" }).click();
  await page.getByText(t("signIn.chooseHelp")).waitFor();
  await page.getByRole("radio", { name: /^Analyst/ }).waitFor();
  await page.screenshot({ path: join(process.env.MUSTER_ARTEFACTS, `signin-${language}-role.png`) });
  assert.deepEqual([...new Set(await violations(page))], []);
  await page.getByText("Administrator", { exact: true }).click();
  await enter();
  await inside();
  assert.ok(page.url().endsWith("#/coverage"), page.url());
  assert.match((await session()).principal, /^Administrator\//);
  assert.ok((await session()).federated.until, "the session cannot be renewed");

  // A session that has ended is had again without a question, a role's after the one it comes from.
  const before = (await session()).accessKeyId;
  await page.evaluate(() => {
    const s = JSON.parse(sessionStorage.getItem("muster.session"));
    sessionStorage.setItem("muster.session", JSON.stringify({ ...s, expiresAt: new Date(Date.now() + 1000).toISOString() }));
  });
  await page.reload();
  await page.waitForFunction((id) => JSON.parse(sessionStorage.getItem("muster.session"))?.accessKeyId !== id, before);
  await settled(page);
  assert.match((await session()).principal, /^Administrator\//);

  // Signed out: the browser keeps nothing that the server takes.
  const kept2 = await page.context().cookies();
  assert.ok(kept2.filter((c) => c.name.startsWith("muster_")).every((c) => c.httpOnly && c.sameSite === "Strict"), JSON.stringify(kept2));
  await page.getByRole("button", { name: / Administrator\// }).click();
  await page.getByRole("menuitem", { name: t("signIn.out") }).click();
  await provider.waitFor();
  const refused = await page.evaluate(() => fetch("/console/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"federated":true}' }).then((r) => r.status));
  assert.equal(refused, 403);
  await page.goto(process.env.MUSTER_URL + "/console/api/openid/callback?error=access_denied");
  await page.getByText(t("signIn.declined")).waitFor();
  assert.deepEqual([...new Set(faults)].filter((f) => !f.startsWith(`a request left the origin: ${given.issuer}`)), []);
} catch (e) {
  await page.screenshot({ path: join(process.env.MUSTER_ARTEFACTS, `signin-${language}-failed.png`) });
  console.log(page.url(), await page.locator("body").innerText());
  throw e;
} finally {
  await browser.close();
}
