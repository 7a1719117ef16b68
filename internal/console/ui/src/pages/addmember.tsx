import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { AssociateMember } from "../api/inspector2";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { useText } from "../text";

/** Makes accounts members by their ids, several at once; nothing is activated in them. */
export function AddMember({ reload }: { reload: () => void }) {
  const { t } = useText();
  const [asking, ask] = useState(false);
  return (
    <>
      <Button onClick={() => ask(true)}>{t("account.associate")}</Button>
      {asking && <Ask close={() => ask(false)} reload={reload} />}
    </>
  );
}

function Ask({ close, reload }: { close: () => void; reload: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [typed, setTyped] = useState("");
  const [refused, setRefused] = useState<string[]>([]);
  const add = async () => {
    const ids = typed.split(/[\s,;]+/).filter(Boolean);
    const wrong = ids.filter((id) => !/^\d{12}$/.test(id));
    if (!ids.length || wrong.length) throw new Error(t("account.twelve"));
    const failed: string[] = [];
    for (const id of ids) await client.call(AssociateMember, { accountId: id }).catch((e: Error) => failed.push(`${id}: ${e.message}`));
    setRefused(failed);
    setTyped(ids.filter((id) => failed.some((f) => f.startsWith(id))).join(", "));
    if (failed.length < ids.length) {
      notices.done(t("account.associated", { n: ids.length - failed.length }));
      reload();
    }
    return failed.length === 0;
  };
  return (
    <Confirm title={t("account.associate")} label={t("account.submit")} close={close} act={add}>
      <SpaceBetween size="s">
        <TextField label="account.ids" value={typed} set={setTyped} description={t("account.idsHelp")} focus />
        {refused.map((r) => <Box key={r} color="text-status-error">{r}</Box>)}
      </SpaceBetween>
    </Confirm>
  );
}
