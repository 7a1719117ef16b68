import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import { useState } from "react";
import { DeleteFilter, type Filter, ListFilters } from "../api/inspector2";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { href, useRoute } from "../shell/route";
import { List } from "../table/list";
import { useText } from "../text";
import { findingsHref } from "./findings";
import { RuleForm } from "./ruleform";
import { tokensOf } from "./rulecriteria";

/** The suppression rules, or the form of one, by the address. */
export default function Rules() {
  const { path, params } = useRoute();
  if (path === "/rules/new") return <RuleForm />;
  const arn = params.get("arn");
  return arn ? <RuleForm arn={arn} /> : <All />;
}

function All() {
  const { t, time } = useText();
  const { client, standing } = useSigned();
  const notices = useNotices();
  const [deleting, remove] = useState<Filter>();
  const writes = !standing.member;
  return (
    <List<Filter>
      id="rules"
      title={t("rule.title")}
      description={t("rule.help")}
      above={!writes && <Alert type="info">{t("rule.member")}</Alert>}
      columns={[
        { id: "name", header: t("rule.name"), text: (f) => f.name, cell: (f) => <Link href={href("/rules", { arn: f.arn })}>{f.name}</Link>, width: 220 },
        { id: "criteria", header: t("rule.criteria"), text: (f) => tokensOf(f.criteria).map((k) => `${k.key} ${k.operator} ${k.value}`).join("; "), width: 340 },
        { id: "reason", header: t("rule.reason"), text: (f) => f.reason ?? "–", width: 220 },
        { id: "description", header: t("rule.description"), text: (f) => f.description ?? "–", width: 220 },
        { id: "owner", header: t("rule.owner"), text: (f) => f.ownerId, width: 150 },
        { id: "changed", header: t("rule.changed"), text: (f) => time(f.updatedAt), width: 190 },
      ]}
      track={(f) => f.arn}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListFilters, { action: "SUPPRESS", maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.filters, nextToken: out.nextToken };
      }}
      selection={writes ? "single" : undefined}
      actions={([f], reload) => (
        <>
          <Button href={findingsHref([{ key: "findingStatus", operator: "=", value: "SUPPRESSED" }])}>{t("rule.view")}</Button>
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
