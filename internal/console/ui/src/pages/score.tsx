import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import type { Finding } from "../api/inspector2";
import { Fields } from "../shell/fields";
import { useText } from "../text";

/** How the score of a finding came about: every source's, and what this environment changed. */
export function Score({ f }: { f: Finding }) {
  const { t } = useText();
  const final = f.inspectorScoreDetails?.adjustedCvss;
  const all = f.packageVulnerabilityDetails?.cvss ?? [];
  const adjustments = final?.adjustments ?? [];
  return (
    <Container header={<Header variant="h2">{t("finding.scoreExplained")}</Header>}>
      <SpaceBetween size="l">
        {!final && <Box>{t("finding.scoreNone")}</Box>}
        {final && (
          <Fields of={[
            [t("finding.scoreFinal"), <Box key="score" variant="strong" fontSize="heading-l">{final.score.toFixed(1)}</Box>],
            [t("finding.source"), `${final.scoreSource} (CVSS ${final.version})`],
            [t("finding.vector"), final.scoringVector],
          ]} />
        )}
        {final && adjustments.length === 0 && <Box>{t("finding.scoreSame")}</Box>}
        {adjustments.length > 0 && (
          <Table
            variant="embedded"
            wrapLines
            ariaLabels={{ tableLabel: t("finding.scoreAdjusted") }}
            header={<Header variant="h3">{t("finding.scoreAdjusted")}</Header>}
            items={adjustments}
            columnDefinitions={[
              { id: "metric", header: t("finding.metric"), cell: (a) => a.metric },
              { id: "reason", header: t("finding.reason"), cell: (a) => a.reason },
            ]}
          />
        )}
        {all.length > 0 && (
          <Table
            variant="embedded"
            wrapLines
            ariaLabels={{ tableLabel: t("finding.source") }}
            items={all}
            columnDefinitions={[
              { id: "source", header: t("finding.source"), cell: (c) => c.source },
              { id: "version", header: "CVSS", cell: (c) => c.version },
              { id: "score", header: t("finding.value"), cell: (c) => c.baseScore.toFixed(1) },
              { id: "vector", header: t("finding.vector"), cell: (c) => c.scoringVector },
            ]}
          />
        )}
      </SpaceBetween>
    </Container>
  );
}
