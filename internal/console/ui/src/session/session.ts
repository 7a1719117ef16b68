// A session is temporary credentials of one principal, kept for this browser
// tab only. A session under a role remembers the one it came from, renews
// itself, and can be left again.
import { AssumeRole, GetCallerIdentity, GetSessionToken } from "../api/sts";
import { client, type Client } from "../api/call";
import type { Credentials } from "../api/sign";

export interface Session extends Required<Credentials> {
  accountId: string;
  principal: string;
  region: string;
  expiresAt: string;
  /** Set where the session is a role's. */
  role?: { arn: string; name: string };
  /** What the role was assumed from. */
  base?: Session;
  /** Set for people of an identity provider: the role they chose, and how long it can be entered again. */
  federated?: { role: string; until?: string };
}

const storageKey = "muster.session";
let current: Session | undefined;
/** The renewal under way, so that many calls wait for one. */
let renewal: Promise<void> | undefined;

/** The session of this tab, unless it has expired. */
export function stored(): Session | undefined {
  const text = sessionStorage.getItem(storageKey);
  if (!text) return undefined;
  const session = JSON.parse(text) as Session;
  if (expiry(session) <= Date.now()) return undefined;
  current = session;
  return session;
}

/** When nothing renews the session any more, in milliseconds since 1970. */
export function expiry(session: Session): number {
  const root = session.base ?? session;
  return new Date(root.federated?.until ?? root.expiresAt).getTime();
}

export function keep(session: Session): Session {
  current = session;
  sessionStorage.setItem(storageKey, JSON.stringify(session));
  return session;
}

export function forget() {
  // What the server remembers of the person goes, too; that it cannot be asked changes nothing here.
  if (current?.federated || current?.base?.federated) void fetch("/console/api/session", { method: "DELETE", keepalive: true }).catch(() => undefined);
  current = undefined;
  sessionStorage.removeItem(storageKey);
}

/** The client of the current session. */
export function clientOf(session: Session): Client {
  return client(credentials, session.region);
}

const margin = 60_000;

function credentials(): Credentials | Promise<Credentials> {
  const s = current;
  if (!s || !ending(s)) return current!;
  renewal ??= renewed(s).then((next) => void keep(next)).finally(() => (renewal = undefined));
  return renewal.then(() => current!);
}

/** Whether a session ends soon that can be had again. */
function ending(s: Session): boolean {
  return !!(s.base || s.federated?.until) && new Date(s.expiresAt).getTime() - margin < Date.now();
}

/** The session again, after the one that it comes from. */
async function renewed(s: Session): Promise<Session> {
  if (!s.base) return { ...(await ask({ federated: true, role: s.federated!.role })), region: s.region };
  const base = ending(s.base) ? await renewed(s.base) : s.base;
  return { ...(await assume(base, s.accountId, s.role!.name, s.role!.arn)), region: s.region };
}

/** Exchanges what the console's door takes (a ticket, a name with a password) for a session. */
export async function exchange(body: Record<string, unknown>): Promise<Session> {
  return keep(await ask(body));
}

async function ask(body: Record<string, unknown>): Promise<Session> {
  const reply = await fetch("/console/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await reply.json();
  if (!reply.ok) throw new Refused(answer.message ?? String(reply.status), answer.need, answer.roles);
  return answer as Session;
}

/** A role that somebody of the identity provider may enter. */
export interface Role {
  arn: string;
  name: string;
  account: string;
  accountName: string;
}

/** A refusal by the console's door; need says what is missing, "code", "password" or "role", or how a sign-in elsewhere ended. */
export class Refused extends Error {
  constructor(message: string, readonly need?: string, readonly roles?: Role[]) {
    super(message);
  }
}

const longest = 12 * 60 * 60;

/** Exchanges an access key for a session; the key itself is not kept. Temporary keys are kept as they are. */
export async function withKey(key: Credentials, region: string): Promise<Session> {
  const c = client(() => key, region);
  const who = await c.call(GetCallerIdentity, {});
  const session = { accountId: who.Account!, principal: who.Arn!.replace(/^.*?:([^:]*)$/, "$1").replace(/^user\//, ""), region };
  if (key.sessionToken) {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    return keep({ ...session, ...key, sessionToken: key.sessionToken, expiresAt });
  }
  // Root users' sessions are shorter.
  const DurationSeconds = who.Arn!.endsWith(":root") ? 3600 : longest;
  const { Credentials: given } = await c.call(GetSessionToken, { DurationSeconds });
  return keep({ ...session, accessKeyId: given!.AccessKeyId, secretAccessKey: given!.SecretAccessKey, sessionToken: given!.SessionToken, expiresAt: given!.Expiration });
}

/** A session under a role, from another session. */
export async function assume(base: Session, account: string, name: string, arn?: string): Promise<Session> {
  const c = client(() => base, base.region);
  const roleArn = arn ?? `arn:aws:iam::${account}:role/${name}`;
  const out = await c.call(AssumeRole, { RoleArn: roleArn, RoleSessionName: base.principal.replace(/[^\w+=,.@-]/g, "-").slice(-64) });
  const given = out.Credentials!;
  return {
    accountId: account, principal: `${name.replace(/^.*\//, "")}/${base.principal}`, region: base.region, role: { arn: roleArn, name }, base,
    accessKeyId: given.AccessKeyId, secretAccessKey: given.SecretAccessKey, sessionToken: given.SessionToken, expiresAt: given.Expiration,
  };
}

/** What the server says of itself to everybody. */
export interface Info {
  emulator: boolean;
  regions?: string[];
  provider?: string;
}

export async function info(): Promise<Info> {
  const reply = await fetch("/console/api/info");
  if (!reply.ok) throw new Error(String(reply.status));
  return (await reply.json()) as Info;
}

export interface RecentRole {
  account: string;
  name: string;
}

const recentKey = "muster.roles";

/** Up to five roles used last in this browser; names only. */
export function recentRoles(): RecentRole[] {
  try {
    return JSON.parse(localStorage.getItem(recentKey) ?? "[]");
  } catch {
    return [];
  }
}

export function rememberRole(r: RecentRole) {
  const others = recentRoles().filter((o) => o.account !== r.account || o.name !== r.name);
  localStorage.setItem(recentKey, JSON.stringify([r, ...others].slice(0, 5)));
}

const pageKey = "muster.page";

/** Leaves for the identity provider; rememberedPage opens the page again that this one was. */
export function leaveForProvider() {
  sessionStorage.setItem(pageKey, location.hash.startsWith("#/") ? location.hash : "");
  location.assign("/console/api/openid");
}

/** The page that somebody was on before the identity provider's. */
export function rememberedPage(): string {
  const page = sessionStorage.getItem(pageKey);
  sessionStorage.removeItem(pageKey);
  return page || "#/dashboard";
}
