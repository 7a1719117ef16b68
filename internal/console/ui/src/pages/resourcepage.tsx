import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { type CoveredResource, ListCoverage } from "../api/inspector2";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { href, useRoute } from "../shell/route";
import { useText } from "../text";
import { Watched } from "./coverage";
import { findingsHref } from "./findings";
import { Sbom } from "./sbomview";

/** One resource: how it is watched, what is on it, and the way to its findings. */
export default function ResourcePage() {
  const { t, name, time } = useText();
  const { client } = useSigned();
  const { params } = useRoute();
  const id = params.get("id") ?? "";
  const account = params.get("account") ?? "";
  const found = useLoaded(async (signal) => {
    const equals = (value: string) => [{ comparison: "EQUALS" as const, value }];
    return (await client.call(ListCoverage, { filterCriteria: { resourceId: equals(id), accountId: equals(account) } }, signal)).coveredResources ?? [];
  }, [client, id, account]);
  const rows = found.value ?? [];
  const scanned = rows.some((r) => r.scanType === "PACKAGE" && r.scanStatus?.statusCode === "ACTIVE");
  const tokens = [{ key: "resourceId", operator: "=", value: id }, { key: "awsAccountId", operator: "=", value: account }];
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={rows[0] && name("resourceType", rows[0].resourceType)} actions={<Button href={findingsHref(tokens)}>{t("finding.otherResource")}</Button>}>
        <span className="value">{id}</span>
      </Header>
      <Problem error={found.error} again={found.again} />
      <Table<CoveredResource>
        variant="container"
        wrapLines
        loading={found.loading && !found.value}
        loadingText={t("app.loading")}
        ariaLabels={{ tableLabel: t("nav.coverage") }}
        header={<Header variant="h2" actions={<Link href={href("/coverage")}>{t("dashboard.all")}</Link>}>{t("nav.coverage")}</Header>}
        items={rows}
        empty={t("resource.unknown")}
        columnDefinitions={[
          { id: "scan", header: t("coverage.scan"), cell: (r) => name("scanKind", r.scanType) },
          { id: "status", header: t("coverage.status"), cell: (r) => <Watched r={r} /> },
          { id: "reason", header: t("coverage.reason"), cell: (r) => name("reason", r.scanStatus?.reason) },
          { id: "todo", header: t("coverage.todo"), cell: (r) => name("todo", r.scanStatus?.reason) },
          { id: "last", header: t("coverage.last"), cell: (r) => time(r.lastScannedAt) },
        ]}
      />
      {scanned && <Sbom id={id} account={account} />}
      {found.value && rows.length > 0 && !scanned && <Container header={<Header variant="h2">{t("sbom.title")}</Header>}>{t("sbom.notScanned")}</Container>}
    </SpaceBetween>
  );
}
