import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { NetworkReachabilityDetails, Step } from "../api/inspector2";
import { useText } from "../text";

const width = 168;
const height = 64;
const gap = 40;

/** The way into a resource, drawn, with the same as a table for those who do not see the drawing. */
export function NetworkPath({ details }: { details: NetworkReachabilityDetails }) {
  const { t } = useText();
  const steps = details.networkPath.steps ?? [];
  const { begin, end } = details.openPortRange;
  const port = t(begin === end ? "finding.networkOnePort" : "finding.networkPort", { protocol: details.protocol, from: String(begin), to: String(end) });
  return (
    <Container header={<Header variant="h2" description={port}>{t("finding.network")}</Header>}>
      <SpaceBetween size="l">
        <Drawing steps={steps} />
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

/** AWS::EC2::InternetGateway is an InternetGateway to a reader. */
function short(type: string): string {
  return type.split("::").pop()!;
}

function Drawing({ steps }: { steps: Step[] }) {
  const { t } = useText();
  if (!steps.length) return <Box>–</Box>;
  const label = t("finding.drawing", { from: steps[0].componentId, to: steps[steps.length - 1].componentId, n: steps.length });
  const total = steps.length * (width + gap) - gap;
  return (
    <div className="path" tabIndex={0} role="group" aria-label={label}>
      <svg role="img" aria-label={label} width={total} height={height} viewBox={`0 0 ${total} ${height}`}>
        {steps.map((s, i) => (
          <g key={i} transform={`translate(${i * (width + gap)} 0)`}>
            <rect className="path-box" x="1" y="1" width={width - 2} height={height - 2} rx="8" />
            <text className="path-type" x={width / 2} y="26" textAnchor="middle">{short(s.componentType)}</text>
            <text className="path-id" x={width / 2} y="46" textAnchor="middle">{clip(s.componentId)}<title>{s.componentId}</title></text>
            {i < steps.length - 1 && <path className="path-arrow" d={`M${width} ${height / 2} h${gap - 8} m-6 -5 l6 5 l-6 5`} />}
          </g>
        ))}
      </svg>
    </div>
  );
}

function clip(id: string): string {
  return id.length <= 22 ? id : id.slice(0, 21) + "…";
}
