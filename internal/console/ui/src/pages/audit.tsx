import Checkbox from "@cloudscape-design/components/checkbox";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { type AuditEvent, AuditOutcomeValues, ListAuditEvents } from "../api/muster";
import { seconds, type Property, type Token } from "../filters/property";
import { useSigned } from "../session/context";
import { adjust, useRoute } from "../shell/route";
import { List } from "../table/list";
import type { Key } from "../text";
import { useText } from "../text";

const group: Key = "filter.properties";

/** What the log can be restricted by. One value each: the operation takes no alternatives. */
export const auditProperties: readonly Property[] = [
  { key: "operation", label: "audit.operation", group, kind: "equal" },
  { key: "service", label: "audit.service", group, kind: "equal" },
  { key: "outcome", label: "audit.outcome", group, kind: "equal", values: AuditOutcomeValues, names: "auditOutcome" },
  { key: "errorCode", label: "audit.error", group, kind: "equal" },
  { key: "principal", label: "audit.principal", group, kind: "equal" },
  { key: "accountId", label: "account.account", group, kind: "equal" },
  { key: "region", label: "app.region", group, kind: "equal" },
  { key: "resource", label: "finding.resource", group, kind: "equal" },
  { key: "requestId", label: "audit.request", group, kind: "equal" },
  { key: "time", label: "audit.time", group, kind: "date" },
];

/** The filter as the operation takes it. */
export function auditQuestion(tokens: readonly Token[]): Record<string, string | number> {
  const asked: Record<string, string | number> = {};
  for (const k of tokens) {
    if (k.key !== "time") asked[k.key] = k.value;
    else asked[k.operator === ">=" ? "startTime" : "endTime"] = seconds(k.value, k.operator === "<=");
  }
  return asked;
}

/** Who changed what, and what was refused. */
export default function Audit() {
  const { t, name, moment } = useText();
  const { client, session, standing } = useSigned();
  const all = useRoute().params.get("organization") === "1";
  return (
    <List<AuditEvent>
      id="audit"
      title={t("audit.title")}
      description={t("audit.help")}
      columns={[
        { id: "time", header: t("audit.time"), text: (e) => moment(e.time), width: 205 },
        { id: "operation", header: t("audit.operation"), text: (e) => e.operation, width: 210 },
        { id: "outcome", header: t("audit.outcome"), text: (e) => name("auditOutcome", e.outcome), cell: (e) => <StatusIndicator type={e.outcome === "SUCCESS" ? "success" : "error"}>{name("auditOutcome", e.outcome)}</StatusIndicator>, width: 130 },
        { id: "principal", header: t("audit.principal"), text: (e) => e.principalArn, width: 300 },
        { id: "account", header: t("account.account"), text: (e) => e.accountId, width: 150 },
        { id: "region", header: t("app.region"), text: (e) => e.region, width: 120 },
        { id: "error", header: t("audit.error"), text: (e) => [e.errorCode, e.errorMessage].filter(Boolean).join(": ") || "–", cell: (e) => <span lang="en">{[e.errorCode, e.errorMessage].filter(Boolean).join(": ") || "–"}</span>, width: 260 },
        { id: "resources", header: t("finding.resource"), text: (e) => e.resources.join(" "), width: 220 },
        { id: "address", header: t("audit.address"), text: (e) => e.sourceIpAddress, width: 150 },
        { id: "request", header: t("audit.request"), text: (e) => e.requestId, hidden: true, width: 260 },
        { id: "agent", header: t("audit.agent"), text: (e) => e.userAgent ?? "–", hidden: true, width: 260 },
        { id: "detail", header: t("letters.detail"), text: (e) => e.requestParameters ?? "–", cell: (e) => (e.requestParameters ? <ExpandableSection headerText={t("letters.show")}><pre className="code path" tabIndex={0} aria-label={t("letters.detail")}>{e.requestParameters}</pre></ExpandableSection> : "–"), width: 280 },
      ]}
      track={(e) => e.eventId}
      deps={[client, all]}
      properties={auditProperties}
      filters={standing.management === session.accountId ? (
        <Checkbox checked={all} onChange={({ detail }) => adjust((p) => (detail.checked ? p.set("organization", "1") : p.delete("organization")))}>{t("audit.organization")}</Checkbox>
      ) : undefined}
      load={async (q) => {
        const out = await client.call(ListAuditEvents, { ...auditQuestion(q.tokens), organization: all || undefined, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.events, nextToken: out.nextToken };
      }}
    />
  );
}
