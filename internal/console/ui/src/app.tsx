import Alert from "@cloudscape-design/components/alert";
import AppLayout from "@cloudscape-design/components/app-layout";
import Box from "@cloudscape-design/components/box";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { useEffect, useState } from "react";
import { Accounts } from "./accounts";
import { Coverage } from "./coverage";
import { Findings } from "./findings";
import { info, type Session, signOut } from "./session";

const pages = [
  { href: "#/findings", text: "Findings", page: Findings },
  { href: "#/coverage", text: "Resource coverage", page: Coverage },
  { href: "#/accounts", text: "Account management", page: Accounts },
];

function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return hash;
}

function useEmulator(): boolean {
  const [emulator, setEmulator] = useState(false);
  useEffect(() => {
    info().then(
      (i) => setEmulator(i.emulator),
      () => undefined, // the page itself will show that the server is away
    );
  }, []);
  return emulator;
}

export function App({ session, error }: { session?: Session; error?: string }) {
  const hash = useHash();
  const emulator = useEmulator();
  if (!session) return <SignedOut error={error} />;
  const { page: Page, href } = pages.find((p) => hash.startsWith(p.href)) ?? pages[0];
  return (
    <>
      <TopNavigation
        identity={{ href: "#/findings", title: "muster" }}
        utilities={[
          { type: "button", text: session.region },
          {
            type: "menu-dropdown",
            text: session.accountId,
            description: session.principal,
            iconName: "user-profile",
            items: [{ id: "out", text: "Sign out" }],
            onItemClick: signOut,
          },
        ]}
      />
      <AppLayout
        toolsHide
        notifications={
          emulator && (
            <Alert type="warning" header="Emulator">
              Credentials are not checked here, and whoever asks may empty everything. Nothing in this console protects real accounts.
            </Alert>
          )
        }
        navigation={
          <SideNavigation
            header={{ text: "Inspector", href: "#/findings" }}
            activeHref={href}
            items={pages.map(({ href, text }) => ({ type: "link", href, text }))}
          />
        }
        content={<Page session={session} />}
      />
    </>
  );
}

function SignedOut({ error }: { error?: string }) {
  return (
    <Box padding="xxl">
      <Alert type={error ? "error" : "info"} header={error ? "Sign-in failed" : "Not signed in"}>
        {error ?? "Open the one-time sign-in link that muster prints when it starts."} A new link comes from{" "}
        <code>muster admin sign-in ACCOUNT</code>.
      </Alert>
    </Box>
  );
}
