import AppLayout from "@cloudscape-design/components/app-layout";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import type { FlashbarProps } from "@cloudscape-design/components/flashbar";
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import Spinner from "@cloudscape-design/components/spinner";
import { Suspense, useEffect, useState } from "react";
import { SignedProvider, useSigned } from "./session/context";
import { expiry, forget, type Info, keep, type Session } from "./session/session";
import { SignIn } from "./session/signin";
import type { Look } from "./shell/look";
import { NoticeBar, NoticesProvider } from "./shell/notices";
import { Lost } from "./shell/lost";
import { type PageDefinition, pages } from "./shell/pages";
import { Fence } from "./shell/problem";
import { go, href, useRoute } from "./shell/route";
import { Top } from "./shell/top";
import { type Key, useText } from "./text";

export function App({ first, info, error, look }: { first?: Session; info: Info; error?: unknown; look: Look }) {
  const [session, setSession] = useState(first);
  const [ended, setEnded] = useState(false);
  const change = (s: Session) => setSession(keep(s));
  useEffect(() => {
    if (!session) return;
    const timer = setTimeout(() => {
      forget();
      setEnded(true);
      setSession(undefined);
    }, Math.min(expiry(session) - Date.now(), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }, [session]);
  if (!session) return <SignIn info={info} error={error} ended={ended} look={look} signedIn={(s) => setSession(s)} />;
  return (
    <SignedProvider session={session} info={info} change={change}>
      <NoticesProvider>
        <Shell look={look} />
      </NoticesProvider>
    </SignedProvider>
  );
}

/** The page of an address: the longest path that it begins with. */
export function pageAt(path: string): PageDefinition | undefined {
  return pages.find((p) => p.path === path) ?? pages.find((p) => path.startsWith(p.path + "/"));
}

function Shell({ look }: { look: Look }) {
  const { t } = useText();
  const { path } = useRoute();
  const { session, info, standing } = useSigned();
  const page = pageAt(path);
  const [open, setOpen] = useState(() => innerWidth > 900);
  useEffect(() => {
    if (path === "/") location.replace(href("/dashboard"));
  }, [path]);
  useEffect(() => {
    document.title = page ? `${t(page.title)} – ${t("app.product")}` : t("app.product");
  }, [page, t]);
  // The narrow layout's navigation carries an attribute that landmarks may not have.
  useEffect(() => document.querySelectorAll("nav[aria-orientation]").forEach((nav) => nav.removeAttribute("aria-orientation")));
  return (
    <>
      <a className="skip" href="#main" onClick={(e) => { e.preventDefault(); toContent(); }}>{t("app.skip")}</a>
      <Top look={look} />
      <AppLayout
        headerSelector="#top"
        toolsHide
        navigationOpen={open}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        ariaLabels={{ navigation: t("app.navigation"), navigationClose: t("app.close"), navigationToggle: t("app.open"), notifications: t("app.notifications") }}
        breadcrumbs={page && <Crumbs page={page} />}
        navigation={<Navigation current={page?.path ?? ""} close={() => innerWidth <= 900 && setOpen(false)} />}
        notifications={<NoticeBar extra={useWarnings(info)} />}
        content={
          <div id="main"><Fence key={path + session.accountId + session.region}>
            <Suspense fallback={<Spinner size="large" />}>
              {page ? standing.known || page.path === "/switch-role" ? <page.page key={session.accessKeyId} /> : <Spinner size="large" /> : path === "/" ? null : <Lost />}
            </Suspense>
          </Fence></div>
        }
      />
    </>
  );
}

/** Puts the focus on the page itself; the address, which says what the page shows, stays. */
function toContent() {
  const title = document.querySelector<HTMLElement>("main h1");
  if (!title) return;
  title.tabIndex = -1;
  title.focus();
}

function Crumbs({ page }: { page: PageDefinition }) {
  const { t } = useText();
  const items = [{ text: t("app.product"), href: href("/dashboard") }];
  if (page.section) items.push({ text: t(page.section), href: href(pages.find((p) => p.section === page.section)!.path) });
  items.push({ text: t(page.title), href: href(page.path) });
  return <BreadcrumbGroup ariaLabel={t("app.trail")} items={items} />;
}

function Navigation({ current, close }: { current: string; close: () => void }) {
  const { t } = useText();
  const link = (p: PageDefinition): SideNavigationProps.Link => ({ type: "link", text: t(p.title), href: href(p.path) });
  const section = (s: Key): SideNavigationProps.Section => ({
    type: "section", text: t(s), defaultExpanded: true, items: pages.filter((p) => p.section === s).map(link),
  });
  const single = (path: string) => link(pages.find((p) => p.path === path)!);
  return (
    <SideNavigation
      header={{ text: t("app.service"), href: href("/dashboard") }}
      activeHref={href(current)}
      onFollow={(e) => {
        if (e.detail.external || !e.detail.href) return;
        e.preventDefault();
        go(e.detail.href);
        close();
      }}
      items={[single("/dashboard"), section("nav.findings"), single("/coverage"), section("nav.setUp"), section("nav.operation")]}
    />
  );
}

/** What a reader must know on every page. */
function useWarnings(info: Info): FlashbarProps.MessageDefinition[] {
  const { t } = useText();
  const { session } = useSigned();
  const soon = useSoon(expiry(session) - 10 * 60_000);
  const items: FlashbarProps.MessageDefinition[] = [];
  if (info.emulator) items.push({ id: "emulator", type: "warning", header: t("emulator.title"), content: t("emulator.body") });
  if (soon) items.push({ id: "expiring", type: "warning", content: t("signIn.expiring", { time: new Date(expiry(session)).toLocaleTimeString() }) });
  return items;
}

function useSoon(at: number): boolean {
  const [soon, setSoon] = useState(Date.now() > at);
  useEffect(() => {
    setSoon(Date.now() > at);
    const timer = setTimeout(() => setSoon(true), Math.min(Math.max(at - Date.now(), 0), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }, [at]);
  return soon;
}
