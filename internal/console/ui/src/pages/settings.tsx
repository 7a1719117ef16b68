import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import Toggle from "@cloudscape-design/components/toggle";
import { type ReactNode, useEffect, useState } from "react";
import {
  Ec2ScanModeValues, type EcrConfiguration, EcrPullDateRescanDurationValues, EcrPullDateRescanModeValues, EcrRescanDurationValues, GetConfiguration,
  GetEc2DeepInspectionConfiguration, UpdateConfiguration, UpdateEc2DeepInspectionConfiguration, UpdateOrgEc2DeepInspectionConfiguration,
} from "../api/inspector2";
import { useSigned } from "../session/context";
import { type Loaded, useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { useText } from "../text";
import { Status } from "./status";

/** How the resources of the account are scanned. */
export default function Settings() {
  const { t } = useText();
  const { session, standing } = useSigned();
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={t("settings.help", { region: session.region })}>{t("settings.title")}</Header>
      {standing.member && <Alert type="info">{t("settings.effective")}</Alert>}
      <Scans fixed={standing.member} />
      <DeepInspection />
    </SpaceBetween>
  );
}

/** A container with a button that saves, and says how that went. */
function Saved({ title, description, save, busy, fixed, children }: { title: string; description?: string; save: () => Promise<unknown>; busy: Loaded<unknown>; fixed?: boolean; children: ReactNode }) {
  const { t } = useText();
  const notices = useNotices();
  const [saving, setSaving] = useState(false);
  const go = async () => {
    setSaving(true);
    await save().then(() => notices.done(t("settings.saved")), (e) => notices.failed(title, e));
    setSaving(false);
    busy.again();
  };
  return (
    <Container header={<Header variant="h2" description={description} actions={!fixed && <Button loading={saving} disabled={!busy.value} onClick={go}>{t("do.save")}</Button>}>{title}</Header>}>
      <SpaceBetween size="m">
        <Problem error={busy.error} again={busy.again} />
        {children}
      </SpaceBetween>
    </Container>
  );
}

function Scans({ fixed }: { fixed: boolean }) {
  const { t } = useText();
  const { client } = useSigned();
  const found = useLoaded((signal) => client.call(GetConfiguration, {}, signal), [client]);
  const [mode, setMode] = useState<string>("EC2_HYBRID");
  const [ecr, setEcr] = useState<EcrConfiguration>({ rescanDuration: "LIFETIME" });
  const ec2State = found.value?.ec2Configuration?.scanModeState;
  const ecrState = found.value?.ecrConfiguration?.rescanDurationState;
  useEffect(() => {
    if (ec2State?.scanMode) setMode(ec2State.scanMode);
    if (ecrState?.rescanDuration) setEcr({ rescanDuration: ecrState.rescanDuration, pullDateRescanDuration: ecrState.pullDateRescanDuration, pullDateRescanMode: ecrState.pullDateRescanMode });
  }, [ec2State, ecrState]);
  return (
    <SpaceBetween size="l">
      <Saved title={t("settings.ec2")} busy={found} fixed={fixed} save={() => client.call(UpdateConfiguration, { ec2Configuration: { scanMode: mode as "EC2_HYBRID" } })}>
        <Choice label={t("settings.scanMode")} group="scanMode" values={Ec2ScanModeValues} value={mode} set={setMode} fixed={fixed} />
        {ec2State?.scanModeStatus && <Status group="settingStatus" value={ec2State.scanModeStatus} />}
      </Saved>
      <Saved title={t("settings.ecr")} busy={found} fixed={fixed} save={() => client.call(UpdateConfiguration, { ecrConfiguration: ecr })}>
        <Choice label={t("settings.rescan")} group="rescan" values={EcrRescanDurationValues} value={ecr.rescanDuration} set={(v) => setEcr({ ...ecr, rescanDuration: v as "LIFETIME" })} fixed={fixed} />
        <Choice label={t("settings.pullRescan")} group="rescan" values={EcrPullDateRescanDurationValues} value={ecr.pullDateRescanDuration} set={(v) => setEcr({ ...ecr, pullDateRescanDuration: v as "DAYS_14" })} fixed={fixed} />
        <Choice label={t("settings.pullMode")} group="pullMode" values={EcrPullDateRescanModeValues} value={ecr.pullDateRescanMode} set={(v) => setEcr({ ...ecr, pullDateRescanMode: v as "LAST_PULL_DATE" })} fixed={fixed} />
        {ecrState?.status && <Status group="settingStatus" value={ecrState.status} />}
      </Saved>
    </SpaceBetween>
  );
}

function Choice({ label, group, values, value, set, fixed }: { label: string; group: string; values: readonly string[]; value?: string; set: (v: string) => void; fixed: boolean }) {
  const { name } = useText();
  if (values.length === 2) {
    return (
      <FormField label={label}>
        <RadioGroup ariaLabel={label} value={value ?? null} onChange={({ detail }) => set(detail.value)} items={values.map((v) => ({ value: v, label: name(group, v), disabled: fixed }))} />
      </FormField>
    );
  }
  return (
    <FormField label={label}>
      <Select disabled={fixed} selectedOption={value ? { value, label: name(group, value) } : null} options={values.map((v) => ({ value: v, label: name(group, v) }))} onChange={({ detail }) => set(detail.selectedOption.value!)} placeholder="–" />
    </FormField>
  );
}

const lines = (text: string) => text.split("\n").map((l) => l.trim()).filter(Boolean);

function DeepInspection() {
  const { t } = useText();
  const { client, standing } = useSigned();
  const found = useLoaded((signal) => client.call(GetEc2DeepInspectionConfiguration, {}, signal), [client]);
  const [on, setOn] = useState(false);
  const [paths, setPaths] = useState("");
  const [org, setOrg] = useState("");
  useEffect(() => {
    if (!found.value) return;
    setOn(found.value.status !== "DEACTIVATED");
    setPaths((found.value.packagePaths ?? []).join("\n"));
    setOrg((found.value.orgPackagePaths ?? []).join("\n"));
  }, [found.value]);
  const administrator = standing.kind === "ADMINISTRATOR";
  const save = async () => {
    if (administrator) await client.call(UpdateOrgEc2DeepInspectionConfiguration, { orgPackagePaths: lines(org) });
    await client.call(UpdateEc2DeepInspectionConfiguration, { ...(!standing.member && { activateDeepInspection: on }), packagePaths: lines(paths) });
  };
  return (
    <Saved title={t("settings.deep")} description={t("settings.deepHelp")} busy={found} save={save}>
      {found.value?.status && <Status group="deep" value={found.value.status} />}
      {found.value?.errorMessage && <Alert type="error">{found.value.errorMessage}</Alert>}
      <Toggle checked={on} disabled={standing.member} onChange={({ detail }) => setOn(detail.checked)}>{t("settings.activateDeep")}</Toggle>
      <FormField label={t("settings.paths")} constraintText={t("settings.pathsHelp")}>
        <Textarea value={paths} rows={3} onChange={({ detail }) => setPaths(detail.value)} spellcheck={false} />
      </FormField>
      <FormField label={t("settings.orgPaths")} constraintText={t("settings.pathsHelp")}>
        <Textarea value={org} rows={3} disabled={!administrator} onChange={({ detail }) => setOrg(detail.value)} spellcheck={false} />
      </FormField>
    </Saved>
  );
}
