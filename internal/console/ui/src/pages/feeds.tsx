import { type Feed, ListFeeds } from "../api/muster";
import { useSigned } from "../session/context";
import { List } from "../table/list";
import { useText } from "../text";
import { Status } from "./status";

/** Where the advisories come from and how old they are. */
export default function Feeds() {
  const { t, name, time, number } = useText();
  const { client } = useSigned();
  const age = (f: Feed) => {
    const since = f.publishedAt ?? f.importedAt;
    if (!since) return "–";
    const hours = Math.max(0, Math.floor((Date.now() / 1000 - since) / 3600));
    return hours < 48 ? t("feeds.hours", { n: hours }) : t("feeds.days", { n: Math.floor(hours / 24) });
  };
  return (
    <List<Feed>
      id="feeds"
      title={t("feeds.title")}
      description={t("feeds.help")}
      columns={[
        { id: "source", header: t("feeds.source"), text: (f) => f.source, width: 240 },
        { id: "status", header: t("feeds.status"), text: (f) => name("feed", f.status), cell: (f) => <Status group="feed" value={f.status} />, width: 200 },
        { id: "records", header: t("feeds.records"), text: (f) => number(f.records), width: 120 },
        { id: "age", header: t("feeds.age"), text: age, width: 120 },
        { id: "imported", header: t("feeds.imported"), text: (f) => time(f.importedAt), width: 190 },
        { id: "published", header: t("feeds.published"), text: (f) => time(f.publishedAt), width: 190 },
        { id: "reason", header: t("feeds.reason"), text: (f) => f.reason ?? "–", width: 240 },
      ]}
      track={(f) => f.source + (f.ecosystem ?? "")}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListFeeds, {}, q.signal);
        return { items: [...out.feeds].sort((a, b) => a.source.localeCompare(b.source)) };
      }}
      empty={t("feeds.empty")}
    />
  );
}
