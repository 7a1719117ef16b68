import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { DiagnoseOrganization, type Problem as Missing, type RegionDiagnosis } from "../api/muster";
import { useSigned } from "../session/context";
import type { Session } from "../session/session";
import type { Standing } from "../session/standing";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { adjust, href, useRoute } from "../shell/route";
import { useText } from "../text";
import { remedyOf } from "./remedies";

const types = { ERROR: "error", WARNING: "warning", INFO: "info" } as const;

/** What is missing for the organization to be watched as a whole, each with what mends it. */
export default function Doctor() {
  const { t } = useText();
  const { client, standing } = useSigned();
  const everywhere = useRoute().params.get("regions") === "all";
  const found = useLoaded(async (signal) => {
    const regions: RegionDiagnosis[] = [];
    let problems: Missing[] = [];
    let nextToken: string | undefined;
    do {
      const out = await client.call(DiagnoseOrganization, { ...(everywhere ? { allRegions: true } : { regions: [client.region] }), nextToken }, signal);
      problems = nextToken ? problems : out.problems;
      regions.push(...out.regions);
      nextToken = out.nextToken;
    } while (nextToken);
    return { problems, regions };
  }, [client, everywhere]);
  if (standing.kind === "MEMBER") {
    return (
      <SpaceBetween size="l">
        <Header variant="h1" description={t("doctor.help")}>{t("doctor.title")}</Header>
        <Alert type="info">{t("doctor.notYours")}</Alert>
      </SpaceBetween>
    );
  }
  const healthy = found.value && !found.value.problems.length && found.value.regions.every((r) => !r.problems.length);
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={t("doctor.help")}
        actions={
          <SpaceBetween direction="horizontal" size="s">
            <Toggle checked={everywhere} onChange={({ detail }) => adjust((p) => (detail.checked ? p.set("regions", "all") : p.delete("regions")))}>{t("doctor.allRegions")}</Toggle>
            <Button iconName="refresh" ariaLabel={t("do.refresh")} loading={found.loading} onClick={found.again} />
          </SpaceBetween>
        }
      >
        {t("doctor.title")}
      </Header>
      <Problem error={found.error} again={found.again} />
      {!found.value && !found.error && <Spinner size="large" />}
      {healthy && <StatusIndicator type="success">{t("doctor.healthyAll")}</StatusIndicator>}
      {found.value && found.value.problems.length > 0 && (
        <Container header={<Header variant="h2">{t("doctor.whole")}</Header>}>
          <SpaceBetween size="m">{found.value.problems.map((p) => <One key={p.code} p={p} region={client.region} again={found.again} />)}</SpaceBetween>
        </Container>
      )}
      {found.value?.regions.map((r) => (
        <Container key={r.region} header={<Header variant="h2">{t("doctor.region", { region: r.region, members: r.memberCount, accounts: r.accountCount - (r.delegatedAdminAccountId ? 1 : 0) })}</Header>}>
          <SpaceBetween size="m">
            {r.problems.length === 0 && <StatusIndicator type="success">{t("doctor.healthy", { region: r.region })}</StatusIndicator>}
            {r.problems.map((p) => <One key={p.code} p={p} region={r.region} again={found.again} />)}
          </SpaceBetween>
        </Container>
      ))}
    </SpaceBetween>
  );
}

/** The way to the account that can mend what this one cannot: from the management account into its members by the role that they have for that. */
function elsewhere(p: Missing, session: Session, standing: Standing): { account: string; to: string } | undefined {
  const base = session.base ?? session;
  const account = p.remedies.find((r) => r.accountId && r.accountId !== session.accountId)?.accountId;
  if (!account || account === base.accountId || standing.management !== base.accountId) return undefined;
  return { account, to: href("/switch-role", { account, role: "OrganizationAccountAccessRole", then: "/doctor" }) };
}

function One({ p, region, again }: { p: Missing; region: string; again: () => void }) {
  const { t, name } = useText();
  const { client, session, standing, restand } = useSigned();
  const notices = useNotices();
  const [busy, setBusy] = useState(false);
  const remedy = remedyOf(p, client.in(region), session.accountId, standing);
  const mend = async () => {
    setBusy(true);
    try {
      await remedy!.act!();
      notices.done(t("doctor.mended"));
    } catch (e) {
      notices.failed(name("problem", p.code), e);
    }
    setBusy(false);
    restand();
    again();
  };
  const as = elsewhere(p, session, standing);
  const action = remedy?.act ? <Button loading={busy} onClick={mend}>{t("doctor.mend")}</Button> : remedy?.path ? <Button href={href(remedy.path)}>{t("doctor.open")}</Button> : as ? <Button href={as.to}>{t("doctor.as", { account: as.account })}</Button> : undefined;
  return (
    <Alert type={types[p.severity]} header={name("problem", p.code)} statusIconAriaLabel={name("problemSeverity", p.severity)} action={action}>
      <SpaceBetween size="xs">
        {!!p.accountCount && <div>{t("doctor.accounts", { n: p.accountCount })}</div>}
        <ExpandableSection headerText={t("doctor.explanation")}>
          <SpaceBetween size="xs">
            <div lang="en">{p.explanation}</div>
            {!!p.accountIds?.length && <div>{p.accountIds.join(", ")}</div>}
            {p.remedies.map((r) => (
              <div key={r.command}>
                <div>{t("doctor.command", { who: `${name("remedyRole", r.role)}${r.accountId ? " " + r.accountId : ""}` })}</div>
                <Box variant="code">{r.command}</Box>
              </div>
            ))}
          </SpaceBetween>
        </ExpandableSection>
      </SpaceBetween>
    </Alert>
  );
}
