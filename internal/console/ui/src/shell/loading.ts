import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  value?: T;
  error?: unknown;
  loading: boolean;
  /** Asks again, keeping what is shown until the answer is there. */
  again(): void;
}

/** Asks whenever its dependencies change; the question before is aborted and its answer dropped. */
export function useLoaded<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "again">>({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState((s) => ({ ...s, loading: true, error: undefined }));
    ask(abort.signal).then(
      (value) => abort.signal.aborted || setState({ value, loading: false }),
      (error: unknown) => abort.signal.aborted || setState({ error, loading: false }),
    );
    return () => abort.abort();
    // The caller names what the question depends on.
  }, [...deps, turn]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  return { ...state, again };
}

/** Asks again every so many milliseconds while the page is looked at and there is reason to. */
export function useRepeat(again: () => void, every: number, reason: boolean) {
  useEffect(() => {
    if (!reason) return;
    const timer = setInterval(() => document.visibilityState === "visible" && again(), every);
    return () => clearInterval(timer);
  }, [again, every, reason]);
}

/** Collects every page of a list, up to a bound. */
export async function everyPage<T>(page: (nextToken?: string) => Promise<{ items: T[]; nextToken?: string }>, most = 100_000): Promise<T[]> {
  const all: T[] = [];
  let nextToken: string | undefined;
  do {
    const p = await page(nextToken);
    for (const item of p.items) all.push(item);
    nextToken = p.nextToken;
  } while (nextToken && all.length < most);
  return all;
}

/** The first page that holds anything, from a token on: a server that looks for few among very many may end pages before it found any. */
export async function untilFound<P extends { items: unknown[]; nextToken?: string }>(page: (nextToken?: string) => Promise<P>, from: string | undefined, signal: AbortSignal): Promise<P> {
  let found = await page(from);
  while (!found.items.length && found.nextToken && !signal.aborted) found = await page(found.nextToken);
  return found;
}
