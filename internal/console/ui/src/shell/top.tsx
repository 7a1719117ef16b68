import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { useSigned } from "../session/context";
import { forget, recentRoles } from "../session/session";
import { type Language, useText } from "../text";
import type { Display, Look } from "./look";
import { go, href } from "./route";

/** The bar above every page: Region, who is signed in, and how it looks. */
export function Top({ look }: { look: Look }) {
  const { t } = useText();
  const { session, info, change } = useSigned();
  const regions = info.regions?.length ? info.regions : [session.region];
  const utilities: TopNavigationProps.Utility[] = [
    {
      type: "menu-dropdown",
      text: session.region,
      ariaLabel: `${t("app.region")}: ${session.region}`,
      items: regions.map((id) => ({ id, text: id, disabled: id === session.region })),
      onItemClick: ({ detail }) => change({ ...session, region: detail.id }),
    },
    lookMenu(look, t),
    {
      type: "menu-dropdown",
      text: session.accountId,
      description: session.principal,
      ariaLabel: `${session.accountId} ${session.principal}`,
      iconName: "user-profile",
      items: userItems(),
      onItemClick: ({ detail }) => chosen(detail.id),
    },
  ];
  return (
    <div id="top">
      <TopNavigation identity={{ href: href("/dashboard"), title: t("app.product") }} utilities={utilities} i18nStrings={{ overflowMenuTriggerText: t("app.more"), overflowMenuTitleText: t("app.more") }} />
    </div>
  );

  function userItems(): TopNavigationProps.MenuDropdownUtility["items"] {
    const items: { id: string; text: string }[] = [];
    if (session.base) items.push({ id: "back", text: t("role.back", { name: session.base.principal }) });
    items.push({ id: "switch", text: t("role.switch") });
    for (const r of recentRoles()) {
      if (r.account !== session.accountId || r.name !== session.role?.name) items.push({ id: `role:${r.account}:${r.name}`, text: t("role.in", { role: r.name, account: r.account }) });
    }
    if (!session.role && !session.federated && session.principal !== "root") items.push({ id: "security", text: t("nav.security") });
    return [...items, { id: "out", text: t("signIn.out") }];
  }

  function chosen(id: string) {
    if (id === "out") {
      forget();
      location.replace(location.pathname);
      location.reload();
    } else if (id === "back") {
      change({ ...session.base!, region: session.region });
      go(href("/dashboard"));
    } else if (id === "security") {
      go(href("/security"));
    } else if (id === "switch") {
      go(href("/switch-role"));
    } else {
      const [, account, role] = id.split(":");
      go(href("/switch-role", { account, role }));
    }
  }
}

export function lookMenu(look: Look, t: ReturnType<typeof useText>["t"]): TopNavigationProps.MenuDropdownUtility {
  const mark = (id: string, text: string, on: boolean) => ({ id, text, itemType: "checkbox" as const, checked: on });
  return {
    type: "menu-dropdown",
    iconName: "settings",
    ariaLabel: t("look.display"),
    title: t("look.display"),
    items: [
      { id: "languages", text: t("look.language"), items: [mark("language:en", t("look.english"), look.language === "en"), mark("language:ja", t("look.japanese"), look.language === "ja")] },
      {
        id: "modes", text: t("look.mode"),
        items: [mark("mode:light", t("look.light"), look.display === "light"), mark("mode:dark", t("look.dark"), look.display === "dark"), mark("mode:system", t("look.system"), look.display === "system")],
      },
    ],
    onItemClick: ({ detail }) => {
      const [what, value] = detail.id.split(":");
      if (what === "language") look.setLanguage(value as Language);
      else look.setDisplay(value as Display);
    },
  };
}
