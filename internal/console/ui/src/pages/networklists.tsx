import Button from "@cloudscape-design/components/button";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { refusedBecause } from "../api/problem";
import { ListNetworkConnections, ListNetworkSnapshots, type NetworkConnection, type NetworkSnapshot } from "../api/muster";
import { useSigned } from "../session/context";
import { adjust, href } from "../shell/route";
import { List } from "../table/list";
import { useText } from "../text";

/** Who can begin flows to whom: the map, within what the address names. */
export function Connections({ within }: { within: string }) {
  const { t } = useText();
  const { client } = useSigned();
  return (
    <List<NetworkConnection>
      id="connections"
      variant="container"
      title={t("network.connections")}
      description={t("network.connectionsHelp")}
      columns={[
        { id: "from", header: t("network.from"), text: (c) => c.from, width: 240 },
        { id: "to", header: t("network.to"), text: (c) => c.to, cell: (c) => <Link href={href("/network", { from: nameOf(c.from), to: nameOf(c.to), within })}>{c.to}</Link>, width: 240 },
        { id: "open", header: t("network.open"), text: (c) => c.text, cell: (c) => <span lang="en">{c.text}</span>, width: 320 },
        { id: "certain", header: t("network.certainty"), text: (c) => t(c.certain ? "network.certain" : "network.unknown"), cell: (c) => <StatusIndicator type={c.certain ? "success" : "warning"}>{t(c.certain ? "network.certain" : "network.unknown")}</StatusIndicator>, width: 260 },
      ]}
      track={(c) => `${c.from} ${c.to} ${c.text}`}
      deps={[client, within]}
      sizes={[20, 50, 100]}
      filters={<Within within={within} />}
      load={async (q) => {
        try {
          const out = await client.call(ListNetworkConnections, { within: within || undefined, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
          return { items: out.connections, nextToken: out.nextToken };
        } catch (e) {
          // Without any facts there is nothing to list; that is no failure.
          if (!within && refusedBecause(e, /^ResourceNotFound/)) return { items: [] };
          throw e;
        }
      }}
      empty={t("network.empty")}
    />
  );
}

/** A thing as questions name it, without what is told of it beside. */
function nameOf(end: string): string {
  return end.replace(/[[(\s].*$/, "");
}

function Within({ within }: { within: string }) {
  const { t } = useText();
  const [typed, setTyped] = useState(within);
  return (
    <form onSubmit={(e) => { e.preventDefault(); adjust((p) => (typed.trim() ? p.set("within", typed.trim()) : p.delete("within"))); }}>
      <SpaceBetween direction="horizontal" size="xs">
        <Input type="search" value={typed} onChange={({ detail }) => setTyped(detail.value)} ariaLabel={t("network.within")} placeholder={t("network.within")} clearAriaLabel={t("table.clear")} />
        <Button formAction="submit">{t("do.search")}</Button>
      </SpaceBetween>
    </form>
  );
}

/** What the server knows of networks, and how old it is. */
export function Snapshots() {
  const { t, time, number, name } = useText();
  const { client } = useSigned();
  return (
    <List<NetworkSnapshot>
      id="snapshots"
      variant="container"
      title={t("network.snapshots")}
      columns={[
        { id: "account", header: t("account.account"), text: (s) => s.accountId, width: 150 },
        { id: "region", header: t("app.region"), text: (s) => s.region, width: 130 },
        { id: "source", header: t("feeds.source"), text: (s) => name("networkSource", s.source), width: 140 },
        { id: "vpcs", header: t("network.vpcs"), text: (s) => number(s.vpcs), width: 110 },
        { id: "interfaces", header: t("network.interfaces"), text: (s) => number(s.interfaces), width: 130 },
        { id: "instances", header: t("network.instances"), text: (s) => number(s.instances), width: 130 },
        { id: "stored", header: t("network.stored"), text: (s) => time(s.storedAt), width: 190 },
        { id: "analysed", header: t("network.analysed"), text: (s) => time(s.analysedAt), width: 190 },
        { id: "failed", header: t("feeds.reason"), text: (s) => s.failureMessage ?? s.failureCode ?? "–", width: 240 },
      ]}
      track={(s) => s.accountId + s.region}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListNetworkSnapshots, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.snapshots, nextToken: out.nextToken };
      }}
      empty={t("network.empty")}
    />
  );
}
