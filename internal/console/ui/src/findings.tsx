import {
  type AggregationResponse,
  type Finding,
  ListFindingAggregationsCommand,
  ListFindingsCommand,
  type ListFindingsCommandInput,
} from "@aws-sdk/client-inspector2";
import Alert from "@cloudscape-design/components/alert";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Pagination from "@cloudscape-design/components/pagination";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useEffect, useState } from "react";
import { useLoaded } from "./loading";
import { inspector, type Session } from "./session";

const pageSize = 20;

const statuses = ["ACTIVE", "SUPPRESSED", "CLOSED"].map((value) => ({ value, label: value }));

const colours: Record<string, "severity-critical" | "severity-high" | "severity-medium" | "severity-low" | "severity-neutral"> = {
  CRITICAL: "severity-critical",
  HIGH: "severity-high",
  MEDIUM: "severity-medium",
  LOW: "severity-low",
};

/** A page of findings by severity; the server pages, so any number of findings costs the same. */
export function Findings({ session }: { session: Session }) {
  const [status, setStatus] = useState(statuses[0]);
  const [vulnerability, setVulnerability] = useState("");
  const [typed, setTyped] = useState("");
  // tokens[i] opens page i+1; the first page needs none.
  const [tokens, setTokens] = useState<(string | undefined)[]>([undefined]);
  const [page, setPage] = useState(1);
  useEffect(() => {
    setTokens([undefined]);
    setPage(1);
  }, [status, vulnerability]);

  const found = useLoaded(async () => {
    const out = await inspector(session).send(new ListFindingsCommand(question(status.value, vulnerability, tokens[page - 1])));
    if (out.nextToken && tokens.length === page) setTokens([...tokens, out.nextToken]);
    return out.findings ?? [];
  }, [session, status, vulnerability, page]);

  return (
    <SpaceBetween size="l">
      <Summary session={session} />
      {found.error && <Alert type="error">{found.error}</Alert>}
      <Table<Finding>
        variant="full-page"
        loading={found.loading}
        loadingText="Loading findings"
        items={found.value ?? []}
        trackBy="findingArn"
        stickyHeader
        header={<Header variant="h1">Findings</Header>}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <Select selectedOption={status} options={statuses} ariaLabel="Status" onChange={({ detail }) => setStatus(detail.selectedOption as typeof status)} />
            <Input
              type="search"
              value={typed}
              ariaLabel="Vulnerability id begins with"
              placeholder="Vulnerability id begins with, then Enter"
              onChange={({ detail }) => setTyped(detail.value)}
              onKeyDown={({ detail }) => detail.key === "Enter" && setVulnerability(typed.trim())}
            />
          </SpaceBetween>
        }
        pagination={
          <Pagination
            currentPageIndex={page}
            pagesCount={tokens.length}
            openEnd={false}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
          />
        }
        empty={<Box textAlign="center">No findings match. Resource coverage says what was looked at.</Box>}
        columnDefinitions={[
          { id: "severity", header: "Severity", cell: (f) => <Badge color={colours[f.severity!] ?? "severity-neutral"}>{f.severity}</Badge> },
          { id: "score", header: "Score", cell: (f) => f.inspectorScore?.toFixed(1) ?? "–" },
          { id: "title", header: "Title", cell: (f) => f.title },
          { id: "fix", header: "Fixed in", cell: (f) => fixes(f) },
          { id: "exploit", header: "Exploit", cell: (f) => f.exploitAvailable ?? "–" },
          { id: "account", header: "Account", cell: (f) => f.awsAccountId },
          { id: "resource", header: "Resource", cell: (f) => f.resources?.[0]?.id },
          { id: "seen", header: "First seen", cell: (f) => f.firstObservedAt?.toLocaleString() },
        ]}
      />
    </SpaceBetween>
  );
}

function question(status: string, vulnerability: string, nextToken?: string): ListFindingsCommandInput {
  return {
    maxResults: pageSize,
    nextToken,
    sortCriteria: { field: "SEVERITY", sortOrder: "DESC" },
    filterCriteria: {
      findingStatus: [{ comparison: "EQUALS", value: status }],
      ...(vulnerability && { vulnerabilityId: [{ comparison: "PREFIX", value: vulnerability }] }),
    },
  };
}

function fixes(f: Finding): string {
  const known = (f.packageVulnerabilityDetails?.vulnerablePackages ?? [])
    .map((p) => p.fixedInVersion)
    .filter((v): v is string => !!v && v !== "NotAvailable");
  return known.length ? [...new Set(known)].join(", ") : "no fix yet";
}

/** What every account that this caller sees has open. */
function Summary({ session }: { session: Session }) {
  const counts = useLoaded(async () => {
    const sum = { critical: 0, high: 0, medium: 0, all: 0 };
    let nextToken: string | undefined;
    do {
      const out = await inspector(session).send(new ListFindingAggregationsCommand({ aggregationType: "ACCOUNT", nextToken }));
      for (const r of (out.responses ?? []) as AggregationResponse[]) {
        const c = r.accountAggregation?.severityCounts;
        sum.critical += c?.critical ?? 0;
        sum.high += c?.high ?? 0;
        sum.medium += c?.medium ?? 0;
        sum.all += c?.all ?? 0;
      }
      nextToken = out.nextToken;
    } while (nextToken);
    return sum;
  }, [session]);
  const c = counts.value;
  return (
    <Container>
      <ColumnLayout columns={4} variant="text-grid">
        <Count label="Critical" n={c?.critical} />
        <Count label="High" n={c?.high} />
        <Count label="Medium" n={c?.medium} />
        <Count label="All open findings" n={c?.all} />
      </ColumnLayout>
    </Container>
  );
}

function Count({ label, n }: { label: string; n?: number }) {
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <Box fontSize="display-l" fontWeight="bold">{n ?? "–"}</Box>
    </div>
  );
}
