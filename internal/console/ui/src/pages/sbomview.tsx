import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useState } from "react";
import { useSigned } from "../session/context";
import { useNotices } from "../shell/notices";
import { csv, download, downloadBlob } from "../table/csv";
import { useText } from "../text";
import { contentOf, fileName, objectsOf, sbomOf, usualDestination } from "./exporting";
import { type Component, componentsOf } from "./sbom";
import { findingsHref } from "./findings";

/** The bill of materials of a resource: made when it is asked for, shown, and handed over as a file. */
export function Sbom({ id, account }: { id: string; account: string }) {
  const { t } = useText();
  const { client, session } = useSigned();
  const notices = useNotices();
  const [parts, setParts] = useState<Component[]>();
  const [busy, setBusy] = useState<string>();
  const make = async (format: "CYCLONEDX_1_4" | "SPDX_2_3", use: (text: Blob, key: string) => Promise<void> | void) => {
    setBusy(format);
    try {
      const reportId = await sbomOf(client, format, account, id, usualDestination(session.accountId, session.region));
      const [object] = await objectsOf(client, reportId);
      if (!object) throw new Error(t("sbom.nothing"));
      await use(await contentOf(client, reportId, object.key), object.key);
    } catch (e) {
      notices.failed(t("sbom.title"), e);
    }
    setBusy(undefined);
  };
  const save = (format: "CYCLONEDX_1_4" | "SPDX_2_3") => make(format, (blob, key) => downloadBlob(fileName(key), blob));
  const actions = (
    <SpaceBetween direction="horizontal" size="xs">
      <Button iconName="download" loading={busy === "CYCLONEDX_1_4" && !!parts} disabled={!!busy} onClick={() => void save("CYCLONEDX_1_4")}>CycloneDX</Button>
      <Button iconName="download" loading={busy === "SPDX_2_3"} disabled={!!busy} onClick={() => void save("SPDX_2_3")}>SPDX</Button>
    </SpaceBetween>
  );
  if (!parts) {
    return (
      <Container header={<Header variant="h2" description={t("sbom.help")} actions={actions}>{t("sbom.title")}</Header>}>
        <Button loading={!!busy} onClick={() => void make("CYCLONEDX_1_4", async (blob) => setParts(componentsOf(await blob.text())))}>{t("sbom.show")}</Button>
      </Container>
    );
  }
  return <Parts all={parts} resource={id} account={account} actions={actions} />;
}

const pageSize = 50;

function Parts({ all, resource, account, actions }: { all: Component[]; resource: string; account: string; actions: React.ReactNode }) {
  const { t, number } = useText();
  const [typed, setTyped] = useState("");
  const [page, setPage] = useState(1);
  const words = typed.toLowerCase();
  const matching = all.filter((c) => !words || `${c.name} ${c.version} ${c.purl}`.toLowerCase().includes(words));
  const findings = (c: Component) => findingsHref([
    { key: "resourceId", operator: "=", value: resource }, { key: "awsAccountId", operator: "=", value: account },
    { key: "vulnerablePackages.name", operator: "=", value: c.name }, { key: "findingStatus", operator: "=", value: "ACTIVE" },
  ]);
  const header = [t("finding.package"), t("sbom.version"), t("sbom.vulnerabilities"), t("finding.path"), "purl"];
  const save = () => download("muster-sbom.csv", csv(header, matching.map((c) => [c.name, c.version, String(c.vulnerabilities), c.path, c.purl])));
  return (
    <Table<Component>
      variant="container"
      wrapLines
      enableKeyboardNavigation
      ariaLabels={{ tableLabel: t("sbom.title") }}
      header={
        <Header variant="h2" counter={`(${number(matching.length)})`} description={t("sbom.help")} actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button iconName="download" ariaLabel={t("do.download")} onClick={save} />
            {actions}
          </SpaceBetween>
        }>
          {t("sbom.title")}
        </Header>
      }
      filter={<TextFilter filteringText={typed} filteringAriaLabel={t("sbom.filter")} filteringPlaceholder={t("sbom.filter")} filteringClearAriaLabel={t("table.clear")} onChange={({ detail }) => { setTyped(detail.filteringText); setPage(1); }} />}
      pagination={
        <Pagination
          currentPageIndex={page}
          pagesCount={Math.max(1, Math.ceil(matching.length / pageSize))}
          onChange={({ detail }) => setPage(detail.currentPageIndex)}
          ariaLabels={{ nextPageLabel: t("table.next"), previousPageLabel: t("table.previous"), pageLabel: (n) => t("table.page", { n }) }}
        />
      }
      items={matching.slice((page - 1) * pageSize, page * pageSize)}
      empty={<Box textAlign="center">{t("table.noMatch")}</Box>}
      columnDefinitions={[
        { id: "name", header: header[0], cell: (c) => c.name },
        { id: "version", header: header[1], cell: (c) => c.version },
        { id: "vulnerabilities", header: header[2], cell: (c) => (c.vulnerabilities ? <Link href={findings(c)} ariaLabel={`${c.name}: ${number(c.vulnerabilities)}`}>{number(c.vulnerabilities)}</Link> : number(0)) },
        { id: "path", header: header[3], cell: (c) => c.path || "–" },
        { id: "purl", header: header[4], cell: (c) => <span className="value">{c.purl}</span> },
      ]}
    />
  );
}
