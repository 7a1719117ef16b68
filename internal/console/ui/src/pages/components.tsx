import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import { useState } from "react";
import { type FoundComponent, SearchComponents } from "../api/muster";
import { useSigned } from "../session/context";
import { adjust, useRoute } from "../shell/route";
import { List } from "../table/list";
import { useText } from "../text";
import { resourceHref } from "./addresses";
import { few } from "./sbomview";

const fields = ["name", "version", "ecosystem"] as const;

/** Which resources have a package, whether it is vulnerable or not. */
export default function Components() {
  const { t, name, number } = useText();
  const { client } = useSigned();
  const { params } = useRoute();
  const wanted = Object.fromEntries(fields.map((f) => [f, params.get(f) || undefined]));
  const input = { name: wanted.name ?? "", version: wanted.version, ecosystem: wanted.ecosystem };
  return (
    <List<FoundComponent>
      id="components"
      title={t("nav.components")}
      description={t("components.help")}
      filters={<Search key={JSON.stringify(wanted)} wanted={wanted} />}
      columns={[
        { id: "name", header: t("finding.package"), text: (c) => c.name, width: 260 },
        { id: "version", header: t("sbom.version"), text: (c) => c.version, width: 170 },
        { id: "resource", header: t("coverage.resource"), text: (c) => c.resourceId, cell: (c) => <Link href={resourceHref(c)}>{c.resourceId}</Link>, width: 260 },
        { id: "vulnerabilities", header: t("sbom.vulnerabilities"), text: (c) => c.vulnerabilityIds.join(" ") || "–", cell: (c) => few(c.vulnerabilityIds, number) || "–", width: 210 },
        { id: "account", header: t("coverage.account"), text: (c) => c.accountId, width: 150 },
        { id: "type", header: t("coverage.type"), text: (c) => name("resourceType", c.resourceType), width: 170 },
        { id: "ecosystem", header: t("components.ecosystem"), text: (c) => c.ecosystem, width: 140 },
        { id: "arch", header: t("components.arch"), text: (c) => c.arch ?? "–", hidden: true },
      ]}
      track={(c) => JSON.stringify([c.name, c.version, c.arch, c.ecosystem, c.accountId, c.resourceId])}
      deps={[client, JSON.stringify(input)]}
      load={async (q) => {
        if (!input.name) return { items: [] };
        const out = await client.call(SearchComponents, { ...input, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.components, nextToken: out.nextToken };
      }}
      empty={input.name ? t("components.none") : t("components.ask")}
    />
  );
}

function Search({ wanted }: { wanted: Record<string, string | undefined> }) {
  const { t } = useText();
  const [typed, setTyped] = useState(wanted);
  const search = () => adjust((p) => {
    for (const f of fields) {
      const value = typed[f]?.trim();
      if (value) p.set(f, value);
      else p.delete(f);
    }
  });
  const field = (f: (typeof fields)[number], label: string, hint: string) => (
    <FormField label={label} stretch>
      <Input value={typed[f] ?? ""} onChange={({ detail }) => setTyped({ ...typed, [f]: detail.value })} placeholder={hint} type="search" clearAriaLabel={t("table.clear")} />
    </FormField>
  );
  return (
    <form onSubmit={(e) => { e.preventDefault(); search(); }}>
      <div className="asks">
        {field("name", t("components.name"), "log4j-core")}
        {field("version", t("sbom.version"), "2.14.1")}
        {field("ecosystem", t("components.ecosystem"), "Maven")}
        <Button formAction="submit" variant="primary">{t("do.search")}</Button>
      </div>
    </form>
  );
}
