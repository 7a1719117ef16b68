import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { Client } from "../api/call";
import { clientOf, type Info, type Session } from "./session";
import { useStanding, type Standing } from "./standing";

export interface Signed {
  session: Session;
  info: Info;
  client: Client;
  standing: Standing;
  /** Replaces the session: another Region, another role. */
  change(session: Session): void;
  /** Asks again where the account stands, after something that changes it. */
  restand(): void;
}

const Context = createContext<Signed | undefined>(undefined);

export function SignedProvider({ session, info, change, children }: { session: Session; info: Info; change(s: Session): void; children: ReactNode }) {
  const client = useMemo(() => clientOf(session), [session]);
  const [standing, restand] = useStanding(client, session);
  const value = useMemo(() => ({ session, info, client, standing, change, restand }), [session, info, client, standing, change, restand]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSigned(): Signed {
  return useContext(Context)!;
}
