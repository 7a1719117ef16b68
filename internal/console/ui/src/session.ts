// A session is temporary credentials of one principal, kept for this browser
// tab only. The console has no way to the server's data but the AWS APIs that
// everyone uses, signed with them.
import { Inspector2Client } from "@aws-sdk/client-inspector2";

export interface Session {
  accountId: string;
  principal: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiresAt: string;
}

const storageKey = "muster.session";

/** Reads a session that this tab already has, unless it has expired. */
function stored(): Session | undefined {
  const text = sessionStorage.getItem(storageKey);
  if (!text) return undefined;
  const session = JSON.parse(text) as Session;
  return new Date(session.expiresAt) > new Date() ? session : undefined;
}

/**
 * Exchanges the one-time ticket of a sign-in link (#ticket=…) for a session,
 * or takes the one that this tab has. The ticket leaves the address bar at
 * once; it stood behind "#", so no log on the way has seen it.
 */
export async function signIn(): Promise<Session | undefined> {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (!ticket) return stored();
  history.replaceState(null, "", location.pathname);
  const reply = await fetch("/console/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ticket }),
  });
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.message ?? `sign-in failed (${reply.status})`);
  sessionStorage.setItem(storageKey, JSON.stringify(body));
  return body as Session;
}

/** What the server says of itself to everybody. */
export interface Info {
  emulator: boolean;
}

export async function info(): Promise<Info> {
  const reply = await fetch("/console/api/info");
  return reply.ok ? ((await reply.json()) as Info) : { emulator: false };
}

export function signOut() {
  sessionStorage.removeItem(storageKey);
  location.reload();
}

export function inspector(session: Session): Inspector2Client {
  return new Inspector2Client({
    region: session.region,
    endpoint: location.origin,
    credentials: {
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
      sessionToken: session.sessionToken,
    },
  });
}
