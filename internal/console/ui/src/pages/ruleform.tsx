import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { messageOf } from "../api/problem";
import { CreateFilter, type FilterCriteria, ListFilters, UpdateFilter } from "../api/inspector2";
import { DescribeFilters, GetFilterSettings, PutFilterExpiry } from "../api/muster";
import { Filter } from "../filters/filter";
import { findingProperties } from "../filters/findingproperties";
import { criteria, read, seconds, type Token } from "../filters/property";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { go, href, useRoute } from "../shell/route";
import { useText } from "../text";
import { tokensOf } from "./rulecriteria";
import { Preview } from "./rulepreview";

const DatePicker = lazy(() => import("@cloudscape-design/components/date-picker"));

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
  const [until, setUntil] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const found = useLoaded(async (signal) => {
    if (!arn) return undefined;
    const [list, states] = await Promise.all([client.call(ListFilters, { arns: [arn] }, signal), client.call(DescribeFilters, { filterArns: [arn] }, signal)]);
    return list.filters[0] && { ...list.filters[0], expiresAt: states.filters[0]?.expiresAt };
  }, [client, arn]);
  const needed = !!useLoaded((signal) => client.call(GetFilterSettings, {}, signal), [client]).value?.settings.reasonRequired;
  useEffect(() => {
    const f = found.value;
    if (!f) return;
    setName(f.name);
    setDescription(f.description ?? "");
    setReason(f.reason ?? "");
    setTokens(tokensOf(f.criteria));
    setUntil(f.expiresAt ? new Date(f.expiresAt * 1000).toISOString().slice(0, 10) : "");
  }, [found.value]);
  const save = async () => {
    const filterCriteria = criteria(tokens, findingProperties) as FilterCriteria | undefined;
    if (!filterCriteria) return setError(new Error(t("rule.needsCriteria")));
    if (needed && !reason.trim()) return setError(new Error(t("rule.needsReason")));
    setBusy(true);
    setError(undefined);
    const said = { action: "SUPPRESS" as const, name: name.trim(), description: description.trim() || undefined, reason: reason.trim() || undefined, filterCriteria };
    try {
      const filterArn = (arn ? await client.call(UpdateFilter, { ...said, filterArn: arn }) : await client.call(CreateFilter, said)).arn;
      const expiresAt = until ? seconds(until, true) : undefined;
      if (expiresAt !== found.value?.expiresAt) await client.call(PutFilterExpiry, { filterArn, expiresAt, reason: said.reason });
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
      <Header variant="h1" description={t("rule.help")} actions={arn && <Button href={href("/rules/history", { arn })}>{t("rule.historyOf")}</Button>}>{t(arn ? "rule.edit" : "rule.create")}</Header>
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
              <FormField label={t("rule.reason")} constraintText={needed ? `${t("rule.needsReason")} ${t("rule.reasonHelp")}` : t("rule.reasonHelp")}><Textarea rows={2} value={reason} onChange={({ detail }) => setReason(detail.value)} /></FormField>
              <FormField label={t("rule.expires")} constraintText={t("rule.expiresHelp")}>
                <Suspense fallback={<Input disabled value={until} />}>
                  <DatePicker value={until} onChange={({ detail }) => setUntil(detail.value)} isDateEnabled={(d) => d.getTime() > Date.now() - 86_400_000} openCalendarAriaLabel={() => t("rule.expires")} />
                </Suspense>
              </FormField>
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
