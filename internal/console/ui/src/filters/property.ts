// Filters: what a page can be filtered by, how a filter stands in an address,
// and what the APIs call it.
import type { Key } from "../text";

export type Kind = "text" | "exact" | "equal" | "choice" | "date" | "number" | "tag" | "port";

export interface Property {
  /** The criterion's name in the API; "vulnerablePackages.name" is a member of a package filter. */
  key: string;
  label: Key;
  group: Key;
  kind: Kind;
  /** The words a choice has, and the group of their names. */
  values?: readonly string[];
  names?: string;
}

export interface Token {
  key: string;
  operator: string;
  value: string;
}

/** The operators that each kind has in the APIs. */
export const operators: Record<Kind, readonly string[]> = {
  text: ["=", "!=", "^"],
  exact: ["=", "!="],
  equal: ["="],
  choice: ["=", "!="],
  date: [">=", "<="],
  number: [">=", "<="],
  tag: ["="],
  port: ["="],
};

const form = /^([\w.]+)(!=|>=|<=|=|\^)(.*)$/s;

/** The parameter of an address that holds one token, repeated. */
export const parameter = "f";

/** Reads the tokens of an address; undefined where it says nothing, so that a page's default holds. */
export function read(params: URLSearchParams, properties: readonly Property[]): Token[] | undefined {
  if (!params.has(parameter)) return undefined;
  return params.getAll(parameter).flatMap((text) => {
    const m = form.exec(text);
    const property = m && properties.find((p) => p.key === m[1]);
    return property && operators[property.kind].includes(m[2]) ? [{ key: m[1], operator: m[2], value: m[3] }] : [];
  });
}

export function write(params: URLSearchParams, tokens: readonly Token[]) {
  params.delete(parameter);
  for (const t of tokens) params.append(parameter, spelled(t));
  if (tokens.length === 0) params.append(parameter, "");
}

export function spelled(t: Token): string {
  return `${t.key}${t.operator}${t.value}`;
}

/** Whether a value can be sent; the filter does not take one that cannot. */
export function valid(p: Property, value: string): boolean {
  switch (p.kind) {
    case "number":
      return value !== "" && Number.isFinite(Number(value));
    case "date":
      return !Number.isNaN(seconds(value, false));
    case "port": {
      const [from, to = from] = value.split("-").map(Number);
      return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= 65535;
    }
    case "choice":
      return p.values?.includes(value) ?? true;
    default:
      return value.length > 0 && value.length <= 1024;
  }
}

/** A day (2026-11-22) or a time in seconds since 1970; the end of a day means its last second. */
export function seconds(value: string, end: boolean): number {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(value);
  const at = Date.parse(day ? value + "T00:00:00Z" : value) / 1000;
  return day && end ? at + 86_399 : at;
}

type Criteria = Record<string, unknown[]>;

/** The filterCriteria of a request; undefined where nothing is filtered. */
export function criteria(tokens: readonly Token[], properties: readonly Property[]): Criteria | undefined {
  const out: Criteria = {};
  for (const t of tokens) {
    const p = properties.find((p) => p.key === t.key);
    if (p && valid(p, t.value)) add(out, p, t);
  }
  return Object.keys(out).length ? out : undefined;
}

const comparison: Record<string, string> = { "=": "EQUALS", "!=": "NOT_EQUALS", "^": "PREFIX" };

function add(out: Criteria, p: Property, t: Token) {
  const [name, member] = p.key.split(".");
  const list = (out[name] ??= []);
  if (member) {
    // Several members mean one package; a second value of one member another.
    const value = p.kind === "number" ? { [bound(t, "Inclusive")]: Number(t.value) } : { comparison: comparison[t.operator], value: t.value };
    const free = (list as Record<string, unknown>[]).find((f) => !(member in f));
    if (free) free[member] = value;
    else list.push({ [member]: value });
    return;
  }
  list.push(...filterOf(p, t, list));
}

function bound(t: Token, suffix: string): string {
  return (t.operator === ">=" ? "lower" : "upper") + suffix;
}

function filterOf(p: Property, t: Token, list: unknown[]): unknown[] {
  switch (p.kind) {
    case "number":
      return narrowed(list, bound(t, "Inclusive"), Number(t.value));
    case "date":
      return narrowed(list, t.operator === ">=" ? "startInclusive" : "endInclusive", seconds(t.value, t.operator === "<="));
    case "tag": {
      const at = t.value.indexOf("=");
      return [at < 0 ? { comparison: "EQUALS", key: t.value } : { comparison: "EQUALS", key: t.value.slice(0, at), value: t.value.slice(at + 1) }];
    }
    case "port": {
      const [from, to = from] = t.value.split("-").map(Number);
      return [{ beginInclusive: from, endInclusive: to }];
    }
    default:
      return [{ comparison: comparison[t.operator], value: t.value }];
  }
}

/** From and to belong to one range. */
function narrowed(list: unknown[], side: string, value: number): unknown[] {
  const open = (list as Record<string, number>[]).find((f) => !(side in f));
  if (!open) return [{ [side]: value }];
  open[side] = value;
  return [];
}
