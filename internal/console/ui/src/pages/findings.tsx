import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import { type Finding, type FilterCriteria, ListFindings } from "../api/inspector2";
import { activeOnly, findingProperties } from "../filters/findingproperties";
import { read, spelled, type Token } from "../filters/property";
import { useSigned } from "../session/context";
import { href, useRoute } from "../shell/route";
import { type Column, List } from "../table/list";
import { type Text, useText } from "../text";
import { SavedFilters } from "./savedfilters";
import { Severity } from "./severity";

/** Findings, one row each; the address says which. */
export default function Findings() {
  const text = useText();
  const { client } = useSigned();
  const { params } = useRoute();
  return (
    <List<Finding>
      id="findings"
      title={text.t("nav.all")}
      columns={findingColumns(text)}
      track={(f) => f.findingArn}
      properties={findingProperties}
      initial={activeOnly}
      sort={{ field: "SEVERITY", descending: true }}
      deps={[client]}
      asked={(q) => ({ service: "inspector2", operation: "ListFindings", input: { filterCriteria: q.criteria, sortCriteria: q.sort } })}
      load={async (q) => {
        const out = await client.call(ListFindings, { filterCriteria: q.criteria as FilterCriteria, sortCriteria: q.sort as never, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.findings ?? [], nextToken: out.nextToken };
      }}
      selection="single"
      actions={(rows) => (
        <>
          <SavedFilters tokens={read(params, findingProperties) ?? activeOnly} />
          <ExportButton />
          <SuppressButton rows={rows} />
        </>
      )}
      empty={text.t("finding.none")}
    />
  );
}

/** Leads to a report of what the filter means, all of it. */
function ExportButton() {
  const { t } = useText();
  const { params } = useRoute();
  return <Button href={findingsHref(read(params, findingProperties) ?? activeOnly, "/exports/new")}>{t("exports.report")}</Button>;
}

/** Leads to a new rule that means findings like the chosen one. */
function SuppressButton({ rows }: { rows: Finding[] }) {
  const { t } = useText();
  const [f] = rows;
  return <Button disabled={!f} href={f && ruleFor(f)}>{t("finding.suppress")}</Button>;
}

export function ruleFor(f: Finding): string {
  const id = f.packageVulnerabilityDetails?.vulnerabilityId;
  const tokens = [id ? { key: "vulnerabilityId", operator: "=", value: id } : { key: "title", operator: "=", value: f.title ?? "" }];
  if (f.resources[0]) tokens.push({ key: "resourceId", operator: "=", value: f.resources[0].id });
  return findingsHref(tokens, "/rules/new");
}

/** The address of the findings that tokens mean. */
export function findingsHref(tokens: Token[], path = "/findings"): string {
  const params = new URLSearchParams();
  for (const t of tokens) params.append("f", spelled(t));
  return href(path, params);
}

export function findingHref(f: Finding): string {
  return href("/finding", { arn: f.findingArn });
}

export function findingColumns({ t, name, number, time }: Text): Column<Finding>[] {
  return [
    { id: "severity", header: t("finding.severity"), text: (f) => name("severity", f.severity), cell: (f) => <Severity value={f.severity} />, sort: "SEVERITY", width: 115 },
    { id: "title", header: t("finding.name"), text: (f) => f.title ?? "", cell: (f) => <Link href={findingHref(f)}>{f.title}</Link>, width: 260 },
    { id: "score", header: t("finding.score"), text: (f) => f.inspectorScore?.toFixed(1) ?? "–", sort: "INSPECTOR_SCORE", width: 135 },
    { id: "exploit", header: t("finding.exploit"), text: (f) => name("yesNo", f.exploitAvailable), width: 105 },
    { id: "fix", header: t("finding.fix"), text: (f) => name("yesNo", f.fixAvailable), width: 105 },
    { id: "resource", header: t("finding.resource"), text: (f) => f.resources.map((r) => r.id).join(" "), width: 205 },
    { id: "account", header: t("finding.account"), text: (f) => f.awsAccountId, sort: "AWS_ACCOUNT_ID", width: 150 },
    { id: "first", header: t("finding.first"), text: (f) => time(f.firstObservedAt), sort: "FIRST_OBSERVED_AT", width: 190 },
    { id: "status", header: t("finding.status"), text: (f) => name("findingStatus", f.status), sort: "FINDING_STATUS", width: 130 },
    { id: "type", header: t("finding.type"), text: (f) => name("findingType", f.type), hidden: true, sort: "FINDING_TYPE" },
    { id: "epss", header: t("finding.epss"), text: (f) => number(f.epss?.score), hidden: true, sort: "EPSS_SCORE" },
    { id: "last", header: t("finding.last"), text: (f) => time(f.lastObservedAt), hidden: true, sort: "LAST_OBSERVED_AT" },
    { id: "fixedIn", header: t("finding.fixedIn"), text: fixes, hidden: true },
  ];
}

function fixes(f: Finding): string {
  const known = (f.packageVulnerabilityDetails?.vulnerablePackages ?? []).map((p) => p.fixedInVersion).filter((v) => v && v !== "NotAvailable");
  return [...new Set(known)].join(", ");
}
