import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { BatchGetFindingDetails, type Finding, type FindingDetail, ListFindings, type VulnerablePackage } from "../api/inspector2";
import { useSigned } from "../session/context";
import { Fields, Web } from "../shell/fields";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { useRoute } from "../shell/route";
import { Row } from "../shell/row";
import { Command } from "../table/command";
import { useText } from "../text";
import { findingsHref, ruleFor } from "./findings";
import { History } from "./history";
import { NetworkPath } from "./networkpath";
import { ResourceDetails } from "./resource";
import { Score } from "./score";
import { Severity } from "./severity";
import { Code } from "./snippet";

/** One finding with everything that is known of it. */
export default function FindingPage() {
  const { t } = useText();
  const { client } = useSigned();
  const arn = useRoute().params.get("arn") ?? "";
  const found = useLoaded(async (signal) => {
    const [list, details] = await Promise.all([
      client.call(ListFindings, { filterCriteria: { findingArn: [{ comparison: "EQUALS", value: arn }] } }, signal),
      client.call(BatchGetFindingDetails, { findingArns: [arn] }, signal).catch(() => undefined),
    ]);
    return { finding: list.findings?.[0], detail: details?.findingDetails?.[0] };
  }, [client, arn]);
  if (found.error) return <Problem error={found.error} again={found.again} />;
  if (!found.value) return <Spinner size="large" />;
  const { finding, detail } = found.value;
  if (!finding) return <Header variant="h1">{t("finding.missing")}</Header>;
  return <Details f={finding} d={detail} />;
}

function Details({ f, d }: { f: Finding; d?: FindingDetail }) {
  const { t } = useText();
  const id = f.packageVulnerabilityDetails?.vulnerabilityId;
  const resource = f.resources[0]?.id;
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description={<SpaceBetween direction="horizontal" size="xs"><Severity value={f.severity} /><Status value={f.status} /></SpaceBetween>}
          actions={
            <Row>
              <CopyToClipboard copyButtonText={t("do.copyLink")} copySuccessText={t("do.copied")} copyErrorText={t("do.notCopied")} textToCopy={location.href} />
              <Command asked={{ service: "inspector2", operation: "ListFindings", input: { filterCriteria: { findingArn: [{ comparison: "EQUALS", value: f.findingArn }] } } }} />
              <Button href={ruleFor(f)}>{t("finding.suppress")}</Button>
            </Row>
          }
        >
          {f.title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <Overview f={f} />
        {f.networkReachabilityDetails && <NetworkPath details={f.networkReachabilityDetails} resource={resource ?? ""} />}
        {f.packageVulnerabilityDetails && <Packages list={f.packageVulnerabilityDetails.vulnerablePackages ?? []} />}
        {f.codeVulnerabilityDetails && <Code f={f} />}
        {f.type === "PACKAGE_VULNERABILITY" && <Score f={f} />}
        {d && <Intelligence f={f} d={d} />}
        <ResourceDetails f={f} />
        <History arn={f.findingArn} />
        <SpaceBetween direction="horizontal" size="l">
          {id && <Link href={findingsHref([{ key: "vulnerabilityId", operator: "=", value: id }])}>{t("finding.other")}</Link>}
          {resource && <Link href={findingsHref([{ key: "resourceId", operator: "=", value: resource }])}>{t("finding.otherResource")}</Link>}
        </SpaceBetween>
      </SpaceBetween>
    </ContentLayout>
  );
}

function Status({ value }: { value: string }) {
  const { name } = useText();
  return <StatusIndicator type={value === "ACTIVE" ? "warning" : value === "CLOSED" ? "success" : "stopped"}>{name("findingStatus", value)}</StatusIndicator>;
}

function Overview({ f }: { f: Finding }) {
  const { t, name, time, number } = useText();
  const p = f.packageVulnerabilityDetails;
  return (
    <Container header={<Header variant="h2">{t("finding.overview")}</Header>}>
      <SpaceBetween size="l">
        <Box variant="p">{f.description}</Box>
        <Fields of={[
          [t("finding.type"), name("findingType", f.type)],
          [t("finding.account"), f.awsAccountId],
          [t("finding.region"), f.resources[0]?.region],
          [t("finding.fix"), f.fixAvailable && name("yesNo", f.fixAvailable)],
          [t("finding.exploit"), f.exploitAvailable && name("yesNo", f.exploitAvailable)],
          [t("finding.lastExploit"), f.exploitabilityDetails?.lastKnownExploitAt && time(f.exploitabilityDetails.lastKnownExploitAt)],
          [t("finding.epss"), f.epss && number(f.epss.score)],
          [t("finding.vulnerability"), p && <Web url={p.sourceUrl}>{p.vulnerabilityId}</Web>],
          [t("finding.source"), p?.source],
          [t("finding.vendorSeverity"), p?.vendorSeverity],
          [t("finding.related"), p?.relatedVulnerabilities?.join(", ")],
          [t("finding.first"), time(f.firstObservedAt)],
          [t("finding.last"), time(f.lastObservedAt)],
          [t("finding.updated"), time(f.updatedAt)],
          [t("finding.recommendation"), f.remediation.recommendation?.text],
          [t("finding.arn"), <CopyToClipboard variant="inline" copyButtonAriaLabel={t("do.copyArn")} copySuccessText={t("do.copied")} copyErrorText={t("do.notCopied")} textToCopy={f.findingArn} />],
        ]} />
      </SpaceBetween>
    </Container>
  );
}

function Packages({ list }: { list: VulnerablePackage[] }) {
  const { t } = useText();
  const installed = (p: VulnerablePackage) => `${p.epoch ? p.epoch + ":" : ""}${p.version}${p.release ? "-" + p.release : ""}`;
  return (
    <Table<VulnerablePackage>
      variant="container"
      wrapLines
      enableKeyboardNavigation
      ariaLabels={{ tableLabel: t("finding.affected") }}
      header={<Header variant="h2" counter={`(${list.length})`}>{t("finding.affected")}</Header>}
      items={list}
      columnDefinitions={[
        { id: "name", header: t("finding.package"), cell: (p) => p.name },
        { id: "installed", header: t("finding.installed"), cell: installed },
        { id: "fixed", header: t("finding.fixedIn"), cell: (p) => (!p.fixedInVersion || p.fixedInVersion === "NotAvailable" ? t("finding.noFix") : p.fixedInVersion) },
        { id: "remedy", header: t("finding.remedy"), cell: (p) => p.remediation ?? "–" },
        { id: "manager", header: t("finding.manager"), cell: (p) => p.packageManager ?? "–" },
        { id: "arch", header: t("finding.architecture"), cell: (p) => p.arch ?? "–" },
        { id: "path", header: t("finding.path"), cell: (p) => p.filePath ?? p.sourceLayerHash ?? p.sourceLambdaLayerArn ?? "–" },
      ]}
    />
  );
}

function Intelligence({ f, d }: { f: Finding; d: FindingDetail }) {
  const { t, day, time } = useText();
  const kev = d.cisaData;
  const links = [...new Set([...(f.packageVulnerabilityDetails?.referenceUrls ?? []), ...(d.referenceUrls ?? [])])];
  const shown = links.slice(0, 20);
  return (
    <Container header={<Header variant="h2">{t("finding.intelligence")}</Header>}>
      <SpaceBetween size="l">
        <Fields of={[
          [t("finding.kev"), kev ? <>{t("finding.kevAdded", { added: day(kev.dateAdded), due: day(kev.dateDue) })} {kev.action}</> : t("finding.notKev")],
          [t("finding.lastExploit"), d.exploitObserved?.lastSeen && time(d.exploitObserved.lastSeen)],
          [t("finding.cwes"), d.cwes?.join(", ")],
          [t("finding.tools"), d.tools?.join(", ")],
          [t("finding.ttps"), d.ttps?.join(", ")],
        ]} />
        {!!d.evidences?.length && (
          <Table
            variant="embedded"
            wrapLines
            ariaLabels={{ tableLabel: t("finding.evidence") }}
            header={<Header variant="h3">{t("finding.evidence")}</Header>}
            items={d.evidences}
            columnDefinitions={[
              { id: "rule", header: t("finding.rule"), cell: (e) => e.evidenceRule ?? "–" },
              { id: "detail", header: t("finding.detail"), cell: (e) => e.evidenceDetail ?? "–" },
              { id: "severity", header: t("finding.severity"), cell: (e) => e.severity ?? "–" },
            ]}
          />
        )}
        {shown.length > 0 && (
          <div>
            <Box variant="h3">{t("finding.references")}</Box>
            <ul>{shown.map((url) => <li key={url}><Web url={url} /></li>)}</ul>
            {links.length > shown.length && <Box variant="small">{t("finding.more", { n: links.length - shown.length })}</Box>}
          </div>
        )}
      </SpaceBetween>
    </Container>
  );
}
