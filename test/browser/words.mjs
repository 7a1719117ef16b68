// The console's texts, read from its sources, so that a test names a button as
// its reader does.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../internal/console/ui/src/text");
const line = /^\s*"([^"]+)": (\[.*\]),$/gm;

export const texts = new Map();
for (const name of readdirSync(folder)) {
  for (const [, key, pair] of readFileSync(join(folder, name), "utf8").matchAll(line)) texts.set(key, JSON.parse(pair));
}

export const language = process.env.MUSTER_LANGUAGE ?? "en";
const column = language === "ja" ? 1 : 0;

/** A text as the page shows it. */
export function t(key, values = {}) {
  const pair = texts.get(key);
  if (!pair) throw new Error(`no text ${key}`);
  const worded = pair[column].replace(/\{(\w+)\|([^|}]*)\|([^|}]*)\}/g, (_, name, one, many) => (Number(values[name]) === 1 ? one : many));
  return worded.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** English texts that must not be seen on a Japanese page: those of two words and more that differ. */
export const english = new Set([...texts.values()].filter(([en, ja]) => en !== ja && / /.test(en) && !/\{/.test(en)).map(([en]) => en));
