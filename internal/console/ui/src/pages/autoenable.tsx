import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { useEffect, useState } from "react";
import { type AutoEnable as Setting, DescribeOrganizationConfiguration, UpdateOrganizationConfiguration } from "../api/inspector2";
import { useSigned } from "../session/context";
import { useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { useText } from "../text";

const members = [["ec2", "EC2"], ["ecr", "ECR"], ["lambda", "LAMBDA"], ["lambdaCode", "LAMBDA_CODE"], ["codeRepository", "CODE_REPOSITORY"]] as const;
const off: Setting = { ec2: false, ecr: false, lambda: false, lambdaCode: false, codeRepository: false };

/** Activation of accounts that join from now on: a switch, a box per type, and Save. */
export function AutoEnable() {
  const { t, name } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const found = useLoaded((signal) => client.call(DescribeOrganizationConfiguration, {}, signal), [client]);
  const [wanted, want] = useState<Setting>(off);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (found.value?.autoEnable) want({ ...off, ...found.value.autoEnable });
  }, [found.value]);
  const on = members.some(([m]) => wanted[m]);
  const kept = { ...off, ...found.value?.autoEnable };
  const changed = members.some(([m]) => wanted[m] !== kept[m]);
  const save = async () => {
    setBusy(true);
    try {
      await client.call(UpdateOrganizationConfiguration, { autoEnable: wanted });
      notices.done(t("account.autoSaved"));
    } catch (e) {
      notices.failed(t("account.auto"), e);
    }
    setBusy(false);
    found.again();
  };
  return (
    <Container header={<Header variant="h2" description={t("account.autoHelp")} actions={<Button onClick={save} loading={busy} disabled={!changed}>{t("do.save")}</Button>}>{t("account.auto")}</Header>}>
      <SpaceBetween size="s">
        <Problem error={found.error} again={found.again} />
        {found.value?.maxAccountLimitReached && <Alert type="warning">{t("account.autoLimit")}</Alert>}
        <Toggle checked={on} onChange={({ detail }) => want(detail.checked ? { ...off, ec2: true, ecr: true, lambda: true } : off)} ariaLabel={t("account.auto")}>{t("account.auto")}</Toggle>
        <ColumnLayout columns={3} minColumnWidth={190}>
          {members.map(([m, type]) => (
            <Checkbox key={m} checked={!!wanted[m]} disabled={!on} onChange={({ detail }) => want(together(wanted, m, detail.checked))} description={m === "lambdaCode" ? t("account.codeNeedsLambda") : undefined}>
              {name("scanType", type)}
            </Checkbox>
          ))}
        </ColumnLayout>
      </SpaceBetween>
    </Container>
  );
}

/** The code of functions needs functions. */
function together(s: Setting, member: (typeof members)[number][0], on: boolean): Setting {
  const next = { ...s, [member]: on };
  if (member === "lambdaCode" && on) next.lambda = true;
  if (member === "lambda" && !on) next.lambdaCode = false;
  return next;
}
