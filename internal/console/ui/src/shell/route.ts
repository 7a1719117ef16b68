// Addresses: everything that a page shows is in its address, behind "#", so
// that a link shares it and the Back button undoes it.
import { useSyncExternalStore } from "react";

export interface Route {
  path: string;
  params: URLSearchParams;
}

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

export function useRoute(): Route {
  return parse(useSyncExternalStore(subscribe, () => location.hash));
}

export function parse(hash: string): Route {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  return { path: path || "/", params: new URLSearchParams(query) };
}

/** The address of a page; parameters without a value are left out. */
export function href(path: string, params?: URLSearchParams | Record<string, string | undefined>): string {
  const query = params instanceof URLSearchParams ? params : new URLSearchParams();
  if (params && !(params instanceof URLSearchParams)) for (const [k, v] of Object.entries(params)) if (v) query.set(k, v);
  const text = query.toString();
  return `#${path}${text ? "?" + text : ""}`;
}

/** Changes parameters of the current page. Each change is an entry in the history, so that the Back button undoes it. */
export function adjust(change: (params: URLSearchParams) => void) {
  const { path, params } = parse(location.hash);
  change(params);
  const next = href(path, params);
  if (next === location.hash) return;
  history.pushState(history.state, "", next);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function go(to: string) {
  location.hash = to;
}
