import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { NetworkReachabilityDetails } from "../api/inspector2";
import { Drawing, short } from "../shell/drawing";
import { href } from "../shell/route";
import { useText } from "../text";

/** The way into a resource, drawn, with the same as a table for those who do not see the drawing. */
export function NetworkPath({ details, resource }: { details: NetworkReachabilityDetails; resource: string }) {
  const { t } = useText();
  const steps = details.networkPath.steps ?? [];
  const { begin, end } = details.openPortRange;
  const port = t(begin === end ? "finding.networkOnePort" : "finding.networkPort", { protocol: details.protocol, from: String(begin), to: String(end) });
  const ask = href("/network", { from: "internet", to: resource, port: String(begin), protocol: details.protocol.toLowerCase() });
  return (
    <Container header={<Header variant="h2" description={port} actions={<Link href={ask}>{t("network.explain")}</Link>}>{t("finding.network")}</Header>}>
      <SpaceBetween size="l">
        <Drawing hops={steps.map((s) => ({ type: s.componentType, id: s.componentId }))} />
        <Table
          variant="embedded"
          wrapLines
          ariaLabels={{ tableLabel: t("finding.network") }}
          items={steps}
          columnDefinitions={[
            { id: "component", header: t("finding.component"), cell: (s) => s.componentId },
            { id: "type", header: t("finding.type"), cell: (s) => short(s.componentType) },
            { id: "arn", header: t("finding.arn"), cell: (s) => s.componentArn ?? "–" },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
