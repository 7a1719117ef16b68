import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useEffect, useState } from "react";
import { type FilterCriteria, PreviewFilter, type PreviewFilterResponse, type PreviewedFinding } from "../api/muster";
import { findingProperties } from "../filters/findingproperties";
import { criteria, type Token } from "../filters/property";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { Problem } from "../shell/problem";
import { href } from "../shell/route";
import { useText } from "../text";
import { findingsHref } from "./findings";
import { Severity } from "./severity";

const shown = 20;

/** What a rule would hide: how many of which severity, in which accounts, and the worst of them. */
export function Preview({ tokens }: { tokens: Token[] }) {
  const { t, number, time } = useText();
  const { client } = useSigned();
  const filterCriteria = criteria(tokens, findingProperties) as FilterCriteria | undefined;
  const question = JSON.stringify(filterCriteria);
  const found = useLoaded(async (signal) => filterCriteria && client.call(PreviewFilter, { filterCriteria, maxResults: shown }, signal), [client, question]);
  const p = useRest(found.value, (nextToken, signal) => client.call(PreviewFilter, { filterCriteria, nextToken }, signal));
  const hidden = p?.hiddenCount ?? 0;
  const words = !tokens.length ? t("rule.needsCriteria") : !p ? undefined : !hidden ? t("rule.previewNone") : t(p.complete ? "rule.previewAll" : "rule.previewMany", { n: hidden, accounts: p.accountCount });
  return (
    <Table<PreviewedFinding>
      variant="container"
      wrapLines
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t("rule.preview") }}
      header={
        <Header variant="h2" description={words} actions={tokens.length > 0 && <Button href={findingsHref([...tokens, { key: "findingStatus", operator: "=", value: "ACTIVE" }])}>{t("dashboard.all")}</Button>}>
          {t("rule.preview")}
        </Header>
      }
      filter={p && hidden > 0 && (
        <SpaceBetween direction="horizontal" size="m">
          {p.bySeverity.filter((s) => s.count > 0).map((s) => <span key={s.severity}><Severity value={s.severity} /> <Box variant="span">{number(s.count)}</Box></span>)}
          {p.byAccount.slice(0, 5).map((a) => <Box key={a.accountId} variant="span" color="text-body-secondary">{`${a.accountId}: ${number(a.count)}`}</Box>)}
        </SpaceBetween>
      )}
      items={p?.findings ?? []}
      trackBy="findingArn"
      empty={found.error ? <Problem error={found.error} again={found.again} /> : words}
      columnDefinitions={[
        { id: "severity", header: t("finding.severity"), cell: (f) => <Severity value={f.severity} /> },
        { id: "title", header: t("finding.name"), cell: (f) => <Link href={href("/finding", { arn: f.findingArn })}>{f.title}</Link> },
        { id: "resource", header: t("finding.resource"), cell: (f) => f.resourceId },
        { id: "account", header: t("finding.account"), cell: (f) => f.accountId },
        { id: "first", header: t("finding.first"), cell: (f) => time(f.firstObservedAt) },
      ]}
    />
  );
}

/** The counts of a first answer, and then those of the answers that go on from it, as they come. */
function useRest(first: PreviewFilterResponse | undefined, ask: (nextToken: string, signal: AbortSignal) => Promise<PreviewFilterResponse>): PreviewFilterResponse | undefined {
  const [last, setLast] = useState<{ first?: PreviewFilterResponse; so?: PreviewFilterResponse }>({});
  useEffect(() => {
    const abort = new AbortController();
    const goOn = async () => {
      for (let so = first; first && so?.nextToken; ) {
        so = await ask(so.nextToken, abort.signal);
        setLast({ first, so: { ...so, findings: first.findings } });
      }
    };
    // What is known so far stays, and says that it is not all.
    goOn().catch(() => undefined);
    return () => abort.abort();
  }, [first]);
  return last.first === first ? (last.so ?? first) : first;
}
