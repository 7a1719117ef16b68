import { useCallback, useEffect, useState } from "react";
import type { Client } from "../api/call";
import { BatchGetAccountStatus, GetDelegatedAdminAccount } from "../api/inspector2";
import { DescribeOrganization } from "../api/organizations";
import { clientOf, type Session } from "./session";

/** Where the account stands in this Region. Which pages and buttons there are follows from it; what is allowed, the server decides. */
export interface Standing {
  /** False until the first answers are in. */
  known: boolean;
  kind: "MANAGEMENT" | "ADMINISTRATOR" | "MEMBER" | "STANDALONE";
  management?: string;
  administrator?: string;
  organization?: string;
  /** The account's own status, as BatchGetAccountStatus says it. */
  status?: string;
  /** Whether the account is an associated member of the administrator. */
  member: boolean;
}

const unknown: Standing = { known: false, kind: "STANDALONE", member: false };

/** What was asked before there was a page, of one session. */
let ahead: { session: Session; standing?: Standing } | undefined;

/** Asks where a session's account stands before anything is drawn. */
export async function askAhead(session: Session): Promise<void> {
  const mine: typeof ahead = (ahead = { session });
  mine.standing = await stand(clientOf(session), session);
}

export function useStanding(client: Client, session: Session): [Standing, () => void] {
  const [standing, setStanding] = useState((ahead?.session === session && ahead.standing) || unknown);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (turn === 0 && ahead?.session === session && ahead.standing) return;
    let current = true;
    stand(client, session).then((s) => current && setStanding(s));
    return () => {
      current = false;
    };
  }, [client, session, turn]);
  const restand = useCallback(() => setTurn((n) => n + 1), []);
  return [standing, restand];
}

/** Refusals are answers here: who may not ask stands outside. */
async function stand(client: Client, session: Session): Promise<Standing> {
  const [org, delegated, own] = await Promise.all([
    client.call(DescribeOrganization, {}).catch(() => undefined),
    client.call(GetDelegatedAdminAccount, {}).catch((e: Error) => e),
    client.call(BatchGetAccountStatus, { accountIds: [session.accountId] }).catch(() => undefined),
  ]);
  const management = org?.Organization?.MasterAccountId;
  const admin = delegated instanceof Error ? undefined : delegated.delegatedAdmin;
  // The service refuses its administrator this one question, with a validation error.
  const isAdministrator = admin?.accountId === session.accountId || (delegated as { code?: string }).code === "ValidationException";
  const member = !isAdministrator && admin?.relationshipStatus === "ENABLED";
  return {
    known: true,
    kind: isAdministrator ? "ADMINISTRATOR" : management === session.accountId ? "MANAGEMENT" : member || org ? "MEMBER" : "STANDALONE",
    management, organization: org?.Organization?.Id, member,
    administrator: isAdministrator ? session.accountId : admin?.accountId,
    status: own?.accounts?.[0]?.state.status,
  };
}
