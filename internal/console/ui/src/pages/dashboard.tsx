import Alert from "@cloudscape-design/components/alert";
import Container from "@cloudscape-design/components/container";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { lazy, Suspense } from "react";
import { GetSummary } from "../api/muster";
import { useSigned } from "../session/context";
import { useLoaded, useRepeat } from "../shell/loading";
import { useText } from "../text";
import { Advisories, Coverage, Risk } from "./dashboardsums";
import { Top, TopUnits, Worst } from "./dashboardtops";
import { ActivateOwn } from "./start";
import { sumsOf } from "./sums";

// The code that draws is large; the numbers do not wait for it.
const Trend = lazy(() => import("./trend"));

/** What to act on first, how much is watched, and where the risk is. */
export default function Dashboard() {
  const { t } = useText();
  const { client, standing } = useSigned();
  const found = useLoaded(async (signal) => sumsOf(await client.call(GetSummary, {}, signal)), [client]);
  useRepeat(found.again, 5 * 60_000, !found.loading);
  return (
    <SpaceBetween size="l">
      <Header variant="h1">{t("dashboard.title")}</Header>
      {standing.status === "DISABLED" && (
        <Alert type="warning" header={t("dashboard.inactive")} action={standing.member ? undefined : <ActivateOwn />}>{t("dashboard.inactiveBody")}</Alert>
      )}
      <Risk found={found} />
      <Grid gridDefinition={[{ colspan: { default: 12, s: 6 } }, { colspan: { default: 12, s: 6 } }]}>
        <Coverage found={found} />
        <Advisories />
      </Grid>
      <Suspense fallback={<Container header={<Header variant="h2">{t("trend.title")}</Header>}><Spinner /></Container>}><Trend /></Suspense>
      <Worst />
      <Grid gridDefinition={Array.from({ length: 5 }, () => ({ colspan: { default: 12, m: 6 } as const }))}>
        <Top title="dashboard.vulnerabilities" label="finding.name" type="TITLE" path="/findings/vulnerabilities" of={(a) => [a.titleAggregation?.title, "title"]} counts={(a) => a.titleAggregation?.severityCounts} />
        <Top title="dashboard.accounts" label="finding.account" type="ACCOUNT" path="/findings/accounts" of={(a) => [a.accountAggregation?.accountId, "awsAccountId"]} counts={(a) => a.accountAggregation?.severityCounts} />
        <Top title="dashboard.instances" label="group.instance" type="AWS_EC2_INSTANCE" path="/findings/instances" of={(a) => [a.ec2InstanceAggregation?.instanceId, "resourceId"]} counts={(a) => a.ec2InstanceAggregation?.severityCounts} />
        <Top title="dashboard.repositories" label="finding.repository" type="REPOSITORY" path="/findings/repositories" of={(a) => [a.repositoryAggregation?.repository, "ecrImageRepositoryName"]} counts={(a) => a.repositoryAggregation?.severityCounts} />
        {standing.kind === "ADMINISTRATOR" && <TopUnits />}
      </Grid>
    </SpaceBetween>
  );
}
