import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useState } from "react";
import { BatchGetMemberEc2DeepInspectionStatus } from "../api/inspector2";
import { type AccountOverview, AccountRelationshipValues, ListAccountStates, type ListAccountStatesRequest, ResourceTypeValues } from "../api/muster";
import { useSigned } from "../session/context";
import { adjust, useRoute } from "../shell/route";
import { type Column, List } from "../table/list";
import { useText } from "../text";
import { AccountActions, type Chosen } from "./accountactions";
import { AutoEnable } from "./autoenable";
import { OwnActions } from "./ownactions";
import { moving, Status } from "./status";
import { Tree } from "./tree";

/** An account as this page shows it. */
export interface AccountRow extends AccountOverview {
  deep?: string;
}

/** The accounts of the organization for its delegated administrator; the own account for everybody else. */
export default function Accounts() {
  const { standing } = useSigned();
  return standing.kind === "ADMINISTRATOR" ? <Organization /> : <Own />;
}

function useColumns(): Column<AccountRow>[] {
  const { t, name } = useText();
  const of = (r: AccountRow, k: string) => r.resources.find((x) => x.resourceType === k);
  return [
    { id: "account", header: t("account.account"), text: (r) => r.accountId, width: 150 },
    { id: "name", header: t("account.name"), text: (r) => r.name + (r.management ? ` (${t("account.managementMark")})` : ""), width: 180 },
    { id: "status", header: t("account.status"), text: (r) => name(...statusOf(r)), cell: (r) => <AccountStatus r={r} />, width: 190 },
    ...ResourceTypeValues.map((k): Column<AccountRow> => ({
      id: k, header: name("scanType", k), text: (r) => name("status", of(r, k)?.status), width: 170,
      cell: (r) => <TypeStatus r={of(r, k)} />,
    })),
    { id: "deep", header: t("account.deep"), text: (r) => name("deep", r.deep), cell: (r) => (r.deep ? <Status group="deep" value={r.deep} /> : "–"), width: 150 },
    { id: "email", header: t("account.email"), text: (r) => r.email, hidden: true, width: 220 },
    { id: "state", header: t("account.state"), text: (r) => name("accountState", r.state), hidden: true, width: 150 },
  ];
}

/** Activated, or what stands in the way of it, as the walkthrough's column says it. */
function statusOf(r: AccountRow): [string, string] {
  if (r.relationship === "SELF" || r.relationship === "ENABLED") {
    const states = r.resources.map((x) => x.status);
    for (const s of ["SUSPENDED", "SUSPENDING", "ENABLED", "ENABLING", "DISABLING"]) if (states.includes(s as never)) return ["status", s];
    return ["status", "DISABLED"];
  }
  return ["relationship", r.relationship];
}

function AccountStatus({ r }: { r: AccountRow }) {
  const [group, value] = statusOf(r);
  return <Status group={group} value={value} />;
}

function TypeStatus({ r }: { r?: AccountOverview["resources"][number] }) {
  const { t } = useText();
  if (!r) return <>–</>;
  return (
    <SpaceBetween size="xxxs">
      <Status group="status" value={r.status} />
      {r.managedByPolicy && <Box variant="small">{t("account.managed")}</Box>}
      {r.errorCode && r.errorCode !== "ALREADY_ENABLED" && <Box variant="small" color="text-status-error">{r.errorMessage ?? r.errorCode}</Box>}
    </SpaceBetween>
  );
}

const unsettled = (rows: AccountRow[]) => rows.some((r) => moving(r.relationship) || r.resources.some((x) => moving(x.status)) || r.deep === "PENDING");

/** What the address asks for, as the operation takes it. */
export function questionOf(params: URLSearchParams): ListAccountStatesRequest {
  const relationship = params.get("status");
  const unit = params.get("unit");
  const pattern = params.get("name");
  return {
    target: {
      states: ["ACTIVE", "SUSPENDED", "PENDING_ACTIVATION", "PENDING_CLOSURE"],
      ...(unit && { parentIds: [unit] }),
      ...(pattern && { namePattern: /[*?]/.test(pattern) ? pattern : `*${pattern}*` }),
    },
    ...(relationship && { relationships: [relationship as (typeof AccountRelationshipValues)[number]] }),
  };
}

function Organization() {
  const { t } = useText();
  const { client, session } = useSigned();
  const { params } = useRoute();
  const asked = JSON.stringify(questionOf(params));
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [asked]);
  const columns = useColumns();
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("account.help", { region: session.region })}>{t("account.title")}</Header>
      <AutoEnable />
      <div className="beside">
        <div className="beside-less"><Tree chosen={params.get("unit") ?? ""} choose={(id) => adjust((p) => (id ? p.set("unit", id) : p.delete("unit")))} /></div>
        <div className="beside-more"><List<AccountRow>
          id="accounts"
          variant="container"
          title={t("account.accounts")}
          columns={columns}
          track={(r) => r.accountId}
          deps={[client, asked]}
          sizes={[20, 50, 100]}
          load={async (q) => {
            const out = await client.call(ListAccountStates, { ...(JSON.parse(asked) as ListAccountStatesRequest), maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
            const deep = await deepStates(out.accounts, q.signal);
            return { items: out.accounts.map((a) => ({ ...a, deep: deep.get(a.accountId) })), nextToken: out.nextToken, total: out.accountCount };
          }}
          selection="multi"
          unsettled={unsettled}
          filters={<Filters />}
          empty={t("account.empty")}
          banner={(chosen, total) => <Selection chosen={chosen} total={total ?? 0} all={all} setAll={setAll} />}
          actions={(rows, reload) => <AccountActions chosen={{ rows, all: all ? (JSON.parse(asked) as ListAccountStatesRequest) : undefined } satisfies Chosen} reload={reload} />}
        /></div>
      </div>
    </SpaceBetween>
  );

  async function deepStates(rows: AccountOverview[], signal: AbortSignal): Promise<Map<string, string>> {
    const members = rows.filter((r) => r.relationship === "ENABLED").map((r) => r.accountId);
    if (!members.length) return new Map();
    const out = await client.call(BatchGetMemberEc2DeepInspectionStatus, { accountIds: members }, signal).catch(() => undefined);
    return new Map((out?.accountIds ?? []).map((a) => [a.accountId, a.status ?? ""]));
  }
}

function Filters() {
  const { t, name } = useText();
  const { params } = useRoute();
  const [typed, setTyped] = useState(params.get("name") ?? "");
  const status = params.get("status") ?? "";
  const options = [{ value: "", label: t("account.any") }, ...AccountRelationshipValues.map((value) => ({ value, label: name("relationship", value) }))];
  return (
    <form onSubmit={(e) => { e.preventDefault(); adjust((p) => (typed.trim() ? p.set("name", typed.trim()) : p.delete("name"))); }}>
      <SpaceBetween direction="horizontal" size="xs">
        <Input type="search" value={typed} onChange={({ detail }) => setTyped(detail.value)} ariaLabel={t("account.namePattern")} placeholder={t("account.namePattern")} clearAriaLabel={t("table.clear")} />
        <Button formAction="submit">{t("do.search")}</Button>
        <Select
          ariaLabel={t("account.status")}
          options={options}
          selectedOption={options.find((o) => o.value === status) ?? options[0]}
          onChange={({ detail }) => adjust((p) => (detail.selectedOption.value ? p.set("status", detail.selectedOption.value) : p.delete("status")))}
        />
      </SpaceBetween>
    </form>
  );
}

/** Offers all accounts that match where only a page of them is selected. */
function Selection({ chosen, total, all, setAll }: { chosen: AccountRow[]; total: number; all: boolean; setAll: (all: boolean) => void }) {
  const { t } = useText();
  useEffect(() => {
    if (!chosen.length) setAll(false);
  }, [chosen.length, setAll]);
  if (!chosen.length || total <= chosen.length) return null;
  return (
    <Alert type="info" action={<Button onClick={() => setAll(!all)}>{all ? t("account.clear") : t("account.selectAll", { n: total })}</Button>}>
      {all ? t("account.allSelected", { n: total }) : t("account.selected", { n: chosen.length })}
    </Alert>
  );
}

function Own() {
  const { t } = useText();
  const { client, session } = useSigned();
  const columns = useColumns().filter((c) => c.id !== "deep");
  return (
    <List<AccountRow>
      id="own-account"
      title={t("account.title")}
      description={t("account.helpOwn", { region: session.region })}
      columns={columns}
      track={(r) => r.accountId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListAccountStates, {}, q.signal);
        return { items: out.accounts };
      }}
      unsettled={unsettled}
      actions={(_, reload) => <OwnActions reload={reload} />}
    />
  );
}
