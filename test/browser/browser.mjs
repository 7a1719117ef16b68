// What every browser test shares: Chromium, a page that keeps what went wrong
// in it, sign-in, and axe.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const server = process.env.MUSTER_URL;

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

/** A page in a context of its own. faults collects what no test may leave behind. */
export async function open(browser, { language = "en", width = 1280, height = 900, dark = false, token } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language, colorScheme: dark ? "dark" : "light", reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on("pageerror", (e) => faults.push(`uncaught: ${e.message}`));
  page.on("console", (m) => {
    // A refusal by the server is for the page to show; Chromium logs it, too.
    if (m.type() === "error" && !/Failed to load resource/.test(m.text())) faults.push(`console: ${m.text()}`);
    else if (m.type() === "warning" && /Content Security Policy/.test(m.text())) faults.push(`console: ${m.text()}`);
  });
  page.asked = 0;
  for (const done of ["requestfinished", "requestfailed"]) page.on(done, () => page.asked--);
  page.on("request", (r) => {
    page.asked++;
    if (!r.url().startsWith(server) && !/^(data|blob):/.test(r.url())) faults.push(`a request left the origin: ${r.url()}`);
  });
  if (token) await signIn(page, token);
  return { context, page, faults };
}

export async function signIn(page, ticket) {
  await page.goto(`${server}/console/#ticket=${ticket}`);
  await page.waitForFunction(() => sessionStorage.getItem("muster.session"));
  await settled(page);
}

/** Opens a page of the console and waits until it is there. */
export async function visit(page, path) {
  await page.evaluate((p) => { location.hash = p; }, path);
  await settled(page);
}

/** Waits until nothing has been asked of the server for a moment. */
export async function settled(page) {
  await page.locator("h1").first().waitFor();
  const limit = Date.now() + 20_000;
  for (let quiet = 0; quiet < 4 && Date.now() < limit; quiet = page.asked > 0 ? 0 : quiet + 1) await page.waitForTimeout(40);
}

/** The violations that axe finds, one line each. */
export async function violations(page) {
  // Evaluated by the debugger, so the page's policy stays as strict as it is.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} (${n.failureSummary?.split("\n")[1]?.trim()})`));
}
