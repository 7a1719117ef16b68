import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import { type AggregationResponse, type AggregationType, ListFindingAggregations, ListFindings, type SeverityCounts } from "../api/inspector2";
import { ListUnitSummaries, type UnitSummary } from "../api/muster";
import type { Token } from "../filters/property";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { href } from "../shell/route";
import { type Key, useText } from "../text";
import { findingColumns, findingsHref } from "./findings";
import { unitColumns } from "./units";

const token = (key: string, value: string): Token => ({ key, operator: "=", value });
const active = token("findingStatus", "ACTIVE");
const shown = 5;

/** The findings to begin with: critical and high ones that an exploit exists for, then the most severe. */
export function Worst() {
  const text = useText();
  const { t } = text;
  const { client } = useSigned();
  const found = useLoaded(async (signal) => {
    const equals = (...values: string[]) => values.map((value) => ({ comparison: "EQUALS" as const, value }));
    const ask = (more: object, field: "INSPECTOR_SCORE" | "SEVERITY") => client.call(ListFindings, { filterCriteria: { findingStatus: equals("ACTIVE"), ...more }, sortCriteria: { field, sortOrder: "DESC" }, maxResults: shown }, signal);
    const [exploited, severe] = await Promise.all([ask({ exploitAvailable: equals("YES"), severity: equals("CRITICAL", "HIGH") }, "INSPECTOR_SCORE"), ask({}, "SEVERITY")]);
    const first = exploited.findings ?? [];
    return [...first, ...(severe.findings ?? []).filter((f) => !first.some((g) => g.findingArn === f.findingArn))].slice(0, shown);
  }, [client]);
  const columns = ["severity", "title", "score", "exploit", "fix", "resource", "account"];
  return (
    <Table
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t("dashboard.worst") }}
      header={<Header variant="h2" description={t("dashboard.worstHelp")} actions={<Button href={findingsHref([active])}>{t("dashboard.all")}</Button>}>{t("dashboard.worst")}</Header>}
      items={found.value ?? []}
      trackBy="findingArn"
      empty={found.error ? <Problem error={found.error} again={found.again} /> : t("finding.none")}
      columnDefinitions={findingColumns(text).filter((c) => columns.includes(c.id)).map((c) => ({ id: c.id, header: c.header, cell: c.cell ?? c.text }))}
    />
  );
}

interface TopProps {
  title: Key;
  label: Key;
  type: AggregationType;
  path: string;
  /** A group's key and the criterion that it is a value of. */
  of: (a: AggregationResponse) => [string | undefined, string];
  counts: (a: AggregationResponse) => SeverityCounts | undefined;
}

/** The groups with the most critical findings. */
export function Top({ title, label, type, path, of, counts }: TopProps) {
  const { t, number } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(ListFindingAggregations, { aggregationType: type, maxResults: shown }, signal)).responses ?? [], [client, type]);
  const count = (id: string, header: Key, n: (c?: SeverityCounts) => number | undefined) => ({ id, header: t(header), cell: (a: AggregationResponse) => number(n(counts(a))) });
  return (
    <Table<AggregationResponse>
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t(title) }}
      header={<Header variant="h2" actions={<Link href={href(path)}>{t("dashboard.all")}</Link>}>{t(title)}</Header>}
      items={found.value ?? []}
      empty={found.error ? <Problem error={found.error} again={found.again} /> : t("finding.none")}
      columnDefinitions={[
        { id: "label", header: t(label), cell: (a) => { const [key, criterion] = of(a); return <Link href={findingsHref([active, token(criterion, key ?? "")])}>{key}</Link>; } },
        count("critical", "group.critical", (c) => c?.critical),
        count("high", "group.high", (c) => c?.high),
        count("all", "group.all", (c) => c?.all),
      ]}
    />
  );
}

/** The organization's units with the most critical findings. */
export function TopUnits() {
  const text = useText();
  const { t } = text;
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(ListUnitSummaries, {}, signal)).units.slice(0, shown), [client]);
  const wanted = ["name", "critical", "high", "findingCount"];
  return (
    <Table<UnitSummary>
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t("dashboard.units") }}
      header={<Header variant="h2" actions={<Link href={href("/findings/units")}>{t("dashboard.all")}</Link>}>{t("dashboard.units")}</Header>}
      items={found.value ?? []}
      trackBy="unitId"
      empty={found.error ? <Problem error={found.error} again={found.again} /> : t("units.empty")}
      columnDefinitions={unitColumns(text).filter((c) => wanted.includes(c.id)).map((c) => ({ id: c.id, header: c.header, cell: c.cell ?? c.text }))}
    />
  );
}
