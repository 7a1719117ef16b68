import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { type CoverageFilterCriteria, type CoveredResource, ListCoverage, ListCoverageStatistics } from "../api/inspector2";
import { criteria, read, write } from "../filters/property";
import { useSigned } from "../session/context";
import { everyPage, useLoaded } from "../shell/loading";
import { adjust, href, useRoute } from "../shell/route";
import { type Column, List } from "../table/list";
import { useText } from "../text";
import { coverageProperties } from "./coverageproperties";
import { resourceHref } from "./addresses";

/** What is watched, why something is not, and what to do about it. */
export default function Coverage() {
  const { t, name, time } = useText();
  const { client } = useSigned();
  const { params } = useRoute();
  const columns: Column<CoveredResource>[] = [
    { id: "resource", header: t("coverage.resource"), text: (r) => r.resourceId, cell: (r) => <Link href={resourceHref(r)}>{r.resourceId}</Link>, width: 260 },
    { id: "account", header: t("coverage.account"), text: (r) => r.accountId, width: 150 },
    { id: "type", header: t("coverage.type"), text: (r) => name("resourceType", r.resourceType), width: 180 },
    { id: "scan", header: t("coverage.scan"), text: (r) => name("scanKind", r.scanType), width: 130 },
    { id: "status", header: t("coverage.status"), text: (r) => name("scanStatus", r.scanStatus?.statusCode), cell: (r) => <Watched r={r} />, width: 140 },
    { id: "reason", header: t("coverage.reason"), text: (r) => name("reason", r.scanStatus?.reason), width: 220 },
    { id: "todo", header: t("coverage.todo"), text: (r) => name("todo", r.scanStatus?.reason), width: 280 },
    { id: "last", header: t("coverage.last"), text: (r) => time(r.lastScannedAt), width: 190 },
    { id: "mode", header: t("coverage.mode"), text: (r) => name("scanMode", r.scanMode), hidden: true },
    { id: "repository", header: t("coverage.repository"), text: (r) => r.resourceMetadata?.ecrRepository?.name ?? "–", hidden: true },
    { id: "tags", header: t("coverage.tags"), text: (r) => r.resourceMetadata?.ecrImage?.tags?.join(", ") ?? "–", hidden: true },
  ];
  // What an export cannot be restricted by is left out there.
  const sboms = href("/exports/new", new URLSearchParams([["kind", "SBOM"], ...params.getAll("f").map((f): [string, string] => ["f", f])]));
  return (
    <List<CoveredResource>
      id="coverage"
      title={t("coverage.title")}
      description={t("coverage.help")}
      columns={columns}
      track={(r) => `${r.accountId} ${r.resourceId} ${r.scanType}`}
      properties={coverageProperties}
      deps={[client]}
      asked={(q) => ({ service: "inspector2", operation: "ListCoverage", input: { filterCriteria: q.criteria } })}
      load={async (q) => {
        const out = await client.call(ListCoverage, { filterCriteria: q.criteria as CoverageFilterCriteria, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.coveredResources ?? [], nextToken: out.nextToken };
      }}
      sizes={[20, 50, 100, 200]}
      filters={<ByReason />}
      actions={() => <Button href={sboms}>{t("exports.sbom")}</Button>}
      empty={t("coverage.empty")}
    />
  );
}

export function Watched({ r }: { r: CoveredResource }) {
  const { name } = useText();
  return <StatusIndicator type={r.scanStatus?.statusCode === "ACTIVE" ? "success" : "warning"}>{name("scanStatus", r.scanStatus?.statusCode)}</StatusIndicator>;
}

/** How many resources each reason has; choosing one filters the list. */
function ByReason() {
  const { t, name, number } = useText();
  const { client } = useSigned();
  const { params } = useRoute();
  const tokens = (read(params, coverageProperties) ?? []).filter((k) => k.key !== "scanStatusReason");
  const filter = criteria(tokens, coverageProperties) as CoverageFilterCriteria | undefined;
  const counts = useLoaded((signal) => everyPage(async (nextToken) => {
    const out = await client.call(ListCoverageStatistics, { filterCriteria: filter, groupBy: "SCAN_STATUS_REASON", nextToken }, signal);
    return { items: out.countsByGroup ?? [], nextToken: out.nextToken };
  }), [client, JSON.stringify(filter)]);
  const all = { value: "", label: t("group.all") };
  const options = [all, ...(counts.value ?? []).map((c) => ({ value: String(c.groupKey), label: `${name("reason", c.groupKey)} (${number(c.count)})` }))];
  const chosen = (read(params, coverageProperties) ?? []).find((k) => k.key === "scanStatusReason" && k.operator === "=");
  return (
    <Select
      ariaLabel={t("coverage.byReason")}
      inlineLabelText={t("coverage.byReason")}
      statusType={counts.loading ? "loading" : "finished"}
      options={options}
      selectedOption={options.find((o) => o.value === (chosen?.value ?? "")) ?? all}
      onChange={({ detail }) => adjust((q) => write(q, detail.selectedOption.value ? [...tokens, { key: "scanStatusReason", operator: "=", value: detail.selectedOption.value }] : tokens))}
    />
  );
}
