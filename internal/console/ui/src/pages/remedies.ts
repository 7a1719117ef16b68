// What a button can do about each of the doctor's problems: an action where
// one call mends it, the page to go to where there is something to decide.
import type { Client } from "../api/call";
import { type AutoEnable, DescribeOrganizationConfiguration, Enable, ResourceScanTypeValues, UpdateOrganizationConfiguration } from "../api/inspector2";
import { GetRollout, type Problem, ResourceTypeValues, StartRollout } from "../api/muster";
import { CreateOrganization, EnableAWSServiceAccess } from "../api/organizations";
import type { Standing } from "../session/standing";

export interface Remedy {
  act?: () => Promise<unknown>;
  path?: string;
}

export function remedyOf(p: Problem, client: Client, account: string, standing: Standing): Remedy | undefined {
  const management = standing.management === account;
  const administrator = standing.kind === "ADMINISTRATOR";
  switch (p.code) {
    case "ORGANIZATION_MISSING":
      return { act: () => client.call(CreateOrganization, { FeatureSet: "ALL" }) };
    case "TRUSTED_ACCESS_OFF":
      return management ? { act: () => client.call(EnableAWSServiceAccess, { ServicePrincipal: "inspector2.amazonaws.com" }) } : undefined;
    case "NO_DELEGATED_ADMINISTRATOR":
    case "DESIGNATIONS_DIFFER":
    case "REGISTRATION_DIFFERS":
      return management ? { path: "/delegate" } : undefined;
    case "ADMINISTRATOR_NOT_ACTIVE":
      return administrator ? activate(client, account) : undefined;
    case "ACCOUNT_NOT_ACTIVE":
      return activate(client, account);
    case "MEMBERS_NOT_ASSOCIATED":
    case "MEMBERS_SCAN_TYPES_OFF":
      return administrator ? { act: () => roll(client) } : undefined;
    case "AUTO_ENABLE_OFF":
      return administrator ? { act: () => automatic(client) } : undefined;
    case "MEMBER_LIMIT_REACHED":
    case "ACCOUNTS_SUSPENDED":
    case "TRANSITIONS_FAILED":
    case "TRANSITIONS_STUCK":
      return administrator ? { path: "/accounts" } : undefined;
    case "ADVISORIES_MISSING":
    case "ADVISORIES_AGED":
    case "ADVISORIES_REJECTED":
      return { path: "/feeds" };
    default:
      return undefined;
  }
}

function activate(client: Client, account: string): Remedy {
  return {
    act: async () => {
      const out = await client.call(Enable, { accountIds: [account], resourceTypes: [...ResourceScanTypeValues] });
      const [f] = out.failedAccounts ?? [];
      if (f) throw new Error(f.errorMessage);
    },
  };
}

/** All scan types in all active accounts; the page is asked again when the order has ended. */
async function roll(client: Client) {
  const { rollout } = await client.call(StartRollout, { action: "ENABLE", resourceTypes: [...ResourceTypeValues], regions: [client.region], associate: true });
  for (let tries = 0; tries < 120; tries++) {
    const now = await client.call(GetRollout, { rolloutId: rollout.rolloutId });
    if (now.rollout.status !== "IN_PROGRESS") return;
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function automatic(client: Client) {
  const now = await client.call(DescribeOrganizationConfiguration, {});
  const all: AutoEnable = { ...now.autoEnable, ec2: true, ecr: true, lambda: true, lambdaCode: true, codeRepository: true };
  await client.call(UpdateOrganizationConfiguration, { autoEnable: all });
}
