import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { CreateRegistryConnection, DeleteRegistryConnection, ListRegistryConnections, type RegistryConnection, TestRegistryConnection } from "../api/muster";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { List } from "../table/list";
import { useText } from "../text";
import { Status } from "./status";

/** Registries of images beside ECR. */
export default function Registries() {
  const { t, name, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [creating, create] = useState(false);
  const [removing, remove] = useState<RegistryConnection>();
  return (
    <List<RegistryConnection>
      id="registries"
      empty={t("registry.empty")}
      title={t("registry.title")}
      description={t("registry.help")}
      columns={[
        { id: "name", header: t("registry.name"), text: (r) => r.name, width: 180 },
        { id: "url", header: t("registry.url"), text: (r) => r.url, width: 260 },
        { id: "user", header: t("registry.user"), text: (r) => r.username ?? "–", width: 140 },
        { id: "status", header: t("registry.status"), text: (r) => name("registryStatus", r.status), cell: (r) => <Status group="registryStatus" value={r.status} />, width: 150 },
        { id: "message", header: t("registry.message"), text: (r) => r.statusMessage ?? "–", width: 260 },
        { id: "checked", header: t("registry.checked"), text: (r) => time(r.checkedAt), width: 190 },
      ]}
      track={(r) => r.connectionId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListRegistryConnections, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.connections, nextToken: out.nextToken };
      }}
      unsettled={(rows) => rows.some((r) => r.status === "PENDING")}
      selection="single"
      actions={([r], reload) => (
        <>
          <Button disabled={!r} onClick={() => client.call(TestRegistryConnection, { connectionId: r.connectionId }).then(
            ({ connection: c }) => (c.status === "FAILED" ? notices.failed(c.name, new Error(c.statusMessage)) : notices.done(t("registry.tested", { name: c.name }))),
            (e) => notices.failed(r.name, e),
          ).finally(reload)}>{t("registry.test")}</Button>
          <Button disabled={!r} onClick={() => remove(r)}>{t("registry.remove")}</Button>
          <Button variant="primary" onClick={() => create(true)}>{t("registry.connect")}</Button>
          {creating && <Connect close={() => { create(false); reload(); }} />}
          {removing && (
            <Confirm title={t("registry.remove")} label={t("registry.remove")} close={() => remove(undefined)} act={async () => {
              await client.call(DeleteRegistryConnection, { connectionId: removing.connectionId });
              notices.done(t("registry.removed", { name: removing.name }));
              reload();
            }}>
              {t("registry.removeBody", { name: removing.name })}
            </Confirm>
          )}
        </>
      )}
    />
  );
}

function Connect({ close }: { close: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [name, setName] = useState("");
  const [url, setUrl] = useState("https://");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  return (
    <Confirm title={t("registry.connect")} label={t("registry.connect")} close={close} act={async () => {
      await client.call(CreateRegistryConnection, { name: name.trim(), url: url.trim(), ...(username && { username, password }) });
      notices.done(t("registry.connected", { name }));
    }}>
      <SpaceBetween size="m">
        <TextField label="registry.name" value={name} set={setName} />
        <TextField label="registry.url" value={url} set={setUrl} type="url" />
        <TextField label="registry.user" value={username} set={setUsername} />
        <TextField label="registry.password" value={password} set={setPassword} type="password" autoComplete="new-password" />
      </SpaceBetween>
    </Confirm>
  );
}
