import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { Disable, Enable, ResourceScanTypeValues } from "../api/inspector2";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { useText } from "../text";

/** What an account does about itself. A member's administrator decides; then there is nothing to do here. */
export function OwnActions({ reload }: { reload: () => void }) {
  const { t } = useText();
  const { client, session, standing, restand } = useSigned();
  const notices = useNotices();
  const [asking, ask] = useState(false);
  if (standing.member) {
    return <Alert type="info">{t("account.managedByAdmin", { account: standing.administrator ?? "", region: session.region })}</Alert>;
  }
  const activate = async () => {
    try {
      const out = await client.call(Enable, { accountIds: [session.accountId], resourceTypes: [...ResourceScanTypeValues] });
      for (const f of out.failedAccounts ?? []) notices.failed(t("account.notDone", { account: f.accountId ?? session.accountId }), new Error(f.errorMessage));
      if (!out.failedAccounts?.length) notices.done(t("start.activated"));
    } catch (e) {
      notices.failed(t("start.activate"), e);
    }
    reload();
    restand();
  };
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Button onClick={() => ask(true)}>{t("account.deactivateInspector")}</Button>
      <Button variant="primary" onClick={activate}>{t("account.activateAll")}</Button>
      {asking && (
        <Confirm title={t("account.deactivateInspector")} label={t("account.deactivate")} word="deactivate" close={() => ask(false)} act={async () => {
          const out = await client.call(Disable, { accountIds: [session.accountId] });
          const [f] = out.failedAccounts ?? [];
          if (f) throw new Error(f.errorMessage);
          notices.done(t("account.deactivated"));
          reload();
          restand();
        }}>
          {t("account.deactivateBody", { region: session.region })}
        </Confirm>
      )}
    </SpaceBetween>
  );
}
