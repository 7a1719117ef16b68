// How long the console's pages take at whatever size the server's store has:
// every page is opened in a browser context of its own, so with a cold cache,
// several times. Printed are the medians in milliseconds from the start of the
// navigation to the page's heading, to its first real content (a row of a
// table, or a number), and to the end of the last request, with the slowest
// request of the page.
//
//   MUSTER_URL=http://127.0.0.1:8080 MUSTER_TICKET=... [ROUNDS=3] [ONLY=text] [SLOW=1000] node timing.mjs [PATH...]
//
// The ticket is what follows "#ticket=" in the link that `muster admin sign-in`
// prints. The exit status is 1 where a page's first content took longer than
// SLOW, or never came.
import { launch, open, server, settled } from "./browser.mjs";

const slow = Number(process.env.SLOW ?? 1000);
const rounds = Number(process.env.ROUNDS ?? 3);

const pages = process.argv.length > 2 ? process.argv.slice(2) : [
  "/dashboard", "/findings", "/findings?f=severity%3DCRITICAL", "/findings?f=severity%3DHIGH&f=severity%3DMEDIUM&sort=-INSPECTOR_SCORE",
  "/findings?f=findingStatus%3DSUPPRESSED", "/findings?f=findingStatus%3DCLOSED",
  "/findings/vulnerabilities", "/findings/accounts", "/findings/units", "/findings/instances", "/findings/images", "/findings/repositories",
  "/findings/layers", "/findings/functions", "/findings/packages", "/rules", "/rules/new?f=severity%3DLOW", "/network", "/exports", "/exports/new",
  "/vulnerabilities", "/components?name=a", "/coverage", "/coverage?f=scanStatusCode%3DINACTIVE", "/start", "/doctor", "/delegate",
  ...(process.env.PAGES ?? "").split(" ").filter(Boolean),
].filter((p) => p.includes(process.env.ONLY ?? ""));

/** Runs in the page before anything else: notes when things are first there. */
function watch(session) {
  if (location.pathname.startsWith("/console")) sessionStorage.setItem("muster.session", session);
  const seen = (window.seen = {});
  const look = () => {
    const at = performance.now();
    if (!seen.heading && document.querySelector("main h1, h1")) seen.heading = at;
    if (seen.content) return;
    const main = document.querySelector("main") ?? document.body;
    if (!main) return;
    for (const cell of main.querySelectorAll("tbody td")) {
      if (cell.colSpan === 1 && cell.innerText.trim() && !cell.querySelector("[class*=spinner]")) return void (seen.content = at);
    }
    const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const text = walk.currentNode.data.trim(), within = walk.currentNode.parentElement;
      if (/^[\d,.]+( ?%)?$/.test(text) && !within.closest("nav, header, button, input, svg, h1, [class*=pagination]")) return void (seen.content = at);
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
}

const browser = await launch();

async function session() {
  const { page, context } = await open(browser, { token: process.env.MUSTER_TICKET });
  const text = await page.evaluate(() => sessionStorage.getItem("muster.session"));
  await context.close();
  return text;
}

async function once(kept, path) {
  const { page, context, faults } = await open(browser);
  await context.addInitScript(watch, kept);
  // Chromium makes much of a new window; what is timed begins after that.
  await page.goto("about:blank");
  await page.waitForTimeout(700);
  const asked = new Map(), ended = [];
  page.on("request", (r) => asked.set(r, Date.now()));
  const end = (r) => ended.push({ ms: Date.now() - asked.get(r), at: Date.now(), name: r.headers()["x-amz-target"]?.split(".")[1] ?? new URL(r.url()).pathname });
  page.on("requestfinished", end);
  page.on("requestfailed", end);
  const began = Date.now();
  await page.goto(`${server}/console/#${path}`);
  await settled(page);
  const seen = await page.evaluate(() => window.seen);
  await context.close();
  if (faults.length) console.log("WRONG", path, faults[0]);
  const slowest = ended.reduce((a, b) => (b.ms > a.ms ? b : a), { ms: 0 });
  return { heading: seen.heading, content: seen.content, complete: Math.max(...ended.map((e) => e.at)) - began, requests: ended.length, slowest };
}

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const ms = (n) => (Number.isFinite(n) ? Math.round(n) : "-").toString().padStart(8);

let wrong = 0;
try {
  const kept = await session();
  console.log(`${"page".padEnd(76)} heading  content complete requests  slowest request`);
  for (const path of pages) {
    const all = [];
    for (let i = 0; i < rounds; i++) all.push(await once(kept, path));
    const of = (key) => median(all.map((a) => a[key]).filter(Number.isFinite));
    const slowest = all.map((a) => a.slowest).sort((a, b) => b.ms - a.ms)[0];
    if ((of("content") ?? of("complete")) > slow) wrong++;
    console.log(`${path.padEnd(76)}${ms(of("heading"))} ${ms(of("content"))} ${ms(of("complete"))} ${ms(of("requests"))}  ${slowest.ms} ${slowest.name}`);
  }
} finally {
  await browser.close();
}
if (wrong) console.log(`${wrong} pages took longer than ${slow} ms`);
process.exit(wrong ? 1 : 0);
