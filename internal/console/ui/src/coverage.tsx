import { type CoveredResource, ListCoverageCommand } from "@aws-sdk/client-inspector2";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useLoaded } from "./loading";
import { inspector, type Session } from "./session";

/** What is watched, and why something is not. */
export function Coverage({ session }: { session: Session }) {
  const covered = useLoaded(async () => {
    const out = await inspector(session).send(new ListCoverageCommand({ maxResults: 100 }));
    return out.coveredResources ?? [];
  }, [session]);
  return (
    <SpaceBetween size="l">
      {covered.error && <Alert type="error">{covered.error}</Alert>}
      <Table<CoveredResource>
        variant="full-page"
        loading={covered.loading}
        loadingText="Loading resources"
        items={covered.value ?? []}
        header={<Header variant="h1" description="The first hundred resources.">Resource coverage</Header>}
        empty={<Box textAlign="center">No resources yet. Enrol a host with muster-agent.</Box>}
        columnDefinitions={[
          { id: "account", header: "Account", cell: (r) => r.accountId },
          { id: "resource", header: "Resource", cell: (r) => r.resourceId },
          { id: "type", header: "Type", cell: (r) => r.resourceType },
          { id: "scan", header: "Scan", cell: (r) => r.scanType },
          {
            id: "status",
            header: "Status",
            cell: (r) => (
              <StatusIndicator type={r.scanStatus?.statusCode === "ACTIVE" ? "success" : "stopped"}>{r.scanStatus?.reason}</StatusIndicator>
            ),
          },
          { id: "last", header: "Last scanned", cell: (r) => r.lastScannedAt?.toLocaleString() ?? "–" },
        ]}
      />
    </SpaceBetween>
  );
}
