import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { ListFeeds } from "../api/muster";
import type { Token } from "../filters/property";
import { useSigned } from "../session/context";
import { type Loaded, useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { href } from "../shell/route";
import { type Key, useText } from "../text";
import { findingsHref } from "./findings";
import type { Sums } from "./sums";

const token = (key: string, value: string): Token => ({ key, operator: "=", value });
const active = token("findingStatus", "ACTIVE");

/** What to act on, in numbers that lead to the findings. */
export function Risk({ found }: { found: Loaded<Sums> }) {
  const { t } = useText();
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

/** How much of each kind of resource is watched, and what it has of critical findings. */
export function Coverage({ found }: { found: Loaded<Sums> }) {
  const { t, name, number } = useText();
  const kinds = found.value?.covered ?? [];
  const critical = (type: string) => found.value?.kinds.find((k) => k.type === type)?.critical ?? 0;
  return (
    <Container fitHeight header={<Header variant="h2" actions={<Link href={href("/coverage")}>{t("dashboard.all")}</Link>}>{t("dashboard.coverage")}</Header>}>
      <Problem error={found.error} again={found.again} />
      {found.value && !kinds.length && <Box>{t("dashboard.nothingCovered")}</Box>}
      <SpaceBetween size="m">
        {kinds.map((k) => (
          <div key={k.type}>
            <ProgressBar
              label={name("resourceType", k.type)}
              value={(100 * k.watched) / k.all}
              additionalInfo={<>
                {t("dashboard.covered", { n: k.watched, all: k.all })}
                {k.all > k.watched && <> <Link fontSize="inherit" href={findingsHref([token("scanStatusCode", "INACTIVE"), token("resourceType", k.type)], "/coverage")}>{t("dashboard.uncovered", { n: number(k.all - k.watched) })}</Link></>}
              </>}
              description={<Link fontSize="inherit" href={findingsHref([active, token("resourceType", k.type), token("severity", "CRITICAL")])}>{t("dashboard.criticalOf", { n: critical(k.type) })}</Link>}
            />
          </div>
        ))}
      </SpaceBetween>
    </Container>
  );
}

/** Days without a new advisory from anybody, after which something is wrong: the publishers change theirs every day. */
const staleAfter = 7;

/** Whether there is knowledge to find anything by, and how old it is. */
export function Advisories() {
  const { t, time } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(ListFeeds, {}, signal)).feeds, [client]);
  const feeds = found.value ?? [];
  const bad = feeds.filter((f) => f.status === "REJECTED" || f.status === "UNREACHABLE").length;
  const good = feeds.filter((f) => f.records > 0);
  // Sources that do not date their records say nothing about how new they are.
  const newest = Math.max(...good.map((f) => f.publishedAt ?? 0));
  const days = newest ? Math.floor((Date.now() / 1000 - newest) / 86_400) : 0;
  return (
    <Container fitHeight header={<Header variant="h2" actions={<Link href={href("/feeds")}>{t("dashboard.all")}</Link>}>{t("dashboard.feeds")}</Header>}>
      <Problem error={found.error} again={found.again} />
      {found.value && (
        <SpaceBetween size="xs">
          {good.length === 0 && <StatusIndicator type="error">{t("dashboard.noFeeds")}</StatusIndicator>}
          {good.length > 0 && (days > staleAfter
            ? <Alert type="warning">{t("dashboard.feedsOld", { n: good.length, days })}</Alert>
            : <StatusIndicator type="success">{t("dashboard.feedsAge", { n: good.length, time: time(newest || undefined) })}</StatusIndicator>)}
          {bad > 0 && <StatusIndicator type="warning">{t("dashboard.feedsBad", { n: bad })}</StatusIndicator>}
        </SpaceBetween>
      )}
    </Container>
  );
}
