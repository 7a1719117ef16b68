import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import Header from "@cloudscape-design/components/header";
import { useState } from "react";
import { DeleteJob, type Job, JobStatusValues, type JobQueue, ListJobQueues, ListJobs, RetryJob } from "../api/muster";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { useLoaded, useRepeat } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { adjust, href, useRoute } from "../shell/route";
import { List } from "../table/list";
import { type Key, texts, useText } from "../text";

const signs = { SCHEDULED: "pending", PENDING: "pending", RUNNING: "in-progress", PARKED: "error" } as const;

/** What the server is at for this account and its members, and what failed so often that it was put aside. */
export default function Jobs() {
  const { t, name, time, number } = useText();
  const { client, standing } = useSigned();
  const { params } = useRoute();
  const notices = useNotices();
  const [dropping, drop] = useState<Job[]>();
  const status = params.get("status") ?? "";
  const kind = params.get("kind") ?? "";
  const work = useWork();
  const each = async (jobs: Job[], act: (j: Job) => Promise<unknown>, said: Key) => {
    for (const j of jobs) await act(j);
    notices.done(t(said, { n: jobs.length }));
  };
  return (
    <SpaceBetween size="l">
      <List<Job>
        id="jobs"
        title={t("jobs.title")}
        description={t("jobs.help")}
        columns={[
          { id: "work", header: t("jobs.work"), text: (j) => work(j.kind), width: 240 },
          { id: "status", header: t("jobs.status"), text: (j) => name("job", j.status), cell: (j) => <StatusIndicator type={signs[j.status]}>{name("job", j.status)}</StatusIndicator>, width: 140 },
          { id: "due", header: t("jobs.due"), text: (j) => time(j.dueAt), width: 190 },
          { id: "error", header: t("jobs.error"), text: (j) => j.error ?? "–", cell: (j) => <span lang="en" className="value">{j.error ?? "–"}</span>, width: 260 },
          { id: "failures", header: t("jobs.failures"), text: (j) => number(j.failures), width: 120 },
          { id: "account", header: t("account.account"), text: (j) => j.accountId, width: 150 },
          { id: "created", header: t("jobs.created"), text: (j) => time(j.createdAt), width: 190 },
          { id: "key", header: t("jobs.key"), text: (j) => j.key, cell: (j) => <span lang="en" className="value">{j.key}</span>, width: 240 },
          { id: "attempts", header: t("jobs.attempts"), text: (j) => number(j.attempts), hidden: true, width: 120 },
          { id: "kind", header: t("jobs.kind"), text: (j) => j.kind, hidden: true, width: 160 },
          { id: "id", header: t("jobs.id"), text: (j) => j.jobId, hidden: true, width: 260 },
        ]}
        track={(j) => j.jobId}
        deps={[client, status, kind]}
        load={async (q) => {
          const out = await client.call(ListJobs, { status: (status || undefined) as Job["status"] | undefined, kind: kind || undefined, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
          return { items: out.jobs, nextToken: out.nextToken };
        }}
        selection="multi"
        unsettled={(rows) => rows.some((j) => j.status === "PENDING" || j.status === "RUNNING")}
        filters={<ByStatus />}
        empty={t(status || kind ? "jobs.noneSuch" : "jobs.empty")}
        actions={(rows, reload) => {
          const parked = rows.length > 0 && rows.every((j) => j.status === "PARKED");
          return (
            <>
              {!standing.member && <Button disabled={!parked} onClick={() => drop(rows)}>{t("jobs.drop")}</Button>}
              <Button variant="primary" disabled={!parked} onClick={() => void each(rows, (j) => client.call(RetryJob, { jobId: j.jobId }), "jobs.retried").catch((e) => notices.failed(t("jobs.retry"), e)).finally(reload)}>{t("jobs.retry")}</Button>
              {dropping && (
                <Confirm title={t("jobs.drop")} label={t("jobs.drop")} close={() => drop(undefined)} act={async () => {
                  await each(dropping, (j) => client.call(DeleteJob, { jobId: j.jobId }), "jobs.dropped").finally(reload);
                }}>
                  {t("jobs.dropBody", { n: dropping.length })}
                </Confirm>
              )}
            </>
          );
        }}
      />
      <Queues />
    </SpaceBetween>
  );
}

/** What a kind of work is called; one without a name is shown as it is. */
function useWork(): (kind: string) => string {
  const { t } = useText();
  return (kind) => (`work.${kind}` in texts ? t(`work.${kind}` as Key) : kind);
}

function ByStatus() {
  const { t, name } = useText();
  const { params } = useRoute();
  const work = useWork();
  const kind = params.get("kind");
  const any = { value: "", label: t("jobs.any") };
  const options = [any, ...JobStatusValues.map((value) => ({ value: value as string, label: name("job", value) }))];
  const put = (key: string, value: string) => adjust((p) => (value ? p.set(key, value) : p.delete(key)));
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Select
        ariaLabel={t("jobs.status")}
        options={options}
        selectedOption={options.find((o) => o.value === params.get("status")) ?? any}
        onChange={({ detail }) => put("status", detail.selectedOption.value ?? "")}
      />
      {kind && <Button iconName="close" iconAlign="right" onClick={() => put("kind", "")}>{work(kind)}</Button>}
    </SpaceBetween>
  );
}

/** How much of each kind there is, and how long it has waited. */
function Queues() {
  const { t, number } = useText();
  const { client } = useSigned();
  const found = useLoaded((signal) => client.call(ListJobQueues, {}, signal), [client]);
  const work = useWork();
  useRepeat(found.again, 5000, !found.loading && !!found.value?.queues.some((q) => q.pending + q.running > 0));
  const count = (id: "scheduled" | "pending" | "running" | "parked", header: Key) => ({
    id, header: t(header), minWidth: 100,
    cell: (q: JobQueue) => (q[id] ? <Link href={href("/jobs", { kind: q.kind, status: id.toUpperCase() })} ariaLabel={`${work(q.kind)}: ${t(header)} ${number(q[id])}`}>{number(q[id])}</Link> : number(0)),
  });
  return (
    <SpaceBetween size="m">
      <Problem error={found.error} again={found.again} />
      <Table<JobQueue>
        variant="container"
        wrapLines
        loading={found.loading && !found.value}
        loadingText={t("app.loading")}
        ariaLabels={{ tableLabel: t("jobs.queues") }}
        header={<Header variant="h2" description={found.value?.complete === false ? t("jobs.incomplete") : undefined}>{t("jobs.queues")}</Header>}
        items={found.value?.queues ?? []}
        trackBy="kind"
        empty={t("jobs.empty")}
        columnDefinitions={[
          { id: "work", header: t("jobs.work"), minWidth: 160, cell: (q) => work(q.kind) },
          count("pending", "job.PENDING"),
          { id: "waits", header: t("jobs.waits"), minWidth: 120, cell: (q) => <Waited since={q.oldestDueAt} /> },
          count("running", "job.RUNNING"),
          count("scheduled", "job.SCHEDULED"),
          count("parked", "job.PARKED"),
        ]}
      />
    </SpaceBetween>
  );
}

function Waited({ since }: { since?: number }) {
  const { t } = useText();
  if (!since) return <>–</>;
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - since));
  return <>{seconds < 120 ? t("jobs.seconds", { n: seconds }) : seconds < 7200 ? t("jobs.minutes", { n: Math.round(seconds / 60) }) : t("feeds.hours", { n: Math.round(seconds / 3600) })}</>;
}
