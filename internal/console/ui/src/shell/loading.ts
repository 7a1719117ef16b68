import { useCallback, useEffect, useRef, useState } from "react";

export interface Loaded<T> {
  value?: T;
  error?: unknown;
  loading: boolean;
  /** Asks again, keeping what is shown until the answer is there. */
  again(): void;
}

interface Question<T> {
  abort: AbortController;
  answer: Promise<T>;
}

function put<T>(ask: (signal: AbortSignal) => Promise<T>): Question<T> {
  const abort = new AbortController();
  const answer = ask(abort.signal);
  // Who waits for it sees a refusal; that nobody may wait yet is no fault.
  answer.catch(() => undefined);
  return { abort, answer };
}

/**
 * Asks whenever its dependencies change; the question before is aborted and its
 * answer dropped. The first question goes out while the page is drawn for the
 * first time, which takes a browser longer than the answer does, so asking must
 * change nothing of the page; answered is told of each answer that is shown.
 */
export function useLoaded<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[], answered?: (value: T) => void): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "again">>({ loading: true });
  const [turn, setTurn] = useState(0);
  const [first] = useState(() => put(ask));
  const fresh = useRef(true);
  useEffect(() => {
    const question = fresh.current ? first : put(ask);
    const { abort, answer } = question;
    if (!fresh.current) setState((s) => ({ ...s, loading: true, error: undefined }));
    fresh.current = false;
    answer.then(
      (value) => {
        if (abort.signal.aborted) return;
        answered?.(value);
        setState({ value, loading: false });
      },
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
