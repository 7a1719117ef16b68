import { href } from "../shell/route";

/** The address of a resource's own page. */
export function resourceHref(r: { resourceId: string; accountId: string }): string {
  return href("/resource", { id: r.resourceId, account: r.accountId });
}
