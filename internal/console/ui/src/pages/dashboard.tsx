import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { type AggregationResponse, type AggregationType, ListCoverageStatistics, ListFindingAggregations, ListFindings, type SeverityCounts } from "../api/inspector2";
import { ListFeeds } from "../api/muster";
import type { Token } from "../filters/property";
import { useSigned } from "../session/context";
import { everyPage, useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { href } from "../shell/route";
import { type Key, useText } from "../text";
import { findingColumns, findingsHref } from "./findings";
import { ActivateOwn } from "./start";

const token = (key: string, value: string): Token => ({ key, operator: "=", value });
const active = token("findingStatus", "ACTIVE");

/** What to act on first, how much is watched, and where the risk is. */
export default function Dashboard() {
  const { t } = useText();
  const { standing } = useSigned();
  return (
    <SpaceBetween size="l">
      <Header variant="h1">{t("dashboard.title")}</Header>
      {standing.status === "DISABLED" && (
        <Alert type="warning" header={t("dashboard.inactive")} action={standing.member ? undefined : <ActivateOwn />}>{t("dashboard.inactiveBody")}</Alert>
      )}
      <Risk />
      <Grid gridDefinition={[{ colspan: { default: 12, s: 6 } }, { colspan: { default: 12, s: 6 } }]}>
        <Coverage />
        <Advisories />
      </Grid>
      <Worst />
      <Grid gridDefinition={[{ colspan: { default: 12, m: 6 } }, { colspan: { default: 12, m: 6 } }, { colspan: { default: 12, m: 6 } }, { colspan: { default: 12, m: 6 } }]}>
        <Top title="dashboard.vulnerabilities" label="finding.name" type="TITLE" path="/findings/vulnerabilities" of={(a) => [a.titleAggregation?.title, "title"]} counts={(a) => a.titleAggregation?.severityCounts} />
        <Top title="dashboard.accounts" label="finding.account" type="ACCOUNT" path="/findings/accounts" of={(a) => [a.accountAggregation?.accountId, "awsAccountId"]} counts={(a) => a.accountAggregation?.severityCounts} />
        <Top title="dashboard.instances" label="group.instance" type="AWS_EC2_INSTANCE" path="/findings/instances" of={(a) => [a.ec2InstanceAggregation?.instanceId, "resourceId"]} counts={(a) => a.ec2InstanceAggregation?.severityCounts} />
        <Top title="dashboard.repositories" label="finding.repository" type="REPOSITORY" path="/findings/repositories" of={(a) => [a.repositoryAggregation?.repository, "ecrImageRepositoryName"]} counts={(a) => a.repositoryAggregation?.severityCounts} />
      </Grid>
    </SpaceBetween>
  );
}

interface Sums {
  all: number;
  critical: number;
  high: number;
  exploitable: number;
  fixable: number;
  network: number;
}

/** Sums over the accounts that the caller sees: the server keeps these counts, so they cost the same at any size. */
function Risk() {
  const { t } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => {
    const of = (findingType?: "NETWORK_REACHABILITY") => everyPage(async (nextToken) => {
      const aggregationRequest = { accountAggregation: findingType ? { findingType } : {} };
      const out = await client.call(ListFindingAggregations, { aggregationType: "ACCOUNT", aggregationRequest, maxResults: 100, nextToken }, signal);
      return { items: out.responses ?? [], nextToken: out.nextToken };
    });
    const [everything, exposed] = await Promise.all([of(), of("NETWORK_REACHABILITY")]);
    const sums: Sums = { all: 0, critical: 0, high: 0, exploitable: 0, fixable: 0, network: 0 };
    for (const { accountAggregation: a } of everything) {
      sums.all += a?.severityCounts?.all ?? 0;
      sums.critical += a?.severityCounts?.critical ?? 0;
      sums.high += a?.severityCounts?.high ?? 0;
      sums.exploitable += a?.exploitAvailableCount ?? 0;
      sums.fixable += a?.fixAvailableCount ?? 0;
    }
    for (const { accountAggregation: a } of exposed) sums.network += a?.severityCounts?.all ?? 0;
    return sums;
  }, [client]);
  const s = found.value;
  const count = (label: Key, n: number | undefined, ...tokens: Token[]) => <Count label={t(label)} n={n} to={findingsHref([active, ...tokens])} />;
  return (
    <Container header={<Header variant="h2" description={t("dashboard.riskHelp")}>{t("dashboard.risk")}</Header>}>
      <Problem error={found.error} again={found.again} />
      <ColumnLayout columns={3} minColumnWidth={140} variant="text-grid">
        {count("dashboard.exploited", s?.exploitable, token("exploitAvailable", "YES"))}
        {count("dashboard.exposed", s?.network, token("findingType", "NETWORK_REACHABILITY"))}
        {count("dashboard.fixable", s?.fixable, token("fixAvailable", "YES"))}
        {count("group.critical", s?.critical, token("severity", "CRITICAL"))}
        {count("group.high", s?.high, token("severity", "HIGH"))}
        {count("dashboard.open", s?.all)}
      </ColumnLayout>
    </Container>
  );
}

function Count({ label, n, to }: { label: string; n?: number; to: string }) {
  const { number } = useText();
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <Link href={to} fontSize="display-l" ariaLabel={`${label}: ${number(n)}`}>{number(n)}</Link>
    </div>
  );
}

function Coverage() {
  const { t, number } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => {
    const out = await client.call(ListCoverageStatistics, { groupBy: "SCAN_STATUS_CODE" }, signal);
    const covered = out.countsByGroup?.find((c) => String(c.groupKey) === "ACTIVE")?.count ?? 0;
    return { all: out.totalCounts, covered };
  }, [client]);
  const c = found.value;
  return (
    <Container fitHeight header={<Header variant="h2" actions={<Link href={href("/coverage")}>{t("dashboard.all")}</Link>}>{t("dashboard.coverage")}</Header>}>
      <Problem error={found.error} again={found.again} />
      {c?.all === 0 && <Box>{t("dashboard.nothingCovered")}</Box>}
      {!!c?.all && (
        <SpaceBetween size="xs">
          <ProgressBar value={(100 * c.covered) / c.all} ariaLabel={t("dashboard.coverage")} additionalInfo={t("dashboard.covered", { n: c.covered, all: c.all })} />
          {c.all > c.covered && <Link href={findingsHref([token("scanStatusCode", "INACTIVE")], "/coverage")}>{t("dashboard.uncovered", { n: number(c.all - c.covered) })}</Link>}
        </SpaceBetween>
      )}
    </Container>
  );
}

function Advisories() {
  const { t, time } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(ListFeeds, {}, signal)).feeds, [client]);
  const feeds = found.value ?? [];
  const bad = feeds.filter((f) => f.status === "REJECTED" || f.status === "UNREACHABLE").length;
  const good = feeds.filter((f) => f.records > 0);
  const newest = Math.max(...good.map((f) => f.publishedAt ?? f.importedAt ?? 0));
  return (
    <Container fitHeight header={<Header variant="h2" actions={<Link href={href("/feeds")}>{t("dashboard.all")}</Link>}>{t("dashboard.feeds")}</Header>}>
      <Problem error={found.error} again={found.again} />
      {found.value && (
        <SpaceBetween size="xs">
          {good.length === 0 && <StatusIndicator type="error">{t("dashboard.noFeeds")}</StatusIndicator>}
          {good.length > 0 && <StatusIndicator type="success">{t("dashboard.feedsAge", { n: good.length, time: time(newest) })}</StatusIndicator>}
          {bad > 0 && <StatusIndicator type="warning">{t("dashboard.feedsBad", { n: bad })}</StatusIndicator>}
        </SpaceBetween>
      )}
    </Container>
  );
}

/** The findings to begin with: an exploit exists, then by score. */
function Worst() {
  const text = useText();
  const { t } = text;
  const { client } = useSigned();
  const tokens = [active, token("exploitAvailable", "YES")];
  const found = useLoaded(async (signal) => {
    const equals = (value: string) => [{ comparison: "EQUALS" as const, value }];
    const ask = (more: object, maxResults: number) => client.call(ListFindings, { filterCriteria: { findingStatus: equals("ACTIVE"), ...more }, sortCriteria: { field: "INSPECTOR_SCORE", sortOrder: "DESC" }, maxResults }, signal);
    const first = (await ask({ exploitAvailable: equals("YES") }, 5)).findings ?? [];
    const rest = first.length < 5 ? ((await ask({}, 10)).findings ?? []) : [];
    return [...first, ...rest.filter((f) => !first.some((g) => g.findingArn === f.findingArn))].slice(0, 5);
  }, [client]);
  const columns = ["severity", "title", "score", "exploit", "fix", "resource", "account"];
  return (
    <Table
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t("dashboard.worst") }}
      header={<Header variant="h2" actions={<Button href={findingsHref(tokens)}>{t("dashboard.all")}</Button>}>{t("dashboard.worst")}</Header>}
      items={found.value ?? []}
      trackBy="findingArn"
      empty={found.error ? <Problem error={found.error} again={found.again} /> : t("finding.none")}
      columnDefinitions={findingColumns(text).filter((c) => columns.includes(c.id)).map((c) => ({ id: c.id, header: c.header, cell: c.cell ?? c.text }))}
    />
  );
}

interface TopProps {
  title: Key;
  label: Key;
  type: AggregationType;
  path: string;
  /** A group's key and the criterion that it is a value of. */
  of: (a: AggregationResponse) => [string | undefined, string];
  counts: (a: AggregationResponse) => SeverityCounts | undefined;
}

function Top({ title, label, type, path, of, counts }: TopProps) {
  const { t, number } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(ListFindingAggregations, { aggregationType: type, maxResults: 5 }, signal)).responses ?? [], [client, type]);
  const count = (id: string, header: Key, n: (c?: SeverityCounts) => number | undefined) => ({ id, header: t(header), cell: (a: AggregationResponse) => number(n(counts(a))) });
  return (
    <Table<AggregationResponse>
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t(title) }}
      header={<Header variant="h2" actions={<Link href={href(path)}>{t("dashboard.all")}</Link>}>{t(title)}</Header>}
      items={found.value ?? []}
      empty={found.error ? <Problem error={found.error} again={found.again} /> : t("finding.none")}
      columnDefinitions={[
        { id: "label", header: t(label), cell: (a) => { const [key, criterion] = of(a); return <Link href={findingsHref([active, token(criterion, key ?? "")])}>{key}</Link>; } },
        count("critical", "group.critical", (c) => c?.critical),
        count("high", "group.high", (c) => c?.high),
        count("all", "group.all", (c) => c?.all),
      ]}
    />
  );
}
