import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { CancelRollout, ListRolloutResults, ListRollouts, type Rollout, type RolloutResult } from "../api/muster";
import { useSigned } from "../session/context";
import { useNotices } from "../shell/notices";
import { adjust, href, useRoute } from "../shell/route";
import { type Column, List } from "../table/list";
import { useText } from "../text";
import { Status } from "./status";

/** The orders of this account, or the results of the one that the address names. */
export default function Rollouts() {
  const id = useRoute().params.get("id");
  return id ? <Results id={id} /> : <Orders />;
}

function Orders() {
  const { t, name, time, number } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const columns: Column<Rollout>[] = [
    { id: "id", header: t("rollouts.id"), text: (r) => r.rolloutId, cell: (r) => <Link href={href("/rollouts", { id: r.rolloutId })}>{r.rolloutId}</Link>, width: 220 },
    { id: "action", header: t("rollouts.action"), text: (r) => name("rolloutAction", r.action), width: 140 },
    { id: "types", header: t("rollouts.types"), text: (r) => r.resourceTypes.map((k) => name("scanType", k)).join(", "), width: 240 },
    { id: "accounts", header: t("rollouts.accounts"), text: (r) => number(r.accountCount), width: 110 },
    { id: "status", header: t("rollouts.status"), text: (r) => name("rollout", r.status), cell: (r) => <Status group="rollout" value={r.status} />, width: 180 },
    { id: "progress", header: t("rollouts.progress"), text: (r) => progressText(r), cell: (r) => <Progress r={r} />, width: 280 },
    { id: "created", header: t("rollouts.created"), text: (r) => time(r.createdAt), width: 190 },
    { id: "completed", header: t("rollouts.completed"), text: (r) => time(r.completedAt), width: 190 },
  ];
  return (
    <List<Rollout>
      id="rollouts"
      empty={t("rollouts.empty")}
      title={t("rollouts.title")}
      description={t("rollouts.help")}
      columns={columns}
      track={(r) => r.rolloutId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListRollouts, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.rollouts, nextToken: out.nextToken };
      }}
      selection="single"
      unsettled={(rows) => rows.some((r) => r.status === "IN_PROGRESS")}
      actions={([r], reload) => (
        <Button
          disabled={r?.status !== "IN_PROGRESS"}
          onClick={() => client.call(CancelRollout, { rolloutId: r.rolloutId }).then(() => notices.done(t("rollouts.cancelled")), (e) => notices.failed(t("rollouts.cancel"), e)).finally(reload)}
        >
          {t("rollouts.cancel")}
        </Button>
      )}
    />
  );

  function progressText(r: Rollout): string {
    const { done, all, failed } = sums(r);
    return t("account.progress", { done, all, failed });
  }
}

function sums(r: Rollout) {
  let done = 0;
  let failed = 0;
  for (const part of r.regions) {
    done += part.processed;
    failed += part.failed;
  }
  return { done, failed, all: r.accountCount * r.regions.length };
}

export function Progress({ r }: { r: Rollout }) {
  const { t } = useText();
  const { done, all, failed } = sums(r);
  return <ProgressBar value={all ? (100 * done) / all : 100} additionalInfo={t("account.progress", { done, all, failed })} ariaLabel={t("rollouts.progress")} />;
}

function Results({ id }: { id: string }) {
  const { t, name } = useText();
  const { client } = useSigned();
  const failed = useRoute().params.get("failed") === "1";
  const columns: Column<RolloutResult>[] = [
    { id: "account", header: t("account.account"), text: (r) => r.accountId, width: 150 },
    { id: "region", header: t("app.region"), text: (r) => r.region, width: 140 },
    { id: "association", header: t("rollouts.association"), text: (r) => name("outcome", r.association), width: 140 },
    {
      id: "types", header: t("rollouts.types"), width: 360,
      text: (r) => r.resources.map((k) => `${name("scanType", k.resourceType)}: ${name("outcome", k.outcome)}`).join(", "),
      cell: (r) => <SpaceBetween size="xxs">{r.resources.map((k) => <div key={k.resourceType}>{name("scanType", k.resourceType)}: {name("outcome", k.outcome)}, {name("status", k.status)}</div>)}</SpaceBetween>,
    },
    { id: "reason", header: t("rollouts.reason"), text: (r) => [r.errorCode, r.errorMessage, ...r.resources.flatMap((k) => [k.errorCode, k.errorMessage])].filter(Boolean).join(" "), width: 360 },
  ];
  return (
    <List<RolloutResult>
      id="rollout-results"
      title={t("rollouts.results")}
      description={id}
      columns={columns}
      track={(r) => r.accountId + r.region}
      deps={[client, id, failed]}
      load={async (q) => {
        const out = await client.call(ListRolloutResults, { rolloutId: id, onlyFailed: failed || undefined, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.results, nextToken: out.nextToken };
      }}
      filters={<Toggle checked={failed} onChange={({ detail }) => adjust((p) => (detail.checked ? p.set("failed", "1") : p.delete("failed")))}>{t("rollouts.onlyFailed")}</Toggle>}
    />
  );
}
