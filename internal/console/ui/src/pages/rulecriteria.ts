import type { FilterCriteria } from "../api/inspector2";
import { findingProperties } from "../filters/findingproperties";
import type { Token } from "../filters/property";

const operators: Record<string, string> = { EQUALS: "=", NOT_EQUALS: "!=", PREFIX: "^" };

/** The criteria of a stored rule as the filter shows them: the inverse of criteria(). */
export function tokensOf(c: FilterCriteria): Token[] {
  return Object.entries(c).flatMap(([name, list]) => ((list ?? []) as Record<string, unknown>[]).flatMap((f) => {
    if (name === "vulnerablePackages") return Object.entries(f as object).flatMap(([member, v]) => one(`${name}.${member}`, v));
    return one(name, f);
  }));
}

function one(key: string, f: Record<string, unknown>): Token[] {
  const kind = findingProperties.find((p) => p.key === key)?.kind;
  switch (kind) {
    case undefined:
      return [];
    case "number":
      return range(key, f.lowerInclusive, f.upperInclusive, String);
    case "date":
      return range(key, f.startInclusive, f.endInclusive, (n) => new Date(Number(n) * 1000).toISOString());
    case "tag":
      return [{ key, operator: "=", value: f.value === undefined ? String(f.key) : `${f.key}=${f.value}` }];
    case "port":
      return [{ key, operator: "=", value: `${f.beginInclusive ?? 0}-${f.endInclusive ?? 65535}` }];
    default:
      return [{ key, operator: operators[String(f.comparison)], value: String(f.value) }];
  }
}

function range(key: string, from: unknown, to: unknown, show: (v: unknown) => string): Token[] {
  const tokens: Token[] = [];
  if (from !== undefined) tokens.push({ key, operator: ">=", value: show(from) });
  if (to !== undefined) tokens.push({ key, operator: "<=", value: show(to) });
  return tokens;
}
