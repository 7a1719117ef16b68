import type { GetSummaryResponse } from "../api/muster";

/** The numbers of a dashboard, over all accounts that the reader sees. */
export interface Sums {
  all: number;
  critical: number;
  high: number;
  exploitable: number;
  fixable: number;
  network: number;
  suppressed: number;
  /** Active findings by kind of resource; critical ones apart. */
  kinds: { type: string; critical: number; high: number; all: number }[];
  /** Resources by kind: how many there are, and how many are watched. */
  covered: { type: string; all: number; watched: number }[];
}

/** Adds tallies up. A resource is counted once, by the scan of its content; the network's rows are of the same instances. */
export function sumsOf({ findings, coverage }: GetSummaryResponse): Sums {
  const s: Sums = { all: 0, critical: 0, high: 0, exploitable: 0, fixable: 0, network: 0, suppressed: 0, kinds: [], covered: [] };
  for (const f of findings) {
    if (f.status === "SUPPRESSED") s.suppressed += f.count;
    if (f.status !== "ACTIVE") continue;
    const kind = entry(s.kinds, f.resourceType, { critical: 0, high: 0, all: 0 });
    s.all += f.count;
    kind.all += f.count;
    if (f.severity === "CRITICAL") s.critical += f.count;
    if (f.severity === "CRITICAL") kind.critical += f.count;
    if (f.severity === "HIGH") s.high += f.count;
    if (f.severity === "HIGH") kind.high += f.count;
    s.exploitable += f.exploitAvailable;
    s.fixable += f.fixAvailable;
    if (f.findingType === "NETWORK_REACHABILITY") s.network += f.count;
  }
  for (const c of coverage) {
    if (c.scanType === "NETWORK") continue;
    const kind = entry(s.covered, c.resourceType, { all: 0, watched: 0 });
    kind.all += c.count;
    if (c.statusCode === "ACTIVE") kind.watched += c.count;
  }
  return s;
}

function entry<T>(list: (T & { type: string })[], type: string, fresh: T): T & { type: string } {
  let found = list.find((e) => e.type === type);
  if (!found) list.push((found = { type, ...fresh }));
  return found;
}
