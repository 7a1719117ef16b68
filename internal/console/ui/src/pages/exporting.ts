// How reports and SBOM exports are ordered, waited for and fetched.
import type { Client } from "../api/call";
import { CreateFindingsReport, CreateSbomExport, type FilterCriteria, GetSbomExport, type ResourceFilterCriteria, type SbomReportFormat } from "../api/inspector2";
import { GetExportObject, ListExportObjects, type ExportObject } from "../api/muster";
import { everyPage } from "../shell/loading";

/** Where an order's objects go. A server without an object store keeps them itself, whatever stands here. */
export interface Destination {
  bucketName: string;
  keyPrefix?: string;
  kmsKeyArn: string;
}

const destinationKey = "muster.destination";

/** The destination used last in this browser, else one that a server without an object store takes. */
export function usualDestination(account: string, region: string): Destination {
  const key = `arn:aws:kms:${region}:${account}:key/00000000-0000-0000-0000-000000000000`;
  try {
    const kept = JSON.parse(localStorage.getItem(destinationKey) ?? "{}")[account + region];
    if (kept) return kept as Destination;
  } catch {
    // What cannot be read is as good as nothing.
  }
  return { bucketName: "muster", kmsKeyArn: key };
}

export function rememberDestination(account: string, region: string, d: Destination) {
  localStorage.setItem(destinationKey, JSON.stringify({ [account + region]: d }));
}

export function orderReport(client: Client, format: "CSV" | "JSON", filterCriteria: FilterCriteria | undefined, s3Destination: Destination) {
  return client.call(CreateFindingsReport, { reportFormat: format, filterCriteria, s3Destination });
}

export function orderSboms(client: Client, reportFormat: SbomReportFormat, resourceFilterCriteria: ResourceFilterCriteria | undefined, s3Destination: Destination) {
  return client.call(CreateSbomExport, { reportFormat, resourceFilterCriteria, s3Destination });
}

/** The SBOM exports of single resources that this tab has made, and until when they are shown again instead of made anew. */
const made = new Map<string, { reportId: string; until: number }>();
const fresh = 10 * 60_000;

/** The id of an SBOM export of one resource that has ended: one of a moment ago, else a new one. */
export async function sbomOf(client: Client, format: SbomReportFormat, accountId: string, resourceId: string, destination: Destination): Promise<string> {
  const key = [client.region, accountId, resourceId, format].join(" ");
  const known = made.get(key);
  if (known && known.until > Date.now()) return known.reportId;
  const equals = (value: string) => [{ comparison: "EQUALS" as const, value }];
  const { reportId } = await orderSboms(client, format, { resourceId: equals(resourceId), accountId: equals(accountId) }, destination);
  await untilExported(client, reportId!, new AbortController().signal);
  made.set(key, { reportId: reportId!, until: Date.now() + fresh });
  return reportId!;
}

/** Waits until an SBOM export has ended; throws its reason where it came to nothing. */
export async function untilExported(client: Client, reportId: string, signal: AbortSignal) {
  for (let pause = 100; ; pause = Math.min(2 * pause, 3000)) {
    const now = await client.call(GetSbomExport, { reportId }, signal);
    if (now.status === "SUCCEEDED") return;
    if (now.status !== "IN_PROGRESS") throw new Error(now.errorMessage ?? now.errorCode ?? now.status);
    await new Promise((done) => setTimeout(done, pause));
  }
}

export function objectsOf(client: Client, exportId: string, signal?: AbortSignal): Promise<ExportObject[]> {
  return everyPage(async (nextToken) => {
    const out = await client.call(ListExportObjects, { exportId, nextToken }, signal);
    return { items: out.objects, nextToken: out.nextToken };
  });
}

/** An object's bytes, which come in pieces. */
export async function contentOf(client: Client, exportId: string, key: string, signal?: AbortSignal): Promise<Blob> {
  const parts: BlobPart[] = [];
  let nextToken: string | undefined;
  do {
    const out = await client.call(GetExportObject, { exportId, key, nextToken }, signal);
    parts.push(Uint8Array.from(atob(out.content), (c) => c.charCodeAt(0)));
    nextToken = out.nextToken;
  } while (nextToken);
  return new Blob(parts, { type: "application/octet-stream" });
}

/** Name of the file that an object becomes: the end of its key. */
export function fileName(key: string): string {
  return key.split("/").pop() || "export";
}
