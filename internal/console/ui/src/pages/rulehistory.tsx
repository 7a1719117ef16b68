import Link from "@cloudscape-design/components/link";
import { type FilterHistoryEntry, ListFilterHistory } from "../api/muster";
import { useSigned } from "../session/context";
import { href } from "../shell/route";
import { List } from "../table/list";
import { useText } from "../text";
import { tokensOf } from "./rulecriteria";

/** Who changed which rule, when and why, and how many findings it hid or gave back; of one rule or of all. */
export function RuleHistory({ arn }: { arn?: string }) {
  const { t, name, time, number } = useText();
  const { client } = useSigned();
  const condition = (e: FilterHistoryEntry) => (e.filterCriteria ? tokensOf(e.filterCriteria as never).map((k) => `${k.key} ${k.operator} ${k.value}`).join("; ") : "–");
  return (
    <List<FilterHistoryEntry>
      id="rule-history"
      title={t("rule.history")}
      description={t("rule.historyHelp")}
      columns={[
        { id: "at", header: t("history.at"), text: (e) => time(e.at), width: 190 },
        { id: "name", header: t("rule.name"), text: (e) => e.name, cell: (e) => (e.change === "DELETED" ? e.name : <Link href={href("/rules", { arn: e.filterArn })}>{e.name}</Link>), width: 180 },
        { id: "change", header: t("history.kind"), text: (e) => name("ruleChange", e.change), width: 160 },
        { id: "by", header: t("rule.by"), text: (e) => e.principalArn ?? "–", width: 240 },
        { id: "reason", header: t("rule.reason"), text: (e) => e.reason ?? "–", width: 200 },
        { id: "hidden", header: t("rule.hid"), text: (e) => number(e.hiddenCount), width: 120 },
        { id: "returned", header: t("rule.returned"), text: (e) => number(e.returnedCount), width: 120 },
        { id: "expires", header: t("rule.expires"), text: (e) => time(e.expiresAt), width: 190 },
        { id: "criteria", header: t("rule.criteria"), text: condition, width: 260 },
        { id: "address", header: t("audit.address"), text: (e) => e.sourceIpAddress ?? "–", hidden: true, width: 150 },
      ]}
      track={(e) => e.entryId}
      deps={[client, arn]}
      load={async (q) => {
        const out = await client.call(ListFilterHistory, { filterArn: arn, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.entries, nextToken: out.nextToken };
      }}
    />
  );
}
