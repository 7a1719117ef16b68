import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Form from "@cloudscape-design/components/form";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { ExplainReachability, type NetworkFlow, type NetworkHop, type NetworkOpen } from "../api/muster";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { Drawing, short } from "../shell/drawing";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { adjust, useRoute } from "../shell/route";
import { useText } from "../text";
import { Connections, Snapshots } from "./networklists";

const protocols = ["", "tcp", "udp", "icmp", "all"];

/** Asks the known networks who reaches whom, and lists what is open. */
export default function Network() {
  const { t } = useText();
  const { params } = useRoute();
  const within = params.get("within") ?? "";
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("network.help")}>{t("network.title")}</Header>
      <Ask key={params.toString()} />
      {params.get("from") && params.get("to") && <Answer />}
      <Connections within={within} />
      <Snapshots />
    </SpaceBetween>
  );
}

/** An address with a port: an IPv6 address stands in brackets then. */
export function ended(to: string, port: string): string {
  if (!port) return to;
  return to.includes(":") && !to.startsWith("[") ? `[${to}]:${port}` : `${to}:${port}`;
}

function Ask() {
  const { t } = useText();
  const { params } = useRoute();
  const [from, setFrom] = useState(params.get("from") ?? "internet");
  const [to, setTo] = useState(params.get("to") ?? "");
  const [port, setPort] = useState(params.get("port") ?? "");
  const [protocol, setProtocol] = useState(params.get("protocol") ?? "");
  const options = protocols.map((value) => ({ value, label: value ? value.toUpperCase() : t("network.anyProtocol") }));
  const ask = () => adjust((p) => {
    for (const [k, v] of [["from", from], ["to", to], ["port", port], ["protocol", protocol]]) v.trim() ? p.set(k, v.trim()) : p.delete(k);
  });
  return (
    <form onSubmit={(e) => { e.preventDefault(); ask(); }}>
      <Form actions={<Button variant="primary" formAction="submit" disabled={!from.trim() || !to.trim()}>{t("network.ask")}</Button>}>
        <Container>
          <Grid gridDefinition={[{ colspan: { default: 12, s: 4 } }, { colspan: { default: 12, s: 4 } }, { colspan: { default: 6, s: 2 } }, { colspan: { default: 6, s: 2 } }]}>
            <TextField label="network.from" value={from} set={setFrom} description={t("network.fromHelp")} />
            <TextField label="network.to" value={to} set={setTo} description={t("network.toHelp")} />
            <TextField label="network.port" value={port} set={setPort} inputMode="numeric" description={t("network.portHelp")} />
            <FormField label={t("network.protocol")} description={t("network.protocolHelp")}>
              <Select options={options} selectedOption={options.find((o) => o.value === protocol) ?? options[0]} onChange={({ detail }) => setProtocol(detail.selectedOption.value ?? "")} />
            </FormField>
          </Grid>
        </Container>
      </Form>
    </form>
  );
}

function Answer() {
  const { t, number } = useText();
  const { client } = useSigned();
  const { params } = useRoute();
  const source = params.get("from")!;
  const destination = ended(params.get("to")!, params.get("port") ?? "");
  const protocol = params.get("protocol") ?? undefined;
  const found = useLoaded((signal) => client.call(ExplainReachability, { source, destination, protocol }, signal), [client, source, destination, protocol]);
  if (found.error) return <Problem error={found.error} again={found.again} />;
  if (!found.value) return <Spinner size="large" />;
  const a = found.value;
  const words = t(a.reachable ? "network.yes" : "network.no", { from: a.source, to: a.destination });
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">{t("network.answer")}</Header>}>
        <SpaceBetween size="xs">
          <StatusIndicator type={a.reachable ? "warning" : "success"}>{words}</StatusIndicator>
          <Box color="text-body-secondary">{t(`network.${a.confidence}`)}</Box>
          {!!a.pairsLeftOut && <Box>{t("network.leftOut", { n: number(a.pairsLeftOut) })}</Box>}
          {a.flows.length === 0 && <Box>{t("network.noFlow")}</Box>}
        </SpaceBetween>
      </Container>
      {a.flows.map((f, i) => <Flow key={i} f={f} />)}
    </SpaceBetween>
  );
}

/** What is open of one flow, in short. */
export function openWords(o: NetworkOpen, everywhere: string): string {
  const ports = (o.ports ?? []).map((p) => (p.first === p.last ? `${p.first}` : `${p.first}-${p.last}`)).join(", ");
  const from = o.wholeInternet ? everywhere : (o.addresses ?? []).slice(0, 4).join(", ") + ((o.addresses?.length ?? 0) > 4 ? " …" : "");
  return [o.protocol.toUpperCase(), ports, from && `← ${from}`].filter(Boolean).join(" ");
}

function Flow({ f }: { f: NetworkFlow }) {
  const { t } = useText();
  return (
    <Container header={<Header variant="h2" description={f.through && t("network.through", { name: f.through })}>{`${f.from} → ${f.to}`}</Header>}>
      <SpaceBetween size="l">
        {f.open?.map((o, i) => <Box key={i}>{openWords(o, t("network.everywhere"))}</Box>)}
        <Drawing hops={f.path} />
        {!!f.obstacles?.length && <Said title="network.obstacles" list={f.obstacles.map((o) => `${short(o.component.type)} ${o.component.id}: ${o.reason}`)} />}
        {!!f.rules?.length && (
          <Table
            variant="embedded"
            wrapLines
            ariaLabels={{ tableLabel: t("network.rules") }}
            header={<Header variant="h3">{t("network.rules")}</Header>}
            items={f.rules}
            columnDefinitions={[
              { id: "does", header: t("network.does"), cell: (r) => <StatusIndicator type={r.allow ? "success" : "stopped"}>{t(r.allow ? "network.allows" : "network.denies")}</StatusIndicator> },
              { id: "component", header: t("finding.component"), cell: (r) => `${short(r.component.type)} ${r.component.id}` },
              { id: "rule", header: t("finding.rule"), cell: (r) => <span lang="en">{r.rule}</span> },
              { id: "for", header: t("network.packets"), cell: (r) => t(r.reply ? "network.replies" : "network.requests") },
            ]}
          />
        )}
        {!!f.changes?.length && <Said title="network.changes" list={f.changes} />}
        {!!f.doubts?.length && <Said title="network.doubts" list={f.doubts} />}
        {!!f.assumed?.length && <Said title="network.assumed" list={f.assumed} />}
        <ExpandableSection headerText={t("network.steps")}>
          <SpaceBetween size="m">
            <Hops title="network.there" hops={f.path} />
            {!!f.return?.length && <Hops title="network.back" hops={f.return} />}
          </SpaceBetween>
        </ExpandableSection>
      </SpaceBetween>
    </Container>
  );
}

/** Sentences of the server, which are English. */
function Said({ title, list }: { title: "network.obstacles" | "network.changes" | "network.doubts" | "network.assumed"; list: string[] }) {
  const { t } = useText();
  return (
    <div>
      <Box variant="h3">{t(title)}</Box>
      <ul lang="en">{list.map((s) => <li key={s}>{s}</li>)}</ul>
    </div>
  );
}

function Hops({ title, hops }: { title: "network.there" | "network.back"; hops: NetworkHop[] }) {
  const { t } = useText();
  return (
    <Table
      variant="embedded"
      wrapLines
      ariaLabels={{ tableLabel: t(title) }}
      header={<Header variant="h3">{t(title)}</Header>}
      items={hops}
      columnDefinitions={[
        { id: "type", header: t("finding.type"), cell: (h) => short(h.type) },
        { id: "component", header: t("finding.component"), cell: (h) => h.id },
        { id: "detail", header: t("finding.detail"), cell: (h) => <span lang="en">{h.detail ?? "–"}</span> },
      ]}
    />
  );
}
