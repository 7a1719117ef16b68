import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { CreateFilter, DeleteFilter, type Filter, type FilterCriteria, ListFilters } from "../api/inspector2";
import { findingProperties } from "../filters/findingproperties";
import { criteria, type Token, write } from "../filters/property";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { everyPage, useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { adjust } from "../shell/route";
import { useText } from "../text";
import { tokensOf } from "./rulecriteria";

/** The filters that the account has kept: Inspector's own, with the action NONE, so that all its users have them. */
export function SavedFilters({ tokens }: { tokens: Token[] }) {
  const { t } = useText();
  const { client } = useSigned();
  const [asked, ask] = useState<"save" | Filter>();
  const found = useLoaded((signal) => everyPage(async (nextToken) => {
    const out = await client.call(ListFilters, { action: "NONE", nextToken }, signal);
    return { items: out.filters, nextToken: out.nextToken };
  }, 1000).catch(() => []), [client]);
  const kept = found.value ?? [];
  const close = () => ask(undefined);
  return (
    <>
      <ButtonDropdown
        items={[
          ...(kept.length ? [{ id: "apply", text: t("saved.apply"), items: kept.map((f) => ({ id: `apply:${f.arn}`, text: f.name })) }] : []),
          { id: "save", text: t("saved.save"), disabled: !tokens.length },
          ...(kept.length ? [{ id: "delete", text: t("saved.delete"), items: kept.map((f) => ({ id: `delete:${f.arn}`, text: f.name })) }] : []),
        ]}
        onItemClick={({ detail }) => {
          const at = detail.id.indexOf(":");
          const f = kept.find((k) => k.arn === detail.id.slice(at + 1));
          if (detail.id === "save") ask("save");
          else if (f && detail.id.startsWith("apply")) adjust((q) => write(q, tokensOf(f.criteria)));
          else if (f) ask(f);
        }}
      >
        {t("saved.title")}
      </ButtonDropdown>
      {asked === "save" && <Save tokens={tokens} close={close} done={found.again} />}
      {asked && asked !== "save" && <Remove filter={asked} close={close} done={found.again} />}
    </>
  );
}

function Save({ tokens, close, done }: { tokens: Token[]; close: () => void; done: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [name, setName] = useState("");
  return (
    <Confirm title={t("saved.save")} label={t("do.save")} close={close} act={async () => {
      await client.call(CreateFilter, { action: "NONE", name: name.trim(), filterCriteria: criteria(tokens, findingProperties) as FilterCriteria });
      notices.done(t("saved.saved", { name: name.trim() }));
      done();
    }}>
      <FormField label={t("rule.name")} description={t("saved.help")} constraintText={t("rule.nameHelp")}><Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus /></FormField>
    </Confirm>
  );
}

function Remove({ filter, close, done }: { filter: Filter; close: () => void; done: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  return (
    <Confirm title={t("saved.delete")} label={t("do.delete")} close={close} act={async () => {
      await client.call(DeleteFilter, { arn: filter.arn });
      notices.done(t("saved.deleted", { name: filter.name }));
      done();
    }}>
      {t("saved.deleteBody", { name: filter.name })}
    </Confirm>
  );
}
