import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input, { type InputProps } from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { type FormEvent, type ReactNode, useState } from "react";
import { messageOf } from "../api/problem";
import type { Look } from "../shell/look";
import { lookMenu } from "../shell/top";
import { type Key, useText } from "../text";
import { exchange, type Info, leaveForProvider, Refused, type Role, type Session, withKey } from "./session";

interface Props {
  info: Info;
  error?: unknown;
  ended: boolean;
  look: Look;
  signedIn: (s: Session) => void;
}

/** The page of those who are not signed in. */
export function SignIn({ info, error, ended, look, signedIn }: Props) {
  const { t } = useText();
  const refused = error instanceof Refused ? error : undefined;
  const choice = refused?.need === "role" ? refused.roles : undefined;
  const said = refused?.need === "declined" ? t("signIn.declined") : refused?.need === "unreachable" ? t("signIn.unreachable") : messageOf(error);
  return (
    <>
      <div id="top">
        <TopNavigation identity={{ href: "#/", title: t("app.product") }} utilities={[lookMenu(look, t)]} i18nStrings={{ overflowMenuTriggerText: t("app.more"), overflowMenuTitleText: t("app.more") }} />
      </div>
      <main className="signin">
        <SpaceBetween size="l">
          <Header variant="h1" description={t("signIn.intro")}>{t("signIn.title")}</Header>
          {ended && <Alert type="info">{t("signIn.expired")}</Alert>}
          {!!error && !choice && <Alert type="error" header={t("signIn.failed")}>{said}</Alert>}
          {choice && <ChooseRole roles={choice} signedIn={signedIn} />}
          {!choice && info.emulator && <AnyAccount signedIn={signedIn} />}
          {!choice && info.provider && <Button variant="primary" onClick={leaveForProvider}>{t("signIn.with", { name: info.provider })}</Button>}
          {!choice && (
            <Tabs
              ariaLabel={t("signIn.title")}
              tabs={[
                { id: "password", label: t("signIn.password"), content: <WithPassword signedIn={signedIn} /> },
                { id: "key", label: t("signIn.key"), content: <WithKey info={info} signedIn={signedIn} /> },
                { id: "link", label: t("signIn.link"), content: <WithLink /> },
              ]}
            />
          )}
        </SpaceBetween>
      </main>
    </>
  );
}

/** The roles that the identity provider's word opens, by account. */
function ChooseRole({ roles, signedIn }: { roles: Role[]; signedIn: (s: Session) => void }) {
  const { t } = useText();
  const [role, setRole] = useState(roles[0]!.arn);
  const items = roles.map((r) => ({ value: r.arn, label: r.name, description: r.accountName ? `${r.accountName} (${r.account})` : r.account }));
  return (
    <Entrance enter={async () => signedIn(await exchange({ federated: true, role }))} help={t("signIn.chooseHelp")}>
      <FormField label={t("signIn.choose")} stretch>
        <RadioGroup value={role} onChange={({ detail }) => setRole(detail.value)} items={items} />
      </FormField>
    </Entrance>
  );
}

function WithLink() {
  const { t } = useText();
  return (
    <Container>
      <Box variant="p">{t("signIn.linkHelp")}</Box>
      <Box variant="code">muster admin sign-in ACCOUNT</Box>
    </Container>
  );
}

/** A form that signs in, with its failure above the button. */
function Entrance({ enter, help, children }: { enter: () => Promise<void>; help?: string; children: ReactNode }) {
  const { t } = useText();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    await enter().catch(setError);
    setBusy(false);
  };
  return (
    <form onSubmit={submit}>
      <Form actions={<Button variant="primary" formAction="submit" loading={busy}>{t("signIn.title")}</Button>} errorText={error ? messageOf(error) : undefined}>
        <Container>
          <SpaceBetween size="m">
            {help && <Box variant="p">{help}</Box>}
            {children}
          </SpaceBetween>
        </Container>
      </Form>
    </form>
  );
}

export function TextField({ label, value, set, type, description, error, inputMode, autoComplete, focus }: {
  label: Key; value: string; set: (v: string) => void; type?: InputProps["type"]; description?: string; error?: string;
  inputMode?: InputProps["inputMode"]; autoComplete?: string; focus?: boolean;
}) {
  const { t } = useText();
  return (
    <FormField label={t(label)} description={description} errorText={error} stretch>
      <Input value={value} onChange={({ detail }) => set(detail.value)} type={type ?? "text"} inputMode={inputMode} autoComplete={autoComplete ?? false} autoFocus={focus} spellcheck={false} />
    </FormField>
  );
}

function WithPassword({ signedIn }: { signedIn: (s: Session) => void }) {
  const { t } = useText();
  const [account, setAccount] = useState("");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [next, setNext] = useState("");
  const [need, setNeed] = useState<string>();
  const enter = async () => {
    try {
      signedIn(await exchange({ account: account.trim(), user: user.trim(), password, code: code.trim() || undefined, newPassword: next || undefined }));
    } catch (e) {
      if (e instanceof Refused && e.need && e.need !== need) return setNeed(e.need);
      throw e;
    }
  };
  return (
    <Entrance enter={enter} help={need === "password" ? t("signIn.newPassHelp") : undefined}>
      <TextField label="signIn.account" value={account} set={setAccount} autoComplete="organization" />
      <TextField label="signIn.user" value={user} set={setUser} autoComplete="username" />
      <TextField label="signIn.pass" value={password} set={setPassword} type="password" autoComplete="current-password" />
      {(need === "code" || code) && <TextField label="signIn.code" value={code} set={setCode} description={t("signIn.codeHelp")} inputMode="numeric" autoComplete="one-time-code" focus />}
      {need === "password" && <TextField label="signIn.newPass" value={next} set={setNext} type="password" autoComplete="new-password" focus />}
    </Entrance>
  );
}

function WithKey({ info, signedIn }: { info: Info; signedIn: (s: Session) => void }) {
  const { t } = useText();
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  const [token, setToken] = useState("");
  const enter = async () => {
    const key = { accessKeyId: id.trim(), secretAccessKey: secret.trim(), sessionToken: token.trim() || undefined };
    signedIn(await withKey(key, info.regions?.[0] ?? "us-east-1"));
  };
  return (
    <Entrance enter={enter} help={t("signIn.keyHelp")}>
      <TextField label="signIn.keyId" value={id} set={setId} />
      <TextField label="signIn.secret" value={secret} set={setSecret} type="password" />
      <ExpandableSection headerText={t("signIn.token")}>
        <TextField label="signIn.token" value={token} set={setToken} type="password" />
      </ExpandableSection>
    </Entrance>
  );
}

function AnyAccount({ signedIn }: { signedIn: (s: Session) => void }) {
  const { t } = useText();
  const [account, setAccount] = useState("");
  return (
    <Entrance enter={async () => signedIn(await exchange({ ticket: account.trim() }))} help={t("signIn.emulatorHelp")}>
      <TextField label="signIn.accountDigits" value={account} set={setAccount} inputMode="numeric" />
    </Entrance>
  );
}
