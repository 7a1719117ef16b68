// AWS Signature Version 4 for requests of this page to its own server.
import { bytes, hex, hmac, sha256 } from "./sha256";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface Unsigned {
  method: string;
  /** The path, already escaped, as it goes on the wire. */
  path: string;
  query: [string, string][];
  headers: Record<string, string>;
  body: string;
}

/** What the signature of RFC 3986 strictness escapes beyond encodeURIComponent. */
export function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

/** The query string in the order and the spelling that is signed. */
export function queryString(query: [string, string][]): string {
  return query.map(([k, v]) => `${escaped(k)}=${escaped(v)}`).sort().join("&");
}

/** Returns the headers to send: the request's own, the date, the token and the signature. */
export function sign(r: Unsigned, host: string, service: string, region: string, c: Credentials, now: Date): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const headers: Record<string, string> = { ...r.headers, "x-amz-date": time };
  if (c.sessionToken) headers["x-amz-security-token"] = c.sessionToken;
  const signed: Record<string, string> = { ...headers, host };
  const names = Object.keys(signed).sort();
  const canonical = [
    r.method,
    // A path is escaped once more than it is on the wire.
    r.path.split("/").map(escaped).join("/"),
    queryString(r.query),
    ...names.map((n) => `${n}:${signed[n].trim()}`),
    "",
    names.join(";"),
    hex(sha256(bytes(r.body))),
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, hex(sha256(bytes(canonical)))].join("\n");
  let key = bytes("AWS4" + c.secretAccessKey);
  for (const part of [date, region, service, "aws4_request"]) key = hmac(key, bytes(part));
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${c.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${hex(hmac(key, bytes(text)))}`;
  return headers;
}
