import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { type ReactNode, useState } from "react";
import { Enable, ListCoverage, ResourceScanTypeValues } from "../api/inspector2";
import { ListAccountStates } from "../api/muster";
import { CreateOrganization } from "../api/organizations";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { href } from "../shell/route";
import { type Key, useText } from "../text";

/** The way from nothing to every account watched, for whoever is looking. */
export default function Start() {
  const { t, name } = useText();
  const { session, standing, client } = useSigned();
  const { organization, administrator, kind } = standing;
  const rest = useLoaded(async (signal) => {
    const [accounts, hosts] = await Promise.all([
      kind === "ADMINISTRATOR" ? client.call(ListAccountStates, { relationships: ["NONE", "REMOVED"], maxResults: 1 }, signal).catch(() => undefined) : undefined,
      // An administrator sees its members' hosts here, too.
      client.call(ListCoverage, { filterCriteria: { resourceType: [{ comparison: "EQUALS", value: "AWS_EC2_INSTANCE" }] }, maxResults: 1 }, signal).catch(() => undefined),
    ]);
    return { left: accounts?.accountCount, hosts: hosts?.coveredResources?.length ?? 0 };
  }, [client, kind]);
  const active = standing.status === "ENABLED" || standing.status === "ENABLING";
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("start.help")}>{t("start.title")}</Header>
      <Box>{t("start.standing", { standing: name("standing", kind), region: session.region })}</Box>
      <Step n={1} title="start.organization" help={t("start.organizationHelp")} done={!!organization}>
        {!organization && <CreateOne />}
      </Step>
      <Step n={2} title="start.delegate" help={kind === "MANAGEMENT" || !standing.management ? t("start.delegateHelp") : t("start.delegateBy", { account: standing.management })} done={!!administrator}>
        {kind === "MANAGEMENT" && <Button href={href("/delegate")} variant={administrator ? "normal" : "primary"}>{t("start.go")}</Button>}
      </Step>
      <Step n={3} title="start.activateOwn" help={t("start.activateOwnHelp")} done={active}>
        {!active && <ActivateOwn />}
      </Step>
      <Step n={4} title="start.accounts" help={kind === "ADMINISTRATOR" || !administrator ? t("start.accountsHelp") : t("start.accountsBy", { account: administrator })} done={rest.value?.left === 0}>
        {kind === "ADMINISTRATOR" && <Button href={href("/accounts")} variant={rest.value?.left === 0 ? "normal" : "primary"}>{t("start.go")}</Button>}
      </Step>
      <Step n={5} title="start.agents" help={t("start.agentsHelp")} done={!!rest.value?.hosts}>
        <Button href={href("/agents")}>{t("start.go")}</Button>
      </Step>
      <Step n={6} title="start.check" help={t("start.checkHelp")}>
        <Button href={href("/doctor")}>{t("start.go")}</Button>
      </Step>
    </SpaceBetween>
  );
}

function Step({ n, title, help, done, children }: { n: number; title: Key; help: string; done?: boolean; children?: ReactNode }) {
  const { t } = useText();
  return (
    <Container header={<Header variant="h2" description={help} actions={children}>{`${n}. ${t(title)}`}</Header>}>
      {done !== undefined && <StatusIndicator type={done ? "success" : "pending"}>{t(done ? "start.done" : "start.todo")}</StatusIndicator>}
    </Container>
  );
}

function CreateOne() {
  const { t } = useText();
  const { client, restand } = useSigned();
  const notices = useNotices();
  const [busy, setBusy] = useState(false);
  const create = async () => {
    setBusy(true);
    await client.call(CreateOrganization, { FeatureSet: "ALL" }).then(() => notices.done(t("start.organizationCreated")), (e) => notices.failed(t("start.createOrganization"), e));
    setBusy(false);
    restand();
  };
  return <Button loading={busy} onClick={create}>{t("start.createOrganization")}</Button>;
}

/** Activates all scanning of the own account. */
export function ActivateOwn() {
  const { t } = useText();
  const { client, session, restand } = useSigned();
  const notices = useNotices();
  const [busy, setBusy] = useState(false);
  const activate = async () => {
    setBusy(true);
    try {
      const out = await client.call(Enable, { accountIds: [session.accountId], resourceTypes: [...ResourceScanTypeValues] });
      const [f] = out.failedAccounts ?? [];
      if (f) throw new Error(f.errorMessage);
      notices.done(t("start.activated"));
    } catch (e) {
      notices.failed(t("start.activate"), e);
    }
    setBusy(false);
    restand();
  };
  return <Button variant="primary" loading={busy} onClick={activate}>{t("start.activate")}</Button>;
}
