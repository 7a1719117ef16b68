import SpaceBetween from "@cloudscape-design/components/space-between";
import { BatchGetFreeTrialInfo, type FreeTrialInfo, ListUsageTotals, type UsageTotal } from "../api/inspector2";
import { useSigned } from "../session/context";
import { List } from "../table/list";
import { useText } from "../text";

interface Row extends UsageTotal {
  trials: FreeTrialInfo[];
}

/** What the last thirty days came to, by account, and how long trials run. */
export default function Usage() {
  const { t, name, number, day, language } = useText();
  const { client } = useSigned();
  const money = (r: UsageTotal) => {
    const sum = (r.usage ?? []).reduce((n, u) => n + (u.estimatedMonthlyCost ?? 0), 0);
    return new Intl.NumberFormat(language, { style: "currency", currency: r.usage?.[0]?.currency ?? "USD" }).format(sum);
  };
  const lines = (r: UsageTotal) => (r.usage ?? []).filter((u) => u.total).map((u) => `${name("usage", u.type)}: ${number(u.total)}`);
  const trials = (r: Row) => r.trials.map((i) => `${name("scanType", i.type)}: ${t(i.status === "ACTIVE" ? "usage.trialUntil" : "usage.trialEnded", { day: day(i.end) })}`);
  const stacked = (list: string[]) => (list.length ? <SpaceBetween size="xxs">{list.map((l) => <div key={l}>{l}</div>)}</SpaceBetween> : "–");
  return (
    <List<Row>
      id="usage"
      title={t("usage.title")}
      description={t("usage.help")}
      columns={[
        { id: "account", header: t("usage.account"), text: (r) => r.accountId ?? "", width: 180 },
        { id: "usage", header: t("usage.type"), text: (r) => lines(r).join("; ") || "–", cell: (r) => stacked(lines(r)), width: 360 },
        { id: "cost", header: t("usage.cost"), text: money, width: 180 },
        { id: "trial", header: t("usage.trial"), text: (r) => trials(r).join("; ") || "–", cell: (r) => stacked(trials(r)), width: 360 },
      ]}
      track={(r) => r.accountId ?? ""}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListUsageTotals, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        const totals = out.totals ?? [];
        const accountIds = totals.flatMap((r) => (r.accountId ? [r.accountId] : []));
        const info = accountIds.length ? await client.call(BatchGetFreeTrialInfo, { accountIds }, q.signal) : undefined;
        const of = new Map(info?.accounts.map((a) => [a.accountId, a.freeTrialInfo]));
        return { items: totals.map((r) => ({ ...r, trials: of.get(r.accountId ?? "") ?? [] })), nextToken: out.nextToken };
      }}
    />
  );
}
