import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Finding, Resource } from "../api/inspector2";
import { Fields } from "../shell/fields";
import { useText } from "../text";
import { resourceHref } from "./addresses";

/** What a finding is about. */
export function ResourceDetails({ f }: { f: Finding }) {
  const { t } = useText();
  return (
    <Container header={<Header variant="h2">{t("finding.resourceDetails")}</Header>}>
      <SpaceBetween size="l">{f.resources.map((r) => <One key={r.id} r={r} account={f.awsAccountId} />)}</SpaceBetween>
    </Container>
  );
}

function One({ r, account }: { r: Resource; account: string }) {
  const { t, name, time, number } = useText();
  const ec2 = r.details?.awsEc2Instance;
  const image = r.details?.awsEcrContainerImage;
  const lambda = r.details?.awsLambdaFunction;
  const tags = Object.entries(r.tags ?? {}).map(([k, v]) => `${k}=${v}`).join(", ");
  return (
    <Fields of={[
      [t("finding.resource"), <Link key="id" href={resourceHref({ resourceId: r.id, accountId: account })}>{r.id}</Link>],
      [t("finding.resourceType"), name("resourceType", r.type)],
      [t("finding.region"), r.region],
      [t("finding.tags"), tags],
      [t("finding.platform"), ec2?.platform ?? image?.platform],
      [t("finding.instanceType"), ec2?.type],
      [t("finding.image"), ec2?.imageId],
      [t("finding.vpc"), ec2?.vpcId],
      [t("finding.subnet"), ec2?.subnetId],
      [t("finding.addresses"), [...(ec2?.ipV4Addresses ?? []), ...(ec2?.ipV6Addresses ?? [])].join(", ")],
      [t("finding.repository"), image?.repositoryName],
      [t("criterion.ecrImageTags"), image?.imageTags?.join(", ")],
      [t("finding.digest"), image?.imageHash],
      [t("finding.architecture"), image?.architecture],
      [t("finding.pushed"), image?.pushedAt && time(image.pushedAt)],
      [t("finding.inUse"), image?.inUseCount !== undefined ? number(image.inUseCount) : undefined],
      [t("finding.function"), lambda?.functionName],
      [t("finding.runtime"), lambda?.runtime],
    ]} />
  );
}
