import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { DeleteFilter, type Filter, ListFilters } from "../api/inspector2";
import { DescribeFilters, type FilterState, GetFilterSettings, PutFilterSettings } from "../api/muster";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { href, useRoute } from "../shell/route";
import { List } from "../table/list";
import { useText } from "../text";
import { findingsHref } from "./findings";
import { RuleForm } from "./ruleform";
import { RuleHistory } from "./rulehistory";
import { tokensOf } from "./rulecriteria";

/** The suppression rules, the form of one, or what became of them, by the address. */
export default function Rules() {
  const { path, params } = useRoute();
  const arn = params.get("arn") ?? undefined;
  if (path === "/rules/new") return <RuleForm />;
  if (path === "/rules/history") return <RuleHistory arn={arn} />;
  return arn ? <RuleForm arn={arn} /> : <All />;
}

interface Row extends Filter {
  state?: FilterState;
}

function All() {
  const { t, time, number } = useText();
  const { client, standing } = useSigned();
  const notices = useNotices();
  const [deleting, remove] = useState<Filter>();
  const writes = !standing.member;
  return (
    <List<Row>
      id="rules"
      empty={t("rule.empty")}
      title={t("rule.title")}
      description={t("rule.help")}
      above={!writes && <Alert type="info">{t("rule.member")}</Alert>}
      columns={[
        { id: "name", header: t("rule.name"), text: (f) => f.name, cell: (f) => <Link href={href("/rules", { arn: f.arn })}>{f.name}</Link>, width: 200 },
        { id: "criteria", header: t("rule.criteria"), text: (f) => tokensOf(f.criteria).map((k) => `${k.key} ${k.operator} ${k.value}`).join("; "), width: 300 },
        { id: "hidden", header: t("rule.hidden"), text: (f) => number(f.state?.hiddenCount), width: 130 },
        { id: "expires", header: t("rule.expires"), text: (f) => (f.state?.expiresAt ? time(f.state.expiresAt) : t("rule.never")), cell: (f) => <Expiry f={f} />, width: 190 },
        { id: "reason", header: t("rule.reason"), text: (f) => f.reason ?? "–", width: 220 },
        { id: "description", header: t("rule.description"), text: (f) => f.description ?? "–", hidden: true, width: 220 },
        { id: "owner", header: t("rule.owner"), text: (f) => f.ownerId, width: 150 },
        { id: "by", header: t("rule.by"), text: (f) => f.state?.updatedBy?.replace(/^.*:/, "") ?? "–", width: 200 },
        { id: "changed", header: t("rule.changed"), text: (f) => time(f.updatedAt), width: 190 },
      ]}
      track={(f) => f.arn}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListFilters, { action: "SUPPRESS", maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        const filterArns = out.filters.map((f) => f.arn);
        const states = filterArns.length ? (await client.call(DescribeFilters, { filterArns }, q.signal)).filters : [];
        const of = new Map(states.map((s) => [s.filterArn, s]));
        return { items: out.filters.map((f) => ({ ...f, state: of.get(f.arn) })), nextToken: out.nextToken };
      }}
      filters={writes ? <Reasons /> : undefined}
      selection={writes ? "single" : undefined}
      actions={([f], reload) => (
        <>
          <Button href={findingsHref([{ key: "findingStatus", operator: "=", value: "SUPPRESSED" }])}>{t("rule.view")}</Button>
          <Button href={href("/rules/history")}>{t("rule.history")}</Button>
          {writes && <Button disabled={!f} onClick={() => remove(f)}>{t("rule.delete")}</Button>}
          {writes && <Button variant="primary" href={href("/rules/new")}>{t("rule.create")}</Button>}
          {deleting && (
            <Confirm title={t("rule.delete")} label={t("do.delete")} close={() => remove(undefined)} act={async () => {
              await client.call(DeleteFilter, { arn: deleting.arn });
              notices.done(t("rule.deleted", { name: deleting.name }));
              reload();
            }}>
              {t("rule.deleteBody", { name: deleting.name })}
            </Confirm>
          )}
        </>
      )}
    />
  );
}

/** Whether rules must say why. */
function Reasons() {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const found = useLoaded((signal) => client.call(GetFilterSettings, {}, signal), [client]);
  const put = (reasonRequired: boolean) =>
    client.call(PutFilterSettings, { reasonRequired }).then(() => notices.done(t(reasonRequired ? "rule.reasonNeeded" : "rule.reasonFree")), (e) => notices.failed(t("rule.reasonRequired"), e)).finally(found.again);
  return <Toggle checked={!!found.value?.settings.reasonRequired} disabled={!found.value || found.loading} onChange={({ detail }) => void put(detail.checked)}>{t("rule.reasonRequired")}</Toggle>;
}

/** When a rule ends by itself; one that will within a week is marked. */
function Expiry({ f }: { f: Row }) {
  const { t, time } = useText();
  const at = f.state?.expiresAt;
  if (!at) return <>{t("rule.never")}</>;
  const soon = at * 1000 - Date.now() < 7 * 86_400_000;
  return <StatusIndicator type={soon ? "warning" : "pending"}>{time(at)}</StatusIndicator>;
}
