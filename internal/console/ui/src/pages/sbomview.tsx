import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import TextFilter from "@cloudscape-design/components/text-filter";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { type InstalledPackage, ListResourcePackages } from "../api/muster";
import { useSigned } from "../session/context";
import { useNotices } from "../shell/notices";
import { Row } from "../shell/row";
import { downloadBlob } from "../table/csv";
import { List } from "../table/list";
import { useText } from "../text";
import { contentOf, fileName, objectsOf, sbomOf, usualDestination } from "./exporting";
import { findingsHref } from "./findings";

/** What is installed on a resource, read as it is looked at, and handed over as a file when it is asked for. */
export function Sbom({ id, account }: { id: string; account: string }) {
  const { t, number } = useText();
  const { client } = useSigned();
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  const [vulnerable, setVulnerable] = useState(false);
  const findings = (p: InstalledPackage) => findingsHref([
    { key: "resourceId", operator: "=", value: id }, { key: "awsAccountId", operator: "=", value: account },
    { key: "vulnerablePackages.name", operator: "=", value: p.name }, { key: "findingStatus", operator: "=", value: "ACTIVE" },
  ]);
  return (
    <List<InstalledPackage>
      id="packages"
      variant="container"
      title={t("sbom.title")}
      description={t("sbom.help")}
      columns={[
        { id: "name", header: t("finding.package"), text: (p) => p.name, width: 220 },
        { id: "version", header: t("sbom.version"), text: (p) => p.version, width: 180 },
        {
          id: "vulnerabilities", header: t("sbom.vulnerabilities"), text: (p) => p.vulnerabilityIds.join(" "), width: 190,
          cell: (p) => (p.vulnerabilityIds.length ? <Link href={findings(p)} ariaLabel={`${p.name}: ${number(p.vulnerabilityIds.length)}`}>{few(p.vulnerabilityIds, number)}</Link> : number(0)),
        },
        { id: "path", header: t("finding.path"), text: (p) => p.path ?? "–", width: 220 },
        { id: "purl", header: t("sbom.purl"), text: (p) => p.purl, cell: (p) => <span className="value">{p.purl}</span>, width: 320 },
        { id: "layer", header: t("group.layer"), text: (p) => p.layerHash ?? "–", hidden: true },
      ]}
      track={(p) => JSON.stringify([p.name, p.version, p.arch, p.path, p.layerHash])}
      deps={[client, id, account, text, vulnerable]}
      load={async (q) => {
        const out = await client.call(ListResourcePackages, { accountId: account, resourceId: id, text: text || undefined, vulnerable: vulnerable || undefined, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.packages, nextToken: out.nextToken, total: out.totalCount };
      }}
      filters={
        <Row>
          <TextFilter filteringText={typed} filteringAriaLabel={t("sbom.filter")} filteringPlaceholder={t("sbom.filter")} filteringClearAriaLabel={t("table.clear")} onChange={({ detail }) => setTyped(detail.filteringText)} onDelayedChange={({ detail }) => setText(detail.filteringText.trim())} />
          <Toggle checked={vulnerable} onChange={({ detail }) => setVulnerable(detail.checked)}>{t("sbom.vulnerable")}</Toggle>
        </Row>
      }
      actions={() => <Files id={id} account={account} />}
      empty={text || vulnerable ? t("table.noMatch") : t("sbom.nothing")}
    />
  );
}

/** The first of many names, and how many more there are. */
export function few(names: string[], number: (n: number) => string): string {
  const shown = names.slice(0, 2).join(", ");
  return names.length > 2 ? `${shown} +${number(names.length - 2)}` : shown;
}

/** The bill of materials as a file: ordered, waited for, downloaded. */
function Files({ id, account }: { id: string; account: string }) {
  const { t } = useText();
  const { client, session } = useSigned();
  const notices = useNotices();
  const [busy, setBusy] = useState<string>();
  const save = async (format: "CYCLONEDX_1_4" | "SPDX_2_3") => {
    setBusy(format);
    try {
      const reportId = await sbomOf(client, format, account, id, usualDestination(session.accountId, session.region));
      const [object] = await objectsOf(client, reportId);
      if (!object) throw new Error(t("sbom.nothing"));
      downloadBlob(fileName(object.key), await contentOf(client, reportId, object.key));
    } catch (e) {
      notices.failed(t("sbom.title"), e);
    }
    setBusy(undefined);
  };
  return (
    <Row>
      <Button iconName="download" loading={busy === "CYCLONEDX_1_4"} disabled={!!busy} onClick={() => void save("CYCLONEDX_1_4")}>CycloneDX</Button>
      <Button iconName="download" loading={busy === "SPDX_2_3"} disabled={!!busy} onClick={() => void save("SPDX_2_3")}>SPDX</Button>
    </Row>
  );
}
