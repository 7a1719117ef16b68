import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { type FindingHistoryEntry, GetFindingHistory } from "../api/muster";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { useText } from "../text";

const kinds: Record<string, StatusIndicatorProps.Type> = { OPENED: "warning", REOPENED: "warning", CHANGED: "info", SUPPRESSED: "stopped", UNSUPPRESSED: "warning", CLOSED: "success" };

/** What has become of a finding, newest first, and why each time. */
export function History({ arn }: { arn: string }) {
  const { t, name, time } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(GetFindingHistory, { findingArn: arn }, signal)).entries, [client, arn]);
  const entries = [...(found.value ?? [])].sort((a, b) => b.at - a.at);
  if (found.error) {
    return <Container header={<Header variant="h2">{t("history.title")}</Header>}><Problem error={found.error} again={found.again} /></Container>;
  }
  return (
    <Table<FindingHistoryEntry>
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t("history.title") }}
      header={<Header variant="h2" counter={found.value && `(${entries.length})`}>{t("history.title")}</Header>}
      items={entries}
      empty={t("table.empty")}
      columnDefinitions={[
        { id: "at", header: t("history.at"), cell: (e) => time(e.at) },
        { id: "kind", header: t("history.kind"), cell: (e) => <StatusIndicator type={kinds[e.kind]}>{name("historyKind", e.kind)}</StatusIndicator> },
        { id: "reason", header: t("finding.reason"), cell: (e) => <span lang="en">{e.reason}</span> },
      ]}
    />
  );
}
