import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { BatchGetCodeSnippet, type Finding } from "../api/inspector2";
import { useSigned } from "../session/context";
import { Fields } from "../shell/fields";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { useText } from "../text";

/** Where in the code a finding is, the lines themselves, and how they may be mended. */
export function Code({ f }: { f: Finding }) {
  const { t } = useText();
  const { client } = useSigned();
  const c = f.codeVulnerabilityDetails!;
  const found = useLoaded((signal) => client.call(BatchGetCodeSnippet, { findingArns: [f.findingArn] }, signal), [client, f.findingArn]);
  const [snippet] = found.value?.codeSnippetResults ?? [];
  const [refused] = found.value?.errors ?? [];
  const { startLine, endLine } = c.filePath;
  return (
    <Container header={<Header variant="h2">{t("finding.code")}</Header>}>
      <SpaceBetween size="l">
        <Fields of={[
          [t("finding.detector"), c.detectorName],
          [t("finding.path"), `${c.filePath.filePath}:${startLine}${endLine !== startLine ? `-${endLine}` : ""}`],
          [t("finding.cwes"), c.cwes.join(", ")],
        ]} />
        <Problem error={found.error} again={found.again} />
        {refused && <Box color="text-body-secondary">{t("finding.noSnippet")}</Box>}
        {snippet?.codeSnippet && (
          <div className="path" tabIndex={0} role="group" aria-label={t("finding.snippet")}>
            <pre className="code">
              {snippet.codeSnippet.map((l) => (
                <div key={l.lineNumber} className={l.lineNumber >= startLine && l.lineNumber <= endLine ? "code-meant" : undefined}>
                  <span className="code-number">{l.lineNumber}</span>{l.content}
                </div>
              ))}
            </pre>
          </div>
        )}
        {snippet?.suggestedFixes?.map((s, i) => (
          <Alert key={i} type="info" header={t("finding.suggested")}>
            {s.description && <div lang="en">{s.description}</div>}
            {s.code && <pre className="code path" tabIndex={0} aria-label={t("finding.suggested")}>{s.code}</pre>}
          </Alert>
        ))}
      </SpaceBetween>
    </Container>
  );
}
