import "@cloudscape-design/global-styles/index.css";
import "./style.css";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import { type ReactNode, StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { exchange, type Info, info, Refused, rememberedPage, type Session, stored } from "./session/session";
import { useLook } from "./shell/look";
import { type Language, TextProvider } from "./text";

type Messages = Parameters<typeof I18nProvider>[0]["messages"];

/** The words inside the components, which come with them. */
function Components({ language, children }: { language: Language; children: ReactNode }) {
  const [messages, setMessages] = useState<Messages>();
  useEffect(() => {
    const load = language === "ja" ? import("@cloudscape-design/components/i18n/messages/all.ja") : import("@cloudscape-design/components/i18n/messages/all.en");
    load.then((m) => setMessages([m.default]));
  }, [language]);
  if (!messages) return null;
  return <I18nProvider locale={language} messages={messages}>{children}</I18nProvider>;
}

function Root({ session, about, error }: { session?: Session; about: Info; error?: unknown }) {
  const look = useLook();
  return (
    <TextProvider language={look.language}>
      <Components language={look.language}>
        <App first={session} info={about} error={error} look={look} />
      </Components>
    </TextProvider>
  );
}

/**
 * Exchanges the one-time ticket of a sign-in link (#ticket=…), or takes the
 * session that this tab has. The ticket leaves the address bar at once; it
 * stood behind "#", so no log on the way has seen it.
 */
async function begin(): Promise<Session | undefined> {
  const given = new URLSearchParams(location.hash.slice(1));
  const provider = given.get("sign-in");
  if (provider) return back(provider);
  const ticket = given.get("ticket");
  if (!ticket) return stored();
  history.replaceState(null, "", location.pathname + "#/dashboard");
  return exchange({ ticket });
}

/** Takes up where the identity provider has sent the browser back. */
async function back(how: string): Promise<Session | undefined> {
  history.replaceState(null, "", location.pathname + rememberedPage());
  if (how !== "role") throw new Refused(how, how);
  return exchange({ federated: true });
}

const root = createRoot(document.getElementById("root")!);
const nothing: Info = { emulator: false };

// The ticket works once, so it is exchanged before React may render twice.
const about = info().catch(() => nothing);
begin().then(
  async (session) => root.render(<StrictMode><Root session={session} about={await about} /></StrictMode>),
  async (error: unknown) => root.render(<StrictMode><Root error={error} about={await about} /></StrictMode>),
);
