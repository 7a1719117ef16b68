/** A component of a bill of materials, as a table shows it. */
export interface Component {
  name: string;
  version: string;
  purl: string;
  path: string;
  /** How many vulnerabilities of the document affect it. */
  vulnerabilities: number;
}

interface CycloneDX {
  components?: { "bom-ref"?: string; name: string; version?: string; purl?: string; properties?: { name: string; value: string }[] }[];
  vulnerabilities?: { affects?: { ref: string }[] }[];
}

/** What a CycloneDX document lists; those with vulnerabilities come first, the most of them first. */
export function componentsOf(text: string): Component[] {
  const document = JSON.parse(text) as CycloneDX;
  const hits = new Map<string, number>();
  for (const v of document.vulnerabilities ?? []) {
    for (const ref of new Set(v.affects?.map((a) => a.ref))) hits.set(ref, (hits.get(ref) ?? 0) + 1);
  }
  const all = (document.components ?? []).map((c) => ({
    name: c.name, version: c.version ?? "", purl: c.purl ?? "",
    path: c.properties?.find((p) => /path$/i.test(p.name))?.value ?? "",
    vulnerabilities: hits.get(c["bom-ref"] ?? "") ?? 0,
  }));
  return all.sort((a, b) => b.vulnerabilities - a.vulnerabilities || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
