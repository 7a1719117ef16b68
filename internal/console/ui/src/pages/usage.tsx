import SpaceBetween from "@cloudscape-design/components/space-between";
import { ListUsageTotals, type UsageTotal } from "../api/inspector2";
import { useSigned } from "../session/context";
import { List } from "../table/list";
import { useText } from "../text";

/** What the last thirty days came to, by account. */
export default function Usage() {
  const { t, name, number, language } = useText();
  const { client } = useSigned();
  const money = (r: UsageTotal) => {
    const sum = (r.usage ?? []).reduce((n, u) => n + (u.estimatedMonthlyCost ?? 0), 0);
    return new Intl.NumberFormat(language, { style: "currency", currency: r.usage?.[0]?.currency ?? "USD" }).format(sum);
  };
  const lines = (r: UsageTotal) => (r.usage ?? []).filter((u) => u.total).map((u) => `${name("usage", u.type)}: ${number(u.total)}`);
  return (
    <List<UsageTotal>
      id="usage"
      title={t("usage.title")}
      description={t("usage.help")}
      columns={[
        { id: "account", header: t("usage.account"), text: (r) => r.accountId ?? "", width: 180 },
        { id: "usage", header: t("usage.type"), text: (r) => lines(r).join("; ") || "–", cell: (r) => (lines(r).length ? <SpaceBetween size="xxs">{lines(r).map((l) => <div key={l}>{l}</div>)}</SpaceBetween> : "–"), width: 420 },
        { id: "cost", header: t("usage.cost"), text: money, width: 200 },
      ]}
      track={(r) => r.accountId ?? ""}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListUsageTotals, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.totals ?? [], nextToken: out.nextToken };
      }}
    />
  );
}
