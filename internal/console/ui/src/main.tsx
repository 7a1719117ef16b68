import "@cloudscape-design/global-styles/index.css";
import "./style.css";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import { type ReactNode, StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { exchange, type Info, info, Refused, rememberedPage, type Session, stored } from "./session/session";
import { askAhead } from "./session/standing";
import { preferredLanguage, useLook } from "./shell/look";
import { type Language, TextProvider } from "./text";

type Messages = Parameters<typeof I18nProvider>[0]["messages"];

/** The words inside the components, which come with them. */
async function wordsOf(language: Language): Promise<Messages> {
  const words = await (language === "ja" ? import("@cloudscape-design/components/i18n/messages/all.ja") : import("@cloudscape-design/components/i18n/messages/all.en"));
  return [words.default];
}

function Components({ language, first, children }: { language: Language; first: Messages; children: ReactNode }) {
  const [words, setWords] = useState({ language: preferredLanguage(), messages: first });
  useEffect(() => {
    if (language !== words.language) void wordsOf(language).then((messages) => setWords({ language, messages }));
  }, [language, words]);
  return <I18nProvider locale={words.language} messages={words.messages}>{children}</I18nProvider>;
}

function Root({ session, about, words, error }: { session?: Session; about: Info; words: Messages; error?: unknown }) {
  const look = useLook();
  return (
    <TextProvider language={look.language}>
      <Components language={look.language} first={words}>
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

// All that the first picture needs is asked for at once, so that it is drawn once.
// The ticket works once, so it is exchanged before React may render twice.
const about = info().catch(() => nothing);
const words = wordsOf(preferredLanguage());
const show = async (of: { session?: Session; error?: unknown }) => root.render(<StrictMode><Root {...of} about={await about} words={await words} /></StrictMode>);
begin().then(
  async (session) => {
    if (session) await soon(askAhead(session));
    await show({ session });
  },
  (error: unknown) => show({ error }),
);

/** Waits for an answer that is worth waiting for only while it comes quickly. */
function soon(answer: Promise<unknown>): Promise<unknown> {
  return Promise.race([answer, new Promise((done) => setTimeout(done, 150))]);
}
