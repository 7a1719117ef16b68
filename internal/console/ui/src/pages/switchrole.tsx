import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { messageOf } from "../api/problem";
import { useSigned } from "../session/context";
import { assume, recentRoles, rememberRole } from "../session/session";
import { TextField } from "../session/signin";
import { go, href, useRoute } from "../shell/route";
import { useText } from "../text";

/** Works in another account under a role, as AWS's page of the same name does. */
export default function SwitchRole() {
  const { t } = useText();
  const { session, change } = useSigned();
  const { params } = useRoute();
  const [account, setAccount] = useState(params.get("account") ?? "");
  const [role, setRole] = useState(params.get("role") ?? "");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const enter = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const next = await assume(session.base ?? session, account.trim(), role.trim());
      rememberRole({ account: account.trim(), name: role.trim() });
      change({ ...next, region: session.region });
      go(href(params.get("then") ?? "/dashboard"));
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  const recent = recentRoles();
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("role.intro")}>{t("role.switch")}</Header>
      {!!error && <Alert type="error" header={t("role.failed")}>{messageOf(error)}</Alert>}
      <form onSubmit={(e) => { e.preventDefault(); void enter(); }}>
        <Form actions={<Button variant="primary" formAction="submit" loading={busy} disabled={!/^\d{12}$/.test(account.trim()) || !role.trim()}>{t("role.switch")}</Button>}>
          <Container>
            <SpaceBetween size="m">
              <TextField label="role.account" value={account} set={setAccount} inputMode="numeric" />
              <TextField label="role.role" value={role} set={setRole} />
            </SpaceBetween>
          </Container>
        </Form>
      </form>
      <Container header={<Header variant="h2">{t("role.recent")}</Header>}>
        {recent.length === 0 && <Box color="text-body-secondary">{t("role.none")}</Box>}
        {recent.map((r) => (
          <div key={r.account + r.name}>
            <Link href={href("/switch-role", { account: r.account, role: r.name })} onFollow={() => { setAccount(r.account); setRole(r.name); }}>
              {t("role.in", { role: r.name, account: r.account })}
            </Link>
          </div>
        ))}
      </Container>
    </SpaceBetween>
  );
}
