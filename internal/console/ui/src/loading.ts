import { useEffect, useState } from "react";

export interface Loaded<T> {
  value?: T;
  error?: string;
  loading: boolean;
}

/** Runs an asynchronous question whenever its dependencies change; an answer that comes too late is dropped. */
export function useLoaded<T>(ask: () => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>({ loading: true });
  useEffect(() => {
    let current = true;
    setState((s) => ({ ...s, loading: true, error: undefined }));
    ask().then(
      (value) => current && setState({ value, loading: false }),
      (e: unknown) => current && setState({ error: e instanceof Error ? e.message : String(e), loading: false }),
    );
    return () => {
      current = false;
    };
    // The caller names what the question depends on.
  }, deps);
  return state;
}
