import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { DisableDelegatedAdminAccount, EnableDelegatedAdminAccount, ListDelegatedAdminAccounts } from "../api/inspector2";
import { DescribeAccount, EnableAWSServiceAccess } from "../api/organizations";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { type Loaded, useLoaded, useRepeat } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { useText } from "../text";
import { Status } from "./status";

interface Row {
  region: string;
  accountId?: string;
  status?: string;
}

/** Who administers Inspector in each Region, and the form that names them. */
export default function Delegate() {
  const { t } = useText();
  const { standing } = useSigned();
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("delegate.help")}>{t("delegate.title")}</Header>
      {standing.kind === "MANAGEMENT" || (standing.kind === "ADMINISTRATOR" && standing.management === standing.administrator) ? <Manage /> : <Told />}
    </SpaceBetween>
  );
}

/** What everybody else is told. */
function Told() {
  const { t } = useText();
  const { standing, session } = useSigned();
  const values = { region: session.region, account: standing.administrator ?? "" };
  const key = standing.kind === "STANDALONE" ? "delegate.standalone" : standing.kind === "ADMINISTRATOR" ? "delegate.isAdministrator" : standing.administrator ? "delegate.current" : "delegate.noneHere";
  return <Alert type="info">{t(key, values)} {standing.kind !== "STANDALONE" && t("delegate.forManagement")}</Alert>;
}

function Manage() {
  const { client, session, info } = useSigned();
  const regions = info.regions ?? [session.region];
  const rows = useLoaded((signal) => Promise.all(regions.map(async (region): Promise<Row> => {
    const out = await client.in(region).call(ListDelegatedAdminAccounts, {}, signal);
    const a = out.delegatedAdminAccounts?.[0];
    return { region, accountId: a?.accountId, status: a?.status };
  })), [client]);
  useRepeat(rows.again, 2000, !!rows.value?.some((r) => r.status === "DISABLE_IN_PROGRESS"));
  return (
    <>
      <Name regions={regions} rows={rows} />
      <Problem error={rows.error} again={rows.again} />
      <InCharge rows={rows} />
    </>
  );
}

function Name({ regions, rows }: { regions: string[]; rows: Loaded<Row[]> }) {
  const { t } = useText();
  const { client, session, restand } = useSigned();
  const notices = useNotices();
  const [account, setAccount] = useState("");
  const [chosen, choose] = useState([session.region]);
  const [name, setName] = useState<string>();
  const good = /^\d{12}$/.test(account.trim());
  const id = account.trim();
  const ask = async () => {
    const out = await client.call(DescribeAccount, { AccountId: id }).catch(() => undefined);
    setName(out?.Account?.Name ?? "–");
  };
  /** Trusted access comes first; without it every Region would refuse. */
  const delegate = async () => {
    await client.call(EnableAWSServiceAccess, { ServicePrincipal: "inspector2.amazonaws.com" });
    for (const region of chosen) {
      await client.in(region).call(EnableDelegatedAdminAccount, { delegatedAdminAccountId: id }).then(
        () => notices.done(t("delegate.done", { account: id, region })),
        (e) => notices.failed(t("delegate.failed", { region }), e),
      );
    }
    rows.again();
    restand();
  };
  return (
    <form onSubmit={(e) => { e.preventDefault(); if (good && chosen.length) void ask(); }}>
      <Form actions={<Button variant="primary" formAction="submit" disabled={!good || !chosen.length}>{t("delegate.delegate")}</Button>}>
        <Container>
          <SpaceBetween size="m">
            <FormField label={t("delegate.account")} constraintText={t("delegate.accountHelp")}>
              <Input value={account} onChange={({ detail }) => setAccount(detail.value)} inputMode="numeric" />
            </FormField>
            <FormField label={t("delegate.regions")} description={t("delegate.regionsHelp")}>
              <Multiselect
                selectedOptions={chosen.map((value) => ({ value, label: value }))}
                options={regions.map((value) => ({ value, label: value }))}
                onChange={({ detail }) => choose(detail.selectedOptions.map((o) => o.value!))}
                filteringType={regions.length > 8 ? "auto" : "none"}
              />
            </FormField>
          </SpaceBetween>
        </Container>
      </Form>
      {name !== undefined && (
        <Confirm title={t("delegate.confirm", { account: id })} label={t("delegate.delegate")} close={() => setName(undefined)} act={delegate}>
          {t("delegate.confirmBody", { account: id, name, regions: chosen.join(", ") })}
        </Confirm>
      )}
    </form>
  );
}

function InCharge({ rows }: { rows: Loaded<Row[]> }) {
  const { t } = useText();
  const { client, restand } = useSigned();
  const notices = useNotices();
  const [removing, remove] = useState<Row>();
  const elsewhere = (rows.value ?? []).filter((r) => r.accountId === removing?.accountId && r.region !== removing?.region).map((r) => r.region);
  return (
    <>
      <Table<Row>
        variant="container"
        loading={rows.loading && !rows.value}
        loadingText={t("app.loading")}
        ariaLabels={{ tableLabel: t("delegate.list") }}
        header={<Header variant="h2">{t("delegate.list")}</Header>}
        items={rows.value ?? []}
        trackBy="region"
        columnDefinitions={[
          { id: "region", header: t("app.region"), cell: (r) => r.region },
          { id: "account", header: t("delegate.account"), cell: (r) => r.accountId ?? t("delegate.none") },
          { id: "state", header: t("delegate.state"), cell: (r) => (r.status ? <Status group="delegation" value={r.status} /> : "–") },
          { id: "remove", header: t("do.actions"), cell: (r) => r.accountId && <Button variant="inline-link" disabled={r.status !== "ENABLED"} ariaLabel={`${t("delegate.remove")} ${r.region}`} onClick={() => remove(r)}>{t("delegate.remove")}</Button> },
        ]}
      />
      {removing && (
        <Confirm title={t("delegate.removeTitle", { region: removing.region })} label={t("delegate.remove")} word={removing.accountId} close={() => remove(undefined)} act={async () => {
          await client.in(removing.region).call(DisableDelegatedAdminAccount, { delegatedAdminAccountId: removing.accountId! });
          notices.done(t("delegate.removed", { region: removing.region }));
          rows.again();
          restand();
        }}>
          {t("delegate.removeBody", { account: removing.accountId!, region: removing.region })}{" "}
          {elsewhere.length > 0 && t("delegate.removeElsewhere", { regions: elsewhere.join(", ") })}
        </Confirm>
      )}
    </>
  );
}
