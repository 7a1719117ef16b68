import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import Textarea from "@cloudscape-design/components/textarea";
import { useEffect, useMemo, useState } from "react";
import { messageOf } from "../api/problem";
import { CreateFilter, type FilterCriteria, ListFilters, ListFindings, UpdateFilter } from "../api/inspector2";
import { Filter } from "../filters/filter";
import { findingProperties } from "../filters/findingproperties";
import { criteria, read, type Token } from "../filters/property";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { go, href, useRoute } from "../shell/route";
import { useText } from "../text";
import { findingColumns } from "./findings";
import { tokensOf } from "./rulecriteria";

/** A new rule, begun with the filter of the address, or an existing one. */
export function RuleForm({ arn }: { arn?: string }) {
  const { t } = useText();
  const { client, standing } = useSigned();
  const { params } = useRoute();
  const notices = useNotices();
  const begun = useMemo(() => read(params, findingProperties) ?? [], []);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [reason, setReason] = useState("");
  const [tokens, setTokens] = useState<Token[]>(begun);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const found = useLoaded(async (signal) => (arn ? (await client.call(ListFilters, { arns: [arn] }, signal)).filters[0] : undefined), [client, arn]);
  useEffect(() => {
    const f = found.value;
    if (!f) return;
    setName(f.name);
    setDescription(f.description ?? "");
    setReason(f.reason ?? "");
    setTokens(tokensOf(f.criteria));
  }, [found.value]);
  const save = async () => {
    const filterCriteria = criteria(tokens, findingProperties) as FilterCriteria | undefined;
    if (!filterCriteria) return setError(new Error(t("rule.needsCriteria")));
    setBusy(true);
    setError(undefined);
    const said = { action: "SUPPRESS" as const, name: name.trim(), description: description.trim() || undefined, reason: reason.trim() || undefined, filterCriteria };
    try {
      if (arn) await client.call(UpdateFilter, { ...said, filterArn: arn });
      else await client.call(CreateFilter, said);
      notices.done(t("rule.saved", { name: said.name }));
      go(href("/rules"));
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  if (found.error) return <Problem error={found.error} again={found.again} />;
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("rule.help")}>{t(arn ? "rule.edit" : "rule.create")}</Header>
      {standing.member && <Alert type="info">{t("rule.member")}</Alert>}
      <form onSubmit={(e) => { e.preventDefault(); void save(); }}>
        <Form
          errorText={error ? messageOf(error) : undefined}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" href={href("/rules")}>{t("do.cancel")}</Button>
              <Button variant="primary" formAction="submit" loading={busy} disabled={standing.member}>{t("do.save")}</Button>
            </SpaceBetween>
          }
        >
          <Container>
            <SpaceBetween size="m">
              <FormField label={t("rule.name")} constraintText={t("rule.nameHelp")}><Input value={name} onChange={({ detail }) => setName(detail.value)} /></FormField>
              <FormField label={t("rule.description")}><Input value={description} onChange={({ detail }) => setDescription(detail.value)} /></FormField>
              <FormField label={t("rule.reason")} constraintText={t("rule.reasonHelp")}><Textarea rows={2} value={reason} onChange={({ detail }) => setReason(detail.value)} /></FormField>
              <FormField label={t("rule.criteria")} stretch>
                <Filter properties={findingProperties} tokens={tokens} onChange={setTokens} label={t("rule.criteria")} />
              </FormField>
            </SpaceBetween>
          </Container>
        </Form>
      </form>
      <Preview tokens={tokens} />
    </SpaceBetween>
  );
}

const shown = 20;

/** The active findings that the rule would suppress. */
function Preview({ tokens }: { tokens: Token[] }) {
  const text = useText();
  const { t } = text;
  const { client } = useSigned();
  const asked = JSON.stringify(tokens);
  const found = useLoaded(async (signal) => {
    if (!tokens.length) return undefined;
    const filterCriteria = { ...criteria(tokens, findingProperties), findingStatus: [{ comparison: "EQUALS", value: "ACTIVE" }] } as FilterCriteria;
    const out = await client.call(ListFindings, { filterCriteria, maxResults: shown, sortCriteria: { field: "SEVERITY", sortOrder: "DESC" } }, signal);
    return { items: out.findings ?? [], more: !!out.nextToken };
  }, [client, asked]);
  const { items = [], more = false } = found.value ?? {};
  const words = !tokens.length ? t("rule.needsCriteria") : !items.length ? t("rule.previewNone") : t(more ? "rule.previewMany" : "rule.previewSome", { n: items.length });
  return (
    <Table
      variant="container"
      loading={found.loading}
      loadingText={t("app.loading")}
      ariaLabels={{ tableLabel: t("rule.preview") }}
      header={<Header variant="h2" description={words}>{t("rule.preview")}</Header>}
      items={items}
      trackBy="findingArn"
      empty={words}
      columnDefinitions={findingColumns(text).filter((c) => !c.hidden).slice(0, 7).map((c) => ({ id: c.id, header: c.header, cell: c.cell ?? c.text }))}
    />
  );
}
