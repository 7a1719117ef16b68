import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useState } from "react";
import { SearchVulnerabilities, type Vulnerability } from "../api/inspector2";
import { useSigned } from "../session/context";
import { Fields, Web } from "../shell/fields";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { adjust, useRoute } from "../shell/route";
import { useText } from "../text";
import { findingsHref } from "./findings";

/** Looks one vulnerability up in the advisories. */
export default function Vulnerabilities() {
  const { t } = useText();
  const { client } = useSigned();
  const id = useRoute().params.get("id") ?? "";
  const [typed, setTyped] = useState(id);
  const found = useLoaded(async (signal) => {
    if (!id) return undefined;
    const out = await client.call(SearchVulnerabilities, { filterCriteria: { vulnerabilityIds: [id] } }, signal);
    return out.vulnerabilities ?? [];
  }, [client, id]);
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("vulnerability.help")}>{t("vulnerability.title")}</Header>
      <form onSubmit={(e) => { e.preventDefault(); adjust((p) => p.set("id", typed.trim().toUpperCase())); }}>
        <Form>
          <Container>
            <FormField label={t("vulnerability.id")} secondaryControl={<Button formAction="submit" variant="primary">{t("do.search")}</Button>}>
              <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} placeholder={t("vulnerability.placeholder")} type="search" clearAriaLabel={t("table.clear")} />
            </FormField>
          </Container>
        </Form>
      </form>
      <Problem error={found.error} again={found.again} />
      {id && found.loading && <Spinner size="large" />}
      {id && found.value?.length === 0 && <Box>{t("vulnerability.unknown", { id })}</Box>}
      {found.value?.map((v) => <One key={v.id} v={v} />)}
    </SpaceBetween>
  );
}

function One({ v }: { v: Vulnerability }) {
  const { t, day, number } = useText();
  const cvss = (c?: { baseScore?: number; scoringVector?: string }) => c && `${c.baseScore?.toFixed(1)} ${c.scoringVector ?? ""}`;
  return (
    <Container header={<Header variant="h2" actions={<Link href={findingsHref([{ key: "vulnerabilityId", operator: "=", value: v.id }])}>{t("vulnerability.findings")}</Link>}>{v.id}</Header>}>
      <SpaceBetween size="l">
        <Box variant="p">{v.description}</Box>
        <Fields of={[
          [t("finding.source"), <Web key="source" url={v.sourceUrl}>{v.source}</Web>],
          [t("finding.vendorSeverity"), v.vendorSeverity],
          ["CVSS 4", cvss(v.cvss4)],
          ["CVSS 3", cvss(v.cvss3)],
          ["CVSS 2", cvss(v.cvss2)],
          [t("finding.epss"), v.epss?.score !== undefined ? number(v.epss.score) : undefined],
          [t("finding.kev"), v.cisaData ? t("finding.kevAdded", { added: day(v.cisaData.dateAdded), due: day(v.cisaData.dateDue) }) : t("finding.notKev")],
          [t("vulnerability.observed"), v.exploitObserved && t("vulnerability.observedBetween", { first: day(v.exploitObserved.firstSeen), last: day(v.exploitObserved.lastSeen) })],
          [t("finding.cwes"), v.cwes?.join(", ")],
          [t("finding.related"), v.relatedVulnerabilities?.join(", ")],
          [t("vulnerability.platforms"), v.detectionPlatforms?.join(", ")],
          [t("vulnerability.published"), v.vendorCreatedAt && day(v.vendorCreatedAt)],
          [t("vulnerability.modified"), v.vendorUpdatedAt && day(v.vendorUpdatedAt)],
        ]} />
        {!!v.referenceUrls?.length && (
          <div>
            <Box variant="h3">{t("finding.references")}</Box>
            <ul>{v.referenceUrls.slice(0, 20).map((url) => <li key={url}><Web url={url} /></li>)}</ul>
          </div>
        )}
      </SpaceBetween>
    </Container>
  );
}
