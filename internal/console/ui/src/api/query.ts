// The query protocol of IAM and STS: a form goes out, XML comes back.

/** What an answer's XML means; see generate.mjs. */
export type Outline = string | Outline[] | { [member: string]: Outline };

/** Flattens an input: lists become "Name.member.1", structures "Name.Member". */
export function flatten(value: unknown, prefix = ""): [string, string][] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((v, i) => flatten(v, `${prefix}.member.${i + 1}`));
  if (typeof value === "object") return Object.entries(value).flatMap(([k, v]) => flatten(v, prefix ? `${prefix}.${k}` : k));
  return [[prefix, String(value)]];
}

export function parse(text: string, wrapper: string | undefined, outline: Outline | undefined): unknown {
  const root = new DOMParser().parseFromString(text, "application/xml").documentElement;
  const result = wrapper ? [...root.children].find((c) => c.localName === wrapper) : root;
  return result && outline ? read(result, outline) : {};
}

function read(e: Element, outline: Outline): unknown {
  if (Array.isArray(outline)) return [...e.children].map((c) => read(c, outline[0]));
  if (typeof outline === "object") {
    const out: Record<string, unknown> = {};
    for (const c of e.children) if (c.localName in outline) out[c.localName] = read(c, outline[c.localName]);
    return out;
  }
  const content = e.textContent ?? "";
  if (outline === "n") return Number(content);
  if (outline === "b") return content === "true";
  return content;
}

/** Reads the code and the message out of an error document. */
export function parseError(text: string): { code?: string; message?: string } {
  const root = new DOMParser().parseFromString(text, "application/xml").documentElement;
  const find = (name: string) => root.getElementsByTagName(name)[0]?.textContent ?? undefined;
  return { code: find("Code"), message: find("Message") };
}
