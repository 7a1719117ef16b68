// Takes the README's pictures, into the folder that is the first argument, of
// the server at MUSTER_URL with a ticket of its delegated administrator.
import { join } from "node:path";
import { launch, open, settled, visit } from "./browser.mjs";
import { t } from "./words.mjs";

const folder = process.argv[2];
const { administrator } = JSON.parse(process.env.MUSTER_TICKETS);
const browser = await launch();
const { page } = await open(browser, { width: 1280, height: 800, token: administrator });

async function picture(name) {
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

try {
  await visit(page, "/dashboard");
  await picture("dashboard");
  await visit(page, "/findings?f=findingStatus%3DACTIVE&f=fixAvailable%3DYES&sort=-INSPECTOR_SCORE");
  await page.locator("tbody a").first().click();
  await settled(page);
  await page.getByText(t("finding.affected")).first().waitFor();
  await picture("finding");
  await visit(page, "/accounts");
  await picture("accounts");
} finally {
  await browser.close();
}
