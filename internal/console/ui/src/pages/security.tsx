import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { ChangePassword, CreateVirtualMFADevice, DeactivateMFADevice, DeleteVirtualMFADevice, EnableMFADevice, GetLoginProfile, ListMFADevices, type MFADevice } from "../api/iam";
import { messageOf } from "../api/problem";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { Confirm } from "../shell/confirm";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { useText } from "../text";

/** How the reader signs in: the own password and second factor. */
export default function Security() {
  const { t } = useText();
  const { session } = useSigned();
  const user = !session.role && session.principal !== "root" ? session.principal : undefined;
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={user && t("security.help", { user })}>{t("security.title")}</Header>
      {!user && <Alert type="info">{t("security.notUser")}</Alert>}
      {user && <Password user={user} />}
      {user && <Devices user={user} />}
    </SpaceBetween>
  );
}

function Password({ user }: { user: string }) {
  const { t, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const found = useLoaded((signal) => client.call(GetLoginProfile, { UserName: user }, signal).then((out) => out.LoginProfile, () => undefined), [client, user]);
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [error, setError] = useState<unknown>();
  const change = async () => {
    setError(undefined);
    try {
      await client.call(ChangePassword, { OldPassword: old, NewPassword: next });
      notices.done(t("security.changed"));
      setOld("");
      setNext("");
    } catch (e) {
      setError(e);
    }
  };
  const since = found.value?.CreateDate;
  return (
    <Container header={<Header variant="h2" description={since ? t("security.since", { time: time(Date.parse(since) / 1000) }) : undefined}>{t("security.password")}</Header>}>
      {!found.loading && !since && <Box>{t("security.noPassword")}</Box>}
      {since && (
        <form onSubmit={(e) => { e.preventDefault(); void change(); }}>
          <Form errorText={error ? messageOf(error) : undefined} actions={<Button formAction="submit" disabled={!old || !next}>{t("security.change")}</Button>}>
            <SpaceBetween size="m">
              <TextField label="security.old" value={old} set={setOld} type="password" autoComplete="current-password" />
              <TextField label="security.new" value={next} set={setNext} type="password" autoComplete="new-password" />
            </SpaceBetween>
          </Form>
        </form>
      )}
    </Container>
  );
}

function Devices({ user }: { user: string }) {
  const { t, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [adding, add] = useState(false);
  const [removing, remove] = useState<MFADevice>();
  const found = useLoaded(async (signal) => (await client.call(ListMFADevices, { UserName: user }, signal)).MFADevices ?? [], [client, user]);
  return (
    <>
      <Problem error={found.error} again={found.again} />
      <Table<MFADevice>
        variant="container"
        loading={found.loading && !found.value}
        loadingText={t("app.loading")}
        ariaLabels={{ tableLabel: t("security.factor") }}
        header={<Header variant="h2" description={t("security.factorHelp")} actions={<Button onClick={() => add(true)}>{t("security.add")}</Button>}>{t("security.factor")}</Header>}
        items={found.value ?? []}
        empty={t("security.none")}
        columnDefinitions={[
          { id: "device", header: t("security.device"), cell: (d) => d.SerialNumber },
          { id: "since", header: t("security.enabled"), cell: (d) => time(Date.parse(d.EnableDate) / 1000) },
          { id: "remove", header: t("do.actions"), cell: (d) => <Button variant="inline-link" ariaLabel={`${t("security.remove")} ${d.SerialNumber}`} onClick={() => remove(d)}>{t("security.remove")}</Button> },
        ]}
      />
      {adding && <Add user={user} close={() => { add(false); found.again(); }} />}
      {removing && (
        <Confirm title={t("security.remove")} label={t("security.remove")} close={() => remove(undefined)} act={async () => {
          await client.call(DeactivateMFADevice, { UserName: user, SerialNumber: removing.SerialNumber });
          await client.call(DeleteVirtualMFADevice, { SerialNumber: removing.SerialNumber });
          notices.done(t("security.removed"));
          found.again();
        }}>
          {t("security.removeBody")}
        </Confirm>
      )}
    </>
  );
}

/** Shows the secret once, and takes two codes in a row as proof that it has arrived. */
function Add({ user, close }: { user: string; close: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const made = useLoaded(async () => (await client.call(CreateVirtualMFADevice, { VirtualMFADeviceName: `${user}-${Date.now().toString(36)}` })).VirtualMFADevice, [client, user]);
  const device = made.value;
  const leave = () => {
    // What has not been enabled is of no use to anybody.
    if (device) client.call(DeleteVirtualMFADevice, { SerialNumber: device.SerialNumber }).catch(() => undefined);
    close();
  };
  return (
    <Confirm title={t("security.add")} label={t("security.add")} close={leave} act={async () => {
      await client.call(EnableMFADevice, { UserName: user, SerialNumber: device!.SerialNumber, AuthenticationCode1: first.trim(), AuthenticationCode2: second.trim() });
      notices.done(t("security.added"));
    }}>
      <SpaceBetween size="m">
        <Problem error={made.error} />
        <div>{t("security.scan")}</div>
        {device?.QRCodePNG && <img alt={t("security.picture")} src={`data:image/png;base64,${device.QRCodePNG}`} />}
        {device?.Base32StringSeed && <div>{t("security.secret")}: <Box variant="code">{atob(device.Base32StringSeed)}</Box></div>}
        <div>{t("security.codesHelp")}</div>
        <TextField label="security.code1" value={first} set={setFirst} inputMode="numeric" autoComplete="one-time-code" />
        <TextField label="security.code2" value={second} set={setSecond} inputMode="numeric" />
      </SpaceBetween>
    </Confirm>
  );
}
