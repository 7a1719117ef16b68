import Box from "@cloudscape-design/components/box";
import { useText } from "../text";

const width = 168;
const height = 64;
const gap = 40;

/** One component of a way through a network. */
export interface Hop {
  type: string;
  id: string;
}

/** A way through a network, drawn from left to right; what stands on it is said beside it for those who do not see it. */
export function Drawing({ hops }: { hops: Hop[] }) {
  const { t } = useText();
  if (!hops.length) return <Box>–</Box>;
  const label = t("finding.drawing", { from: hops[0].id, to: hops[hops.length - 1].id, n: hops.length });
  const total = hops.length * (width + gap) - gap;
  return (
    <div className="path" tabIndex={0} role="group" aria-label={label}>
      <svg role="img" aria-label={label} width={total} height={height} viewBox={`0 0 ${total} ${height}`}>
        {hops.map((h, i) => (
          <g key={i} transform={`translate(${i * (width + gap)} 0)`}>
            <rect className="path-box" x="1" y="1" width={width - 2} height={height - 2} rx="8" />
            <text className="path-type" x={width / 2} y="26" textAnchor="middle">{short(h.type)}</text>
            <text className="path-id" x={width / 2} y="46" textAnchor="middle">{clip(h.id)}<title>{h.id}</title></text>
            {i < hops.length - 1 && <path className="path-arrow" d={`M${width} ${height / 2} h${gap - 8} m-6 -5 l6 5 l-6 5`} />}
          </g>
        ))}
      </svg>
    </div>
  );
}

/** AWS::EC2::InternetGateway is an InternetGateway to a reader. */
export function short(type: string): string {
  return type.split("::").pop()!;
}

function clip(id: string): string {
  return id.length <= 22 ? id : id.slice(0, 21) + "…";
}
