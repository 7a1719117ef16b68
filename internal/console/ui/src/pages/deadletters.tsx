import Button from "@cloudscape-design/components/button";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import { type DeadLetter, ListDeadLetters, RedriveDeadLetters } from "../api/muster";
import { useSigned } from "../session/context";
import { useNotices } from "../shell/notices";
import { List } from "../table/list";
import { useText } from "../text";

/** Events that a destination has refused for good, to be sent again when it is mended. */
export function DeadLetters({ sink }: { sink: string }) {
  const { t, time, number } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const redrive = async (positions?: number[]) => {
    try {
      const out = await client.call(RedriveDeadLetters, { sinkId: sink, positions });
      notices.done(t("letters.redriven", { n: out.redriven }));
    } catch (e) {
      notices.failed(t("letters.redrive"), e);
    }
  };
  return (
    <List<DeadLetter>
      id="dead-letters"
      title={t("letters.title")}
      description={t("letters.help")}
      columns={[
        { id: "time", header: t("letters.time"), text: (l) => time(l.time), width: 190 },
        { id: "type", header: t("letters.type"), text: (l) => l.detailType, width: 180 },
        { id: "account", header: t("account.account"), text: (l) => l.accountId, width: 150 },
        { id: "region", header: t("app.region"), text: (l) => l.region, width: 120 },
        { id: "resources", header: t("finding.resource"), text: (l) => l.resources.join(" "), width: 220 },
        { id: "attempts", header: t("letters.attempts"), text: (l) => number(l.attempts), width: 110 },
        { id: "givenUp", header: t("letters.givenUp"), text: (l) => time(l.givenUpAt), width: 190 },
        { id: "error", header: t("sink.error"), text: (l) => l.error, cell: (l) => <span lang="en">{l.error}</span>, width: 260 },
        { id: "detail", header: t("letters.detail"), text: (l) => l.detail, cell: (l) => <ExpandableSection headerText={t("letters.show")}><pre className="code path" tabIndex={0} aria-label={t("letters.detail")}>{pretty(l.detail)}</pre></ExpandableSection>, width: 320 },
      ]}
      track={(l) => String(l.position)}
      deps={[client, sink]}
      load={async (q) => {
        const out = await client.call(ListDeadLetters, { sinkId: sink, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.deadLetters, nextToken: out.nextToken };
      }}
      selection="multi"
      empty={t("letters.empty")}
      actions={(rows, reload) => (
        <>
          <Button disabled={!rows.length} onClick={() => void redrive(rows.map((l) => l.position)).finally(reload)}>{t("letters.redrive")}</Button>
          <Button onClick={() => void redrive().finally(reload)}>{t("letters.redriveAll")}</Button>
        </>
      )}
    />
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
