import { ApiError } from "./call";

/** What kind of failure this is, for a title that a reader understands. */
export function kindOf(e: unknown): "denied" | "unreachable" | "expired" | "throttled" | "title" {
  if (!(e instanceof ApiError)) return "title";
  if (e.code === "Unreachable") return "unreachable";
  if (/^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId)/.test(e.code)) return "expired";
  if (/^AccessDenied/.test(e.code)) return "denied";
  if (/Throttling|TooManyRequests/.test(e.code)) return "throttled";
  return "title";
}

export function messageOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}

/** Whether the server refused because of who asks, or of where the organization stands. */
export function refusedBecause(e: unknown, code: RegExp): boolean {
  return e instanceof ApiError && code.test(e.code);
}
