import {
  type AccountState,
  BatchGetAccountStatusCommand,
  type Inspector2Client,
  ListMembersCommand,
} from "@aws-sdk/client-inspector2";
import Alert from "@cloudscape-design/components/alert";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useLoaded } from "./loading";
import { inspector, type Session } from "./session";

interface Row {
  accountId: string;
  relationship: string;
  state?: AccountState;
}

/** The caller's own account and, for an administrator, its members. */
export function Accounts({ session }: { session: Session }) {
  const rows = useLoaded(() => load(session), [session]);
  return (
    <SpaceBetween size="l">
      {rows.error && <Alert type="error">{rows.error}</Alert>}
      <Table<Row>
        variant="full-page"
        loading={rows.loading}
        loadingText="Loading accounts"
        items={rows.value ?? []}
        trackBy="accountId"
        header={<Header variant="h1" counter={rows.value && `(${rows.value.length})`}>Account management</Header>}
        columnDefinitions={[
          { id: "account", header: "Account", cell: (r) => r.accountId },
          { id: "relationship", header: "Relationship", cell: (r) => r.relationship },
          { id: "status", header: "Status", cell: (r) => <Status value={r.state?.state?.status} /> },
          { id: "ec2", header: "EC2", cell: (r) => <Status value={r.state?.resourceState?.ec2?.status} /> },
          { id: "ecr", header: "ECR", cell: (r) => <Status value={r.state?.resourceState?.ecr?.status} /> },
          { id: "lambda", header: "Lambda", cell: (r) => <Status value={r.state?.resourceState?.lambda?.status} /> },
        ]}
      />
    </SpaceBetween>
  );
}

async function load(session: Session): Promise<Row[]> {
  const client = inspector(session);
  const rows: Row[] = [{ accountId: session.accountId, relationship: "This account" }, ...(await members(client))];
  for (let i = 0; i < rows.length; i += 100) {
    const some = rows.slice(i, i + 100);
    const out = await client.send(new BatchGetAccountStatusCommand({ accountIds: some.map((r) => r.accountId) }));
    for (const state of out.accounts ?? []) some.find((r) => r.accountId === state.accountId)!.state = state;
  }
  return rows;
}

/** A caller that is no administrator has no members to list, and is told so by the service. */
async function members(client: Inspector2Client): Promise<Row[]> {
  const rows: Row[] = [];
  let nextToken: string | undefined;
  try {
    do {
      const out = await client.send(new ListMembersCommand({ onlyAssociated: false, maxResults: 50, nextToken }));
      for (const m of out.members ?? []) rows.push({ accountId: m.accountId!, relationship: m.relationshipStatus ?? "–" });
      nextToken = out.nextToken;
    } while (nextToken);
  } catch (e) {
    if ((e as Error).name !== "AccessDeniedException") throw e;
  }
  return rows;
}

function Status({ value }: { value?: string }) {
  const type = value === "ENABLED" ? "success" : value === "DISABLED" ? "stopped" : "in-progress";
  return <StatusIndicator type={type}>{value ?? "–"}</StatusIndicator>;
}
