import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { CreateSink, DeleteSink, ListSinks, type Sink, type SinkKind, SinkKindValues, TestSink } from "../api/muster";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { Confirm } from "../shell/confirm";
import { useNotices } from "../shell/notices";
import { href, useRoute } from "../shell/route";
import { List } from "../table/list";
import { useText } from "../text";
import { DeadLetters } from "./deadletters";
import { Status } from "./status";

/** Where events are sent. */
export default function Sinks() {
  const letters = useRoute().params.get("letters");
  return letters ? <DeadLetters sink={letters} /> : <Destinations />;
}

function Destinations() {
  const { t, name, number, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [creating, create] = useState(false);
  const [removing, remove] = useState<Sink>();
  const test = async (s: Sink) => {
    try {
      const out = await client.call(TestSink, { sinkId: s.sinkId });
      if (!out.delivered) throw new Error(out.error);
      notices.done(t("sink.tested", { name: s.name }));
    } catch (e) {
      notices.failed(s.name, e);
    }
  };
  return (
    <List<Sink>
      id="destinations"
      empty={t("sink.empty")}
      title={t("sink.title")}
      description={t("sink.help")}
      columns={[
        { id: "name", header: t("sink.name"), text: (s) => s.name, width: 160 },
        { id: "kind", header: t("sink.kind"), text: (s) => name("sinkKind", s.kind), width: 120 },
        { id: "url", header: t("sink.url"), text: (s) => s.url, width: 260 },
        { id: "status", header: t("sink.status"), text: (s) => name("sinkStatus", s.status), cell: (s) => <Status group="sinkStatus" value={s.status} />, width: 130 },
        { id: "delivered", header: t("sink.delivered"), text: (s) => number(s.delivered), width: 120 },
        { id: "waiting", header: t("sink.waiting"), text: (s) => number(s.waiting), width: 110 },
        { id: "dead", header: t("sink.dead"), text: (s) => number(s.deadLetters), cell: (s) => (s.deadLetters ? <Link href={href("/destinations", { letters: s.sinkId })} ariaLabel={`${s.name}: ${number(s.deadLetters)}`}>{number(s.deadLetters)}</Link> : number(0)), width: 110 },
        { id: "last", header: t("sink.last"), text: (s) => time(s.lastDeliveredAt), width: 190 },
        { id: "error", header: t("sink.error"), text: (s) => s.lastError ?? "–", width: 240 },
      ]}
      track={(s) => s.sinkId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListSinks, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.sinks, nextToken: out.nextToken };
      }}
      selection="single"
      actions={([s], reload) => (
        <>
          <Button disabled={!s} onClick={() => void test(s).finally(reload)}>{t("sink.test")}</Button>
          <Button disabled={!s} onClick={() => remove(s)}>{t("sink.remove")}</Button>
          <Button variant="primary" onClick={() => create(true)}>{t("sink.create")}</Button>
          {creating && <Create close={() => { create(false); reload(); }} />}
          {removing && (
            <Confirm title={t("sink.remove")} label={t("sink.remove")} close={() => remove(undefined)} act={async () => {
              await client.call(DeleteSink, { sinkId: removing.sinkId });
              notices.done(t("sink.removed", { name: removing.name }));
              reload();
            }}>
              {t("sink.removeBody", { name: removing.name })}
            </Confirm>
          )}
        </>
      )}
    />
  );
}

function Create({ close }: { close: () => void }) {
  const { t, name: word } = useText();
  const { client, standing } = useSigned();
  const notices = useNotices();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<SinkKind>("WEBHOOK");
  const [url, setUrl] = useState("https://");
  const [organization, setOrganization] = useState(false);
  const [secret, setSecret] = useState<string>();
  if (secret) {
    return (
      <Modal visible onDismiss={close} header={t("sink.secret")} closeAriaLabel={t("do.close")} footer={<Box float="right"><Button variant="primary" onClick={close}>{t("do.close")}</Button></Box>}>
        <SpaceBetween size="m">
          <Alert type="info">{t("sink.secretHelp")}</Alert>
          <Box variant="code">{secret}</Box>
        </SpaceBetween>
      </Modal>
    );
  }
  const options = SinkKindValues.map((value) => ({ value, label: word("sinkKind", value) }));
  return (
    <Confirm title={t("sink.create")} label={t("do.create")} close={close} act={async () => {
      const out = await client.call(CreateSink, { name: name.trim(), kind, url: url.trim(), ...(organization && { organization }) });
      notices.done(t("sink.created", { name }));
      if (!out.signingSecret) return true;
      setSecret(out.signingSecret);
      return false;
    }}>
      <SpaceBetween size="m">
        <TextField label="sink.name" value={name} set={setName} />
        <FormField label={t("sink.kind")}>
          <Select selectedOption={options.find((o) => o.value === kind)!} options={options} onChange={({ detail }) => setKind(detail.selectedOption.value as SinkKind)} />
        </FormField>
        <TextField label="sink.url" value={url} set={setUrl} type="url" />
        {standing.kind === "ADMINISTRATOR" && <Checkbox checked={organization} onChange={({ detail }) => setOrganization(detail.checked)}>{t("sink.organization")}</Checkbox>}
      </SpaceBetween>
    </Confirm>
  );
}
