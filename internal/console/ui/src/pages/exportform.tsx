import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { messageOf } from "../api/problem";
import type { FilterCriteria, ResourceFilterCriteria } from "../api/inspector2";
import { Filter } from "../filters/filter";
import { activeOnly, findingProperties } from "../filters/findingproperties";
import { criteria, read } from "../filters/property";
import { useSigned } from "../session/context";
import { TextField } from "../session/signin";
import { useNotices } from "../shell/notices";
import { go, href, useRoute } from "../shell/route";
import { useText } from "../text";
import { coverageProperties } from "./coverageproperties";
import { orderReport, orderSboms, rememberDestination, usualDestination } from "./exporting";

const wanted = ["accountId", "resourceId", "resourceType", "ecrRepositoryName", "lambdaFunctionName", "ecrImageTags", "ec2InstanceTags", "lambdaFunctionTags"];

/** What an SBOM export can be restricted by. */
export const resourceProperties = coverageProperties.filter((p) => wanted.includes(p.key));

/** Orders a report of findings or SBOMs, begun with the filter of the address. */
export function ExportForm() {
  const { t, name } = useText();
  const { client, session } = useSigned();
  const { params } = useRoute();
  const notices = useNotices();
  const [kind, setKind] = useState(params.get("kind") === "SBOM" ? "SBOM" : "FINDINGS");
  const [format, setFormat] = useState({ FINDINGS: "CSV", SBOM: "CYCLONEDX_1_4" });
  const [findings, setFindings] = useState(() => read(params, findingProperties) ?? activeOnly);
  const [resources, setResources] = useState(() => read(params, resourceProperties) ?? []);
  const [to, setTo] = useState(() => usualDestination(session.accountId, session.region));
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const sbom = kind === "SBOM";
  const formats = sbom ? ["CYCLONEDX_1_4", "SPDX_2_3"] : ["CSV", "JSON"];
  const order = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const destination = { ...to, keyPrefix: to.keyPrefix || undefined };
      if (sbom) await orderSboms(client, format.SBOM as "SPDX_2_3", criteria(resources, resourceProperties) as ResourceFilterCriteria | undefined, destination);
      else await orderReport(client, format.FINDINGS as "CSV", criteria(findings, findingProperties) as FilterCriteria | undefined, destination);
      rememberDestination(session.accountId, session.region, to);
      notices.done(t("exports.ordered"));
      go(href("/exports"));
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("exports.newHelp")}>{t("exports.create")}</Header>
      <form onSubmit={(e) => { e.preventDefault(); void order(); }}>
        <Form
          errorText={error ? messageOf(error) : undefined}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" href={href("/exports")}>{t("do.cancel")}</Button>
              <Button variant="primary" formAction="submit" loading={busy}>{t("exports.order")}</Button>
            </SpaceBetween>
          }
        >
          <Container>
            <SpaceBetween size="m">
              <FormField label={<span id="exports-kind">{t("exports.kind")}</span>}>
                <SegmentedControl ariaLabelledby="exports-kind" selectedId={kind} onChange={({ detail }) => setKind(detail.selectedId)} options={["FINDINGS", "SBOM"].map((id) => ({ id, text: name("exportKind", id) }))} />
              </FormField>
              <FormField label={<span id="exports-format">{t("exports.format")}</span>}>
                <SegmentedControl ariaLabelledby="exports-format" selectedId={sbom ? format.SBOM : format.FINDINGS} onChange={({ detail }) => setFormat({ ...format, [kind]: detail.selectedId })} options={formats.map((id) => ({ id, text: name("exportFormat", id) }))} />
              </FormField>
              <FormField label={t("exports.which")} description={t(sbom ? "exports.whichResources" : "exports.whichFindings")} stretch>
                {sbom ? (
                  <Filter key="sbom" properties={resourceProperties} tokens={resources} onChange={setResources} label={t("exports.which")} />
                ) : (
                  <Filter key="findings" properties={findingProperties} tokens={findings} onChange={setFindings} label={t("exports.which")} />
                )}
              </FormField>
              <ExpandableSection headerText={t("exports.destination")}>
                <SpaceBetween size="m">
                  <TextField label="exports.bucket" value={to.bucketName} set={(bucketName) => setTo({ ...to, bucketName })} description={t("exports.bucketHelp")} />
                  <TextField label="exports.prefix" value={to.keyPrefix ?? ""} set={(keyPrefix) => setTo({ ...to, keyPrefix })} />
                  <TextField label="exports.kms" value={to.kmsKeyArn} set={(kmsKeyArn) => setTo({ ...to, kmsKeyArn })} description={t("exports.kmsHelp")} />
                </SpaceBetween>
              </ExpandableSection>
            </SpaceBetween>
          </Container>
        </Form>
      </form>
    </SpaceBetween>
  );
}
