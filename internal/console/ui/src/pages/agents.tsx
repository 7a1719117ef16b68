import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { CreateActivation, type CreateActivationResponse, type Host, ListHosts, RevokeHost } from "../api/muster";
import { useSigned } from "../session/context";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { List } from "../table/list";
import { useText } from "../text";
import { Activations, useActivations } from "./activations";
import { findingsHref } from "./findings";
import { Status } from "./status";

/** The hosts of this account, and codes for further ones. */
export default function Agents() {
  const { t, name, time } = useText();
  const { client, session } = useSigned();
  const [creating, create] = useState(false);
  const [revoking, revoke] = useState<Host>();
  const notices = useNotices();
  const activations = useActivations();
  return (
    <SpaceBetween size="l">
    <List<Host>
      id="agents"
      title={t("agents.title")}
      description={t("agents.help", { region: session.region })}
      columns={[
        { id: "host", header: t("agents.host"), text: (h) => h.hostId, cell: (h) => <Link href={findingsHref([{ key: "resourceId", operator: "=", value: h.hostId }])}>{h.hostId}</Link>, width: 240 },
        { id: "label", header: t("agents.label"), text: (h) => h.label ?? "–", width: 180 },
        { id: "status", header: t("agents.status"), text: (h) => name("host", h.status), cell: (h) => <Status group="host" value={h.status} />, width: 140 },
        { id: "seen", header: t("agents.seen"), text: (h) => time(h.lastSeenAt), width: 190 },
        { id: "region", header: t("app.region"), text: (h) => h.region, width: 130 },
        { id: "key", header: t("agents.key"), text: (h) => h.keyFingerprint, hidden: true },
      ]}
      track={(h) => h.hostId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListHosts, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.hosts, nextToken: out.nextToken };
      }}
      selection="single"
      empty={t("agents.empty")}
      actions={([h], reload) => (
        <>
          <Button disabled={!h || h.status === "REVOKED"} onClick={() => revoke(h)}>{t("agents.revoke")}</Button>
          <Button variant="primary" onClick={() => create(true)}>{t("agents.create")}</Button>
          {creating && <Create close={() => { create(false); activations.again(); }} />}
          {revoking && (
            <Confirm title={t("agents.revokeTitle", { host: revoking.label ?? revoking.hostId })} label={t("agents.revoke")} close={() => revoke(undefined)} act={async () => {
              await client.call(RevokeHost, { hostId: revoking.hostId });
              notices.done(t("agents.revoked", { host: revoking.label ?? revoking.hostId }));
              reload();
            }}>
              {t("agents.revokeBody")}
            </Confirm>
          )}
        </>
      )}
    />
    <Activations found={activations} />
    </SpaceBetween>
  );
}

function Create({ close }: { close: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const [label, setLabel] = useState("");
  const [hours, setHours] = useState("24");
  const [limit, setLimit] = useState("1");
  const [made, setMade] = useState<CreateActivationResponse>();
  if (made) return <Made made={made} close={close} />;
  return (
    <Confirm title={t("agents.create")} label={t("do.create")} close={close} act={async () => {
      setMade(await client.call(CreateActivation, { hostLabel: label.trim() || undefined, expiresInSeconds: Math.round(Number(hours) * 3600), hostLimit: Number(limit) }));
      return false;
    }}>
      <SpaceBetween size="m">
        <div>{t("agents.createHelp")}</div>
        <FormField label={t("agents.label")}><Input value={label} onChange={({ detail }) => setLabel(detail.value)} /></FormField>
        <FormField label={t("activation.limit")}><Input type="number" value={limit} onChange={({ detail }) => setLimit(detail.value)} /></FormField>
        <FormField label={t("agents.hours")} constraintText={t("agents.hoursHelp")}><Input type="number" value={hours} onChange={({ detail }) => setHours(detail.value)} /></FormField>
      </SpaceBetween>
    </Confirm>
  );
}

function Made({ made, close }: { made: CreateActivationResponse; close: () => void }) {
  const { t, time } = useText();
  const command = `muster-agent enroll --server ${location.origin} --activation ${made.activationCode}`;
  return (
    <Modal visible onDismiss={close} header={t("agents.code")} closeAriaLabel={t("do.close")} footer={<Box float="right"><Button variant="primary" onClick={close}>{t("do.close")}</Button></Box>}>
      <SpaceBetween size="m">
        <Alert type="info">{t("agents.codeHelp")}</Alert>
        <CopyToClipboard variant="inline" textToCopy={command} copyButtonAriaLabel={t("agents.copy")} copySuccessText={t("do.copied")} copyErrorText={t("do.notCopied")} />
        <div>{t("agents.until", { time: time(made.expiresAt) })}</div>
      </SpaceBetween>
    </Modal>
  );
}
