import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import { useEffect, useState } from "react";
import { AssociateMember, BatchUpdateMemberEc2DeepInspectionStatus, DisassociateMember } from "../api/inspector2";
import { ListAccountStates, type ListAccountStatesRequest, type ResourceType, ResourceTypeValues, StartRollout } from "../api/muster";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { everyPage } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Row } from "../shell/row";
import { useText } from "../text";
import type { AccountRow } from "./accounts";
import { AddMember } from "./addmember";
import { RolloutWatch } from "./rolloutwatch";

export interface Chosen {
  rows: AccountRow[];
  /** The question whose whole answer is chosen, not only the rows. */
  all?: ListAccountStatesRequest;
}

/** What a delegated administrator does with accounts, any number of them. */
export function AccountActions({ chosen, reload }: { chosen: Chosen; reload: () => void }) {
  const { t, name } = useText();
  const [asked, setAsked] = useState<string>();
  const [rollout, setRollout] = useState<string>();
  const none = chosen.rows.length === 0;
  const each = (action: string) => ResourceTypeValues.map((k) => ({ id: `${action}:${k}`, text: name("scanType", k) }));
  const choose = (id: string) => setAsked(id);
  return (
    <Row>
      <AddMember reload={reload} />
      <ButtonDropdown
        disabled={none}
        variant="primary"
        items={[{ id: "ENABLE:ALL", text: t("account.activateAll") }, ...each("ENABLE")]}
        onItemClick={({ detail }) => choose(detail.id)}
      >
        {t("account.activate")}
      </ButtonDropdown>
      <ButtonDropdown
        disabled={none}
        items={[
          { id: "associate", text: t("account.associateChosen") },
          { id: "disassociate", text: t("account.disassociate") },
          { id: "deactivate", text: t("account.deactivate"), items: [{ id: "DISABLE:ALL", text: t("account.activateAll") }, ...each("DISABLE")] },
          { id: "deep", text: t("account.deep"), items: [{ id: "deep:1", text: t("account.inspectOn") }, { id: "deep:0", text: t("account.inspectOff") }] },
        ]}
        onItemClick={({ detail }) => choose(detail.id)}
      >
        {t("do.actions")}
      </ButtonDropdown>
      {asked && <Ask what={asked} chosen={chosen} close={() => setAsked(undefined)} reload={reload} started={setRollout} />}
      {rollout && <RolloutWatch id={rollout} close={() => setRollout(undefined)} reload={reload} />}
    </Row>
  );
}

function Ask({ what, chosen, close, reload, started }: { what: string; chosen: Chosen; close: () => void; reload: () => void; started: (id: string) => void }) {
  const { t, name } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [action, type] = what.split(":");
  const n = useCount(chosen);
  const finish = (message: string) => {
    notices.done(message);
    reload();
  };
  if (action === "ENABLE" || action === "DISABLE") {
    const types = type === "ALL" ? [...ResourceTypeValues] : withNeeded(action, type as ResourceType);
    const words = { types: type === "ALL" ? t("account.activateAll") : types.map((k) => name("scanType", k)).join(", "), n };
    return (
      <Confirm title={t(action === "ENABLE" ? "account.confirmEnable" : "account.confirmDisable", words)} label={t("account.submit")} close={close} act={async () => {
        const target = await targetOf();
        const out = await client.call(StartRollout, { action, resourceTypes: types, regions: [client.region], target, ...(action === "ENABLE" && { associate: true }), clientToken: crypto.randomUUID?.() });
        started(out.rollout.rolloutId);
        finish(t("account.started", { n: out.rollout.accountCount }));
      }}>
        {t(action === "ENABLE" ? "account.enableBody" : "account.disableBody")}
      </Confirm>
    );
  }
  if (action === "deep") {
    return (
      <Confirm title={t(type === "1" ? "account.inspectOn" : "account.inspectOff")} label={t("account.submit")} close={close} act={async () => {
        const ids = await idsOf();
        let refused = 0;
        for (let i = 0; i < ids.length; i += 100) {
          const out = await client.call(BatchUpdateMemberEc2DeepInspectionStatus, { accountIds: ids.slice(i, i + 100).map((accountId) => ({ accountId, activateDeepInspection: type === "1" })) });
          refused += out.failedAccountIds?.length ?? 0;
        }
        if (refused) notices.failed(t("account.partly", { n: refused }), "");
        finish(t("account.inspected", { n: ids.length - refused }));
      }}>
        {t("settings.deepHelp")}
      </Confirm>
    );
  }
  const leave = action === "disassociate";
  return (
    <Confirm title={leave ? t("account.confirmDisassociate", { n }) : t("account.associateChosen")} label={t("account.submit")} close={close} act={() => oneByOne(leave)}>
      {leave ? t("account.disassociateBody") : t("account.associated", { n })}
    </Confirm>
  );

  /** A rollout takes a description of many accounts, unless the description says more than a rollout understands. */
  async function targetOf() {
    if (chosen.all && !chosen.all.relationships) return chosen.all.target;
    return { accountIds: await idsOf() };
  }

  async function idsOf(): Promise<string[]> {
    if (!chosen.all) return chosen.rows.map((r) => r.accountId);
    return everyPage(async (nextToken) => {
      const out = await client.call(ListAccountStates, { ...chosen.all, maxResults: 1000, nextToken });
      return { items: out.accounts.map((a) => a.accountId), nextToken: out.nextToken };
    });
  }

  /** These have no operation for many; some at a time, and one that fails does not stop the rest. */
  async function oneByOne(leave: boolean) {
    const ids = (await idsOf()).filter((id) => chosen.all || chosen.rows.find((r) => r.accountId === id)?.relationship !== "SELF");
    let done = 0;
    const failures: { id: string; e: unknown }[] = [];
    const queue = [...ids];
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let id = queue.shift(); id; id = queue.shift()) {
        await client.call(leave ? DisassociateMember : AssociateMember, { accountId: id }).then(() => done++, (e) => failures.push({ id: id!, e }));
      }
    }));
    for (const f of failures.slice(0, 3)) notices.failed(t("account.notDone", { account: f.id }), f.e);
    if (done) finish(t(leave ? "account.disassociated" : "account.associated", { n: done }));
    else reload();
  }
}

/** The code of functions is scanned only where functions are; what needs the other goes with it. */
function withNeeded(action: string, type: ResourceType): ResourceType[] {
  if (action === "ENABLE" && type === "LAMBDA_CODE") return ["LAMBDA", "LAMBDA_CODE"];
  if (action === "DISABLE" && type === "LAMBDA") return ["LAMBDA", "LAMBDA_CODE"];
  return [type];
}

/** How many accounts are meant, asked when it is more than the page; until the answer comes no number is shown. */
function useCount(chosen: Chosen): number | string {
  const { client } = useSigned();
  const [n, setN] = useState<number | string>(chosen.all ? "…" : chosen.rows.length);
  useEffect(() => {
    if (chosen.all) client.call(ListAccountStates, { ...chosen.all, maxResults: 1 }).then((out) => setN(out.accountCount), () => undefined);
  }, []);
  return n;
}
