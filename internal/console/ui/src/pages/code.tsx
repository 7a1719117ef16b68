import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { CreateCodeSecurityIntegration, CreateCodeSecurityScanConfiguration, StartCodeSecurityScan } from "../api/inspector2";
import { type CodeRepository, CreateCodeRepository, DeleteCodeRepository, ListCodeRepositories } from "../api/muster";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { List } from "../table/list";
import { useText } from "../text";
import { Status } from "./status";

/** Whether a repository came by itself, rather than with an integration. */
const single = (r?: CodeRepository) => r?.provider === "GIT" || r?.provider === "UPLOAD";

/** Code repositories, whatever brought them. */
export default function Code() {
  const { t, name, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [open, show] = useState<"gitlab" | "add" | "all" | "remove">();
  return (
    <List<CodeRepository>
      id="code"
      empty={t("code.empty")}
      title={t("code.title")}
      description={t("code.help")}
      columns={[
        { id: "name", header: t("code.name"), text: (r) => r.name, width: 220 },
        { id: "provider", header: t("code.provider"), text: (r) => name("codeProvider", r.provider), width: 150 },
        { id: "integration", header: t("code.integration"), text: (r) => r.integrationName, width: 150 },
        { id: "connection", header: t("code.connection"), text: (r) => name("codeStatus", r.status), cell: (r) => <Status group="codeStatus" value={r.status} />, width: 150 },
        { id: "problem", header: t("code.problem"), text: (r) => (r.problem ? name("reason", r.problem) : "–"), width: 240 },
        { id: "commit", header: t("code.commit"), text: (r) => r.lastScannedCommitId?.slice(0, 12) ?? "–", width: 140 },
        { id: "scanned", header: t("code.scanned"), text: (r) => time(r.lastScannedAt), width: 190 },
      ]}
      track={(r) => r.projectId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListCodeRepositories, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.repositories, nextToken: out.nextToken };
      }}
      unsettled={(rows) => rows.some((r) => r.status === "IN_PROGRESS" || r.status === "DISABLING")}
      selection="single"
      actions={([r], reload) => {
        const close = () => { show(undefined); reload(); };
        return (
          <>
            <Button disabled={!r || r.provider === "UPLOAD"} onClick={() => client.call(StartCodeSecurityScan, { resource: { projectId: r.projectId } }).then(
              () => notices.done(t("code.started", { name: r.name })),
              (e) => notices.failed(r.name, e),
            ).finally(reload)}>{t("code.scan")}</Button>
            <Button disabled={!single(r)} onClick={() => show("remove")}>{t("code.remove")}</Button>
            <Button onClick={() => show("all")}>{t("code.all")}</Button>
            <Button onClick={() => show("add")}>{t("code.add")}</Button>
            <Button variant="primary" onClick={() => show("gitlab")}>{t("code.connect")}</Button>
            {open === "gitlab" && <Connect close={close} />}
            {open === "add" && <Add close={close} />}
            {open === "all" && <Everything close={close} />}
            {open === "remove" && r && (
              <Confirm title={t("code.remove")} label={t("code.remove")} close={close} act={async () => {
                await client.call(DeleteCodeRepository, { projectId: r.projectId });
                notices.done(t("code.removed", { name: r.name }));
              }}>
                {t("code.removeBody", { name: r.name })}
              </Confirm>
            )}
          </>
        );
      }}
    />
  );
}

function Connect({ close }: { close: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [name, setName] = useState("");
  const [url, setUrl] = useState("https://");
  const [token, setToken] = useState("");
  return (
    <Confirm title={t("code.connect")} label={t("code.connect")} close={close} act={async () => {
      const out = await client.call(CreateCodeSecurityIntegration, {
        name: name.trim(), type: "GITLAB_SELF_MANAGED", details: { gitlabSelfManaged: { instanceUrl: url.trim(), accessToken: token } },
      });
      notices.done(t(out.authorizationUrl ? "code.authorize" : "code.connected", { name, url: out.authorizationUrl ?? "" }));
    }}>
      <SpaceBetween size="m">
        <TextField label="code.name" value={name} set={setName} />
        <TextField label="code.url" value={url} set={setUrl} type="url" />
        <TextField label="code.token" value={token} set={setToken} type="password" autoComplete="new-password" />
      </SpaceBetween>
    </Confirm>
  );
}

function Add({ close }: { close: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [name, setName] = useState("");
  const [url, setUrl] = useState("https://");
  const [token, setToken] = useState("");
  return (
    <Confirm title={t("code.add")} label={t("code.add")} close={close} act={async () => {
      await client.call(CreateCodeRepository, { name: name.trim(), url: url.trim(), ...(token && { token }) });
      notices.done(t("code.added", { name }));
    }}>
      <SpaceBetween size="m">
        <TextField label="code.name" value={name} set={setName} />
        <TextField label="code.url" value={url} set={setUrl} type="url" />
        <TextField label="code.token" value={token} set={setToken} type="password" autoComplete="new-password" />
      </SpaceBetween>
    </Confirm>
  );
}

/** Makes the configuration that holds for every project there is and will be. */
function Everything({ close }: { close: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  return (
    <Confirm title={t("code.all")} label={t("code.all")} close={close} act={async () => {
      await client.call(CreateCodeSecurityScanConfiguration, {
        name: "default", level: "ACCOUNT", scopeSettings: { projectSelectionScope: "ALL" },
        configuration: {
          ruleSetCategories: ["SCA"], periodicScanConfiguration: { frequency: "WEEKLY" },
          continuousIntegrationScanConfiguration: { supportedEvents: ["PUSH", "PULL_REQUEST"] },
        },
      });
      notices.done(t("code.allDone"));
    }}>
      {t("code.allBody")}
    </Confirm>
  );
}
